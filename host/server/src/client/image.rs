//! Images by the server's policies.

use refkit_content::{Error, Operation};

use super::Remote;
use crate::grpc::wire::Details;
use crate::grpc::{path, pb};

/// Why a server resolves no image.
#[derive(Debug, Clone)]
pub enum Unresolved {
    /// Its policies deny the reference, for these reasons.
    Denied(Vec<pb::Denial>),
    /// The run failed.
    Failed(Error),
}

impl Remote {
    /// Resolves an image by the policies of the server.
    ///
    /// # Errors
    /// [`Unresolved`].
    pub async fn resolve_image(
        &self,
        request: pb::ResolveImageRequest,
    ) -> Result<pb::ResolveImageResponse, Unresolved> {
        let subject = request.reference.clone();
        self.unary(path::RESOLVE_IMAGE, request).await.map_err(|status| {
            let denials = Details::of(&status).denials;
            match denials.is_empty() {
                true => Unresolved::Failed(self.error(Operation::Resolve, subject, &status)),
                false => Unresolved::Denied(denials),
            }
        })
    }
}
