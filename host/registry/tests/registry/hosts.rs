//! The hosts of a registry, by the files of each format.

mod hosts_buildkitd;
mod hosts_certs_d;
mod hosts_files;
mod hosts_given;
mod hosts_listing;
mod hosts_refkit;
mod hosts_which;

use std::path::{Path, PathBuf};

use refkit_oci::Repository;
use refkit_registry::hosts::{ConfigFile, Files, Host, Hosts, HostsError};

/// Returns the path of a fixture.
fn fixture(name: &str) -> PathBuf {
    Path::new("tests/fixtures/hosts").join(name)
}

fn named(name: &str) -> Vec<ConfigFile> {
    vec![ConfigFile::Named(fixture(name))]
}

fn repository(registry: &str) -> Repository {
    Repository::new(registry, "library/alpine").expect(registry)
}

/// Returns a line for each host, or the error.
fn asked(hosts: &Hosts, registry: &str) -> Vec<String> {
    match hosts.of(&repository(registry)) {
        Ok(hosts) => hosts.iter().map(|host| line(host)).collect(),
        Err(error) => vec![shown(&error)],
    }
}

fn shown(error: &HostsError) -> String {
    error.to_string()
}

fn line(host: &Host) -> String {
    let names = |paths: &[PathBuf]| paths.iter().map(|path| path.display().to_string()).collect::<Vec<_>>().join(" ");
    let mut line = format!("{} as {}: {}", host.api, host.credentials, host.capabilities);
    if host.names_registry {
        line += ", ns";
    }
    if host.tls.insecure {
        line += ", insecure";
    }
    if !host.tls.roots.is_empty() {
        line += &format!(", roots {}", names(&host.tls.roots));
    }
    for identity in &host.tls.identities {
        line += &format!(", {} with {}", identity.certificate.display(), identity.key.display());
    }
    for (name, value) in &host.headers {
        line += &format!(", {name}={}", value.to_str().expect("a header of a fixture"));
    }
    if let Some(connect) = host.connect {
        line += &format!(", connect {connect:?}");
    }
    if let Some(concurrency) = host.concurrency {
        line += &format!(", concurrency {concurrency}");
    }
    if let Some(rate) = host.rate {
        line += &format!(", rate {rate}");
    }
    if !host.allow_private.is_empty() {
        let allowed: Vec<String> = host.allow_private.iter().map(ToString::to_string).collect();
        line += &format!(", may lead to {}", allowed.join(" "));
    }
    line
}

/// Compares the hosts of registries with the expected lines.
fn check(hosts: &Hosts, rows: &[(&str, &[&str])]) {
    for (registry, wanted) in rows {
        let found = asked(hosts, registry);
        assert_eq!(found, *wanted, "{registry}: found\n{}", found.join("\n"));
    }
}

/// Returns the hosts of a text, as `refkit.toml` in the directory `/etc/refkit`.
fn refkit(text: &str) -> Result<Hosts, HostsError> {
    Hosts::default().refkit(Path::new("/etc/refkit/refkit.toml"), text)
}

fn read(files: Files) -> Hosts {
    Hosts::read(&files).expect("the fixtures can be read")
}
