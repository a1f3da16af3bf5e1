//! Where a value came from.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use prost_types::Timestamp;
use refkit_content::Origin;

use crate::grpc::pb::{self, origin::Place};

/// Returns the message of an origin.
pub fn origin(origin: &Origin) -> pb::Origin {
    let place = match origin {
        Origin::Host(host) => Place::Host(host.to_string()),
        Origin::Cache => Place::Cache(true),
        Origin::Seen(at) => Place::Seen(Timestamp::from(*at)),
        Origin::Layout(path) => Place::Layout(path.display().to_string()),
        Origin::Inline => Place::Inline(true),
        Origin::Memory => Place::Memory(true),
    };
    pb::Origin { place: Some(place) }
}

/// Returns the origin of a message; `server` is the host where the message has none.
pub fn origin_of(message: Option<pb::Origin>, server: &str) -> Origin {
    match message.and_then(|message| message.place) {
        Some(Place::Host(host)) => Origin::Host(host.into()),
        Some(Place::Cache(_)) => Origin::Cache,
        // A time that is none is long ago.
        Some(Place::Seen(at)) => Origin::Seen(SystemTime::try_from(at).unwrap_or(SystemTime::UNIX_EPOCH)),
        Some(Place::Layout(path)) => Origin::Layout(Arc::new(PathBuf::from(path))),
        Some(Place::Inline(_)) => Origin::Inline,
        Some(Place::Memory(_)) => Origin::Memory,
        None => Origin::Host(server.into()),
    }
}
