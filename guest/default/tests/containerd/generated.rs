//! Random indexes: most of them well-formed, some unusual in one point.

use refkit_policy::Platform;
use sha2::{Digest as _, Sha256};

use crate::{Blob, Case};

mod platform;

/// Reasons of refusals that must occur in a run.
pub const REFUSED: [&str; 9] = [
    "has an empty `os`",
    "an empty feature",
    "letters outside ASCII",
    "is there twice",
    "in other letters",
    "has no `os` or no `architecture`",
    "it is no JSON",
    "it is not UTF-8",
    "it has the member `layers`",
];

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const DOCKER_INDEX: &str = "application/vnd.docker.distribution.manifest.list.v2+json";
const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const DOCKER_MANIFEST: &str = "application/vnd.docker.distribution.manifest.v2+json";
const CONFIG: &str = "application/vnd.oci.image.config.v1+json";

/// One in so many parts is unusual.
const ODD: u64 = 45;

/// Generates one case from a seed.
pub struct Generator {
    state: u64,
    wanted: Platform,
    documents: Vec<Blob>,
    configs: Vec<Blob>,
}

/// Members of an object: names, and values as JSON.
type Members = Vec<(String, String)>;

impl Generator {
    /// Returns the generator of a seed.
    pub fn new(seed: u64) -> Self {
        let mut generator =
            Self { state: seed, wanted: platform::wanted(0), documents: Vec::new(), configs: Vec::new() };
        generator.wanted = platform::wanted(generator.below(u64::MAX));
        generator
    }

    /// Returns the case.
    pub fn case(mut self) -> Case {
        let root = self.index(0);
        Case { wanted: self.wanted, root, documents: self.documents, configs: self.configs }
    }

    /// A step of SplitMix64.
    fn below(&mut self, limit: u64) -> u64 {
        self.state = self.state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % limit
    }

