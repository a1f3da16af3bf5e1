//! Which of all that is said of hosts is the answer for a registry.

use std::cmp::Reverse;
use std::sync::Arc;

use refkit_config::{Setting, Sourced};

use super::buildkitd::scheme;
use super::draft::{Draft, Scheme};
use super::host::{Capabilities, Host};
use super::pattern::Fit;
use super::refkit::{Mirror, Table};
use super::settings::Settings;
use super::{Hosts, HostsError};

/// What decides for a registry.
enum Decision<'a> {
    Given(&'a [Arc<Host>]),
    Table(&'a Result<Table, HostsError>),
    Drafts(&'a Result<Vec<Draft>, HostsError>),
}

impl Hosts {
    /// Returns the hosts of a registry.
    pub(super) fn answer(&self, registry: &str) -> Result<Vec<Arc<Host>>, HostsError> {
        let drafts = match self.decision(registry) {
            Some(Decision::Given(hosts)) => return Ok(hosts.to_vec()),
            Some(Decision::Table(table)) => self.drafts(table.as_ref().map_err(HostsError::clone)?)?,
            Some(Decision::Drafts(drafts)) => drafts.clone()?,
            None => vec![Draft::registry(Settings::default(), Scheme::Unsaid)],
        };
        let plain = self.plain.contains(registry);
        let mut hosts = Vec::new();
        for draft in drafts {
            for mut host in draft.hosts(registry, plain)? {
                self.limit(&mut host)?;
                hosts.push(Arc::new(host));
            }
        }
        Ok(hosts)
    }

    fn decision(&self, registry: &str) -> Option<Decision<'_>> {
        let given = self.given.iter().map(|(pattern, hosts)| (pattern.fit(registry), Decision::Given(hosts)));
        let deciding = |table: &Result<Table, HostsError>| table.as_ref().map_or(true, |table| table.decides);
        let tables = self.tables.iter().filter(|(_, table)| deciding(table));
        let tables = tables.map(|(pattern, table)| (pattern.fit(registry), Decision::Table(table)));
        let others = self.others.iter().map(|(pattern, drafts)| (pattern.fit(registry), Decision::Drafts(drafts)));
        let fitting = given.chain(tables).chain(others).filter(|(fit, _)| fit.is_some());
        fitting.reduce(|best, next| if next.0 > best.0 { next } else { best }).map(|(_, decision)| decision)
    }

    /// Returns the tables of `refkit.toml` that fit a name, the best first.
    fn tables(&self, name: &str) -> Vec<(Fit, &Result<Table, HostsError>)> {
        let fitting = self.tables.iter().filter_map(|(pattern, table)| Some((pattern.fit(name)?, &**table)));
        let mut fitting: Vec<_> = fitting.collect();
        fitting.sort_by_key(|(fit, _)| Reverse(*fit));
        fitting
    }

    fn drafts(&self, table: &Table) -> Result<Vec<Draft>, HostsError> {
        let mut drafts = Vec::new();
        for mirror in &table.mirrors {
            drafts.push(self.mirror(mirror, table)?);
        }
        if table.upstream {
            drafts.push(Draft::registry(table.settings.clone(), scheme(&table.settings)));
        }
        Ok(drafts)
    }

    fn mirror(&self, mirror: &Mirror, registry: &Table) -> Result<Draft, HostsError> {
        let mut own = Settings::default();
        for (_, table) in self.tables(mirror.place.credentials()) {
            let table = table.as_ref().map_err(HostsError::clone)?;
            if table.decides {
                own = table.settings.clone();
                break;
            }
        }
        // What a table says that its registry may be asked is not about mirroring others.
        own.capabilities = None;
        if mirror.place.http.is_some() {
            own.http = None;
        }
        let mut settings = mirror.settings.clone().or(own);
        if mirror.place.http.is_none() {
            settings.http = settings.http.or_else(|| registry.settings.http.clone());
        }
        let scheme = match mirror.place.http {
            Some(true) if Settings::is(&settings.insecure) => Scheme::Either,
            Some(true) => Scheme::Http,
            Some(false) => Scheme::Https,
            None => scheme(&settings),
        };
        Ok(Draft {
            place: Some(mirror.place.clone()),
            api: mirror.api(),
            scheme,
            capabilities: Capabilities::READ,
            rewrites: mirror.rewrites.clone().or_else(|| registry.rewrites.clone()),
            settings,
            origin: Some(mirror.origin.clone()),
        })
    }

    /// Sets the limits, and where the host may lead to, that no file has said yet, each from the table that fits the host best of those that have it.
    fn limit(&self, host: &mut Host) -> Result<(), HostsError> {
        fn set<T: Copy>(limit: &mut Option<T>, said: &Option<Sourced<T>>, settings: &mut Vec<Setting>) {
            if let (None, Some(said)) = (&limit, said) {
                *limit = Some(said.value);
                settings.extend(said.settings.iter().cloned());
            }
        }
        for (_, table) in self.tables(&host.credentials) {
            let said = &table.as_ref().map_err(HostsError::clone)?.settings;
            set(&mut host.concurrency, &said.concurrency, &mut host.settings);
            set(&mut host.rate, &said.rate, &mut host.settings);
            if let (true, Some(allowed)) = (host.allow_private.is_empty(), &said.allow_private) {
                host.allow_private.clone_from(&allowed.value);
                host.settings.extend(allowed.settings.iter().cloned());
            }
        }
        Ok(())
    }
}
