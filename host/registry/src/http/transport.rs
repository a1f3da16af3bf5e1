//! The interface between the layers.

use refkit_content::ErrorKind;

use super::{Context, Request, Response};

/// Sends requests. [`Http`](super::Http) sends them to the network; every other layer wraps the next lower one:
/// [`Retry`](crate::retry::Retry), then [`Redirect`](crate::redirect::Redirect). Unit tests put a fake below a layer.
pub(crate) trait Transport: Send + Sync {
    /// Returns the response to a request, whatever its status.
    ///
    /// # Errors
    /// Why there is no response, or, from a layer that has given up, the error of the last response.
    fn send(
        &self,
        request: Request,
        context: &mut Context<'_>,
    ) -> impl Future<Output = Result<Response, ErrorKind>> + Send;
}
