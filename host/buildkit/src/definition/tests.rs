//! Tables of sources, and of malformed operations.

use std::collections::BTreeMap;

use bytes::Bytes;
use prost::Message as _;

use super::*;

const HEX: &str = "c0d488a800e4127c334ad20d61d7bc21b4097540327217dfab52262adc02380c";

/// An identifier, its attributes, and the kind of source.
type Row<'a> = (&'a str, &'a [(&'a str, &'a str)], &'a str);

fn attrs(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn operation(identifier: &str, pairs: &[(&str, &str)]) -> Bytes {
    let source = pb::SourceOp { identifier: identifier.to_owned(), attrs: attrs(pairs) };
    Bytes::from(pb::Op { op: Some(op::Op::Source(source)), ..Default::default() }.encode_to_vec())
}

/// Returns the kind of a source, in one line.
fn shown(identifier: &str, pairs: &[(&str, &str)]) -> String {
    let found = match sources_of(&[operation(identifier, pairs)]) {
        Ok(mut found) => found.remove(0),
        Err(error) => return format!("error: {}", error.reason),
    };
    assert_eq!(found.identifier, identifier);
    assert_eq!(found.attrs, attrs(pairs));
    let at = |layout: &Option<Store>| {
        layout.as_ref().map(|store| format!(" in {}/{}", store.id, store.session)).unwrap_or_default()
    };
    let blob = |blob: &Blob| format!("blob {}@{}{}", blob.repository, blob.digest, at(&blob.layout));
    match &found.kind {
        SourceKind::Image(reference) => format!("image {reference}"),
        SourceKind::Layout { reference, store } => format!("layout {reference}{}", at(&Some(store.clone()))),
        SourceKind::Blob(content) => blob(content),
        SourceKind::Git { bundle } => {
            bundle.as_ref().map_or("git".to_owned(), |bundle| format!("git {}", blob(bundle)))
        }
        SourceKind::Unknown(scheme) => format!("unknown {scheme}"),
        other => format!("{other:?}").to_lowercase(),
    }
}

#[test]
fn kinds() {
    let store = [(OCI_STORE, "store0"), (OCI_SESSION, "sid")];
    let bundle = |locator| [(GIT_BUNDLE, locator), (OCI_SESSION, "sid")];
    let digest = format!("sha256:{HEX}");
    let with = |start: &str| format!("{start}@{digest}");
    let locators = [with("docker-image+blob://ghcr.io/a/b"), with("oci-layout+blob://ghcr.io/a/b")];
    #[rustfmt::skip]
    let table: &[Row<'_>] = &[
        ("docker-image://docker.io/library/alpine:latest", &[], "image docker.io/library/alpine:latest"),
        ("docker-image://alpine", &[], "image docker.io/library/alpine:latest"),
        ("docker-image://docker.io/alpine:3", &[], "image docker.io/library/alpine:3"),
        ("docker-image://index.docker.io/library/alpine:3", &[], "image docker.io/library/alpine:3"),
        ("docker-image://localhost:5000/a/b:c", &[], "image localhost:5000/a/b:c"),
        ("docker-image://EXAMPLE.com/a:c", &[], "image example.com/a:c"),
        ("docker-image://ghcr.io:443/a:c", &[], "image ghcr.io/a:c"),
        ("docker-image://registry-1.docker.io/library/alpine:3", &[], "image docker.io/library/alpine:3"),
        ("docker-image://[::1]:5000/a:c", &[], "image [::1]:5000/a:c"),
        (&with("docker-image://docker.io/library/alpine:3"), &[], &with("image docker.io/library/alpine:3")),
        (&with("docker-image://docker.io/library/alpine"), &[("image.resolvemode", "pull")], &with("image docker.io/library/alpine")),
        (&with("oci-layout://docker.io/library/base"), &store, &(with("layout docker.io/library/base") + " in store0/sid")),
        (&with("oci-layout://base:latest"), &[], &(with("layout docker.io/library/base:latest") + " in /")),
        (&with("docker-image+blob://docker.io/library/alpine"), &[], &with("blob docker.io/library/alpine")),
        (&with("docker-image+blob://ghcr.io/a/b:c"), &store, &with("blob ghcr.io/a/b")),
        (&with("oci-layout+blob://oci-layout/base"), &store, &(with("blob docker.io/oci-layout/base") + " in store0/sid")),
        ("git://github.com/moby/buildkit.git#master", &[], "git"),
        ("git://github.com/moby/buildkit.git", &[(GIT_BUNDLE, "")], "git"),
        ("git://github.com/moby/buildkit.git", &bundle(&locators[0]), &with("git blob ghcr.io/a/b")),
        ("git://github.com/moby/buildkit.git", &bundle(&locators[1]), &(with("git blob ghcr.io/a/b") + " in ghcr.io/a/b/sid")),
        ("http://example.com/a", &[], "http"),
        ("https://example.com/a", &[(GIT_BUNDLE, "no scheme")], "http"),
        ("local://context", &[], "local"),
        ("Docker-Image://alpine", &[], "unknown Docker-Image"),
        ("docker-image+zstd://alpine", &[], "unknown docker-image+zstd"),
        ("://alpine", &[], "unknown "),
    ];
    for (identifier, pairs, expected) in table {
        assert_eq!(shown(identifier, pairs), *expected, "{identifier}");
    }
}

#[test]
fn what_is_not_clear_is_an_error() {
    let digest = format!("@sha256:{HEX}");
    let bundle = |locator| ("git://github.com/a/b", [(GIT_BUNDLE, locator)]);
    let none = [("", "")];
    let short_blob = format!("docker-image+blob://alpine@sha256:{}", &HEX[..20]);
    let table = [
        ("", none),
        ("alpine", none),
        ("docker-image:alpine", none),
        ("docker-image://", none),
        ("docker-image://docker.io/library/alpine:latest?x=y", none),
        ("docker-image://docker.io/library/alp%69ne:latest", none),
        ("docker-image://docker.io/library/alpine:latest#x", none),
        ("docker-image://docker.io/library/../evil/alpine:latest", none),
        ("docker-image://docker.io//library/alpine:latest", none),
        ("docker-image://docker.io/library/alpine:la\ntest", none),
        ("docker-image://user@docker.io/library/alpine:latest", none),
        ("docker-image://docker.io/library/alpine@c0d488a800", none),
        ("docker-image://docker.io/Library/alpine", none),
        ("docker-image://docker-image://alpine", none),
        ("oci-layout://base:latest", none),
        ("docker-image+blob://docker.io/library/alpine:latest", none),
        (&short_blob, none),
        bundle("alpine"),
        bundle("https://example.com/a"),
        bundle("docker-image://docker.io/library/alpine"),
        bundle("docker-image+blob://docker.io/library/alpine"),
    ];
    for (identifier, pairs) in table {
        let shown = shown(identifier, &pairs);
        assert!(shown.starts_with("error: "), "{identifier} {pairs:?}: {shown}");
    }
    let both = [operation(&format!("docker-image://a{digest}"), &[]), operation("docker-image://a\u{1b}[2J", &[])];
    let error = sources_of(&both).unwrap_err();
    assert_eq!(error.vertex, verify::digest(Algorithm::Sha256, &both[1]));
    assert!(!error.to_string().contains('\u{1b}'), "{error}");
}

#[test]
fn other_operations() {
    let encode = |op| Bytes::from(pb::Op { op, ..Default::default() }.encode_to_vec());
    let build = pb::BuildOp { builder: -1, attrs: attrs(&[("llbbuild.filename", "/llb")]) };
    let operations = [
        encode(Some(op::Op::Exec(pb::ExecOp::default()))),
        encode(Some(op::Op::File(pb::FileOp {}))),
        encode(Some(op::Op::Build(build))),
        encode(Some(op::Op::Merge(pb::MergeOp {}))),
        encode(Some(op::Op::Diff(pb::DiffOp {}))),
        encode(Some(op::Op::Passthrough(pb::PassthroughOp {}))),
        encode(None),
        Bytes::new(),
    ];
    let found = sources_of(&operations).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind, SourceKind::Build);
    assert!(found[0].reads_image());
    assert_eq!(found[0].vertex, verify::digest(Algorithm::Sha256, &operations[2]));
    assert_eq!(policy_identifiers(&found[0]), Vec::<String>::new());
}

