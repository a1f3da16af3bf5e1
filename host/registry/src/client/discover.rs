//! Lists: OCI distribution 1.1, sections "Listing Tags", "Listing Referrers" and "Referrers Tag Schema".

mod api;
mod list;

use std::collections::HashSet;

use async_trait::async_trait;
use bytes::Bytes;
use http::header::{ACCEPT, LINK};
use http::{HeaderValue, Method, StatusCode};
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Discover, Error, ErrorKind, Operation, WithOrigin};
use refkit_oci::document::{self, Document, Limits, media_type};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use serde::Deserialize;
use url::Url;

use super::resolve::content_type;
use super::{About, Client, page};
use crate::endpoint::Endpoint;
use crate::http::{Request, Whole};
use crate::text::printable;
use api::Api;
pub(crate) use api::Apis;
use list::List;

/// The most pages of one list.
const PAGES: usize = 1000;

/// The most bytes that are read of one list, all pages together: 64 MiB.
const READ: u64 = 64 << 20;

#[derive(Deserialize)]
struct Tags {
    tags: Option<Vec<String>>,
}

#[async_trait]
impl Discover for Client {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let about = About::new(Operation::Tags, repository);
        let ask = |endpoint: Endpoint| async move {
            let url = endpoint.url("tags/list")?;
            let lacks = |status| matches!(status, StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED);
            let first = page_request(url, "application/json");
            let list = self.pages(&endpoint, first, lacks, List::of_tags(), tags);
            list.await?.map_err(|_| ErrorKind::NotFound)
        };
        // A mirror has only a part of all tags, so only a host that resolves tags may list them.
        self.each(about, repository, |can| can.resolve, ask).await
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let name = format!("{repository}@{subject}");
        let about = About::new(Operation::Referrers, &name);
        let ask = |endpoint: Endpoint| async move {
            let value = self.list_referrers(&endpoint, repository, subject, artifact_type).await?;
            // A mirror may lack the referrers of content that it has.
            if value.is_empty() && !endpoint.last {
                return Err(ErrorKind::Unreachable("it has no referrers, and no other host could be asked".to_owned()));
            }
            Ok(value)
        };
        self.each(about, repository, |can| can.resolve, ask).await
    }
}

