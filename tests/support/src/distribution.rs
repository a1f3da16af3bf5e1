//! The OCI distribution API 1.1 over a store in memory.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderValue, Method, Response, StatusCode};
use refkit_oci::document::{Index, media_type};
use refkit_oci::{Descriptor, Digest};
use serde::Serialize;
use serde_json::{Value, json};

use crate::range;
use crate::store::{Store, digest};
use crate::uploads;

/// What a path names.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Route<'a> {
    Base,
    Manifest { repository: &'a str, reference: &'a str },
    Blob { repository: &'a str, digest: &'a str },
    Uploads { repository: &'a str },
    Upload { repository: &'a str, id: &'a str },
    Tags { repository: &'a str },
    Referrers { repository: &'a str, digest: &'a str },
    Unknown,
}

impl<'a> Route<'a> {
    pub(crate) fn of(path: &'a str) -> Self {
        let Some(rest) = path.strip_prefix("/v2/") else {
            return if path == "/v2" { Self::Base } else { Self::Unknown };
        };
        if rest.is_empty() {
            return Self::Base;
        }
        if let Some(repository) = rest.strip_suffix("/tags/list") {
            return Self::Tags { repository };
        }
        if let Some((repository, id)) = rest.split_once("/blobs/uploads/") {
            return if id.is_empty() { Self::Uploads { repository } } else { Self::Upload { repository, id } };
        }
        if let Some(repository) = rest.strip_suffix("/blobs/uploads") {
            return Self::Uploads { repository };
        }
        let Some((head, last)) = rest.rsplit_once('/') else { return Self::Unknown };
        match head.rsplit_once('/') {
            Some((repository, "manifests")) => Self::Manifest { repository, reference: last },
            Some((repository, "blobs")) => Self::Blob { repository, digest: last },
            Some((repository, "referrers")) => Self::Referrers { repository, digest: last },
            _ => Self::Unknown,
        }
    }

    pub(crate) fn repository(self) -> Option<&'a str> {
        match self {
            Self::Base | Self::Unknown => None,
            Self::Manifest { repository, .. }
            | Self::Blob { repository, .. }
            | Self::Uploads { repository }
            | Self::Upload { repository, .. }
            | Self::Tags { repository }
            | Self::Referrers { repository, .. } => Some(repository),
        }
    }
}

/// Answers one request.
pub(crate) fn answer(store: &mut Store, request: &Parts, body: Bytes) -> Response<Bytes> {
    let query: Vec<(String, String)> =
        url::form_urlencoded::parse(request.uri.query().unwrap_or_default().as_bytes()).into_owned().collect();
    let parameter = |name: &str| query.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    let reads = matches!(request.method, Method::GET | Method::HEAD);
    match Route::of(request.uri.path()) {
        Route::Base if reads => json_answer(StatusCode::OK, "application/json", &json!({})),
        Route::Manifest { repository, reference } => match request.method {
            Method::GET | Method::HEAD => {
                let known = request.headers.get("if-none-match").and_then(|value| value.to_str().ok());
                manifest(store, repository, reference, known)
            }
            Method::PUT => put_manifest(store, repository, reference, request, body),
            Method::DELETE => delete_manifest(store, repository, reference),
            _ => not_allowed(),
        },
        Route::Blob { repository, digest } => match request.method {
            Method::GET | Method::HEAD => range::part(request, blob(store, repository, digest)),
            Method::DELETE => match store.repository(repository).and_then(|held| held.blobs.remove(digest)) {
                Some(_) => plain(StatusCode::ACCEPTED),
                None => error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", digest),
            },
            _ => not_allowed(),
        },
        Route::Uploads { repository } if request.method == Method::POST => {
            uploads::start(store, repository, parameter("digest"), parameter("mount"), parameter("from"), body)
        }
        Route::Upload { repository, id } => match request.method {
            Method::PATCH => uploads::append(store, repository, id, request, &body),
            Method::PUT => uploads::finish(store, repository, id, parameter("digest"), &body),
            Method::GET => match store.uploads.get(id) {
                Some(held) => uploads::status(StatusCode::NO_CONTENT, repository, id, held.len()),
                None => error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", id),
            },
            Method::DELETE => match store.uploads.remove(id) {
                Some(_) => plain(StatusCode::NO_CONTENT),
                None => error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", id),
            },
            _ => not_allowed(),
        },
        Route::Tags { repository } if reads => tags(store, repository, parameter("n"), parameter("last")),
        Route::Referrers { repository, digest } if reads && store.referrers_on => {
            referrers(store, repository, digest, parameter("artifactType"))
        }
        Route::Unknown | Route::Referrers { .. } => error(StatusCode::NOT_FOUND, "NOT_FOUND", request.uri.path()),
        Route::Base | Route::Uploads { .. } | Route::Tags { .. } => not_allowed(),
    }
}

