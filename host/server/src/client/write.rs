//! Writing: [`Push`].

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures_util::stream::{self, Stream, StreamExt as _};
use http::uri::PathAndQuery;
use parking_lot::Mutex;
use refkit_content::{Body, Error, Operation, Push, verify};
use refkit_oci::{Descriptor, Reference, Repository};
use tonic::Status;
use tonic_prost::ProstCodec;

use super::Remote;
use crate::grpc::pb::push_request::Part;
use crate::grpc::{PIECE, path, pb, wire};

#[async_trait]
impl Push for Remote {
    async fn has(&self, repository: &Repository, descriptor: &Descriptor) -> Result<bool, Error> {
        let (repository, descriptor) = (repository.to_string(), Some(wire::descriptor(descriptor)));
        let subject = repository.clone();
        let found = self.unary(path::EXISTS, pb::ExistsRequest { repository, descriptor }).await;
        let found: pb::ExistsResponse = found.map_err(|status| self.error(Operation::Push, subject, &status))?;
        Ok(found.exists)
    }

    async fn mount(&self, repository: &Repository, blob: &Descriptor, from: &Repository) -> Result<bool, Error> {
        // The server would say so as well.
        if repository.registry() != from.registry() {
            return Ok(false);
        }
        let message = pb::MountRequest {
            repository: repository.to_string(),
            blob: Some(wire::descriptor(blob)),
            from: from.to_string(),
        };
        let found = self.unary(path::MOUNT, message).await;
        let failed = |status| self.error(Operation::Push, format_args!("{repository}@{}", blob.digest), &status);
        let found: pb::MountResponse = found.map_err(failed)?;
        Ok(found.mounted)
    }

    async fn push_blob(&self, repository: &Repository, descriptor: &Descriptor, body: Body) -> Result<(), Error> {
        // The last piece is held back until the content is verified, so the server never gets all of a forged one.
        let body = verify::verified(descriptor, body);
        let broken: Arc<Mutex<Option<Error>>> = Arc::default();
        let slot = Arc::clone(&broken);
        let pieces = body.stream.map(move |piece| piece.map_err(|error| *slot.lock() = Some(error)));
        let pieces =
            pieces.take_while(|piece| std::future::ready(piece.is_ok())).filter_map(|piece| async { piece.ok() });
        let target = pb::PushTarget {
            destination: repository.to_string(),
            descriptor: Some(wire::descriptor(&Descriptor { data: None, ..descriptor.clone() })),
        };
        let pushed = self.push(target, pieces).await;
        if let Some(error) = broken.lock().take() {
            return Err(error);
        }
        let failed = |status| self.error(Operation::Push, format_args!("{repository}@{}", descriptor.digest), &status);
        pushed.map(|_| ()).map_err(failed)
    }

    async fn push_manifest(
        &self,
        destination: &Reference,
        media_type: &str,
        bytes: Bytes,
    ) -> Result<Descriptor, Error> {
        let descriptor = verify::manifest(destination, media_type, &bytes)
            .map_err(|kind| self.contradicts(Operation::Push, destination, kind))?;
        let target =
            pb::PushTarget { destination: destination.to_string(), descriptor: Some(wire::descriptor(&descriptor)) };
        let pushed = self.push(target, stream::iter([bytes])).await;
        let pushed = pushed.map_err(|status| self.error(Operation::Push, destination, &status))?;
        self.descriptor(Operation::Push, destination, pushed.descriptor)
    }
}

impl Remote {
    async fn push(
        &self,
        target: pb::PushTarget,
        content: impl Stream<Item = Bytes> + Send + 'static,
    ) -> Result<pb::PushResponse, Status> {
        let message = |part| pb::PushRequest { part: Some(part) };
        let target = stream::iter([message(Part::Target(target))]);
        let pieces = content.flat_map(|bytes| stream::iter(pieces(bytes)));
        let messages = target.chain(pieces.map(move |piece| message(Part::Data(piece))));
        let codec = ProstCodec::<pb::PushRequest, pb::PushResponse>::default();
        let at = PathAndQuery::from_static(path::PUSH);
        Ok(self.grpc().client_streaming(self.request(messages), at, codec).await?.into_inner())
    }
}

/// Splits bytes into pieces.
fn pieces(mut bytes: Bytes) -> impl Iterator<Item = Bytes> {
    std::iter::from_fn(move || (!bytes.is_empty()).then(|| bytes.split_to(bytes.len().min(PIECE))))
}
