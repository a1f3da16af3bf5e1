//! The client of registries.

use std::sync::Arc;

use refkit_oci::Reference;
use refkit_registry::{Client, DockerConfig, Hosts};

use crate::arguments::Registries;
use crate::directories::{self, Directories};

/// Returns the client of a reference's registry, with Docker's credentials. The client makes no connection before its
/// first request.
///
/// # Errors
/// The error of a file of settings.
pub fn client(reference: &Reference, registries: &Registries, directories: &Directories) -> anyhow::Result<Client> {
    let hosts = hosts(reference, registries, directories)?;
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
pub fn hosts(reference: &Reference, registries: &Registries, directories: &Directories) -> anyhow::Result<Hosts> {
    // On this thread, which has nothing else to do yet: another one would cost more than the reading.
    let hosts = Hosts::read(&directories.files(registries))?;
    Ok(match registries.plain_http {
        true => hosts.plain_http(reference.repository().registry()),
        false => hosts,
    })
}
