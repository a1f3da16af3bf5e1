//! A BuildKit that reaches one image of two platforms, a layout and an artifact.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use prost::Message as _;
use refkit_buildkit::definition::{self, SourceKind};
use refkit_buildkit::{Bridge, pb};
use refkit_content::verify::digest;
use refkit_oci::{Algorithm, Descriptor, Digest, Reference};

use crate::peer::{self, Reply};

pub const INDEX: &str = "application/vnd.oci.image.index.v1+json";
pub const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
pub const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// The architecture that a request without a platform gets.
pub const OWN: &str = "amd64";

/// What a repository is called in the tests.
pub const NAME: &str = "docker.io/library/app";

/// The contents, the tag, and the calls that came.
#[derive(Clone, Default)]
pub struct Images(Arc<Mutex<State>>);

#[derive(Default)]
struct State {
    contents: HashMap<String, Vec<u8>>,
    /// By platform, in the order of the index.
    platforms: Vec<(String, String)>,
    tag: String,
    calls: Vec<String>,
    /// What is done with a call instead.
    instead: Option<Instead>,
}

type Instead = Arc<dyn Fn(&str, &Bytes) -> Option<Reply> + Send + Sync>;

pub fn sha256(bytes: &[u8]) -> Digest {
    digest(Algorithm::Sha256, bytes)
}

pub fn descriptor(media_type: &str, bytes: &[u8]) -> Descriptor {
    Descriptor::new(media_type, sha256(bytes), bytes.len() as u64)
}

fn json(descriptor: &Descriptor, more: &str) -> String {
    let Descriptor { media_type, digest, size, .. } = descriptor;
    format!(r#"{{"mediaType":"{media_type}","digest":"{digest}","size":{size}{more}}}"#)
}

/// Returns the config of a platform, which has the label `seen`.
pub fn config(architecture: &str) -> Vec<u8> {
    let rest = r#""config":{"Labels":{"seen":"1"}},"rootfs":{"type":"layers","diff_ids":[]}"#;
    format!(r#"{{"os":"linux","architecture":"{architecture}",{rest}}}"#).into_bytes()
}

/// Returns a manifest of a config.
pub fn manifest(config: &Descriptor) -> Vec<u8> {
    format!(r#"{{"schemaVersion":2,"mediaType":"{MANIFEST}","config":{},"layers":[]}}"#, json(config, "")).into_bytes()
}

/// Returns an index of the manifests of amd64 and arm64; `mark` makes it another one.
pub fn index(mark: &str) -> Vec<u8> {
    let entries = ["amd64", "arm64"].map(|architecture| {
        let manifest = manifest(&descriptor(CONFIG, &config(architecture)));
        let platform = format!(r#","platform":{{"os":"linux","architecture":"{architecture}"}}"#);
        json(&descriptor(MANIFEST, &manifest), &platform)
    });
    let entries = entries.join(",");
    format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}],"annotations":{{"mark":"{mark}"}}}}"#)
        .into_bytes()
}

pub fn reference(text: &str) -> Reference {
    text.parse().unwrap()
}

impl Images {
    /// Returns a BuildKit whose tags all name the index of this mark.
    pub fn new(mark: &str) -> Self {
        let images = Self::default();
        for architecture in ["amd64", "arm64"] {
            let config = config(architecture);
            images.add(&manifest(&descriptor(CONFIG, &config)));
            let digest = images.add(&config);
            images.0.lock().unwrap().platforms.push((architecture.to_owned(), digest.into_string()));
        }
        images.retag(mark);
        images
    }

    /// Adds content, and returns its digest.
    pub fn add(&self, bytes: &[u8]) -> Digest {
        self.0.lock().unwrap().contents.insert(sha256(bytes).into_string(), bytes.to_vec());
        sha256(bytes)
    }

    /// Makes all tags name the index of another mark.
    pub fn retag(&self, mark: &str) -> Digest {
        let digest = self.add(&index(mark));
        self.0.lock().unwrap().tag = digest.to_string();
        digest
    }

    /// Puts other bytes under a digest.
    pub fn forge(&self, digest: &Digest, bytes: &[u8]) {
        self.0.lock().unwrap().contents.insert(digest.to_string(), bytes.to_vec());
    }

    /// Does something else with some calls.
    pub fn instead(&self, reply: impl Fn(&str, &Bytes) -> Option<Reply> + Send + Sync + 'static) {
        self.0.lock().unwrap().instead = Some(Arc::new(reply));
    }

