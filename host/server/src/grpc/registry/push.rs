//! `Push`.

use bytes::BytesMut;
use futures_util::StreamExt as _;
use refkit_content::verify::{self, MANIFEST_LIMIT};
use refkit_content::{Body, Origin};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Reference, Repository};
use tonic::{Request, Response, Status, Streaming};

use super::received::Received;
use super::write::target;
use crate::grpc::failed::{self, invalid};
use crate::grpc::rules::Destination;
use crate::grpc::{Call, fields, pb, wire};

/// Writes a blob, a manifest or an index.
pub async fn push(
    call: &Call,
    request: Request<Streaming<pb::PushRequest>>,
) -> Result<Response<pb::PushResponse>, Status> {
    let mut messages = request.into_inner();
    let first = messages.message().await?.and_then(|message| message.part);
    let Some(pb::push_request::Part::Target(pushed)) = first else {
        return Err(invalid("target", "the first message has to name what is pushed"));
    };
    let descriptor = fields::descriptor("target.descriptor", pushed.descriptor)?;
    let descriptor = match media_type::is_document(&descriptor.media_type) {
        true => {
            let destination = manifest_destination(&pushed.destination, &descriptor)?;
            manifest(call, &destination, &descriptor, messages).await?
        }
        false => {
            let repository = fields::repository("target.destination", &pushed.destination)?;
            blob(call, &repository, descriptor, messages).await?
        }
    };
    Ok(Response::new(pb::PushResponse { descriptor: Some(wire::descriptor(&descriptor)) }))
}

fn manifest_destination(text: &str, descriptor: &Descriptor) -> Result<Reference, Status> {
    const FIELD: &str = "target.destination";
    let destination = fields::reference(FIELD, text)?;
    if Repository::parse(text).is_ok() {
        return Err(invalid(FIELD, "a manifest needs a tag or a digest there"));
    }
    if destination.digest().is_some_and(|digest| *digest != descriptor.digest) {
        return Err(invalid(FIELD, format!("its digest is not {}, that of the descriptor", descriptor.digest)));
    }
    if descriptor.size > MANIFEST_LIMIT {
        return Err(invalid("target.descriptor.size", format!("a manifest has at most {MANIFEST_LIMIT} bytes")));
    }
    Ok(destination)
}

async fn manifest(
    call: &Call,
    destination: &Reference,
    descriptor: &Descriptor,
    messages: Streaming<pb::PushRequest>,
) -> Result<Descriptor, Status> {
    let target = target(call, "Push", Destination::Manifest(destination))?;
    let (received, mut pieces) = Received::new(messages, descriptor);
    let mut bytes = BytesMut::new();
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece.map_err(|error| received.status(&error))?);
    }
    let bytes = bytes.freeze();
    verify::check(descriptor, &bytes).map_err(|kind| invalid("target.descriptor.digest", kind))?;
    let pushed = target.push_manifest(destination, &descriptor.media_type, bytes).await;
    pushed.map_err(|error| failed::content(&error))
}

async fn blob(
    call: &Call,
    repository: &Repository,
    descriptor: Descriptor,
    messages: Streaming<pb::PushRequest>,
) -> Result<Descriptor, Status> {
    let target = target(call, "Push", Destination::Blobs(repository))?;
    let (received, stream) = Received::new(messages, &descriptor);
    let body = Body { origin: Origin::Host(call.caller.0.clone()), stream };
    target.push_blob(repository, &descriptor, body).await.map_err(|error| received.status(&error))?;
    Ok(descriptor)
}
