//! The layer that follows redirects.

pub(crate) mod policy;

use refkit_content::ErrorKind;

use crate::endpoint::{host_of, same_origin};
use crate::http::{Context, Request, Response, Transport};

/// The most redirects that a request follows.
const REDIRECTS: usize = 5;

/// Follows the redirects of requests that only read; the caller judges the response to any other request.
///
/// Each target has to pass the [policy]. The first redirect that leaves the endpoint's origin drops the credentials
/// for good, and marks the context, so that the lower layers send no headers, credentials or certificate of the
/// endpoint there.
pub(crate) struct Redirect<N> {
    next: N,
}

impl<N> Redirect<N> {
    pub(crate) fn new(next: N) -> Self {
        Self { next }
    }
}

impl<N: Transport> Transport for Redirect<N> {
    async fn send(&self, mut request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        let asked = request.url.clone();
        for _ in 0..=REDIRECTS {
            context.left_origin |= !context.endpoint.is_at(&request.url);
            if context.left_origin {
                request.authorization = None;
            }
            let again = if request.reads() { request.try_clone() } else { None };
            let (host, own) = (host_of(&request.url), same_origin(&request.url, &asked));
            let sent = self.next.send(request, context).await;
            let response = sent.map_err(|error| if own { error } else { at_target(&host, error) })?;
            let redirects = matches!(response.status.as_u16(), 301 | 302 | 303 | 307 | 308);
            let Some(again) = again.filter(|_| redirects) else {
                return Ok(Response { elsewhere: !same_origin(&response.url, &asked), ..response });
            };
            let target = response.location()?;
            policy::check(context.endpoint, &target)?;
            if response.url.scheme() == "https" && target.scheme() == "http" {
                return Err(ErrorKind::Malformed(format!("{} redirects to http", host_of(&response.url))));
            }
            request = again;
            request.url = target;
        }
        Err(ErrorKind::Malformed(format!("{} redirects more than {REDIRECTS} times", context.endpoint.name())))
    }
}

/// Returns the error for a redirect to a host with which there is no connection. Other errors name their host, or are
/// about what it sends.
fn at_target(host: &str, error: ErrorKind) -> ErrorKind {
    let what = match error {
        ErrorKind::Unreachable(what) => what,
        ErrorKind::Timeout(_) | ErrorKind::Protocol { .. } => error.to_string(),
        other => return other,
    };
    ErrorKind::Detour { said: format!("it redirects to {host}: {what}"), proxy: false }
}

#[cfg(test)]
mod tests;