    /// Returns the calls since the last time, one line each.
    pub fn calls(&self) -> Vec<String> {
        std::mem::take(&mut self.0.lock().unwrap().calls)
    }

    pub async fn bridge(&self) -> Bridge {
        let images = self.clone();
        peer::bridge(move |method, message| images.answer(method, message)).await
    }

    fn answer(&self, method: &str, message: Bytes) -> Reply {
        let mut state = self.0.lock().unwrap();
        let instead = state.instead.clone();
        let (call, reply) = match method {
            "Ping" => (String::new(), pong()),
            "ResolveSourceMeta" => state.resolve(&pb::ResolveSourceMetaRequest::decode(message.clone()).unwrap()),
            "Solve" => state.solve(&pb::SolveRequest::decode(message.clone()).unwrap()),
            "ReadFile" => state.read(&pb::ReadFileRequest::decode(message.clone()).unwrap()),
            _ => (String::new(), Reply::Status(12, "no such method".to_owned())),
        };
        state.calls.push(format!("{method} {call}").trim_end().to_owned());
        drop(state);
        instead.and_then(|instead| instead(method, &message)).unwrap_or(reply)
    }
}

pub fn pong() -> Reply {
    let cap = |id: &str| pb::ApiCap { id: id.to_owned(), enabled: true, ..Default::default() };
    Reply::message(&pb::PongResponse {
        frontend_api_caps: vec![cap("source.metaresolver")],
        llb_caps: vec![cap("source.imageblob")],
    })
}

impl State {
    fn resolve(&self, request: &pb::ResolveSourceMetaRequest) -> (String, Reply) {
        let source = request.source.clone().unwrap();
        let named = request.platform.as_ref().map(|platform| platform.architecture.as_str());
        let call = format!("{} {} {}", source.identifier, named.unwrap_or("none"), request.resolve_mode);
        let call = call.trim_end().to_owned();
        let architecture = named.unwrap_or(OWN);
        let root = source.identifier.split_once('@').map_or(self.tag.as_str(), |(_, digest)| digest).to_owned();
        if !self.contents.contains_key(&root) {
            return (call, Reply::unknown(&format!("{}: not found", source.identifier)));
        }
        // A manifest is taken whatever the platform.
        let is_of = |of: &str| sha256(&manifest(&descriptor(CONFIG, &config(of)))).as_str() == root;
        let by_digest = self.platforms.iter().find(|(of, _)| is_of(of));
        let config = by_digest.or_else(|| self.platforms.iter().find(|(of, _)| of == architecture));
        let Some((_, config)) = config else {
            let text = format!("app: no match for platform in manifest {root}: not found");
            return (call, Reply::unknown(&text));
        };
        let image = pb::ResolveSourceImageResponse {
            digest: root.clone(),
            config: Bytes::from(self.contents[config].clone()),
            attestation_chain: None,
        };
        let answer = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
        (call, Reply::message(&answer))
    }

    fn solve(&self, request: &pb::SolveRequest) -> (String, Reply) {
        assert!(request.evaluate && request.allow_result_return && request.allow_result_array_ref);
        let definition = request.definition.as_ref().unwrap();
        let source = definition::sources(definition).unwrap().remove(0);
        let SourceKind::Blob(blob) = &source.kind else { panic!("{source:?}") };
        let description = &definition.metadata[source.vertex.as_str()].description["llb.customname"];
        let store = blob.layout.as_ref().map(|store| format!(" in {}/{}", store.id, store.session)).unwrap_or_default();
        let call = format!("{}{store} as {description}", source.identifier);
        if !self.contents.contains_key(blob.digest.as_str()) {
            return (call, Reply::unknown(&format!("failed to load cache key: {}: not found", source.identifier)));
        }
        let result = pb::result::Result::Ref(pb::Ref { id: blob.digest.to_string(), def: None });
        let result = pb::Result { result: Some(result), ..Default::default() };
        (call, Reply::message(&pb::SolveResponse { result: Some(result), ..Default::default() }))
    }

    fn read(&self, request: &pb::ReadFileRequest) -> (String, Reply) {
        let range = request.range.unwrap();
        let call = format!("{}+{}", range.offset, range.length);
        let bytes = &self.contents[&request.r#ref];
        assert_eq!(request.r#ref, format!("sha256:{}", request.file_path));
        let start = (range.offset as usize).min(bytes.len());
        let end = (start + range.length as usize).min(bytes.len());
        (call, Reply::message(&pb::ReadFileResponse { data: Bytes::copy_from_slice(&bytes[start..end]) }))
    }
}
