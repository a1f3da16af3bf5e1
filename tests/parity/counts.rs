//! The requests of each client for the same job, from the registries' own logs.

use refkit_support::RealRegistry;

use crate::count_jobs::{JOBS, Job};
use crate::place::Place;
use crate::programs::Client;

/// The requests of one client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
struct Count {
    all: usize,
    /// Those of them that ask which manifests refer to one: for attestations and signatures.
    referrers: usize,
}

impl Count {
    fn of(registries: [&RealRegistry; 2]) -> anyhow::Result<Self> {
        let mut count = Self::default();
        for registry in registries {
            count.all += registry.count("*")?;
            // The second is for registries that have no referrers API.
            count.referrers += registry.count("GET */referrers/*")? + registry.count("GET */manifests/sha256-*")?;
        }
        Ok(count)
    }

    /// Returns whether these are fewer requests for the same. A client that never asks for referrers loses attestations, so
    /// those questions do not count against one that asks.
    fn is_fewer_than(self, own: Self) -> bool {
        let asked = if self.referrers == 0 { own.all - own.referrers } else { own.all };
        self.all < asked
    }
}

impl std::fmt::Display for Count {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.referrers {
            0 => write!(f, "{}", self.all),
            referrers => write!(f, "{} ({referrers})", self.all),
        }
    }
}

/// The requests of the clients of one job.
pub struct Counted<'a> {
    job: &'a Job,
    requests: Vec<(Client, Count)>,
}

/// Returns the requests of one client, after a check of what it made.
fn count(place: &Place, job: &Job, repository: &str, client: Client, line: &str) -> Count {
    let repository = format!("{repository}/{}", client.name());
    place.prepare(&repository, job.before, job.tagged);
    let registries = [&place.registry, &place.far];
    registries.iter().for_each(|registry| registry.clear().unwrap_or_else(|error| panic!("{error:#}")));
    let ran = place.run(client, &repository, line).success();
    let count = Count::of(registries).unwrap_or_else(|error| panic!("{error:#}"));
    let held = place.held_at_both(&repository);
    let root = held.iter().find_map(|held| held.tags.get("1"));
    assert!(root.is_some(), "nothing came of {}", ran.line);
    if let Some(name) = job.makes {
        assert_eq!(root, Some(place.fixture(name).image.digest()), "{}", ran.line);
    }
    count
}

/// Counts all jobs by the clients that are chosen.
pub fn count_all(chosen: impl Fn(Client) -> bool) -> Vec<(&'static str, Vec<Counted<'static>>)> {
    let place = Place::new();
    let of_job = |command: &str, number: usize, job: &'static Job| {
        let lines = job.lines.iter().filter(|(client, _)| chosen(*client));
        let repository = format!("count/{command}/{number}");
        let requests = lines.map(|(client, line)| (*client, count(&place, job, &repository, *client, line)));
        Counted { job, requests: requests.collect() }
    };
    let of_command = |(command, jobs): &(&'static str, &'static [Job])| {
        let counted = jobs.iter().enumerate().map(|(number, job)| of_job(command, number, job));
        (*command, counted.collect::<Vec<_>>())
    };
    JOBS.iter().map(of_command).collect()
}

/// Checks that RefKit needs exactly what is expected, and that no other client needs fewer requests but where that is
/// listed.
pub fn check(counted: &[(&'static str, Vec<Counted<'static>>)]) {
    let mut wrong = Vec::new();
    for (command, counted) in counted {
        for Counted { job, requests } in counted {
            let own =
                requests.iter().find(|(client, _)| *client == Client::Refkit).map_or_else(Count::default, |one| one.1);
            if own.all != job.requests {
                wrong.push(format!("refkit {command}, {}: {own} requests, not {}", job.title, job.requests));
            }
            for (client, other) in requests {
                let (listed, name) = (job.fewer.iter().find(|(known, _)| known == client), client.name());
                match (other.is_fewer_than(own), listed) {
                    (true, None) => {
                        wrong.push(format!("{command}, {}: {name} needs {other} requests, RefKit {own}", job.title));
                    }
                    (false, Some((_, reason))) => {
                        wrong.push(format!(
                            "{command}, {}: {name} does not need fewer, though listed: {reason}",
                            job.title
                        ));
                    }
                    _ => {}
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Prints the table of README. What is in brackets are the questions about referrers among the requests.
pub fn print(counted: &[(&'static str, Vec<Counted<'static>>)]) {
    const COLUMNS: [Client; 6] =
        [Client::Refkit, Client::Buildx, Client::Crane, Client::Regctl, Client::Oras, Client::Skopeo];
    println!("| command | what | {} |", COLUMNS.map(Client::name).join(" | "));
    println!("|---|---|{}", "---|".repeat(COLUMNS.len()));
    for (command, counted) in counted {
        for Counted { job, requests } in counted {
            let of = |column: Client| requests.iter().find(|(client, _)| *client == column);
            let cells = COLUMNS.map(|column| of(column).map_or("-".to_owned(), |(_, count)| count.to_string()));
            println!("| `{command}` | {} | {} |", job.title, cells.join(" | "));
        }
    }
}
