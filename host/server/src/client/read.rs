//! Reading: [`Resolve`], [`Fetch`] and [`Discover`].

use async_trait::async_trait;
use futures_util::stream::{self, StreamExt as _};
use http::uri::PathAndQuery;
use refkit_content::{Body, Content, Discover, Error, ErrorKind, Fetch, Operation, Resolve, WithOrigin, verify};
use refkit_oci::{Descriptor, Digest, Reference, Repository};
use tonic::Streaming;
use tonic_prost::ProstCodec;

use super::Remote;
use crate::grpc::{path, pb, wire};

#[async_trait]
impl Resolve for Remote {
    async fn resolve(&self, reference: &Reference) -> Result<WithOrigin<Descriptor>, Error> {
        let (found, _) = self.root(Operation::Resolve, reference, false).await?;
        Ok(found)
    }

    async fn pull(&self, reference: &Reference) -> Result<WithOrigin<Content>, Error> {
        let (WithOrigin { value: descriptor, origin }, bytes) = self.root(Operation::Pull, reference, true).await?;
        verify::check(&descriptor, &bytes).map_err(|kind| self.contradicts(Operation::Pull, reference, kind))?;
        Ok(WithOrigin { value: Content { descriptor, bytes }, origin })
    }
}

impl Remote {
    async fn root(
        &self,
        operation: Operation,
        reference: &Reference,
        with_content: bool,
    ) -> Result<(WithOrigin<Descriptor>, bytes::Bytes), Error> {
        let message = pb::ResolveRequest { reference: reference.to_string(), with_content };
        let found: pb::ResolveResponse =
            self.unary(path::RESOLVE, message).await.map_err(|status| self.error(operation, reference, &status))?;
        if found.reference != reference.to_string() {
            let text = format!("the server's policies redirect it to {}", found.reference);
            return Err(self.contradicts(operation, reference, ErrorKind::Forbidden(text)));
        }
        let origin = wire::origin_of(found.origin, &self.server);
        let value = self.descriptor(operation, reference, found.root)?;
        match reference.digest() {
            Some(expected) if *expected != value.digest => {
                let (expected, actual) = (expected.clone(), value.digest.into_string());
                Err(self.contradicts(operation, reference, ErrorKind::WrongDigest { expected, actual }))
            }
            _ => Ok((WithOrigin { value, origin }, found.content)),
        }
    }

    pub(super) fn descriptor(
        &self,
        operation: Operation,
        subject: impl std::fmt::Display,
        message: Option<pb::Descriptor>,
    ) -> Result<Descriptor, Error> {
        let malformed = |text: String| ErrorKind::Malformed(format!("the server's response is malformed: {text}"));
        let found = message.ok_or_else(|| malformed("it has no descriptor".to_owned()));
        let found = found.and_then(|found| wire::descriptor_of(found).map_err(|(_, text)| malformed(text)));
        found.map_err(|kind| self.contradicts(operation, subject, kind))
    }
}

#[async_trait]
impl Fetch for Remote {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Result<Body, Error> {
        let subject = format!("{repository}@{}", descriptor.digest);
        let descriptor = Descriptor { data: None, ..descriptor.clone() };
        let message = pb::FetchRequest {
            repository: repository.to_string(),
            descriptor: Some(wire::descriptor(&descriptor)),
            ..pb::FetchRequest::default()
        };
        let codec = ProstCodec::<pb::FetchRequest, pb::FetchResponse>::default();
        let at = PathAndQuery::from_static(path::FETCH);
        let failed = |status| self.error(Operation::Fetch, &subject, &status);
        let response = self.grpc().server_streaming(self.request(message), at, codec).await.map_err(failed)?;
        let mut messages: Streaming<pb::FetchResponse> = response.into_inner();
        let first = messages.message().await.map_err(failed)?.unwrap_or_default();
        let origin = wire::origin_of(first.origin, &self.server);
        let (remote, about) = (self.clone(), subject.clone());
        let rest = messages.map(move |message| match message {
            Ok(message) => Ok(message.data),
            Err(status) => Err(remote.error(Operation::Fetch, &about, &status)),
        });
        Ok(Body { origin, stream: stream::iter([Ok(first.data)]).chain(rest).boxed() })
    }
}

#[async_trait]
impl Discover for Remote {
    async fn tags(&self, repository: &Repository) -> Result<WithOrigin<Vec<String>>, Error> {
        let message = pb::ListTagsRequest { repository: repository.to_string() };
        let found: pb::ListTagsResponse = self
            .unary(path::LIST_TAGS, message)
            .await
            .map_err(|status| self.error(Operation::Tags, repository, &status))?;
        Ok(WithOrigin { value: found.tags, origin: wire::origin_of(found.origin, &self.server) })
    }

    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Result<WithOrigin<Vec<Descriptor>>, Error> {
        let message = pb::ListReferrersRequest {
            repository: repository.to_string(),
            subject: subject.to_string(),
            artifact_type: artifact_type.unwrap_or_default().to_owned(),
        };
        let about = format!("{repository}@{subject}");
        let found: pb::ListReferrersResponse = self
            .unary(path::LIST_REFERRERS, message)
            .await
            .map_err(|status| self.error(Operation::Referrers, &about, &status))?;
        let origin = wire::origin_of(found.origin, &self.server);
        let referrers = found.referrers.into_iter().map(|one| self.descriptor(Operation::Referrers, &about, Some(one)));
        Ok(WithOrigin { value: referrers.collect::<Result<_, _>>()?, origin })
    }
}
