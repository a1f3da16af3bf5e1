//! The client of `refkit.v1`: registries as a server reaches them.

mod address;
mod channel;
mod failed;
mod image;
mod read;
mod tls;
mod write;

use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use http::uri::PathAndQuery;
use prost::Message;
use refkit_content::{Error, ErrorKind, Operation, Principal, deadline};
use refkit_oci::Repository;
use tonic::client::Grpc;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::{Request, Status};
use tonic_prost::ProstCodec;

pub use address::{Address, AddressError};
pub use channel::{Channel, ConnectError};
pub use image::Unresolved;
pub use tls::{Identity, Trust};

/// The largest message of a response: lists of tags have at most 16 MiB.
const RESPONSE: usize = 64 << 20;

/// The longest `grpc-timeout`: eight digits of seconds.
const LONGEST: Duration = Duration::from_secs(99_999_999);

/// How a client shows who it is.
#[derive(Clone, Default)]
pub struct Credentials {
    /// The certificates that are trusted to sign the server's, where they are not those of the system.
    pub trust: Option<Trust>,
    /// The client's own certificate.
    pub identity: Option<Identity>,
    /// A bearer token.
    pub token: Option<String>,
}

/// Registries by way of a server: the server's settings and credentials reach them, and its rules decide what this client
/// may read and write. Cheap to clone; the first call connects.
#[derive(Clone)]
pub struct Remote {
    channel: Channel,
    server: Arc<str>,
    token: Option<MetadataValue<Ascii>>,
    principal: [u8; 32],
}

impl Remote {
    /// Returns the client of a server.
    ///
    /// # Errors
    /// [`ConnectError`] for certificates and tokens that cannot be used.
    pub fn new(address: &Address, credentials: &Credentials) -> Result<Self, ConnectError> {
        let token = credentials.token.as_ref().map(|token| format!("Bearer {token}").parse::<MetadataValue<Ascii>>());
        let token = token.transpose().map_err(|_| ConnectError::Token)?;
        let principal = principal(address, credentials);
        let channel = Channel::new(address.clone(), credentials)?;
        Ok(Self { channel, server: address.to_string().into(), token, principal })
    }

    /// Returns the server, as its address is written.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Returns a client of the methods.
    fn grpc(&self) -> Grpc<Channel> {
        Grpc::new(self.channel.clone()).max_decoding_message_size(RESPONSE)
    }

    /// Returns a request with the client's token, and with the time that is left of the run.
    fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(token) = &self.token {
            request.metadata_mut().insert("authorization", token.clone());
        }
        if let Some(left) = deadline::left() {
            request.set_timeout(left.min(LONGEST));
        }
        request
    }

    /// Calls a method with one message in each direction.
    pub(crate) async fn unary<Q, A>(&self, path: &'static str, message: Q) -> Result<A, Status>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        let codec = ProstCodec::<Q, A>::default();
        let path = PathAndQuery::from_static(path);
        Ok(self.grpc().unary(self.request(message), path, codec).await?.into_inner())
    }

    /// Returns the error of a call that failed.
    fn error(&self, operation: Operation, subject: impl std::fmt::Display, status: &Status) -> Error {
        failed::error(&self.server, operation, subject, status)
    }

    /// Returns the error of a response that contradicts the request.
    fn contradicts(&self, operation: Operation, subject: impl std::fmt::Display, kind: ErrorKind) -> Error {
        Error::new(operation, subject, kind).at(&self.server)
    }
}

impl std::fmt::Debug for Remote {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Remote").field("server", &self.server).finish_non_exhaustive()
    }
}

/// What one client may read of a server is not what another one may.
#[async_trait]
impl Principal for Remote {
    async fn principal(&self, _: &Repository) -> Result<[u8; 32], Error> {
        Ok(self.principal)
    }
}

fn principal(address: &Address, credentials: &Credentials) -> [u8; 32] {
    use sha2::{Digest as _, Sha256};
    let mut hash = Sha256::new();
    let own = credentials.identity.as_ref().map(|identity| identity.certificate.as_slice());
    let token = credentials.token.as_deref().map(str::as_bytes);
    for part in [Some(address.to_string().as_bytes()), own, token] {
        let part = part.unwrap_or_default();
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part);
    }
    hash.finalize().into()
}
