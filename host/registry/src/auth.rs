//! The layer that authenticates requests.
//!
//! `challenge` parses the challenges of a host, `scope` names what a token has to allow, `token` requests one, and
//! `learned` keeps what earlier responses have shown of each host.

pub(crate) mod challenge;
mod hidden;
mod learned;
mod refused;
mod scheme;
pub(crate) mod scope;
mod token;

#[cfg(test)]
mod tests;

use std::sync::Arc;

use http::{HeaderValue, StatusCode};
use refkit_content::ErrorKind;

use crate::credentials::{CredentialSource, Credentials};
use crate::endpoint::Endpoint;
use crate::http::{Context, Purpose, Request, Response, Transport};
use challenge::Challenge;
use learned::Learned;
use refused::Refused;
use scheme::Scheme;

pub(crate) use scope::Actions;

/// Sends requests with the credentials that their host wants.
///
/// The first request to a host goes without credentials, unless the host is known to want some. Equal first requests
/// wait for it, so that each host sends its challenge once. This layer answers the challenge of a 401 once, and once
/// more if the source has other credentials by then. It sends credentials only to the endpoint that they are for, and
/// answers no challenge of a host that the endpoint redirected to.
pub(crate) struct Auth<N> {
    next: N,
    source: Arc<dyn CredentialSource>,
    learned: Learned,
}

/// A request to an endpoint, and what it does there.
#[derive(Clone, Copy)]
struct Ask<'a> {
    endpoint: &'a Endpoint,
    actions: &'a Actions,
}

impl<N: Transport> Auth<N> {
    pub(crate) fn new(next: N, source: Arc<dyn CredentialSource>) -> Self {
        Self { next, source, learned: Learned::default() }
    }

