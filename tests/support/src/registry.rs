//! A registry on loopback that does what it is told, wrong where it is told so.

use std::sync::Arc;

use bytes::Bytes;
use http::Response;
use http::request::Parts;
use parking_lot::{Mutex, MutexGuard, RwLock};
use refkit_oci::Digest;

use crate::access::Access;
use crate::distribution::{self, Route};
use crate::fault::Rule;
use crate::record::Request;
use crate::server::{Handler, Server};
use crate::store::Store;

/// A registry in this process: the OCI distribution API 1.1 over a store in memory, on 127.0.0.1 and a port that was
/// free, in a thread of its own. It ends with its value.
///
/// ```
/// use refkit_support::{Fault, FaultRegistry, Rule};
///
/// # fn main() -> anyhow::Result<()> {
/// let registry = FaultRegistry::start()?;
/// registry.put_manifest("app", Some("latest"), "application/vnd.oci.image.index.v1+json", "{}");
/// registry.add(Rule::on("GET */manifests/*", Fault::status(429).header("retry-after", "0")).first(1));
/// let image = format!("{}/app:latest", registry.host());
/// // … resolve the image …
/// assert_eq!(registry.count("GET */manifests/latest"), 0);
/// # let _ = image;
/// # Ok(())
/// # }
/// ```
pub struct FaultRegistry {
    server: Server,
    state: Arc<State>,
}

struct State {
    store: Mutex<Store>,
    access: RwLock<Access>,
}

impl State {
    fn store(&self) -> MutexGuard<'_, Store> {
        self.store.lock()
    }
}

impl Handler for State {
    fn refuse(&self, request: &Parts) -> Option<Response<Bytes>> {
        self.access.read().refuse(request)
    }

    fn answer(&self, request: &Parts, body: Bytes) -> Response<Bytes> {
        distribution::answer(&mut self.store(), request, body)
    }

    fn keep(&self, request: &Parts, part: Bytes) {
        if let Route::Upload { id, .. } = Route::of(request.uri.path())
            && let Some(held) = self.store().uploads.get_mut(id)
        {
            held.extend_from_slice(&part);
        }
    }
}

impl FaultRegistry {
    /// Starts an empty registry, open to everybody, with the referrers API on.
    ///
    /// # Errors
    /// Where nothing can be started on 127.0.0.1.
    pub fn start() -> anyhow::Result<Self> {
        let state = Arc::new(State { store: Mutex::new(Store::new()), access: RwLock::new(Access::open()) });
        Ok(Self { server: Server::start(Arc::clone(&state) as Arc<dyn Handler>)?, state })
    }

    /// Returns `127.0.0.1:PORT`, as references begin with it.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// Puts a manifest or an index there, under a tag or by digest alone, and returns its digest. Nothing is checked.
    pub fn put_manifest(
        &self,
        repository: &str,
        tag: Option<&str>,
        media_type: &str,
        bytes: impl Into<Bytes>,
    ) -> Digest {
        self.state.store().put_manifest(repository, tag, media_type, bytes.into())
    }

    /// Puts a blob there and returns its digest.
    pub fn put_blob(&self, repository: &str, bytes: impl Into<Bytes>) -> Digest {
        self.state.store().put_blob(repository, bytes.into())
    }

    /// Returns the bytes of a blob that is there.
    pub fn blob(&self, repository: &str, digest: &str) -> Option<Bytes> {
        self.state.store().repository(repository)?.blobs.get(digest).cloned()
    }

    /// Returns how many uploads are open.
    pub fn uploads(&self) -> usize {
        self.state.store().uploads.len()
    }

    /// Returns media type and bytes of a manifest that is there, by tag or digest.
    pub fn manifest(&self, repository: &str, reference: &str) -> Option<(String, Bytes)> {
        let mut store = self.state.store();
        let held = store.repository(repository)?;
        let digest = held.tags.get(reference).map_or(reference, Digest::as_str);
        held.manifests.get(digest).map(|manifest| (manifest.media_type.clone(), manifest.bytes.clone()))
    }

    /// Says who may ask from now on.
    pub fn require(&self, access: Access) {
        *self.state.access.write() = access;
    }

    /// Limits a page of tags to so many, whatever a client asks for; `None` for no limit.
    pub fn set_page_size(&self, tags: Option<usize>) {
        self.state.store().page_size = tags;
    }

    /// Switches the referrers API on or off (404).
    pub fn set_referrers(&self, on: bool) {
        self.state.store().referrers_on = on;
    }

    /// Adds a rule. The first rule that matches a request decides on it; without one it is answered as it should be.
    pub fn add(&self, rule: Rule) {
        self.server.add(rule);
    }

    /// Takes all rules away.
    pub fn clear_rules(&self) {
        self.server.clear_rules();
    }

    /// Returns the requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.server.log().requests()
    }

    /// Returns how many requests so far match a pattern (see [`Rule::on`]); `*` is all.
    pub fn count(&self, pattern: &str) -> usize {
        self.server.log().count(pattern)
    }

    /// Returns the most requests that were answered at once since the start or the last [`FaultRegistry::clear`]. A
    /// request counts from its head to the moment in which the last byte of its answer is handed over, so never longer
    /// than its client waits for it; one whose client went away counts until that is noticed.
    pub fn most_at_once(&self) -> usize {
        self.server.most_at_once()
    }

    /// Returns how many requests are being answered now, counted as in [`FaultRegistry::most_at_once`].
    pub fn at_once(&self) -> usize {
        self.server.at_once()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.server.clear();
    }

    /// Returns how many connections were accepted.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }
}
