//! A BuildKit that reaches one image of two platforms in every repository, a layout and an artifact.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use refkit_buildkit::{Bridge, Connection, pb, source_policy};
use refkit_oci::Digest;

use super::documents::{ARCHITECTURES, config, index, manifest_of, sha256};
use super::peer::{self, GivenUp, Reply};

/// The architecture that a request without a platform gets.
pub const OWN: &str = "amd64";

/// The repository of the image in most tests.
pub const NAME: &str = "docker.io/library/app";

/// The calls that it answers with an empty message.
const EMPTY: [&str; 15] = [
    "Inputs",
    "ReadDir",
    "StatFile",
    "Evaluate",
    "Warn",
    "Return",
    "NewContainer",
    "ReleaseContainer",
    "ExecProcess",
    "ReadFileContainer",
    "ReadDirContainer",
    "StatFileContainer",
    // Calls that BuildKit does not have: a test sees whether they arrive.
    "ResolveFuture",
    "/grpc.health.v1.Health/Check",
    "/moby.buildkit.v1.Control/Solve",
];

/// One call that came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The method; of another service, the whole path.
    pub method: String,
    /// The encoded message.
    pub message: Bytes,
}

/// A BuildKit in memory. A clone is another handle on the same one.
#[derive(Clone, Default)]
pub struct FakeBuildkit(Arc<Mutex<State>>);

#[derive(Default)]
pub(super) struct State {
    pub(super) contents: HashMap<String, Vec<u8>>,
    /// The digest of the index that every tag names.
    tag: String,
    calls: Vec<String>,
    requests: Vec<Request>,
    /// The sources that the last `Solve` read.
    pub(super) reads: Vec<String>,
    /// The source policies of the build's options.
    pub(super) policies: Vec<pb::Policy>,
    replaced: Option<Replace>,
}

/// Answers some calls in the place of the fake's own tables.
type Replace = Arc<dyn Fn(&str, &Bytes) -> Option<Reply> + Send + Sync>;

impl FakeBuildkit {
    /// Returns a BuildKit whose tags all name the index with this mark.
    pub fn new(mark: &str) -> Self {
        let fake = Self::default();
        for architecture in ARCHITECTURES {
            fake.add(&manifest_of(architecture));
            fake.add(&config(architecture));
        }
        fake.retag(mark);
        fake
    }

    fn state(&self) -> parking_lot::MutexGuard<'_, State> {
        self.0.lock()
    }

    /// Adds content, and returns its digest.
    pub fn add(&self, bytes: &[u8]) -> Digest {
        self.state().contents.insert(sha256(bytes).into_string(), bytes.to_vec());
        sha256(bytes)
    }

    /// Makes all tags name the index with another mark, and returns its digest.
    pub fn retag(&self, mark: &str) -> Digest {
        let digest = self.add(&index(mark));
        self.state().tag = digest.to_string();
        digest
    }

    /// Answers a digest with other bytes.
    pub fn forge(&self, digest: &Digest, bytes: &[u8]) {
        self.state().contents.insert(digest.to_string(), bytes.to_vec());
    }

    /// Replaces the replies for which the function returns one.
    pub fn replace(&self, reply: impl Fn(&str, &Bytes) -> Option<Reply> + Send + Sync + 'static) {
        self.state().replaced = Some(Arc::new(reply));
    }

    /// Applies source policies of the build's options to every source, before those of a request.
    pub fn set_source_policies(&self, policies: Vec<pb::Policy>) {
        self.state().policies = policies;
    }

    /// Returns the calls since the last time, one line each.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.state().calls)
    }

    /// Returns the requests since the last time.
    pub fn requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.state().requests)
    }

    /// Returns the identifiers that the last `Solve` read after all source policies, or the error that ended it.
    pub fn reads(&self) -> Vec<String> {
        self.state().reads.clone()
    }

    /// Returns a client on a new connection to this BuildKit.
    pub async fn bridge(&self) -> Bridge {
        Bridge::new(self.connection().await)
    }

    /// Returns a new connection to this BuildKit. It ends with its last handle.
    pub async fn connection(&self) -> Connection {
        let fake = self.clone();
        peer::connection(move |method, message| fake.answer(method, message), GivenUp::default()).await.0
    }

    fn answer(&self, method: &str, message: Bytes) -> Reply {
        let mut state = self.state();
        let replaced = state.replaced.clone();
        state.requests.push(Request { method: method.to_owned(), message: message.clone() });
        let (call, reply) = match method {
            "Ping" => (String::new(), pong()),
            "ResolveSourceMeta" => state.resolve(&decode(&message)),
            "ResolveImageConfig" => state.resolve_config(&decode(&message)),
            "Solve" => state.solve(&decode(&message)),
            "ReadFile" => state.read_file(&decode(&message)),
            other if EMPTY.contains(&other) => (String::new(), Reply::Message(Vec::new())),
            _ => (String::new(), Reply::Status(12, "no such method".to_owned())),
        };
        state.calls.push(format!("{method} {call}").trim_end().to_owned());
        drop(state);
        replaced.and_then(|replace| replace(method, &message)).unwrap_or(reply)
    }
}

