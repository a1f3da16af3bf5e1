//! The client of registries.

use std::sync::Arc;

use refkit_registry::{Client, DockerConfig, Hosts};

use crate::arguments::Registries;
use crate::directories::{self, Directories};

/// Returns the client of registries, with Docker's credentials. `--plain-http` is about those that the command names. The client makes no connection before its
/// first request.
///
/// # Errors
/// The error of a file of settings.
pub fn client<'a>(
    named: impl IntoIterator<Item = &'a str>,
    registries: &Registries,
    directories: &Directories,
) -> anyhow::Result<Client> {
    let hosts = hosts(named, registries, directories)?;
    let client = Client::builder().hosts(hosts).proxies(directories::proxies());
    Ok(match &directories.docker_config {
        Some(path) => client.credentials(Arc::new(DockerConfig::new(path, directories::helpers()))).build(),
        None => client.build(),
    })
}

/// Returns the hosts that serve registries.
///
/// # Errors
/// The error of a file of settings.
pub fn hosts<'a>(
    named: impl IntoIterator<Item = &'a str>,
    registries: &Registries,
    directories: &Directories,
) -> anyhow::Result<Hosts> {
    // On this thread, which has nothing else to do yet: another one would cost more than the reading.
    let hosts = Hosts::read(&directories.files(registries))?;
    let plain = named.into_iter().filter(|_| registries.plain_http);
    Ok(plain.fold(hosts, |hosts, registry| hosts.plain_http(registry)))
}
