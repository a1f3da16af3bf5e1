//! Selects the hosts of a registry from all settings.

use std::cmp::Reverse;
use std::sync::Arc;

use refkit_config::{Setting, Sourced};

use super::buildkitd::scheme;
use super::host::{Capabilities, Host};
use super::pattern::Fit;
use super::refkit::{Mirror, Table};
use super::settings::Settings;
use super::specification::{HostSpecification, Scheme};
use super::{Hosts, HostsError};

/// The entry that decides for a registry.
enum Decision<'a> {
    Given(&'a [Arc<Host>]),
    Table(&'a Result<Table, HostsError>),
    HostSpecifications(&'a Result<Vec<HostSpecification>, HostsError>),
}

impl Hosts {
    /// Returns the hosts of a registry.
    pub(super) fn select(&self, registry: &str) -> Result<Vec<Arc<Host>>, HostsError> {
        let specifications = match self.decision(registry) {
            Some(Decision::Given(hosts)) => return Ok(hosts.to_vec()),
            Some(Decision::Table(table)) => self.specifications(table.as_ref().map_err(HostsError::clone)?)?,
            Some(Decision::HostSpecifications(specifications)) => specifications.clone()?,
            None => vec![HostSpecification::registry(Settings::default(), Scheme::Unsaid)],
        };
        let plain = self.plain.contains(registry);
        let mut hosts = Vec::new();
        for specification in specifications {
            for mut host in specification.hosts(registry, plain)? {
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
        let others = self
            .others
            .iter()
            .map(|(pattern, specifications)| (pattern.fit(registry), Decision::HostSpecifications(specifications)));
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

    fn specifications(&self, table: &Table) -> Result<Vec<HostSpecification>, HostsError> {
        let mut specifications = Vec::new();
        for mirror in &table.mirrors {
            specifications.push(self.mirror(mirror, table)?);
        }
        if table.upstream {
            specifications.push(HostSpecification::registry(table.settings.clone(), scheme(&table.settings)));
        }
        Ok(specifications)
    }

    fn mirror(&self, mirror: &Mirror, registry: &Table) -> Result<HostSpecification, HostsError> {
        let mut own = Settings::default();
        for (_, table) in self.tables(mirror.address.credentials()) {
            let table = table.as_ref().map_err(HostsError::clone)?;
            if table.decides {
                own = table.settings.clone();
                break;
            }
        }
        // The capabilities in a table apply to its own registry, not to a mirror.
        own.capabilities = None;
        if mirror.address.http.is_some() {
            own.http = None;
        }
        let mut settings = mirror.settings.clone().or(own);
        if mirror.address.http.is_none() {
            settings.http = settings.http.or_else(|| registry.settings.http.clone());
        }
        let scheme = match mirror.address.http {
            Some(true) if Settings::is(&settings.insecure) => Scheme::Either,
            Some(true) => Scheme::Http,
            Some(false) => Scheme::Https,
            None => scheme(&settings),
        };
        Ok(HostSpecification {
            address: Some(mirror.address.clone()),
            api: mirror.api(),
            scheme,
            capabilities: Capabilities::READ,
            rewrites: mirror.rewrites.clone().or_else(|| registry.rewrites.clone()),
            settings,
            origin: Some(mirror.origin.clone()),
        })
    }

    /// Sets the limits of a host, and its allowed private networks, where its own entry has none. Each comes from the
    /// best fitting table that has it.
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
