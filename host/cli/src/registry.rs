//! Where the images of registries are read and written.

use std::sync::Arc;

use refkit::ErrorCode;
use refkit_oci::Reference;
use refkit_registry::{Client, DockerConfig, Hosts};

use crate::arguments::{Caching, Registries};
use crate::cached::{self, Behind};
use crate::failure::Failure;
use crate::places::{self, Places};

/// Returns the source of a reference's registry, behind the cache; see [`client`].
///
/// # Errors
/// Where a file of settings cannot be used, or a cache is wanted that cannot be.
pub async fn source(
    reference: &Reference,
    registries: &Registries,
    caching: &Caching,
    places: &Places,
    notes: &mut Vec<String>,
) -> Result<Behind, Failure> {
    let client = client(reference, registries, places).await?;
    cached::behind(client, caching, places, notes).await
}

/// Returns the client of a reference's registry, with the credentials that Docker keeps. Nobody is asked before the
/// first request.
///
/// # Errors
/// Where a file of settings cannot be used.
pub async fn client(reference: &Reference, registries: &Registries, places: &Places) -> Result<Client, Failure> {
    let hosts = hosts(reference, registries, places).await?;
    let client = Client::builder().hosts(hosts).proxies(places::proxies());
    Ok(match &places.docker_config {
        Some(path) => client.credentials(Arc::new(DockerConfig::new(path, places::helpers()))).build(),
        None => client.build(),
    })
}

/// Returns which hosts answer for registries.
///
/// # Errors
/// Where a file of settings cannot be used.
pub async fn hosts(reference: &Reference, registries: &Registries, places: &Places) -> Result<Hosts, Failure> {
    let files = places.files(registries);
    let read = tokio::task::spawn_blocking(move || Hosts::read(&files)).await;
    let read = read.map_err(|error| Failure::failed(ErrorCode::Other, error))?;
    let hosts = read.map_err(|error| Failure::failed(ErrorCode::Invalid, error))?;
    Ok(match registries.plain_http {
        true => hosts.plain_http(reference.repository().registry()),
        false => hosts,
    })
}