fn manifest(store: &mut Store, repository: &str, reference: &str, known: Option<&str>) -> Response<Bytes> {
    let Some(held) = store.repository(repository) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", repository);
    };
    let digest = held.tags.get(reference).map_or(reference, Digest::as_str);
    let etag = format!("\"{digest}\"");
    match held.manifests.get(digest) {
        Some(_) if known == Some(etag.as_str()) => {
            with(plain(StatusCode::NOT_MODIFIED), &[("docker-content-digest", digest), ("etag", &etag)])
        }
        Some(manifest) => with(
            Response::new(manifest.bytes.clone()),
            &[("content-type", &manifest.media_type), ("docker-content-digest", digest), ("etag", &etag)],
        ),
        None => error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", reference),
    }
}

fn put_manifest(store: &mut Store, repository: &str, reference: &str, request: &Parts, body: Bytes) -> Response<Bytes> {
    let text = |name: &str| request.headers.get(name).and_then(|value| value.to_str().ok());
    let media_type = text("content-type").unwrap_or_default().to_owned();
    let Ok(document) = serde_json::from_slice::<Value>(&body) else {
        return error(StatusCode::BAD_REQUEST, "MANIFEST_INVALID", "the manifest is not JSON");
    };
    let actual = digest(&body);
    let tag = (!reference.contains(':')).then_some(reference);
    if tag.is_none() && reference != actual.as_str() {
        let message = format!("the manifest has the digest {actual}, not {reference}");
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", &message);
    }
    if let Some(missing) = store.missing(repository, &document) {
        return error(StatusCode::NOT_FOUND, "MANIFEST_BLOB_UNKNOWN", &missing);
    }
    let subject = document["subject"]["digest"].as_str().unwrap_or_default().to_owned();
    store.put_manifest(repository, tag, &media_type, body);
    let location = format!("/v2/{repository}/manifests/{actual}");
    let answer =
        with(plain(StatusCode::CREATED), &[("location", &location), ("docker-content-digest", actual.as_str())]);
    if store.referrers_on && !subject.is_empty() { with(answer, &[("oci-subject", &subject)]) } else { answer }
}

fn delete_manifest(store: &mut Store, repository: &str, reference: &str) -> Response<Bytes> {
    let gone = store.repository(repository).is_some_and(|held| {
        if held.tags.remove(reference).is_some() {
            return true;
        }
        held.tags.retain(|_, digest| digest.as_str() != reference);
        held.manifests.remove(reference).is_some()
    });
    if gone { plain(StatusCode::ACCEPTED) } else { error(StatusCode::NOT_FOUND, "MANIFEST_UNKNOWN", reference) }
}

fn blob(store: &mut Store, repository: &str, digest: &str) -> Response<Bytes> {
    match store.repository(repository).and_then(|held| held.blobs.get(digest)) {
        Some(bytes) => with(
            Response::new(bytes.clone()),
            &[
                ("content-type", "application/octet-stream"),
                ("docker-content-digest", digest),
                ("etag", &format!("\"{digest}\"")),
            ],
        ),
        None => error(StatusCode::NOT_FOUND, "BLOB_UNKNOWN", digest),
    }
}