/// A newer BuildKit may read an image by an unknown kind of operation.
#[test]
fn operations_of_an_unknown_kind() {
    let exec = pb::Op { op: Some(op::Op::Exec(pb::ExecOp::default())), ..Default::default() }.encode_to_vec();
    let input = pb::Input { digest: format!("sha256:{HEX}"), index: 0 };
    let result = Bytes::from(pb::Op { inputs: vec![input], ..Default::default() }.encode_to_vec());
    // Field 12, an empty message, and field 9, a number.
    let (message, number) = ([0x62, 0x00], [0x48, 0x01]);
    // the operation before the one that names the result, and the error
    let rows: [(Vec<u8>, &str); 5] = [
        (message.to_vec(), "the field 12 of pb.Op"),
        ([&exec[..], &message].concat(), "the field 12 of pb.Op"),
        ([&message[..], &operation("docker-image://a", &[])].concat(), "the field 12 of pb.Op"),
        ([&exec[..], &number].concat(), "the field 9 of pb.Op"),
        (pb::Op { platform: Some(pb::Platform::default()), ..Default::default() }.encode_to_vec(), "it is of no kind"),
    ];
    for (bytes, wanted) in rows {
        let error = sources_of(&[bytes.clone().into(), result.clone()]).unwrap_err();
        assert!(error.reason.contains(wanted), "{bytes:?}: {error}");
        assert_eq!(error.vertex, verify::digest(Algorithm::Sha256, &bytes));
    }
    assert_eq!(sources_of(&[exec.into(), result]).unwrap(), []);
}

