//! A client of `moby.buildkit.v1.frontend.LLBBridge`.

use bytes::Bytes;
use http::uri::PathAndQuery;
use prost::Message;
use tonic::client::Grpc;
use tonic::{Request, Status};

use crate::codec::BytesCodec;
use crate::{Capabilities, Connection, MESSAGE_LIMIT, Raw, pb};

/// The client of a frontend's connection to BuildKit. Clones share the connection.
///
/// A request is a message or a [`Raw`] message, and a response is a [`Raw`] message. The client has no timeout: a caller
/// cancels a call by dropping its future.
#[derive(Debug, Clone)]
pub struct Bridge {
    connection: Connection,
}

impl Bridge {
    /// Returns the client on a connection.
    pub fn new(connection: Connection) -> Self {
        Self { connection }
    }

    /// Returns the connection.
    pub fn connection(&self) -> &Connection {
        &self.connection
    }

    /// Returns the capabilities of BuildKit.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn ping(&self) -> Result<Capabilities, Status> {
        let pong = self.call::<_, pb::PongResponse>("Ping", pb::PingRequest {}, MESSAGE_LIMIT).await?;
        Ok(Capabilities::from(pong.view()))
    }

    /// Resolves a source. The response for an image has the root's digest and a config.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn resolve_source_meta(
        &self,
        request: impl Into<Raw<pb::ResolveSourceMetaRequest>>,
    ) -> Result<Raw<pb::ResolveSourceMetaResponse>, Status> {
        self.call("ResolveSourceMeta", request, MESSAGE_LIMIT).await
    }

    /// Resolves an image by the call of frontends before BuildKit 0.13.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn resolve_image_config(
        &self,
        request: impl Into<Raw<pb::ResolveImageConfigRequest>>,
    ) -> Result<Raw<pb::ResolveImageConfigResponse>, Status> {
        self.call("ResolveImageConfig", request, MESSAGE_LIMIT).await
    }

    /// Builds a definition.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn solve(&self, request: impl Into<Raw<pb::SolveRequest>>) -> Result<Raw<pb::SolveResponse>, Status> {
        self.call("Solve", request, MESSAGE_LIMIT).await
    }

    /// Reads a file of a result, or a range of it.
    ///
    /// # Errors
    /// BuildKit's own status; `OutOfRange` for a response that is longer than the requested range, before it is read.
    pub async fn read_file(
        &self,
        request: impl Into<Raw<pb::ReadFileRequest>>,
    ) -> Result<Raw<pb::ReadFileResponse>, Status> {
        let request = request.into();
        let wanted = request.view().range.map(|range| usize::try_from(range.length).unwrap_or_default());
        let limit = wanted.map_or(MESSAGE_LIMIT, |wanted| wanted.saturating_add(FRAME).min(MESSAGE_LIMIT));
        self.call("ReadFile", request, limit).await
    }

    /// Returns the metadata of a file of a result.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn stat_file(
        &self,
        request: impl Into<Raw<pb::StatFileRequest>>,
    ) -> Result<Raw<pb::StatFileResponse>, Status> {
        self.call("StatFile", request, MESSAGE_LIMIT).await
    }

    /// Shows a warning among those of the build.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn warn(&self, request: impl Into<Raw<pb::WarnRequest>>) -> Result<Raw<pb::WarnResponse>, Status> {
        self.call("Warn", request, MESSAGE_LIMIT).await
    }

    /// Ends the frontend's work with a result or an error.
    ///
    /// # Errors
    /// BuildKit's own status.
    pub async fn return_(&self, request: impl Into<Raw<pb::ReturnRequest>>) -> Result<Raw<pb::ReturnResponse>, Status> {
        self.call("Return", request, MESSAGE_LIMIT).await
    }

    async fn call<Q, A>(&self, method: &str, request: impl Into<Raw<Q>>, limit: usize) -> Result<Raw<A>, Status>
    where
        A: Message + Default,
    {
        let path = format!("/moby.buildkit.v1.frontend.LLBBridge/{method}");
        let path = PathAndQuery::try_from(path).map_err(|error| Status::internal(error.to_string()))?;
        let bytes: Bytes = request.into().into_bytes();
        let mut client = Grpc::new(self.connection.clone())
            .max_encoding_message_size(MESSAGE_LIMIT)
            .max_decoding_message_size(limit);
        let response = client.unary(Request::new(bytes), path, BytesCodec).await?.into_inner();
        Raw::decode(response).map_err(|error| Status::data_loss(format!("BuildKit's answer to {method}: {error}")))
    }
}

/// The bytes of a `ReadFileResponse` beside its data: far fewer than 1 KiB.
const FRAME: usize = 1 << 10;