impl Client {
    /// Lists referrers by the API, or by the tag where there is none.
    async fn list_referrers(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<Vec<Descriptor>, ErrorKind> {
        // A registry may ignore the filter, even if it claims to have applied it.
        let wanted = |one: &Descriptor| artifact_type.is_none_or(|wanted| one.artifact_type.as_deref() == Some(wanted));
        let state = self.apis().of(endpoint)?;
        let mut api = state.lock().await;
        let listed = match *api {
            known if known.is_lacking() => None,
            Api::Found => {
                drop(api);
                self.referrers_by_api(endpoint, subject, artifact_type, wanted).await?.ok()
            }
            _ => {
                let listed = self.referrers_by_api(endpoint, subject, artifact_type, wanted).await?;
                *api = Api::shown(&listed);
                drop(api);
                listed.ok()
            }
        };
        if let Some(list) = listed {
            return Ok(list);
        }
        let Some(bytes) = self.fallback_index(endpoint, repository, subject).await? else { return Ok(Vec::new()) };
        let about = |one: &Descriptor| is_referrer(one, subject) && wanted(one);
        Ok(entries(&bytes)?.into_iter().filter(about).collect())
    }

    /// Returns whether the registry has the referrers API. It asks once.
    pub(crate) async fn lists_referrers(&self, endpoint: &Endpoint, subject: &Digest) -> Result<bool, ErrorKind> {
        let state = self.apis().of(endpoint)?;
        let mut api = state.lock().await;
        if !api.is_lacking() && !matches!(*api, Api::Found) {
            *api = Api::shown(&self.referrers_by_api(endpoint, subject, None, |_| true).await?);
        }
        Ok(!api.is_lacking())
    }

    /// Lists referrers by the API; returns the body of another response where there is no API.
    async fn referrers_by_api(
        &self,
        endpoint: &Endpoint,
        subject: &Digest,
        artifact_type: Option<&str>,
        wanted: impl Fn(&Descriptor) -> bool,
    ) -> Result<Result<Vec<Descriptor>, Bytes>, ErrorKind> {
        let mut url = endpoint.url(&format!("referrers/{subject}"))?;
        if let Some(artifact_type) = artifact_type {
            url.query_pairs_mut().append_pair("artifactType", artifact_type);
        }
        let read = |page: &Whole| {
            let list = match entries(&page.bytes) {
                // An HTML page, or another response of a server without the API.
                Err(_) if content_type(&page.headers).as_deref() != Some(media_type::INDEX) => return Ok(None),
                list => list?,
            };
            Ok(Some(list.into_iter().filter(&wanted).collect()))
        };
        let first = page_request(url, media_type::INDEX);
        self.pages(endpoint, first, lacks_referrers, List::of_referrers(), read).await
    }

    /// Returns the index that lists referrers under a tag, for registries without the API.
    pub(crate) async fn fallback_index(
        &self,
        endpoint: &Endpoint,
        repository: &Repository,
        subject: &Digest,
    ) -> Result<Option<Bytes>, ErrorKind> {
        let reference = fallback(repository, subject)?;
        let request = self.manifest(endpoint, &reference, Method::GET)?;
        let whole = match self.read(endpoint, request, MANIFEST_LIMIT).await {
            Ok(whole) => whole,
            Err(ErrorKind::NotFound) => return Ok(None),
            Err(error) => return Err(error),
        };
        if page::is_html(content_type(&whole.headers).as_deref(), &whole.bytes) {
            return Err(page::instead_of("a list of referrers"));
        }
        // GitLab's response for that tag is the subject itself.
        let is_subject = verify::check_digest(subject, &whole.bytes).is_ok();
        Ok((!is_subject).then_some(whole.bytes))
    }

    /// Reads a list page by page, and keeps only the entries of each page. Returns the body of the first page if there is
    /// no such list: if the status of that page says so, or if it is not a list.
    async fn pages<T>(
        &self,
        endpoint: &Endpoint,
        first: Request,
        lacks: impl Fn(StatusCode) -> bool,
        mut list: List<T>,
        read: impl Fn(&Whole) -> Result<Option<Vec<T>>, ErrorKind>,
    ) -> Result<Result<Vec<T>, Bytes>, ErrorKind> {
        let (mut seen, mut request, mut left) = (HashSet::new(), first, READ);
        for _ in 0..PAGES {
            if !seen.insert(request.url.as_str().to_owned()) {
                return Err(ErrorKind::Malformed("its list of pages leads back to an earlier page".to_owned()));
            }
            let is_first = seen.len() == 1;
            let again = request.try_clone();
            let page = self.read_unless(endpoint, request, MANIFEST_LIMIT, |status| is_first && lacks(status));
            let page = match page.await? {
                Ok(page) => page,
                Err(body) => return Ok(Err(body)),
            };
            let next = next(endpoint, &page)?;
            left = left.checked_sub(page.bytes.len() as u64).ok_or(ErrorKind::TooLarge { limit: READ })?;
            match read(&page)? {
                Some(entries) => list.extend(entries)?,
                None if is_first => return Ok(Err(page.bytes)),
                None => return Err(ErrorKind::Malformed("a later page of its list is no list".to_owned())),
            }
            match next.zip(again) {
                Some((url, again)) => request = Request { url, ..again },
                None => return Ok(Ok(list.entries)),
            }
        }
        Err(ErrorKind::Malformed(format!("its list has more than {PAGES} pages")))
    }
}

/// Returns the request for the first page of a list.
fn page_request(url: Url, accept: &'static str) -> Request {
    Request::new(Method::GET, url).header(ACCEPT, HeaderValue::from_static(accept))
}

fn tags(page: &Whole) -> Result<Option<Vec<String>>, ErrorKind> {
    let read: Result<Tags, _> = serde_json::from_slice(&page.bytes);
    match read {
        Ok(read) => Ok(Some(read.tags.unwrap_or_default())),
        Err(_) if page::is_html(content_type(&page.headers).as_deref(), &page.bytes) => {
            Err(page::instead_of("a list of tags"))
        }
        Err(error) => Err(ErrorKind::Malformed(format!("its list of tags is malformed: {error}"))),
    }
}

/// Returns whether a status says that there is no referrers API. OCI distribution 1.1 requires 404; registries that do
/// not know the path also refuse the digest (400), the media type (406), or the request (405, 501).
fn lacks_referrers(status: StatusCode) -> bool {
    matches!(status.as_u16(), 400 | 404 | 405 | 406 | 501)
}

/// Returns whether an entry of a list under the subject's tag can be a referrer. Only the `subject` of each manifest
/// proves it, and reading every manifest costs a request each; a caller that uses a referrer reads its manifest
/// anyway. So the entry decides. Clients that keep such a list write the artifact type into it and no platform (OCI
/// distribution 1.1, section "Referrers Tag Schema"); the entries of an image index under the same tag have a platform
/// and no artifact type.
fn is_referrer(entry: &Descriptor, subject: &Digest) -> bool {
    entry.digest != *subject && (entry.artifact_type.is_some() || entry.platform.is_none())
}

/// Returns the reference under which a registry without the API keeps the list of referrers: at most 64 digits.
pub(crate) fn fallback(repository: &Repository, subject: &Digest) -> Result<Reference, ErrorKind> {
    let hex = subject.hex();
    let tag = format!("{}-{}", subject.algorithm().as_str(), hex.get(..64).unwrap_or(hex));
    Reference::new(repository.clone(), Some(tag), None).map_err(|error| ErrorKind::Malformed(error.to_string()))
}

fn entries(bytes: &[u8]) -> Result<Vec<Descriptor>, ErrorKind> {
    match document::read(Some(media_type::INDEX), bytes, &Limits::default()) {
        Ok(Document::Index(index)) => Ok(index.manifests),
        Ok(Document::Manifest(_)) => Err(ErrorKind::Malformed("its list of referrers is no index".to_owned())),
        Err(error) => Err(ErrorKind::Malformed(format!("its list of referrers is malformed: {error}"))),
    }
}

/// Returns the URL of the next page (RFC 8288). It has to be at the same registry: a list must not send the client to
/// another host.
pub(crate) fn next(endpoint: &Endpoint, page: &Whole) -> Result<Option<Url>, ErrorKind> {
    for value in page.headers.get_all(LINK) {
        let Some(target) = value.to_str().ok().and_then(target) else { continue };
        let url = page.url.join(target);
        let url = url.map_err(|error| ErrorKind::Malformed(format!("its next page is no URL: {error}")))?;
        if !endpoint.is_at(&url) || !url.username().is_empty() || url.password().is_some() {
            let text = format!("its next page is at another host, {:?}", printable(target));
            return Err(ErrorKind::Malformed(text));
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
