//! A frontend as the client of the rules, with a BuildKit in memory behind them.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::Request;
use http_body_util::{BodyExt as _, Full};
use refkit_buildkit::{Body, Bridge, BuildkitSource, Connection};
use refkit_frontend::rules::{Build, Rules};
use refkit_frontend::{BuildChain, grpc, proxy};
use refkit_oci::Digest;
use refkit_support::buildkit::documents::{ARCHITECTURES, config, index, manifest_of, sha256};
use refkit_support::buildkit::{FakeBuildkit, OWN};
use tonic::Status;

/// The path of BuildKit's service.
pub const SERVICE: &str = "/moby.buildkit.v1.frontend.LLBBridge/";

/// One build: the connection of its frontend to the proxy, and its rules.
pub struct Client {
    connection: Connection,
    pub rules: Arc<Rules>,
    pub fake: FakeBuildkit,
    /// The content that the rules' own requests reach.
    pub source: BuildkitSource,
}

impl Client {
    /// Starts a build with policies and options, whose frontend is in the image with this digest.
    pub async fn start(
        fake: &FakeBuildkit,
        chain: BuildChain,
        options: BTreeMap<String, String>,
        image: Option<Digest>,
    ) -> Self {
        let buildkit = fake.connection().await;
        let bridge = Bridge::new(buildkit.clone());
        let source = BuildkitSource::new(bridge.clone(), Default::default());
        let platform = format!("linux/{OWN}").parse().unwrap();
        let own = source.clone();
        let rules = Arc::new(Rules::new(Build { chain, bridge, source, options, image, platform, explains: false }));
        let (near, far) = tokio::io::duplex(64 << 10);
        tokio::spawn(proxy::serve(far, buildkit, rules.clone()));
        Self { connection: Connection::handshake(near).await.unwrap(), rules, fake: fake.clone(), source: own }
    }

    /// Calls a method by its path, and returns the message of the response.
    pub async fn call(&self, path: &str, message: &[u8]) -> Result<Bytes, Status> {
        let body: Body = Full::new(grpc::frame(message)?).map_err(|never| match never {}).boxed_unsync();
        let request = Request::post(path).header("content-type", "application/grpc").header("te", "trailers");
        let call = async {
            let response = self.connection.send(request.body(body).unwrap()).await.unwrap();
            let (head, body) = response.into_parts();
            let body = body.collect().await.unwrap();
            let status = grpc::status(body.trailers().unwrap_or(&head.headers)).expect("a status");
            if status.code() == tonic::Code::Ok { grpc::message(&body.to_bytes()) } else { Err(status) }
        };
        tokio::time::timeout(Duration::from_secs(60), call).await.expect("the call hangs")
    }

    /// Returns whether BuildKit got this message for a method.
    pub fn arrived(&self, method: &str, message: &[u8]) -> bool {
        self.fake.requests().iter().any(|request| request.method == method && request.message[..] == *message)
    }
}

/// The digests of the fake's documents, by the names that the tables have for them.
fn names() -> Vec<(String, String)> {
    let mut names = vec![("INDEX".to_owned(), sha256(&index("a")).into_string())];
    names.push(("OTHER".to_owned(), sha256(&index("b")).into_string()));
    for architecture in ARCHITECTURES {
        let upper = architecture.to_uppercase();
        names.push((format!("{upper}-MANIFEST"), sha256(&manifest_of(architecture)).into_string()));
        names.push((format!("{upper}-CONFIG"), sha256(&config(architecture)).into_string()));
    }
    names
}

/// Returns a text of a table with digests for their names.
pub fn with_digests(text: &str) -> String {
    names()
        .iter()
        .fold(text.to_owned(), |text, (name, digest)| text.replace(&format!("@{name}"), &format!("@{digest}")))
}

/// Returns a text with names for digests, as the tables have it.
pub fn with_names(text: &str) -> String {
    names().iter().fold(text.to_owned(), |text, (name, digest)| text.replace(digest, name))
}

/// Returns the outcome of a refused call.
pub fn refused(status: &Status) -> String {
    with_names(&format!("refused {:?}: {}", status.code(), status.message()))
}

/// Returns whether an outcome is the expected one. Of the text of a refusal, the table has the beginning.
pub fn is_expected(found: &str, expected: &str) -> bool {
    if expected.starts_with("refused") { found.starts_with(expected) } else { found == expected }
}
