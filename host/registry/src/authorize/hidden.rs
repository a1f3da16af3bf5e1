//! What a host hides from requests without credentials.

use http::StatusCode;
use refkit_content::Problem;

use super::fixed;
use crate::authority::Way;
use crate::client::Inner;
use crate::credentials::Credentials;
use crate::endpoint::Endpoint;
use crate::reply::Reply;
use crate::transport::Call;

impl Inner {
    /// Asks for what was not found without credentials once more with those that there are: some registries hide private
    /// repositories, and ask nobody for credentials. Such a registry names no challenge, so what needs none is sent: a
    /// password or a token, to the host that they are for.
    pub(super) async fn ask_again_known(
        &self,
        endpoint: &Endpoint,
        call: Call,
        missing: Reply,
    ) -> Result<Reply, Problem> {
        // Where they cannot be looked up, what was said stands.
        let Ok(credentials) = self.settings.credentials.credentials(&endpoint.host.credentials).await else {
            return Ok(missing);
        };
        let way = match &credentials {
            Credentials::Basic { .. } => Way::Basic,
            Credentials::RegistryToken(_) => Way::Registry,
            Credentials::Anonymous | Credentials::IdentityToken(_) => return Ok(missing),
        };
        let Some(header) = fixed(&way, &credentials)? else { return Ok(missing) };
        // What is read now gives up its turn for the next request.
        let missing = missing.refusal().await;
        self.authority.send_credentials(endpoint);
        let reply = self.send(endpoint, call, Some(&header), false).await?;
        match reply.status {
            // They are none for this repository.
            StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN => Err(missing),
            status => {
                if status.is_success() {
                    self.authority.set_way(endpoint, way);
                }
                Ok(reply)
            }
        }
    }
}
