//! The table of calls, kinds of sources and policies, and whether a source passes, is pinned, or is refused.

use std::collections::BTreeMap;

use prost::Message as _;
use refkit_buildkit::pb;
use refkit_support::buildkit::FakeBuildkit;

use crate::client::{Client, SERVICE, is_expected, refused, with_digests, with_names};
use crate::policy::Policies;
use crate::policy::Policy::{self, *};

/// Returns the platform of every request.
pub fn platform() -> Option<pb::Platform> {
    Some(pb::Platform { os: "linux".to_owned(), architecture: "amd64".to_owned(), ..Default::default() })
}

/// Returns the source of a table: an identifier, and attributes behind it.
pub fn source(text: &str) -> pb::SourceOp {
    let text = with_digests(text);
    let mut words = text.split_whitespace();
    let identifier = words.next().unwrap_or_default().to_owned();
    let attrs =
        words.map(|word| word.split_once('=').unwrap()).map(|(name, value)| (name.to_owned(), value.to_owned()));
    pb::SourceOp { identifier, attrs: attrs.collect() }
}

/// Returns a definition of sources; `build` is a build operation.
pub fn definition(sources: &[&str]) -> pb::Definition {
    let operation = |text: &&str| match *text {
        "build" => pb::op::Op::Build(pb::BuildOp { builder: -1, ..Default::default() }),
        other => pb::op::Op::Source(source(other)),
    };
    let operation = |text: &&str| pb::Op { op: Some(operation(text)), platform: platform(), ..Default::default() };
    let mut def: Vec<bytes::Bytes> = sources.iter().map(|text| operation(text).encode_to_vec().into()).collect();
    def.push(pb::Op::default().encode_to_vec().into());
    pb::Definition { def, ..Default::default() }
}

/// Resolves a source, and returns what came of it.
pub async fn resolve(client: &Client, source: pb::SourceOp, policies: Vec<pb::Policy>) -> String {
    let request = pb::ResolveSourceMetaRequest {
        source: Some(source),
        platform: platform(),
        log_name: "the frontend".to_owned(),
        source_policies: policies,
        ..Default::default()
    };
    let message = request.encode_to_vec();
    match client.call(&format!("{SERVICE}ResolveSourceMeta"), &message).await {
        Err(status) => refused(&status),
        Ok(response) => {
            let response = pb::ResolveSourceMetaResponse::decode(response).unwrap();
            let image = response.image.unwrap_or_default();
            let is_passed = client.arrived("ResolveSourceMeta", &message);
            let words =
                [if is_passed { "passed" } else { "decided" }, &response.source.unwrap().identifier, &image.digest];
            with_names(&words.join(" ")).trim_end().to_owned()
        }
    }
}

async fn resolve_config(client: &Client, source: pb::SourceOp) -> String {
    let request = pb::ResolveImageConfigRequest {
        r#ref: source.identifier,
        platform: platform(),
        resolver_type: source.attrs.contains_key("oci.store").into(),
        store_id: source.attrs.get("oci.store").cloned().unwrap_or_default(),
        ..Default::default()
    };
    let message = request.encode_to_vec();
    match client.call(&format!("{SERVICE}ResolveImageConfig"), &message).await {
        Err(status) => refused(&status),
        Ok(response) => {
            let response = pb::ResolveImageConfigResponse::decode(response).unwrap();
            let is_passed = client.arrived("ResolveImageConfig", &message);
            with_names(&format!(
                "{} {} {}",
                if is_passed { "passed" } else { "decided" },
                response.r#ref,
                response.digest
            ))
        }
    }
}

/// Builds, and returns what BuildKit reads.
pub async fn solve(client: &Client, request: &pb::SolveRequest) -> String {
    match client.call(&format!("{SERVICE}Solve"), &request.encode_to_vec()).await {
        Err(status) => refused(&status),
        Ok(_) => with_names(&format!("reads {}", client.fake.reads().join(", "))),
    }
}

const BLOB: &str = "docker-image+blob://docker.io/library/app";
const UNKNOWN_BLOB: &str = "is content of no image that this build was allowed";

