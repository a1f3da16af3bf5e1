//! The requests to the source that are under way, so that equal requests become one.

use std::collections::HashMap;
use std::sync::{Arc, Weak};

use bytes::Bytes;
use parking_lot::Mutex;
use refkit_oci::{Descriptor, Digest, Reference, Repository};

use super::CacheOptions;
use super::download::Download;
use crate::single_flight::SingleFlight;
use crate::{Content, Error, WithOrigin};

/// The principal, the options, and whether the registry has responded for the repository in this run. Requests are
/// equal only if they agree in these.
pub(super) type Asker = (Arc<str>, CacheOptions, bool);

/// The content of a request.
pub(super) type Opening = (Asker, Repository, Descriptor);

/// The subject and the artifact type of a request for referrers.
type Referring = (Asker, Repository, Digest, Option<String>);

type Asked<K, T> = SingleFlight<K, Result<T, Error>>;

/// Requests under way, by kind.
#[derive(Default)]
pub(super) struct Questions {
    pub resolve: Asked<(Asker, Reference), WithOrigin<Descriptor>>,
    pub pull: Asked<(Asker, Reference), WithOrigin<Content>>,
    pub open: Asked<Opening, WithOrigin<Bytes>>,
    pub large: Asked<Opening, Option<Arc<Download>>>,
    /// Downloads under way, for other callers to join.
    pub downloads: Mutex<HashMap<Opening, Weak<Download>>>,
    pub tags: Asked<(Asker, Repository), WithOrigin<Vec<String>>>,
    pub referrers: Asked<Referring, WithOrigin<Vec<Descriptor>>>,
}
