//! Compares RefKit with other clients of registries: requests and processor time for the same result, at a real
//! registry on loopback with the demo's image. `make bench-peers` starts it; it prints tables in Markdown.
//!
//! Requests are those of a first run in an empty home, counted by the registry's access log and the token server.
//! Processor time is the user and system time of the whole process, the median of the rounds, as a multiple of
//! RefKit's in the same rounds. In a round every client runs once, so that a slow phase of the machine affects all of
//! them, and each round has its own order. Every result is compared with the expected one. The bench fails for a wrong
//! result, never for a time.
#![deny(unsafe_code)]

#[path = "peers/access.rs"]
mod access;
#[path = "peers/answer.rs"]
mod answer;
#[path = "peers/clients.rs"]
mod clients;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "../cli/places.rs"]
mod places;
#[path = "peers/processor.rs"]
mod processor;
#[path = "peers/table.rs"]
mod table;

use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::time::Duration;

use access::Place;
use answer::Expected;
use anyhow::{Context as _, bail};
use clients::{Client, Operation};
use table::{Cell, Row};

/// How often each client runs for one median.
const ROUNDS: usize = 15;

fn main() -> anyhow::Result<()> {
    let tokens = access::token_server()?;
    let places = access::places(&tokens)?;
    let expected = Expected::of_the_demo();
    let clients = clients::all();
    table::print_head(&clients, ROUNDS);
    let mut wrong = Vec::new();
    for operation in Operation::ALL {
        let mut rows: Vec<Row> = clients.iter().map(|client| Row::new(client, operation)).collect();
        for place in &places {
            measure(operation, place, &expected, &clients, &mut rows)
                .with_context(|| format!("{}, {}", operation.title(), place.name))?;
        }
        table::print(operation, &rows);
        let failed = rows.iter().filter(|row| row.is_wrong());
        wrong.extend(failed.map(|row| format!("{} ({})", row.client, operation.title())));
    }
    if !wrong.is_empty() {
        bail!("not every answer was the right one: {}", wrong.join(", "));
    }
    Ok(())
}

/// Adds a cell for one kind of access to each row whose client does the operation.
fn measure(
    operation: Operation,
    place: &Place<'_>,
    expected: &Expected,
    clients: &[Client],
    rows: &mut [Row],
) -> anyhow::Result<()> {
    let mut series = Vec::new();
    for (client, row) in clients.iter().zip(rows) {
        let Some(mut command) = client.command(operation, place)? else { continue };
        place.clear()?;
        let first = command.run().and_then(|ran| expected.check(operation, &ran));
        series.push((row, command, place.requests()?, first.map(|()| Vec::with_capacity(ROUNDS))));
    }
    for round in 0..ROUNDS {
        // In another order each time, because a client needs longer after one that has filled the processor's caches.
        series.sort_by_cached_key(|(row, ..)| shuffled(round, row.client));
        for (_, command, _, times) in &mut series {
            let Ok(taken) = times else { continue };
            let ran = command.run().and_then(|ran| expected.check(operation, &ran).map(|()| ran));
            match ran {
                Ok(ran) => taken.push(ran.processor_time),
                Err(problem) => *times = Err(problem),
            }
        }
    }
    for (row, _, requests, times) in series {
        row.cells.push(match times {
            Ok(times) => Cell::Measured { requests, processor_time: median(times) },
            Err(problem) => Cell::Wrong(format!("{problem:#}")),
        });
    }
    Ok(())
}

/// Returns the key that a client is sorted by in a round, the same in every run of this program.
fn shuffled(round: usize, client: &str) -> u64 {
    let mut hasher = DefaultHasher::new();
    (round, client).hash(&mut hasher);
    hasher.finish()
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}