    fn one_in(&mut self, count: u64) -> bool {
        self.below(count) == 0
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.below(from.len() as u64) as usize]
    }

    fn index(&mut self, depth: u64) -> Blob {
        let count = if self.one_in(40) { 0 } else { 1 + self.below(5) };
        let entries: Vec<String> = (0..count).map(|_| self.entry(depth)).collect();
        let media_type = if self.one_in(4) { DOCKER_INDEX } else { INDEX };
        let mut members: Members = vec![
            ("schemaVersion".into(), "2".into()),
            ("manifests".into(), format!("[{}]", entries.join(","))),
            // Indexes with equal content would be the same index.
            ("annotations".into(), format!(r#"{{"number":"{}"}}"#, self.documents.len())),
        ];
        if !self.one_in(3) {
            members.push(("mediaType".into(), text(media_type)));
        }
        let mut bytes = Vec::new();
        if self.one_in(ODD) {
            self.odd_index(&mut members, &mut bytes);
        }
        self.shuffle(&mut members);
        bytes.extend(self.object(&members).bytes());
        match self.below(6 * ODD) {
            0 => bytes.extend(b"x"),
            1 => bytes.extend(b" \n"),
            2 => {
                let end = bytes.len() - 1;
                bytes.splice(end..end, *b",\"x\":\"\xff\"");
            }
            _ => {}
        }
        blob(media_type, bytes)
    }

    fn odd_index(&mut self, members: &mut Members, start: &mut Vec<u8>) {
        let manifests = members[1].1.clone();
        match self.below(14) {
            0 => members.push(("Manifests".into(), manifests)),
            1 => members[1].0 = "manifestſ".into(),
            2 => members.push(("manifests".into(), "[]".into())),
            3 => members.push(("layers".into(), "null".into())),
            4 => members.push(("layers".into(), "[]".into())),
            5 => members.push(("config".into(), "null".into())),
            6 => members.push(("fsLayers".into(), "null".into())),
            7 => members[1].1 = "null".into(),
            8 => members[1].1 = "[null]".into(),
            9 => members[0].1 = self.pick(&["1", "\"2\"", "2.0", "null"]).into(),
            10 => members.push(("subject".into(), "null".into())),
            11 => members.push(("x".into(), r#"[{"manifests":[],"os":""},null,1e3]"#.into())),
            12 => {
                members[2].1 =
                    self.pick(&[r#"{"a":null}"#, r#"{"a":"\ud800"}"#, "null", "[]", r#"{"A":"","a":""}"#]).into()
            }
            _ => start.extend("\u{feff}".bytes()),
        }
    }

    fn entry(&mut self, depth: u64) -> String {
        let content = match self.below(10) {
            0 if depth < 2 => {
                let index = self.index(depth + 1);
                let content = (index.media_type.clone(), index.digest.clone(), index.bytes.len());
                self.documents.push(index);
                content
            }
            _ => self.manifest(),
        };
        let (media_type, digest, size) = content;
        let mut members: Members = vec![
            ("mediaType".into(), text(&media_type)),
            ("digest".into(), text(&digest)),
            ("size".into(), size.to_string()),
        ];
        if !self.one_in(8) {
            members.push(("platform".into(), self.platform_of_entry()));
        }
        if self.one_in(ODD) {
            self.odd_entry(&mut members);
        }
        self.shuffle(&mut members);
        self.object(&members)
    }

    fn odd_entry(&mut self, members: &mut Members) {
        let other = self.platform_of_entry();
        let digest = format!("sha256:{}", "0".repeat(64));
        match self.below(17) {
            0 => members.push(("platform".into(), other)),
            1 => members.push(("Platform".into(), other)),
            2 => members.push(("PLATFORM".into(), "null".into())),
            3 => members.push(("digest".into(), text(&digest))),
            4 => members.push(("Digest".into(), text(&digest))),
            5 => members[1].1 = text(&format!("blake3:{}", "0".repeat(64))),
            6 => members[1].1 = self.pick(&["\"sha256:../../x\"", "\"\"", "null", "5"]).into(),
            7 => members[2].1 = self.pick(&["-1", "1.0", "\"1\"", "9223372036854775808", "null", "1e2"]).into(),
            8 => members[0].1 = text(self.pick(&["text/plain", "application/vnd.oci.image.manifest.v1+JSON", "", "x"])),
            9 => members[0].0 = "mediatype".into(),
            10 => members.push(("annotations".into(), self.pick(&["null", r#"{"a":"b"}"#, r#"{"a":1}"#]).into())),
            11 => members.push(("data".into(), self.pick(&["null", "\"\"", "\"e30=\"", "\"?\"", "\"e3 0=\""]).into())),
            12 => members.push(("urls".into(), self.pick(&["null", "[]", r#"["https://a.test/b"]"#, "[null]"]).into())),
            13 => members.push(("artifactType".into(), self.pick(&["null", "\"\"", "\"a/b\"", "7"]).into())),
            14 => members.push(("platform.os".into(), text("windows"))),
            15 => members.retain(|(name, _)| name != "platform"),
            _ => members.push(("x".into(), other)),
        }
    }

    fn manifest(&mut self) -> (String, String, usize) {
        let media_type = if self.one_in(4) { DOCKER_MANIFEST } else { MANIFEST };
        let members = self.platform();
        let config = blob(CONFIG, self.object(&members).into_bytes());
        let bytes = format!(
            r#"{{"schemaVersion":2,"config":{{"mediaType":"{CONFIG}","digest":"{}","size":{}}},"layers":[],"annotations":{{"number":"{}"}}}}"#,
            config.digest,
            config.bytes.len(),
            self.documents.len()
        );
        self.configs.push(config);
        let manifest = blob(media_type, bytes.into_bytes());
        let content = (media_type.to_owned(), manifest.digest.clone(), manifest.bytes.len());
        self.documents.push(manifest);
        content
    }

    fn shuffle(&mut self, members: &mut Members) {
        for place in (1..members.len()).rev() {
            let other = self.below(place as u64 + 1) as usize;
            members.swap(place, other);
        }
    }

    /// Writes an object, and some names with an escape.
    fn object(&mut self, members: &Members) -> String {
        let members: Vec<String> = members
            .iter()
            .map(|(name, value)| {
                let name = if self.one_in(30) { escaped(name) } else { text(name) };
                format!("{name}:{value}")
            })
            .collect();
        format!("{{{}}}", members.join(if self.one_in(10) { " ,\n" } else { "," }))
    }
}

/// Returns a text as JSON.
fn text(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Returns a text as JSON, its first letter as an escape.
fn escaped(text: &str) -> String {
    let written = self::text(text);
    match text.chars().next() {
        Some(first) if first.is_ascii_alphanumeric() => format!("\"\\u{:04x}{}", u32::from(first), &written[2..]),
        _ => written,
    }
}

fn blob(media_type: &str, bytes: Vec<u8>) -> Blob {
    let digest = Sha256::digest(&bytes).iter().fold("sha256:".to_owned(), |text, byte| format!("{text}{byte:02x}"));
    Blob { media_type: media_type.to_owned(), digest, bytes }
}