fn decode<M: prost::Message + Default>(message: &Bytes) -> M {
    M::decode(message.clone()).unwrap()
}

/// Returns the response to `Ping` of a BuildKit that can resolve images and read their content.
pub fn pong() -> Reply {
    let cap = |id: &str| pb::ApiCap { id: id.to_owned(), enabled: true, ..Default::default() };
    Reply::message(&pb::PongResponse {
        frontend_api_caps: vec![cap("source.metaresolver")],
        llb_caps: vec![cap("source.imageblob")],
    })
}

impl State {
    /// Returns the root's digest and the config for a platform, or the error that BuildKit has for it.
    fn image(&self, identifier: &str, platform: Option<&pb::Platform>) -> Result<(String, Bytes), String> {
        let root = identifier.split_once('@').map_or(self.tag.as_str(), |(_, digest)| digest).to_owned();
        if !self.contents.contains_key(&root) {
            return Err(format!("{identifier}: not found"));
        }
        let wanted = platform.map_or(OWN, |platform| platform.architecture.as_str());
        // BuildKit takes a manifest whatever the platform.
        let by_digest = ARCHITECTURES.iter().find(|of| sha256(&manifest_of(of)).as_str() == root);
        let found = by_digest.or_else(|| ARCHITECTURES.iter().find(|of| **of == wanted));
        let architecture = found.ok_or_else(|| format!("app: no match for platform in manifest {root}: not found"))?;
        let config = self.contents[sha256(&config(architecture)).as_str()].clone();
        Ok((root, config.into()))
    }

    fn resolve(&self, request: &pb::ResolveSourceMetaRequest) -> (String, Reply) {
        let mut source = request.source.clone().unwrap();
        let named = request.platform.as_ref().map(|platform| platform.architecture.as_str());
        let call = format!("{} {} {}", source.identifier, named.unwrap_or("none"), request.resolve_mode);
        let call = call.trim_end().to_owned();
        if let Err(error) = source_policy::evaluate(&self.policies, &mut source) {
            return (call, Reply::unknown(&format!("denied by policy: {error}")));
        }
        if !source.identifier.contains("docker-image://") && !source.identifier.contains("oci-layout://") {
            return (
                call,
                Reply::message(&pb::ResolveSourceMetaResponse { source: Some(source), ..Default::default() }),
            );
        }
        let reply = match self.image(&source.identifier, request.platform.as_ref()) {
            Err(text) => Reply::unknown(&text),
            Ok((digest, config)) => {
                let image = pb::ResolveSourceImageResponse { digest, config, attestation_chain: None };
                Reply::message(&pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None })
            }
        };
        (call, reply)
    }

    fn resolve_config(&self, request: &pb::ResolveImageConfigRequest) -> (String, Reply) {
        let reply = match self.image(&request.r#ref, request.platform.as_ref()) {
            Err(text) => Reply::unknown(&text),
            Ok((digest, config)) => {
                let r#ref = request.r#ref.clone();
                Reply::message(&pb::ResolveImageConfigResponse { digest, config, r#ref })
            }
        };
        (request.r#ref.clone(), reply)
    }
}
