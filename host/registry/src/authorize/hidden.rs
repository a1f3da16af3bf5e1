//! What a host hides from requests without credentials.

use http::StatusCode;
use refkit_content::ErrorKind;

use super::fixed;
use crate::authority::Way;
use crate::client::Inner;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::reply::Reply;
use crate::transport::Call;

impl Inner {
    /// Sends a request that found nothing without credentials once more with those that there are: some registries hide
    /// private repositories behind a 404, and send no challenge. So only what needs no challenge is sent: a password or
    /// a token, to the host that they are for.
    pub(super) async fn ask_again_known(
        &self,
        endpoint: &Endpoint,
        call: Call,
        missing: Reply,
    ) -> Result<Reply, ErrorKind> {
        let known = match self.settings.credentials.credentials(&endpoint.host.credentials).await {
            Ok(credentials @ Credentials::Basic { .. }) => Some((Way::Basic, credentials)),
            Ok(credentials @ Credentials::RegistryToken(_)) => Some((Way::Registry, credentials)),
            // Where they cannot be looked up, what the registry says stands.
            Ok(Credentials::Anonymous | Credentials::IdentityToken(_)) | Err(_) => None,
        };
        let header = match &known {
            Some((way, credentials)) => fixed(way, credentials)?,
            None => None,
        };
        let (Some((way, _)), Some(header)) = (known, header) else {
            self.authority.show(endpoint);
            return Ok(missing);
        };
        // What is read now gives up its turn for the next request.
        let missing = missing.refusal().await;
        self.authority.send_credentials(endpoint);
        let reply = self.send(endpoint, call, Some(&header), false).await?;
        if reply.status.is_success() {
            self.authority.set_way(endpoint, way);
            return Ok(reply);
        }
        self.authority.show(endpoint);
        match reply.status {
            // The credentials do not open this repository.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(missing),
            _ => Ok(reply),
        }
    }
}