/// As in BuildKit's decoder, the last kind of operation counts, and two of the same kind merge.
#[test]
fn an_operation_of_two_kinds() {
    let source = operation("docker-image://a", &[]);
    let exec = pb::Op { op: Some(op::Op::Exec(pb::ExecOp::default())), ..Default::default() }.encode_to_vec();
    let both = |parts: &[&[u8]]| sources_of(&[Bytes::from(parts.concat())]).unwrap();
    assert_eq!(both(&[&source, &exec]), []);
    assert_eq!(both(&[&exec, &source])[0].identifier, "docker-image://a");
    let other = operation("docker-image://b", &[("k", "v")]);
    let merged = both(&[&operation("docker-image://a", &[("a", "b")]), &other]).remove(0);
    assert_eq!((merged.identifier.as_str(), merged.attrs), ("docker-image://b", attrs(&[("a", "b"), ("k", "v")])));
}

#[test]
fn identifiers_of_policies() {
    let locator = format!("docker-image+blob://ghcr.io/a/b@sha256:{HEX}");
    let found = sources_of(&[
        operation("docker-image://alpine", &[]),
        operation("git://github.com/a/b", &[(GIT_BUNDLE, &locator)]),
        operation("git://github.com/a/b", &[]),
    ])
    .unwrap();
    let identifiers: Vec<_> = found.iter().map(policy_identifiers).collect();
    assert_eq!(identifiers[0], ["docker-image://alpine"]);
    assert_eq!(identifiers[1], ["git://github.com/a/b", &locator]);
    assert_eq!(identifiers[2], ["git://github.com/a/b"]);
}

/// Bytes of BuildKit 0.34.2's `llb.ImageBlob("docker.io/library/alpine@sha256:c0d4…", …).Marshal`.
#[test]
fn single_is_what_buildkit_writes() {
    let identifier = format!("docker-image+blob://docker.io/library/alpine@sha256:{HEX}");
    let source = pb::SourceOp { identifier: identifier.clone(), attrs: BTreeMap::new() };
    let definition = single(source, "[refkit] read", &["source.imageblob"]);
    let found = sources(&definition).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].identifier, identifier);
    assert_eq!(found[0].vertex.as_str(), EXPECTED_VERTEX);
    let metadata: Vec<&str> = definition.metadata.keys().map(String::as_str).collect();
    assert_eq!(metadata, EXPECTED_METADATA);
    assert_eq!(definition.metadata[EXPECTED_VERTEX].description["llb.customname"], "[refkit] read");
}

const EXPECTED_VERTEX: &str = "sha256:eced66a1156c862b6565f1578429e78f37125f7565c77d7b6a2816c243d6eb6d";
const EXPECTED_METADATA: [&str; 2] =
    ["sha256:70318b6c2746ddcb067cb6b469d83c95e00d4887f4de0fbfb19c88d85d68bbd8", EXPECTED_VERTEX];

#[test]
fn random_bytes() {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut random = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state
    };
    let valid = operation(&format!("docker-image://a@sha256:{HEX}"), &[("a", "b"), (GIT_BUNDLE, "c")]);
    for round in 0..20_000 {
        let bytes: Vec<u8> = if round % 2 == 0 {
            (0..random() % 64).map(|_| random() as u8).collect()
        } else {
            let mut bytes = valid.to_vec();
            for _ in 0..=random() % 4 {
                let place = random() as usize % bytes.len();
                bytes[place] = random() as u8;
            }
            bytes.truncate(random() as usize % (bytes.len() + 1));
            bytes
        };
        if let Ok(found) = sources_of(&[Bytes::from(bytes)]) {
            found.iter().for_each(|source| drop(policy_identifiers(source)));
        }
    }
}
