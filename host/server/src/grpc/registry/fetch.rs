//! `Fetch`.

use bytes::Bytes;
use refkit_content::{Body, verify};
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Repository};
use tonic::{Request, Response, Status};

use super::document::document;
use super::pieces::{self, Pieces, Range};
use crate::grpc::failed::{self, invalid};
use crate::grpc::rules::{Decision, End};
use crate::grpc::{Api, Call, fields, pb};

/// Opens content, and returns it in pieces.
pub async fn fetch(
    api: &Api,
    call: &Call,
    request: Request<pb::FetchRequest>,
) -> Result<Response<pieces::Stream>, Status> {
    let request = request.into_inner();
    let repository = fields::repository("repository", &request.repository)?;
    let descriptor = fields::descriptor("descriptor", request.descriptor)?;
    let range = range(descriptor.size, request.offset, request.length)?;
    let body = match media_type::is_document(&descriptor.media_type) {
        true => document(api, call, &repository, &descriptor).await?,
        false => blob(call, &repository, &descriptor).await?,
    };
    Ok(Response::new(Pieces::new(call.clone(), body, range).stream()))
}

/// Opens a blob. The rule for its repository allows it.
async fn blob(call: &Call, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Status> {
    let subject = format!("{repository}@{}", descriptor.digest);
    let decided = |rule, end| {
        call.rules.decided(&Decision { caller: &call.caller, method: "Fetch", subject: &subject, rule, end })
    };
    let allowed = call.rules.repository(&call.caller, repository).map_err(|refused| {
        decided(None, End::Refused);
        failed::refused(&refused)
    })?;
    let rule = Some(&*allowed.rule);
    let opened = allowed.source.open(repository, descriptor).await;
    match &opened {
        Ok(_) => decided(rule, End::Allowed(Some(&descriptor.digest))),
        Err(error) => decided(rule, End::Failed(&error.to_string())),
    }
    let body = verify::verified(descriptor, opened.map_err(|error| failed::content(&error))?);
    if descriptor.size > 0 {
        return Ok(body);
    }
    // There is no piece that would be held back until it is verified.
    verify::check(descriptor, b"").map_err(|kind| {
        failed::content(&refkit_content::Error::new(refkit_content::Operation::Fetch, subject, kind))
    })?;
    Ok(Body::from_bytes(body.origin, Bytes::new()))
}

/// Returns the wanted bytes of so many.
fn range(size: u64, offset: u64, length: u64) -> Result<Range, Status> {
    if offset > size {
        return Err(invalid("offset", format!("the content has {size} bytes")));
    }
    let rest = size - offset;
    match length {
        0 => Ok(Range { skip: offset, left: rest }),
        length if length <= rest => Ok(Range { skip: offset, left: length }),
        _ => Err(invalid("length", format!("from the offset on, the content has {rest} bytes"))),
    }
}
