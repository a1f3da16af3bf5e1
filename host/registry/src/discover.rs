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

use crate::authorize::Actions;
use crate::client::{About, Client};
use crate::endpoint::{Endpoint, same_origin};
use crate::failure::printable;
use crate::transport::{Call, Reply};

/// The most pages of one list.
const PAGES: usize = 1000;

/// The most entries of one list.
const ENTRIES: usize = 1_000_000;

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

#[async_trait]
impl Discover for Client {
    async fn tags(&self, repository: &Repository) -> Result<Answer<Vec<String>>, Error> {
        let endpoint = self.endpoint(repository);
        let endpoint = endpoint.map_err(|problem| Error::new(Operation::Tags, repository, problem))?;
        let about = About { operation: Operation::Tags, subject: repository, endpoint: &endpoint };
        let read = |bytes: &[u8]| {
            let page: Tags = serde_json::from_slice(bytes)
                .map_err(|error| Problem::Malformed(format!("its list of tags is malformed: {error}")))?;
            Ok(page.tags.unwrap_or_default())
        };
        let url = endpoint.url(&format!("{}/tags/list", repository.path()));
        let url = url.map_err(|problem| about.error(problem))?;
        match self.pages(&endpoint, repository, url, "application/json", read).await {
            Ok(Some(value)) => Ok(Answer { value, origin: about.origin() }),
            Ok(None) => Err(about.error(Problem::NotFound)),
            Err(problem) => Err(about.error(problem)),
        }
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Answer<Vec<Descriptor>>, Error> {
        let name = format!("{repository}@{subject}");
        let endpoint = self.endpoint(repository);
        let endpoint = endpoint.map_err(|problem| Error::new(Operation::Referrers, &name, problem))?;
        let about = About { operation: Operation::Referrers, subject: &name, endpoint: &endpoint };
        let list = self.list_referrers(&endpoint, repository, subject, artifact_type).await;
        let mut value = list.map_err(|problem| about.error(problem))?;
        // A registry need not know the filter, and one that says so need not be right.
        if let Some(wanted) = artifact_type {
            value.retain(|referrer| referrer.artifact_type.as_deref() == Some(wanted));
        }
        Ok(Answer { value, origin: about.origin() })
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
        let mut url = endpoint.url(&format!("{}/referrers/{subject}", repository.path()))?;
        if let Some(artifact_type) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", artifact_type);
        }
        if let Some(list) = self.pages(endpoint, repository, url, media_type::INDEX, entries).await? {
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
        let reply = self.manifest(endpoint, &reference, Method::GET).await?;
        match reply.success().await {
            Ok(reply) => reply.bytes(MANIFEST_LIMIT).await.map(Some),
            Err(Problem::NotFound) => Ok(None),
            Err(problem) => Err(problem),
        }
    }

    /// Reads a list page by page. Returns `None` where there is no such list at all.
    async fn pages<T>(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        first: Url,
        accept: &'static str,
        read: impl Fn(&[u8]) -> Result<Vec<T>, Problem>,
    ) -> Result<Option<Vec<T>>, Problem> {
        let (mut list, mut seen, mut url) = (Vec::new(), HashSet::new(), first);
        for _ in 0..PAGES {
            if !seen.insert(url.as_str().to_owned()) {
                return Err(Problem::Malformed("its list of pages leads back to an earlier page".to_owned()));
            }
            let call = Call::new(Method::GET, url).header(ACCEPT, HeaderValue::from_static(accept));
            let reply = self.inner.ask(endpoint, repository, Actions::Pull, call).await?;
            if list.is_empty() && matches!(reply.status.as_u16(), 404 | 405) && seen.len() == 1 {
                return Ok(None);
            }
            let reply = reply.success().await?;
            let next = next(endpoint, &reply)?;
            list.extend(read(&reply.bytes(MANIFEST_LIMIT).await?)?);
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
fn next(endpoint: &Endpoint, reply: &Reply) -> Result<Option<Url>, Problem> {
    for value in reply.headers.get_all(LINK) {
        let Some(target) = value.to_str().ok().and_then(target) else { continue };
        let url = reply.url.join(target);
        let url = url.map_err(|error| Problem::Malformed(format!("its next page is no URL: {error}")))?;
        if !same_origin(&url, &endpoint.base) || !url.username().is_empty() || url.password().is_some() {
            let text = format!("its next page is at another place, {:?}", printable(target));
            return Err(Problem::Malformed(text));
        }
        return Ok(Some(url));
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
