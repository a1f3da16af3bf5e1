//! Real registries with every source in them, and command lines about them.

use std::collections::BTreeMap;

use refkit_oci::Digest;
use refkit_support::{Auth, Held, RealRegistry};
use tempfile::TempDir;

use crate::fixtures::{self, Fixture};
use crate::places::layout;
use crate::programs::{Client, Ran, run, words};

/// Two registries, the sources in the first one, each in a repository of its own, and a layout of `attested`.
pub struct Place {
    pub registry: RealRegistry,
    pub far: RealRegistry,
    fixtures: BTreeMap<&'static str, Fixture>,
    layout: TempDir,
}

impl Place {
    /// Starts the distribution project's registry, release 3, twice, and fills one.
    pub fn new() -> Self {
        let start = || RealRegistry::distribution_v3(Auth::Anonymous).unwrap_or_else(|error| panic!("{error:#}"));
        let (registry, far) = (start(), start());
        let fixtures = fixtures::all();
        for (name, fixture) in &fixtures {
            fixture.push(&registry, &format!("src/{name}"), "1");
        }
        let layout = layout(&fixtures["attested"].image);
        Self { registry, far, fixtures, layout }
    }

    /// Returns a source by its name.
    pub fn find(&self, name: &str) -> Option<&Fixture> {
        self.fixtures.get(name)
    }

    /// Returns a source by its name.
    ///
    /// # Panics
    /// Where there is none.
    pub fn fixture(&self, name: &str) -> &Fixture {
        self.find(name).unwrap_or_else(|| panic!("no source is called {name}"))
    }

    /// Pushes sources to a repository, each under its name as the tag, and one as `1`.
    pub fn prepare(&self, repository: &str, named: &[&str], tagged: Option<&str>) {
        let named = named.iter().map(|name| (*name, *name)).chain(tagged.map(|name| (name, "1")));
        named.for_each(|(name, tag)| self.fixture(name).push(&self.registry, repository, tag));
    }

    /// Returns what a repository of the registry with the sources holds.
    pub fn held(&self, repository: &str) -> Held {
        held(&self.registry, repository)
    }

    /// Returns what a repository of both registries holds.
    pub fn held_at_both(&self, repository: &str) -> [Held; 2] {
        [&self.registry, &self.far].map(|registry| held(registry, repository))
    }

    /// Returns content that one of the registries has.
    pub fn stored(&self, digest: &Digest) -> Vec<u8> {
        let stored = self.registry.stored(digest).or_else(|_| self.far.stored(digest));
        stored.unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Returns a repository or a reference with the registry before it.
    pub fn at(&self, reference: &str) -> String {
        format!("{}/{reference}", self.registry.host())
    }

    /// Runs a client. In its command line, `SRC` is where each source has a repository, `APP` the given repository, `FAR`
    /// the same in the other registry, `LAYOUT` the layout, and `@NAME` the digest of a source.
    pub fn run(&self, client: Client, repository: &str, line: &str) -> Ran {
        let layout = self.layout.path().display().to_string();
        let far = format!("{}/{repository}", self.far.host());
        let names = [("SRC", self.at("src")), ("APP", self.at(repository)), ("FAR", far), ("LAYOUT", layout)];
        let line = names.iter().fold(line.to_owned(), |line, (name, value)| line.replace(name, value));
        let mut arguments = match client {
            Client::Regctl => [&self.registry, &self.far]
                .iter()
                .flat_map(|registry| ["--host".to_owned(), format!("reg={},tls=disabled", registry.host())])
                .collect(),
            Client::Skopeo => vec!["--insecure-policy".to_owned()],
            _ => Vec::new(),
        };
        arguments.extend(words(&line).into_iter().map(|word| match word.rsplit_once('@') {
            Some((before, name)) if self.find(name).is_some() => {
                format!("{before}@{}", self.fixture(name).image.digest())
            }
            _ => word,
        }));
        run(client, &arguments)
    }
}

fn held(registry: &RealRegistry, repository: &str) -> Held {
    registry.held(repository).unwrap_or_else(|error| panic!("{error:#}"))
}
