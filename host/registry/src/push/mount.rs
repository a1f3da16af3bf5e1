//! Mounts blobs, as OCI distribution 1.1, section "Mounting a blob from another repository".

use http::header::CONTENT_LENGTH;
use http::{HeaderValue, Method, StatusCode};
use refkit_content::ErrorKind;
use refkit_oci::{Descriptor, Repository};

use super::check_digest;
use super::upload::{Upload, to_its_end};
use crate::auth::Actions;
use crate::client::{Client, DIGEST};
use crate::endpoint::{Endpoint, same_origin};
use crate::http::Request;

impl Client {
    /// Returns the name that a repository has at an endpoint's host: it is in the same registry, or the settings name
    /// that host for both registries. None if the host does not serve the repository.
    ///
    /// The name belongs to the host, so `?ns=` plays no part: a host that receives writes has one set of repositories.
    pub(super) fn name_at(&self, endpoint: &Endpoint, repository: &Repository) -> Result<Option<String>, ErrorKind> {
        if repository.registry() == endpoint.registry {
            return endpoint.host.repository(repository.path()).map(Some);
        }
        // If the other registry has no host, or invalid settings, reading from it returns the error.
        let others = self.endpoints(repository, |can| can.pull).unwrap_or_default();
        Ok(others.iter().find_map(|other| name_below(endpoint, other)))
    }

    /// Mounts a blob of another repository of the host. After any status but 201 the caller pushes the blob, and an
    /// error of that request tells the cause.
    pub(super) async fn mount_blob(
        &self,
        endpoint: &Endpoint,
        descriptor: &Descriptor,
        there: String,
    ) -> Result<bool, ErrorKind> {
        let mut url = endpoint.url("blobs/uploads/")?;
        url.query_pairs_mut().append_pair("mount", descriptor.digest.as_str()).append_pair("from", &there);
        let request = Request::new(Method::POST, url).header(CONTENT_LENGTH, HeaderValue::from_static("0"));
        let (client, endpoint, digest) = (self.clone(), endpoint.clone(), descriptor.digest.clone());
        to_its_end(async move {
            let response = match client.send(&endpoint, Actions::Mount(there), request).await {
                Ok(response) => response,
                // Credentials that may write to one repository need not be allowed to read the other.
                Err(ErrorKind::Unauthorized(_) | ErrorKind::Forbidden(_) | ErrorKind::Overloaded { .. }) => {
                    return Ok(false);
                }
                Err(error) => return Err(error),
            };
            let opened = match response.status {
                StatusCode::CREATED => return check_digest(&digest, response.header(DIGEST)).map(|()| true),
                StatusCode::ACCEPTED => Upload::opened(&client, &endpoint, &response).ok(),
                _ => None,
            };
            drop(response);
            // The push opens another upload once it knows how to send the blob.
            if let Some(upload) = opened {
                upload.cancel().await;
            }
            Ok(false)
        })
        .await
    }
}

/// Returns the name of another endpoint's repository below the API of this one: `hub/library/alpine` for the mirror
/// `https://host/v2/hub/` at the registry `https://host/v2/`.
fn name_below(endpoint: &Endpoint, other: &Endpoint) -> Option<String> {
    if !same_origin(&endpoint.host.api, &other.host.api) {
        return None;
    }
    let path = other.host.api.path().strip_prefix(endpoint.host.api.path())?;
    let name = format!("{path}{}", other.path);
    // Any registry will do here, because paths are valid independently of it.
    Repository::new("registry.invalid", &name).is_ok().then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hosts::Host;

    #[test]
    fn names_at_a_host() {
        let rows = [
            ("https://one.test/v2/", "https://one.test/v2/", Some("app")),
            ("https://one.test/v2/", "https://one.test/v2/hub/", Some("hub/app")),
            ("https://one.test/", "https://one.test/v2/hub/", Some("v2/hub/app")),
            ("https://one.test/v2/", "https://one.test/v2/HUB/", None),
            ("https://one.test/v2/hub/", "https://one.test/v2/", None),
            ("https://one.test/v2/hub/", "https://one.test/v2/hubs/", None),
            ("https://one.test/v2/", "https://one.test:5000/v2/", None),
            ("https://one.test/v2/", "http://one.test/v2/", None),
            ("https://one.test/v2/", "https://two.test/v2/", None),
        ];
        let endpoint = |api: &str| Endpoint::new("r.test", Host::new(api.parse().expect("a URL")), "app");
        for (one, other, wanted) in rows {
            assert_eq!(name_below(&endpoint(one), &endpoint(other)).as_deref(), wanted, "{one}, {other}");
        }
    }
}
