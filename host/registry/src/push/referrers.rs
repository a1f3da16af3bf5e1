//! The list of referrers under the subject's tag, at registries without the referrers API: OCI distribution 1.1, section
//! "Referrers Tag Schema".
//!
//! Two clients that add to the list at once read the same list, and the one that writes last loses what the other one
//! has added. So the client reads the list again some time after it has written, adds what is lost, and repeats this
//! until the list holds.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method};
use refkit_content::ErrorKind;
use refkit_content::verify::MANIFEST_LIMIT;
use refkit_oci::document::{Document, Index, media_type};
use refkit_oci::edit::{EditError, Object};
use refkit_oci::{Descriptor, Digest, Repository};
use tokio::time::Instant;

use crate::auth::Actions;
use crate::client::{Client, fallback};
use crate::endpoint::Endpoint;
use crate::http::{Request, RequestBody};

/// How often the client writes a list that others overwrite.
const WRITES: u32 = 20;

/// The shortest wait before the client reads a list again: 50 ms.
const SHORTEST_WAIT: Duration = Duration::from_millis(50);

/// The longest such wait: 5 s.
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// How many times as long as reading and writing a list the client waits. Another client that had read the list before
/// this one wrote it has then written its own.
const PATIENCE: u32 = 3;

impl Client {
    /// Completes the list of a subject's referrers, where the registry keeps none by itself: with those that this client
    /// has pushed, and with those that were there.
    pub(super) async fn complete_referrers(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
        present: &[Descriptor],
    ) -> Result<(), ErrorKind> {
        let name = fallback(repository, subject)?.to_string();
        // Without a push, only the registry's answer shows whether it has the API.
        let none = self.strategies().listed(&name).is_empty();
        if none && (present.is_empty() || self.lists_referrers(endpoint, subject).await?) {
            return Ok(());
        }
        present.iter().for_each(|one| self.strategies().list(&name, one.clone()));
        self.complete_list(endpoint, repository, subject).await
    }

    /// Adds what this client has pushed to the list under the subject's tag, until the list holds.
    pub(super) async fn complete_list(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<(), ErrorKind> {
        let name = fallback(repository, subject)?.to_string();
        let held = self.hold_list(endpoint, repository, subject, &name).await;
        self.strategies().settle(&name);
        held
    }

    async fn hold_list(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
        name: &str,
    ) -> Result<(), ErrorKind> {
        for writes in 0..WRITES {
            let begin = Instant::now();
            let Some(missing) = self.add_to_list(endpoint, repository, subject, name).await? else { return Ok(()) };
            let wait = (begin.elapsed() * PATIENCE).clamp(SHORTEST_WAIT, LONGEST_WAIT);
            // Clients that collided wait for different times.
            tokio::time::sleep(wait + uneven(&missing, writes)).await;
        }
        let what = format!(
            "it has the manifest, but its list of referrers does not: others have overwritten the list {WRITES} times"
        );
        Err(ErrorKind::Unavailable(what))
    }

    /// Adds to a list what this client has pushed and the list lacks. Returns the last referrer that it lacked.
    async fn add_to_list(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
        name: &str,
    ) -> Result<Option<Digest>, ErrorKind> {
        let malformed = |error: EditError| ErrorKind::Malformed(format!("its list of referrers is malformed: {error}"));
        let _lists = self.strategies().lists.lock().await;
        let mut index = match self.fallback_index(endpoint, repository, subject).await? {
            Some(bytes) => Object::read(&bytes).map_err(malformed)?,
            None => Object::of(&empty_index()).map_err(malformed)?,
        };
        if index.raw("manifests").is_none() {
            return Err(ErrorKind::Malformed("its list of referrers is no index".to_owned()));
        }
        let mut list = index.list("manifests").map_err(malformed)?;
        let mut missing = self.strategies().listed(name);
        for place in 0..list.len() {
            let entry = list.object(place).map_err(malformed)?.unwrap_or_default();
            if let Some(digest) = entry.get::<String>("digest").map_err(malformed)? {
                missing.retain(|one| one.digest.as_str() != digest);
            }
        }
        let Some(last) = missing.last().map(|one| one.digest.clone()) else { return Ok(None) };
        for one in &missing {
            list.push(one).map_err(malformed)?;
        }
        index.set("manifests", &list).map_err(malformed)?;
        let bytes = index.into_bytes();
        if bytes.len() as u64 > MANIFEST_LIMIT {
            return Err(ErrorKind::TooLarge { limit: MANIFEST_LIMIT });
        }
        let reference = fallback(repository, subject)?;
        let url = endpoint.url(&format!("manifests/{}", reference.tag().unwrap_or_default()))?;
        let request = Request::new(Method::PUT, url)
            .header(CONTENT_TYPE, HeaderValue::from_static(media_type::INDEX))
            .body(RequestBody::Bytes(bytes.into()));
        self.send(endpoint, Actions::Push, request).await?.success().await?;
        Ok(Some(last))
    }
}

/// Returns the subject of a manifest and the entry of a list of its referrers; none of a manifest without a subject.
pub(super) fn referrer(document: Document, pushed: &Descriptor) -> Option<(Digest, Descriptor)> {
    let (subject, artifact_type, annotations) = match document {
        Document::Index(index) => (index.subject, index.artifact_type, index.annotations),
        Document::Manifest(manifest) => {
            let config = manifest.config.media_type;
            (manifest.subject, manifest.artifact_type.or(Some(config)), manifest.annotations)
        }
    };
    Some((subject?.digest, Descriptor { artifact_type, annotations, ..pushed.clone() }))
}

/// Returns a wait of up to 63 ms that differs between referrers, and between the writes of one.
fn uneven(digest: &Digest, writes: u32) -> Duration {
    let hex = digest.hex();
    let at = (2 * writes as usize) % hex.len().saturating_sub(1).max(1);
    let byte = hex.get(at..at + 2).and_then(|two| u64::from_str_radix(two, 16).ok()).unwrap_or_default();
    Duration::from_millis(byte / 4)
}

/// Returns an empty index.
fn empty_index() -> Index {
    Index {
        media_type: media_type::INDEX.to_owned(),
        manifests: Vec::new(),
        artifact_type: None,
        subject: None,
        annotations: Vec::new(),
        unverifiable: Vec::new(),
    }
}
