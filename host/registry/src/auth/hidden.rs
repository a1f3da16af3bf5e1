//! Repositories that a registry hides from requests without credentials.

use http::StatusCode;
use refkit_content::ErrorKind;

use super::Auth;
use super::scheme::Scheme;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::http::{Request, Response, Transport};

impl<N: Transport> Auth<N> {
    /// Sends a request once more, with credentials, after the same request without credentials found nothing. Some
    /// registries hide private repositories behind a 404, and send no challenge. Without a challenge the client can
    /// only send a password or a registry token to the host that they are for.
    pub(super) async fn ask_with_credentials(
        &self,
        endpoint: &Endpoint,
        request: Request,
        missing: Response,
    ) -> Result<Response, ErrorKind> {
        let known = match self.source.credentials(&endpoint.host.credentials).await {
            Ok(credentials @ Credentials::Basic { .. }) => Some((Scheme::Basic, credentials)),
            Ok(credentials @ Credentials::RegistryToken(_)) => Some((Scheme::RegistryToken, credentials)),
            // If the credentials cannot be looked up, the registry's response stands.
            Ok(Credentials::Anonymous | Credentials::IdentityToken(_)) | Err(_) => None,
        };
        let header = match &known {
            Some((scheme, credentials)) => scheme.header(credentials)?,
            None => None,
        };
        let (Some((scheme, _)), Some(header)) = (known, header) else {
            self.learned.show(endpoint);
            return Ok(missing);
        };
        // Reading the body frees the limiter's slot for the next request.
        let missing = missing.refusal().await;
        self.learned.send_credentials(endpoint);
        let response = self.pass(endpoint, request.authorization(Some(header))).await?;
        if response.status.is_success() {
            self.learned.set_scheme(endpoint, scheme);
            return Ok(response);
        }
        self.learned.show(endpoint);
        match response.status {
            // These credentials do not grant access to the repository.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(missing),
            _ => Ok(response),
        }
    }
}