fn tags(store: &mut Store, repository: &str, n: Option<&str>, last: Option<&str>) -> Response<Bytes> {
    let most = store.page_size;
    let Some(held) = store.repository(repository) else {
        return error(StatusCode::NOT_FOUND, "NAME_UNKNOWN", repository);
    };
    let asked = match n.map(str::parse::<usize>) {
        Some(Err(_)) => return error(StatusCode::BAD_REQUEST, "PAGINATION_NUMBER_INVALID", n.unwrap_or_default()),
        Some(Ok(n)) => Some(n),
        None => None,
    };
    let size = asked.into_iter().chain(most).min().unwrap_or(usize::MAX);
    let rest: Vec<&String> = held.tags.keys().filter(|tag| last.is_none_or(|last| tag.as_str() > last)).collect();
    let page = &rest[..size.min(rest.len())];
    let answer = json_answer(StatusCode::OK, "application/json", &json!({ "name": repository, "tags": page }));
    match page.last() {
        Some(last) if page.len() < rest.len() => {
            let link = format!("</v2/{repository}/tags/list?n={size}&last={last}>; rel=\"next\"");
            with(answer, &[("link", &link)])
        }
        _ => answer,
    }
}

fn referrers(store: &mut Store, repository: &str, subject: &str, artifact_type: Option<&str>) -> Response<Bytes> {
    if subject.parse::<Digest>().is_err() {
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", subject);
    }
    let manifests: Vec<Descriptor> = match store.repository(repository) {
        Some(held) => held
            .manifests
            .iter()
            .filter_map(|(digest, manifest)| manifest.as_referrer(digest, subject))
            .filter(|entry| artifact_type.is_none_or(|wanted| entry.artifact_type.as_deref() == Some(wanted)))
            .collect(),
        None => Vec::new(),
    };
    let index = Index {
        media_type: media_type::INDEX.to_owned(),
        manifests,
        artifact_type: None,
        subject: None,
        annotations: Vec::new(),
        unverifiable: Vec::new(),
    };
    let answer = json_answer(StatusCode::OK, media_type::INDEX, &index);
    if artifact_type.is_some() { with(answer, &[("oci-filters-applied", "artifactType")]) } else { answer }
}

/// Returns an answer without a body.
pub(crate) fn plain(status: StatusCode) -> Response<Bytes> {
    let mut answer = Response::new(Bytes::new());
    *answer.status_mut() = status;
    answer
}

fn not_allowed() -> Response<Bytes> {
    error(StatusCode::METHOD_NOT_ALLOWED, "UNSUPPORTED", "the method is not allowed here")
}

/// Returns an answer with JSON in it.
pub(crate) fn json_answer(status: StatusCode, media_type: &str, value: &impl Serialize) -> Response<Bytes> {
    let mut answer = plain(status);
    *answer.body_mut() = serde_json::to_vec(value).expect("a document of texts and numbers").into();
    with(answer, &[("content-type", media_type)])
}

/// Returns an error in the form of OCI distribution 1.1, section "Error Codes".
pub(crate) fn error(status: StatusCode, code: &str, message: &str) -> Response<Bytes> {
    json_answer(status, "application/json", &json!({ "errors": [{ "code": code, "message": message }] }))
}

/// Returns the answer with headers.
pub(crate) fn with(mut answer: Response<Bytes>, headers: &[(&'static str, &str)]) -> Response<Bytes> {
    for (name, value) in headers {
        // What a client sent may not be sendable as a header; the answer then goes without it.
        if let Ok(value) = HeaderValue::from_str(value) {
            answer.headers_mut().insert(*name, value);
        }
    }
    answer
}
