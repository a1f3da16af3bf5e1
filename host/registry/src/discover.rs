//! Lists: OCI distribution 1.1, sections "Listing Tags", "Listing Referrers" and "Referrers Tag Schema".

use std::collections::HashSet;

use async_trait::async_trait;
use http::header::{ACCEPT, LINK};
use http::{HeaderValue, Method};
use refkit_content::verify::MANIFEST_LIMIT;
use refkit_content::{Answer, Discover, Error, Operation, Problem};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use serde::Deserialize;
use url::Url;

use crate::client::Client;
use crate::endpoint::Endpoint;
use crate::failure::printable;
use crate::reply::Whole;
use crate::transport::Call;

/// The most pages of one list.
const PAGES: usize = 1000;

/// The most bytes of one list: 64 MiB.
const BYTES: u64 = 64 << 20;

/// The most entries of one list.
const ENTRIES: usize = 1_000_000;

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

#[async_trait]
impl Discover for Client {
    async fn tags(&self, repository: &Repository) -> Result<Answer<Vec<String>>, Error> {
        let read = |bytes: &[u8]| -> Result<Vec<String>, Problem> {
            let page: Tags = serde_json::from_slice(bytes)
                .map_err(|error| Problem::Malformed(format!("its list of tags is malformed: {error}")))?;
            Ok(page.tags.unwrap_or_default())
        };
        let about: (_, &(dyn std::fmt::Display + Sync)) = (Operation::Tags, repository);
        let ask = |endpoint: Endpoint| async move {
            let url = endpoint.url("tags/list")?;
            let list = self.pages(&endpoint, url, "application/json", read).await?;
            list.ok_or(Problem::NotFound)
        };
        // What a mirror has is not all there is: only who names tags may list them.
        self.each(about, repository, |can| can.resolve, ask).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Answer<Vec<Descriptor>>, Error> {
        let name = format!("{repository}@{subject}");
        let about: (_, &(dyn std::fmt::Display + Sync)) = (Operation::Referrers, &name);
        let ask = |endpoint: Endpoint| async move {
            let mut value = self.list_referrers(&endpoint, repository, subject, artifact_type).await?;
            // A registry need not know the filter, and one that says so need not be right.
            if let Some(wanted) = artifact_type {
                value.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
            }
            // A mirror need not know what refers to what it has.
            if value.is_empty() && !endpoint.last {
                return Err(Problem::Unreachable(
                    "it knows of no referrers, and nobody else could be asked".to_owned(),
                ));
            }
            Ok(value)
        };
        self.each(about, repository, |can| can.resolve, ask).await
    }
}

impl Client {
    async fn list_referrers(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, Problem> {
        let mut url = endpoint.url(&format!("referrers/{subject}"))?;
        if let Some(artifact_type) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", artifact_type);
        }
        if let Some(list) = self.pages(endpoint, url, media_type::INDEX, entries).await? {
            return Ok(list);
        }
        let index = self.fallback_index(endpoint, repository, subject).await?;
        index.map_or_else(|| Ok(Vec::new()), |bytes| entries(&bytes))
    }

    /// Returns the index that lists referrers under a tag, for registries without the API.
    pub(crate) async fn fallback_index(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Option<bytes::Bytes>, Problem> {
        let reference = fallback(repository, subject)?;
        let call = self.manifest(endpoint, &reference, Method::GET)?;
        match self.inner.read(endpoint, call, MANIFEST_LIMIT).await {
            Ok(whole) => Ok(Some(whole.bytes)),
            Err(Problem::NotFound) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Reads a list page by page. Returns `None` where there is no such list at all.
    async fn pages<T>(
        &self,
        endpoint: &Endpoint,
        first: Url,
        accept: &'static str,
        read: impl Fn(&[u8]) -> Result<Vec<T>, Problem>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let (mut list, mut seen, mut url, mut left) = (Vec::new(), HashSet::new(), first, BYTES);
        for _ in 0..PAGES {
            if !seen.insert(url.as_str().to_owned()) {
                return Err(Problem::Malformed("its list of pages leads back to an earlier page".to_owned()));
            }
            let call = Call::new(Method::GET, url).header(ACCEPT, HeaderValue::from_static(accept));
            let page = match self.inner.read(endpoint, call, MANIFEST_LIMIT).await {
                Err(Problem::NotFound | Problem::Unsupported(_)) if seen.len() == 1 => return Ok(None),
                page => page?,
            };
            let next = next(endpoint, &page)?;
            left = left.checked_sub(page.bytes.len() as u64).ok_or(Problem::TooLarge { limit: BYTES })?;
            list.extend(read(&page.bytes)?);
            if list.len() > ENTRIES {
                return Err(Problem::Malformed(format!("its list has more than {ENTRIES} entries")));
            }
            match next {
                Some(next) => url = next,
                None => return Ok(Some(list)),
            }
        }
        Err(Problem::Malformed(format!("its list has more than {PAGES} pages")))
    }
}

/// Returns the reference under which a registry without the API keeps the list of referrers: at most 64 digits.
pub(crate) fn fallback(repository: &Repository, subject: &Digest) -> Result<Reference, Problem> {
    let hex = subject.hex();
    let tag = format!("{}-{}", subject.algorithm().as_str(), hex.get(..64).unwrap_or(hex));
    Reference::new(repository.clone(), Some(tag), None).map_err(|error| Problem::Malformed(error.to_string()))
}

fn entries(bytes: &[u8]) -> Result<Vec<Descriptor>, Problem> {
    match document::read(Some(media_type::INDEX), bytes, &Limits::default()) {
        Ok(Document::Index(index)) => Ok(index.manifests),
        Ok(Document::Manifest(_)) => Err(Problem::Malformed("its list of referrers is no index".to_owned())),
        Err(error) => Err(Problem::Malformed(format!("its list of referrers is malformed: {error}"))),
    }
}

/// Returns the next page, as RFC 8288. It has to be the registry's own: a list is no reason to ask somebody else.
pub(crate) fn next(endpoint: &Endpoint, page: &Whole) -> Result<Option<Url>, Problem> {
    for value in page.headers.get_all(LINK) {
        let Some(target) = value.to_str().ok().and_then(target) else { continue };
        let url = page.url.join(target);
        let url = url.map_err(|error| Problem::Malformed(format!("its next page is no URL: {error}")))?;
        if !endpoint.is_at(&url) || !url.username().is_empty() || url.password().is_some() {
            let text = format!("its next page is at another place, {:?}", printable(target));
            return Err(Problem::Malformed(text));
        }
        return Ok(Some(endpoint.naming_registry(url)));
    }
    Ok(None)
}

/// Returns the target of a `Link` whose relation is `next`.
fn target(value: &str) -> Option<&str> {
    let (target, parameters) = value.trim().strip_prefix('<')?.split_once('>')?;
    let next = parameters.split(';').any(|parameter| {
        let (name, value) = parameter.split_once('=').unwrap_or((parameter, ""));
        let mut relations = value.trim().trim_matches('"').split_ascii_whitespace();
        name.trim().eq_ignore_ascii_case("rel") && relations.any(|relation| relation.eq_ignore_ascii_case("next"))
    });
    next.then_some(target)
}
