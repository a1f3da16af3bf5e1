//! Where the images of registries are read and written.

use std::sync::Arc;

use refkit_content::Source;
use refkit_oci::Reference;
use refkit_registry::{Client, DockerConfig};

use crate::places::{self, Places};

/// Returns the source of a reference's registry; see [`client`].
pub fn source(reference: &Reference, plain_http: bool, places: &Places) -> Arc<dyn Source> {
    Arc::new(client(reference, plain_http, places))
}

/// Returns the client of a reference's registry, with the credentials that Docker keeps. Nothing is read and nobody is
/// asked before the first request.
pub fn client(reference: &Reference, plain_http: bool, places: &Places) -> Client {
    let mut client = Client::builder();
    if plain_http {
        let named = reference.repository().registry().to_owned();
        client = client.plain_http(move |registry| registry == named || refkit_registry::is_local(registry));
    }
    if let Some(path) = &places.docker_config {
        client = client.credentials(Arc::new(DockerConfig::new(path, places::helpers())));
    }
    client.build()
}