type Row = (&'static str, &'static str, &'static str, Policy, String);

/// The call, an image that is resolved before it, the source, the policy, and the outcome.
fn table() -> Vec<Row> {
    let meta = "ResolveSourceMeta";
    let config = "ResolveImageConfig";
    let app = "docker-image://docker.io/library/app:1";
    let pinned = "docker-image://docker.io/library/app:1@INDEX";
    let base = "oci-layout://base@INDEX oci.store=s oci.session=x";
    let based = "oci-layout://docker.io/library/base@INDEX";
    let mirrored = "docker-image://mirror.test/library/app:1@INDEX";
    let denied = |what: &str, policy: &str| format!("refused PermissionDenied: {what} denied by policy {policy}");
    let unknown = |scheme: &str| {
        format!("refused PermissionDenied: the policies of this frontend do not know the source {scheme}://")
    };
    let foreign = |identifier: &str| format!("refused PermissionDenied: {identifier} {UNKNOWN_BLOB}");
    let malformed = || "refused InvalidArgument: ".to_owned();
    let mut rows: Vec<Row> = vec![
        // An image of a registry.
        (meta, "", "docker-image://app:1", OnlyDefault, format!("decided {app} INDEX")),
        (meta, "", "docker-image://app:1", AllowApp, format!("decided {app} INDEX")),
        (meta, "", "docker-image://app:1", HasLabel, format!("decided {app} INDEX")),
        (meta, "", "docker-image://app:1", Redirect, format!("decided {mirrored} INDEX")),
        (meta, "", "docker-image://app:1", AllowOther, denied("docker.io/library/app:1", "allow-list")),
        (meta, "", "docker-image://app:1", NoLabel, denied("docker.io/library/app:1 (linux/amd64)", "require-label")),
        (
            meta,
            "",
            "docker-image://app:1",
            RedirectFar,
            "refused FailedPrecondition: cannot resolve far.test/library/app:1: this run was not granted \
             far.test/library/app; only the image of this frontend grants repositories: make it with refkit frontend \
             image --grant far.test/library/app"
                .to_owned(),
        ),
        (
            meta,
            "",
            "docker-image://app@INDEX",
            AllowApp,
            "decided docker-image://docker.io/library/app@INDEX INDEX".into(),
        ),
        (
            meta,
            "",
            "docker-image://app@AMD64-MANIFEST",
            AllowApp,
            "decided docker-image://docker.io/library/app@AMD64-MANIFEST AMD64-MANIFEST".into(),
        ),
        (meta, "", "docker-image://APP:1", OnlyDefault, malformed()),
        (meta, "", "docker-image://app@sha256:0", OnlyDefault, malformed()),
        (config, "", "app:1", OnlyDefault, "decided docker.io/library/app:1 INDEX".into()),
        (config, "", "app:1", AllowApp, "decided docker.io/library/app:1 INDEX".into()),
        (config, "", "app:1", Redirect, "decided mirror.test/library/app:1@INDEX INDEX".into()),
        (config, "", "app:1", AllowOther, denied("docker.io/library/app:1", "allow-list")),
        (config, "", "app:1", NoLabel, denied("docker.io/library/app:1 (linux/amd64)", "require-label")),
        (config, "", "APP:1", OnlyDefault, malformed()),
        // An image of a layout.
        (meta, "", base, OnlyDefault, format!("decided {based} INDEX")),
        (meta, "", base, AllowApp, format!("decided {based} INDEX")),
        (meta, "", base, AllowOther, denied("docker.io/library/base@INDEX", "allow-list")),
        (meta, "", base, NoLabel, denied("oci-layout/base@INDEX (linux/amd64)", "require-label")),
        (meta, "", "oci-layout://base:1 oci.store=s", OnlyDefault, malformed()),
        (config, "", "base@INDEX oci.store=s", AllowApp, "decided docker.io/library/base@INDEX INDEX".into()),
        (config, "", "base@INDEX oci.store=s", AllowOther, denied("docker.io/library/base@INDEX", "allow-list")),
        ("Solve", "", base, AllowApp, format!("reads {based}")),
        ("Solve", "", base, AllowOther, denied("docker.io/library/base@INDEX", "allow-list")),
        // An operation without a source.
        (
            "Solve",
            "",
            "build",
            OnlyDefault,
            "refused PermissionDenied: the build has a definition that a file holds".into(),
        ),
        (
            "Solve",
            "",
            "build",
            AllowApp,
            "refused PermissionDenied: the build has a definition that a file holds".into(),
        ),
    ];
    for (policy, outcome) in [
        (OnlyDefault, format!("reads {pinned}")),
        (AllowApp, format!("reads {pinned}")),
        (HasLabel, format!("reads {pinned}")),
        (Redirect, format!("reads {mirrored}")),
        (AllowOther, denied("docker.io/library/app:1", "allow-list")),
        (NoLabel, denied("docker.io/library/app:1 (linux/amd64)", "require-label")),
    ] {
        rows.push(("Solve", "", app, policy, outcome));
    }
    // Content by digest, which an allowed image contains or not.
    for call in [meta, "Solve"] {
        let passes = |identifier: &str| match call {
            "Solve" => format!("reads {identifier}"),
            _ => format!("passed {identifier}"),
        };
        for digest in ["INDEX", "AMD64-MANIFEST"] {
            let blob: &'static str = format!("{BLOB}@{digest}").leak();
            rows.push((call, "", blob, HasLabel, foreign(blob)));
            rows.push((call, app, blob, HasLabel, passes(blob)));
            rows.push((call, app, blob, NoLabel, foreign(blob)));
            let bundled: &'static str = format!("git://git.test/a git.bundle={blob}").leak();
            rows.push((call, "", bundled, HasLabel, foreign("git://git.test/a")));
            let reads = if call == "Solve" { format!("git://git.test/a, {blob}") } else { "git://git.test/a".into() };
            rows.push((call, app, bundled, HasLabel, passes(&reads)));
        }
        // Not of this platform, not in this repository, not in this layout. The config came with BuildKit's response, and
        // the run has not read the manifest that names it.
        let others = [
            "docker-image+blob://docker.io/library/app@AMD64-CONFIG",
            "docker-image+blob://docker.io/library/app@ARM64-CONFIG",
            "docker-image+blob://docker.io/library/app@OTHER",
            "docker-image+blob://docker.io/library/other@INDEX",
        ];
        for other in others {
            rows.push((call, app, other, HasLabel, foreign(other)));
        }
        let blob = "oci-layout+blob://base@INDEX oci.store=s oci.session=x";
        rows.push((call, "", blob, HasLabel, foreign("oci-layout+blob://base@INDEX")));
        rows.push((call, base, blob, HasLabel, passes("oci-layout+blob://base@INDEX")));
        rows.push((
            call,
            base,
            "oci-layout+blob://base@INDEX oci.store=other",
            HasLabel,
            foreign("oci-layout+blob://base@INDEX"),
        ));
        // What reads no image passes under every policy.
        for identifier in ["git://git.test/a", "http://web.test/a", "https://web.test/a", "local://context"] {
            for policy in [OnlyDefault, AllowOther, NoLabel] {
                rows.push((call, "", identifier, policy, passes(identifier)));
            }
        }
        // Other schemes may read an image.
        for scheme in ["docker-image+new", "oci-layout+new", "containerd", "Docker-Image", "ftp"] {
            let identifier: &'static str = format!("{scheme}://docker.io/library/app:1").leak();
            rows.push((call, "", identifier, OnlyDefault, unknown(scheme)));
            rows.push((call, "", identifier, AllowApp, unknown(scheme)));
        }
        rows.push((call, "", "no-scheme", OnlyDefault, malformed()));
    }
    rows
}

#[tokio::test]
async fn every_kind_of_source() {
    let policies = Policies::shared().await;
    let mut wrong = Vec::new();
    for (call, before, text, policy, expected) in table() {
        let client = Client::start(&FakeBuildkit::new("a"), policies.chain(policy), BTreeMap::new(), None).await;
        if !before.is_empty() {
            resolve(&client, source(before), Vec::new()).await;
        }
        let found = match call {
            "ResolveSourceMeta" => resolve(&client, source(text), Vec::new()).await,
            "ResolveImageConfig" => resolve_config(&client, source(text)).await,
            _ => {
                let definition = Some(definition(&[text]));
                solve(&client, &pb::SolveRequest { definition, ..Default::default() }).await
            }
        };
        if !is_expected(&found, &expected) {
            wrong.push(format!("{call} of {text} after {before:?} under {policy:?}:\n  {found}, not\n  {expected}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
