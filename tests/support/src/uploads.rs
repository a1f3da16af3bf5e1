//! Uploads of blobs, as OCI distribution 1.1, section "Pushing blobs".

use bytes::Bytes;
use http::request::Parts;
use http::{Response, StatusCode};

use crate::distribution::{error, plain, with};
use crate::store::{Store, digest};

pub(crate) fn start(
    store: &mut Store,
    repository: &str,
    digest: Option<&str>,
    mount: Option<&str>,
    from: Option<&str>,
    body: Bytes,
) -> Response<Bytes> {
    if let (Some(mount), Some(from)) = (mount, from)
        && let Some(bytes) = store.repository(from).and_then(|held| held.blobs.get(mount)).cloned()
    {
        store.put_blob(repository, bytes);
        return created_blob(repository, mount);
    }
    let id = store.open_upload();
    match digest {
        Some(digest) => finish(store, repository, &id, Some(digest), &body),
        None => status(StatusCode::ACCEPTED, repository, &id, 0),
    }
}

pub(crate) fn append(store: &mut Store, repository: &str, id: &str, request: &Parts, body: &Bytes) -> Response<Bytes> {
    let Some(held) = store.uploads.get_mut(id) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", id);
    };
    let start = request.headers.get("content-range").and_then(|range| range.to_str().ok());
    if let Some(start) = start.and_then(|range| range.split('-').next())
        && start != held.len().to_string()
    {
        return status(StatusCode::RANGE_NOT_SATISFIABLE, repository, id, held.len());
    }
    held.extend_from_slice(body);
    let length = held.len();
    status(StatusCode::ACCEPTED, repository, id, length)
}

pub(crate) fn finish(
    store: &mut Store,
    repository: &str,
    id: &str,
    wanted: Option<&str>,
    body: &Bytes,
) -> Response<Bytes> {
    let Some(mut held) = store.uploads.remove(id) else {
        return error(StatusCode::NOT_FOUND, "BLOB_UPLOAD_UNKNOWN", id);
    };
    held.extend_from_slice(body);
    let actual = digest(&held);
    if wanted != Some(actual.as_str()) {
        let message = format!("the blob has the digest {actual}, not {}", wanted.unwrap_or("none"));
        return error(StatusCode::BAD_REQUEST, "DIGEST_INVALID", &message);
    }
    store.put_blob(repository, held.into());
    created_blob(repository, actual.as_str())
}

pub(crate) fn status(status: StatusCode, repository: &str, id: &str, length: usize) -> Response<Bytes> {
    let location = format!("/v2/{repository}/blobs/uploads/{id}");
    let range = format!("0-{}", length.saturating_sub(1));
    with(plain(status), &[("location", &location), ("range", &range), ("docker-upload-uuid", id)])
}

fn created_blob(repository: &str, digest: &str) -> Response<Bytes> {
    let location = format!("/v2/{repository}/blobs/{digest}");
    with(plain(StatusCode::CREATED), &[("location", &location), ("docker-content-digest", digest)])
}
