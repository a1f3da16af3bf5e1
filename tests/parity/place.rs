//! A real registry with every source in it.

use std::collections::BTreeMap;

use refkit_support::{Auth, Held, RealRegistry};

use crate::fixtures::{self, Fixture};

/// The registry and the sources, each in a repository of its own.
pub struct Place {
    pub registry: RealRegistry,
    fixtures: BTreeMap<&'static str, Fixture>,
}

impl Place {
    /// Starts the distribution project's registry, release 3, and fills it.
    pub fn new() -> Self {
        let registry = RealRegistry::distribution_v3(Auth::Anonymous).unwrap_or_else(|error| panic!("{error:#}"));
        let fixtures = fixtures::all();
        for (name, fixture) in &fixtures {
            fixture.push(&registry, &format!("src/{name}"), "1");
        }
        Self { registry, fixtures }
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

    /// Returns what a repository holds.
    pub fn held(&self, repository: &str) -> Held {
        self.registry.held(repository).unwrap_or_else(|error| panic!("{error:#}"))
    }

    /// Returns a repository or a reference with the registry before it.
    pub fn at(&self, reference: &str) -> String {
        format!("{}/{reference}", self.registry.host())
    }
}