    /// Returns the response to a request, whatever its status; a 401 or 403 only if no credentials could be tried.
    ///
    /// # Errors
    /// [`ErrorKind::Unauthorized`] after a 401 that no credentials satisfied; otherwise as the layers below.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        actions: Actions,
        request: Request,
    ) -> Result<Response, ErrorKind> {
        let ask = Ask { endpoint, actions: &actions };
        let _first = self.learned.first_contact(endpoint).await;
        let again = request.try_clone();
        let known = match self.known(ask).await {
            // The cached authentication failed: request without it and read the new challenge.
            Err(ErrorKind::Unauthorized(_) | ErrorKind::Malformed(_) | ErrorKind::InsideNetwork { .. })
                if again.is_some() =>
            {
                None
            }
            known => known?,
        };
        let response = self.pass(endpoint, request.authorization(known.clone())).await?;
        if self.learned.scheme(endpoint).is_none() && response.status != StatusCode::UNAUTHORIZED {
            self.learned.set_scheme(endpoint, Scheme::Anonymous);
        }
        if response.elsewhere {
            return Ok(response);
        }
        let pulls_openly = known.is_none() && actions == Actions::Pull;
        match response.status {
            StatusCode::UNAUTHORIZED => {
                let challenges = challenge::challenges(&response.headers);
                let unanswerable = challenge::unanswerable(&response.headers);
                let credentials = self.look_up(endpoint).await?;
                // Reading the body frees the limiter's slot for the next request.
                let said = response.refusal().await;
                let refused = Refused { said, header: known, challenges, unanswerable, credentials, renewed: false };
                match again {
                    Some(request) => self.answer_challenge(ask, request, refused).await,
                    None => Err(refused.error(endpoint)),
                }
            }
            // The client asks the next host for what a mirror does not have.
            StatusCode::NOT_FOUND if pulls_openly && endpoint.last && !self.learned.is_shown(endpoint) => match again {
                Some(request) => self.ask_with_credentials(endpoint, request, response).await,
                None => Ok(response),
            },
            // ECR answers an expired password with 403, and sends no challenge.
            StatusCode::FORBIDDEN if known.is_some() && self.learned.is_basic(endpoint) => {
                let Some(credentials) = self.other_password(endpoint, known.as_ref()).await? else {
                    return Ok(response);
                };
                let (said, challenges) = (response.refusal().await, vec![Challenge::Basic]);
                let refused =
                    Refused { said, header: known, challenges, unanswerable: None, credentials, renewed: true };
                match again {
                    Some(request) => self.answer_challenge(ask, request, refused).await,
                    None => Err(refused.error(endpoint)),
                }
            }
            status => {
                if pulls_openly && status.is_success() {
                    self.learned.show(endpoint);
                }
                Ok(response)
            }
        }
    }

    /// Sends a request to an endpoint through the lower layers. The future is boxed, because it is large and several
    /// functions here contain it.
    async fn pass(&self, endpoint: &Endpoint, request: Request) -> Result<Response, ErrorKind> {
        let mut context = Context::new(endpoint, Purpose::Repository);
        Box::pin(self.next.send(request, &mut context)).await
    }

    /// Looks up the credentials for a host, and notes that the host gets them from now on.
    async fn look_up(&self, endpoint: &Endpoint) -> Result<Credentials, ErrorKind> {
        let credentials = self.source.credentials(&endpoint.host.credentials).await?;
        if !matches!(credentials, Credentials::Anonymous) {
            self.learned.send_credentials(endpoint);
        }
        Ok(credentials)
    }

    /// Returns the credentials that the source has by now, if they differ from the old ones.
    async fn renewed(&self, endpoint: &Endpoint, old: &Credentials) -> Result<Option<Credentials>, ErrorKind> {
        self.source.forget(&endpoint.host.credentials).await;
        let new = self.look_up(endpoint).await?;
        Ok((new.fingerprint() != old.fingerprint()).then_some(new))
    }

    /// Returns the credentials that the source has by now, if their password differs from the one in a refused header.
    async fn other_password(
        &self,
        endpoint: &Endpoint,
        refused: Option<&HeaderValue>,
    ) -> Result<Option<Credentials>, ErrorKind> {
        let now = self.look_up(endpoint).await?;
        let is_other = Scheme::Basic.header(&now)?.is_some_and(|header| Some(&header) != refused);
        if is_other { Ok(Some(now)) } else { self.renewed(endpoint, &now).await }
    }

    /// Returns the header that an endpoint is known to want.
    async fn known(&self, ask: Ask<'_>) -> Result<Option<HeaderValue>, ErrorKind> {
        match self.learned.scheme(ask.endpoint) {
            None | Some(Scheme::Anonymous) => Ok(None),
            Some(scheme @ (Scheme::Basic | Scheme::RegistryToken)) => scheme.header(&self.look_up(ask.endpoint).await?),
            Some(Scheme::Bearer(bearer)) => {
                let credentials = self.look_up(ask.endpoint).await?;
                // The scope of the challenge was for the repository of that request.
                let bearer = challenge::Bearer { scope: None, ..bearer };
                self.token(ask, &bearer, &credentials, None).await.map(Some)
            }
        }
    }

    /// Sends a request again after a 401, as the challenges ask; after a second one, with newer credentials.
    async fn answer_challenge(
        &self,
        ask: Ask<'_>,
        request: Request,
        mut refused: Refused,
    ) -> Result<Response, ErrorKind> {
        let mut failure = None;
        for renew in [false, true] {
            if renew {
                if refused.renewed {
                    break;
                }
                let Some(newer) = self.renewed(ask.endpoint, &refused.credentials).await? else { break };
                refused.credentials = newer;
            }
            let header = match self.header(ask, &refused).await {
                Ok(Some(header)) => header,
                Ok(None) => continue,
                Err(error @ ErrorKind::Unauthorized(_)) => {
                    failure = Some(error);
                    continue;
                }
                Err(error) => return Err(error),
            };
            let Some(request) = request.try_clone() else { break };
            let response = self.pass(ask.endpoint, request.authorization(Some(header.clone()))).await?;
            if response.status != StatusCode::UNAUTHORIZED || response.elsewhere {
                return Ok(response);
            }
            refused.said = response.refusal().await;
            (refused.header, failure) = (Some(header), None);
        }
        Err(failure.unwrap_or_else(|| refused.error(ask.endpoint)))
    }

    /// Returns the header for the first challenge that the credentials can answer, other than the refused one.
    async fn header(&self, ask: Ask<'_>, refused: &Refused) -> Result<Option<HeaderValue>, ErrorKind> {
        let mut failure = None;
        for challenge in refused.challenges.iter().take(CHALLENGES) {
            let scheme = Scheme::of(challenge, &refused.credentials);
            let header = match &scheme {
                Scheme::Bearer(bearer) => {
                    match self.token(ask, bearer, &refused.credentials, refused.header.as_ref()).await {
                        Ok(header) => Some(header),
                        // The credentials may answer another challenge.
                        Err(error) => {
                            failure = failure.or(Some(error));
                            None
                        }
                    }
                }
                scheme => scheme.header(&refused.credentials)?,
            };
            if let Some(header) = header.filter(|header| Some(header) != refused.header.as_ref()) {
                self.learned.set_scheme(ask.endpoint, scheme);
                return Ok(Some(header));
            }
        }
        failure.map_or(Ok(None), Err)
    }

    /// Returns whether a host has been sent credentials.
    pub(crate) fn has_sent_credentials(&self, endpoint: &Endpoint) -> bool {
        self.learned.has_sent_credentials(endpoint)
    }

    /// Returns the source of credentials.
    pub(crate) fn source(&self) -> &dyn CredentialSource {
        &*self.source
    }
}

/// The most challenges of one response that this layer tries.
const CHALLENGES: usize = 4;
