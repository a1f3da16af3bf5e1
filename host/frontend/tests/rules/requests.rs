//! Requests with more than one source: frontends, caches, and source policies of the frontend and of the build.

use std::collections::BTreeMap;

use prost::Message as _;
use refkit_buildkit::pb;
use refkit_content::Resolve as _;
use refkit_oci::Digest;
use refkit_support::buildkit::FakeBuildkit;
use refkit_support::buildkit::documents::{index, sha256};

use crate::client::{Client, SERVICE, is_expected, with_digests};
use crate::policy::Policies;
use crate::policy::Policy::{self, *};
use crate::sources::{definition, platform, resolve, solve, source};

fn options(options: &[(&str, &str)]) -> BTreeMap<String, String> {
    options.iter().map(|(name, value)| ((*name).to_owned(), with_digests(value))).collect()
}

fn builds(sources: &[&str]) -> pb::SolveRequest {
    pb::SolveRequest { definition: Some(definition(sources)), ..Default::default() }
}

/// Returns a policy of one rule; an empty target denies.
fn converts(from: &str, to: &str) -> pb::Policy {
    let action = if to.is_empty() { pb::PolicyAction::Deny } else { pb::PolicyAction::Convert };
    let selector = pb::Selector { identifier: from.to_owned(), ..Default::default() };
    let updates = Some(pb::Update { identifier: with_digests(to), ..Default::default() }).filter(|_| !to.is_empty());
    let rule = pb::Rule { action: action.into(), selector: Some(selector), updates };
    pb::Policy { version: 1, rules: vec![rule] }
}

const APP: &str = "docker-image://docker.io/library/app:1";
const PINNED: &str = "docker-image://docker.io/library/app:1@INDEX";

#[tokio::test]
async fn several_sources() {
    let amd64 = "docker-image://docker.io/library/app@AMD64-MANIFEST";
    let denied = "refused PermissionDenied: docker.io/library/other:1 denied by policy allow-list";
    // the sources of one definition, the policy, what BuildKit reads
    let rows: [(&[&str], Policy, String); 6] = [
        (&[], AllowOther, "reads ".into()),
        (&[APP, "local://a", amd64], AllowApp, format!("reads {PINNED}, local://a, {amd64}")),
        (&[APP, "docker-image://docker.io/library/other:1"], AllowApp, denied.into()),
        (&["local://a", "build"], AllowApp, "refused PermissionDenied: the build has a definition".into()),
        (&[APP, "new://a"], AllowApp, "refused PermissionDenied: the policies of this frontend do not know".into()),
        // Rules compare identifiers word for word: each spelling has a rule of its own.
        (&["docker-image://app:1", APP], AllowApp, format!("reads {PINNED}, {PINNED}")),
    ];
    let policies = Policies::shared().await;
    for (sources, policy, expected) in rows {
        let client = Client::start(&FakeBuildkit::new("a"), policies.chain(policy), BTreeMap::new(), None).await;
        let found = solve(&client, &builds(sources)).await;
        assert!(is_expected(&found, &expected), "{sources:?}: {found}, not {expected}");
    }
}

/// The rules go behind what the frontend sends, and take nothing of it away.
#[tokio::test]
async fn a_definition_arrives_as_it_was_sent() {
    let policies = Policies::shared().await;
    let fake = FakeBuildkit::new("a");
    let client = Client::start(&fake, policies.chain(OnlyDefault), BTreeMap::new(), None).await;
    for sources in [&["local://a"][..], &[APP]] {
        let sent = [builds(sources).encode_to_vec(), vec![0xa2, 0x06, 0x01, b'x']].concat();
        client.call(&format!("{SERVICE}Solve"), &sent).await.unwrap();
        let arrived = fake.requests().into_iter().rfind(|request| request.method == "Solve").unwrap().message;
        assert!(arrived.starts_with(&sent));
        let arrived = pb::SolveRequest::decode(arrived).unwrap();
        assert_eq!(arrived.source_policies.len(), 1, "every definition gets rules: {sources:?}");
    }
}

/// A Dockerfile for several platforms has one source for each, and BuildKit's rules know no platforms.
#[tokio::test]
async fn one_image_for_two_platforms() {
    let policies = Policies::shared().await;
    let mut request = builds(&[APP, APP]);
    let definition = request.definition.as_mut().unwrap();
    let mut second = pb::Op::decode(definition.def[1].clone()).unwrap();
    second.platform = Some(pb::Platform { architecture: "arm64".to_owned(), ..platform().unwrap() });
    definition.def[1] = second.encode_to_vec().into();
    let client = Client::start(&FakeBuildkit::new("a"), policies.chain(AllowApp), BTreeMap::new(), None).await;
    assert_eq!(solve(&client, &request).await, format!("reads {PINNED}, {PINNED}"));

    // BuildKit reads the index in its own way, and so each platform has a digest of its own.
    let fake = FakeBuildkit::new("a");
    let root = sha256(&index("a"));
    fake.replace(move |method, message| {
        let request =
            pb::ResolveSourceMetaRequest::decode(message.clone()).ok().filter(|_| method == "ResolveSourceMeta");
        let source = request?.source?;
        let about_root = !source.identifier.contains('@') || source.identifier.contains(root.as_str());
        let config = bytes::Bytes::from_static(b"{}");
        let image = pb::ResolveSourceImageResponse { digest: root.to_string(), config, attestation_chain: None };
        let response = pb::ResolveSourceMetaResponse { source: Some(source), image: Some(image), git: None };
        about_root.then(|| refkit_support::buildkit::Reply::message(&response))
    });
    let client = Client::start(&fake, policies.chain(HasLabel), BTreeMap::new(), None).await;
    let found = solve(&client, &request).await;
    let expected = format!("refused FailedPrecondition: {APP} is built for several platforms in one definition");
    assert!(found.starts_with(&expected), "{found}");
}

/// BuildKit applies the source policies of a request first, so the policies decide about what these make of a source.
#[tokio::test]
async fn source_policies_of_the_frontend() {
    let other = "docker-image://docker.io/library/other:1";
    let denied = "refused PermissionDenied: docker.io/library/other:1 denied by policy allow-list";
    let blob = "docker-image+blob://docker.io/library/app@AMD64-CONFIG";
    // the source, what it is converted to, the policy, the outcome of `ResolveSourceMeta`, that of `Solve`
    let rows = [
        (APP, other, AllowApp, denied, denied),
        (other, APP, AllowApp, "decided docker-image://docker.io/library/app:1 INDEX", "reads PINNED"),
        ("local://a", other, AllowApp, denied, denied),
        ("local://a", APP, AllowApp, "decided docker-image://docker.io/library/app:1 INDEX", "reads PINNED"),
        (APP, "local://a", AllowOther, "passed local://a", "reads local://a"),
        (
            APP,
            blob,
            HasLabel,
            "refused PermissionDenied: docker-image+blob",
            "refused PermissionDenied: docker-image+blob",
        ),
        (
            APP,
            "new://a",
            OnlyDefault,
            "refused PermissionDenied: the policies",
            "refused PermissionDenied: the policies",
        ),
        (
            APP,
            "",
            AllowApp,
            "refused PermissionDenied: the frontend's own source policies",
            "refused PermissionDenied: the frontend's own source policies",
        ),
        (
            "local://a",
            "",
            AllowApp,
            "refused PermissionDenied: the frontend's own source policies",
            "refused PermissionDenied: the frontend's own source policies",
        ),
    ];
    let policies = Policies::shared().await;
    for (from, to, policy, resolved, read) in rows {
        let own = vec![converts(from, to)];
        let fake = FakeBuildkit::new("a");
        let client = Client::start(&fake, policies.chain(policy), BTreeMap::new(), None).await;
        // As BuildKit does with a request that passes.
        fake.set_source_policies(own.clone());
        let found = solve(&client, &pb::SolveRequest { source_policies: own.clone(), ..builds(&[from]) }).await;
        let read = read.replace("PINNED", PINNED);
        assert!(is_expected(&found, &read), "Solve of {from} as {to:?}: {found}, not {read}");
        let found = resolve(&client, source(from), own).await;
        assert!(is_expected(&found, resolved), "ResolveSourceMeta of {from} as {to:?}: {found}, not {resolved}");
    }
}

/// BuildKit applies the source policies of the build's options to what RefKit itself asks for as well.
#[tokio::test]
async fn source_policies_of_the_build() {
    let other = "docker-image://docker.io/library/other:1";
    // what the image is converted to, the policy, what `Solve` reads
    let rows = [
        (other, OnlyDefault, "reads docker-image://docker.io/library/other:1@INDEX"),
        (other, AllowApp, "refused PermissionDenied: docker.io/library/other:1 denied by policy allow-list"),
        (other, AllowOther, "refused PermissionDenied: docker.io/library/app:1 denied by policy allow-list"),
        ("local://a", AllowApp, "reads local://a"),
        ("local://a", AllowOther, "refused PermissionDenied: docker.io/library/app:1 denied by policy allow-list"),
        ("docker-image+blob://docker.io/library/app@AMD64-CONFIG", OnlyDefault, "refused "),
        ("", OnlyDefault, "refused "),
    ];
    let policies = Policies::shared().await;
    for (to, policy, expected) in rows {
        let fake = FakeBuildkit::new("a");
        fake.set_source_policies(vec![converts(APP, to)]);
        let client = Client::start(&fake, policies.chain(policy), BTreeMap::new(), None).await;
        let found = solve(&client, &builds(&[APP])).await;
        assert!(is_expected(&found, expected), "{to:?} under {policy:?}: {found}, not {expected}");
        // A source that reads no image can become one: BuildKit denies it by the rules that go with every definition.
        fake.set_source_policies(vec![converts("local://a", APP)]);
        let found = solve(&client, &builds(&["local://a"])).await;
        assert!(found.starts_with("refused Unknown: denied by policy"), "{found}");
    }
}

/// The denial of a name stays, also where RefKit knows already that the build reads no image for it.
#[tokio::test]
async fn a_denied_name_that_the_build_converts() {
    let policies = Policies::shared().await;
    for (policy, expected) in [(AllowApp, "reads local://a"), (AllowOther, "refused PermissionDenied: ")] {
        let fake = FakeBuildkit::new("a");
        fake.set_source_policies(vec![converts(APP, "local://a")]);
        let client = Client::start(&fake, policies.chain(policy), BTreeMap::new(), None).await;
        let amd64 = "linux/amd64".parse().unwrap();
        let app = "docker.io/library/app:1".parse().unwrap();
        client.source.for_platform(&amd64, "").resolve(&app).await.unwrap_err();
        assert!(client.source.converted(&app).is_some_and(|converted| converted.reads_no_image));
        let found = solve(&client, &builds(&[APP])).await;
        assert!(is_expected(&found, expected), "{policy:?}: {found}");
    }
}

#[tokio::test]
async fn other_frontends_and_caches() {
    let image: Digest = sha256(&index("a"));
    let pinned = with_digests("docker.io/library/app:1@INDEX");
    let build = [("build-arg:A", "1"), ("cache-from", "ghcr.io/a/cache:1")];
    let gateway = |frontend_opt: &[(&str, &str)]| pb::SolveRequest {
        frontend: "gateway.v0".to_owned(),
        frontend_opt: options(&[&build[..], frontend_opt].concat()),
        ..Default::default()
    };
    let imports = |kind: &str, reference: &str| pb::SolveRequest {
        cache_imports: vec![pb::CacheOptionsEntry { r#type: kind.to_owned(), attrs: options(&[("ref", reference)]) }],
        ..builds(&["local://a"])
    };
    let syntax = [("cmdline", "app:1"), ("source", "app:1")];
    let foreign = "refused PermissionDenied: the frontend wants to build with another frontend, ";
    let cache = "refused PermissionDenied: the frontend takes results from the cache ";
    let rows = [
        (gateway(&syntax), format!("reads {pinned}")),
        (
            pb::SolveRequest {
                cache_imports: imports("registry", "ghcr.io/a/cache:1").cache_imports,
                ..gateway(&syntax)
            },
            format!("reads {pinned}"),
        ),
        (gateway(&[("cmdline", "app"), ("source", "app@OTHER")]), format!("{foreign}gateway.v0 app@")),
        (gateway(&[("source", "app:1")]), format!("{foreign}gateway.v0 app:1")),
        (
            pb::SolveRequest { frontend: "dockerfile.v0".to_owned(), ..gateway(&syntax) },
            format!("{foreign}dockerfile.v0"),
        ),
        (pb::SolveRequest { definition: builds(&["local://a"]).definition, ..gateway(&syntax) }, foreign.to_owned()),
        (
            pb::SolveRequest { cache_imports: imports("registry", "b").cache_imports, ..gateway(&syntax) },
            cache.to_owned(),
        ),
        (imports("registry", "ghcr.io/a/cache:1"), "reads local://a".to_owned()),
        (imports("registry", "ghcr.io/a/cache:2"), format!("{cache}registry ghcr.io/a/cache:2")),
        (imports("local", "ghcr.io/a/cache:1"), format!("{cache}local ghcr.io/a/cache:1")),
    ];
    let policies = Policies::shared().await;
    for (request, expected) in rows {
        let options = options(&build);
        let client =
            Client::start(&FakeBuildkit::new("a"), policies.chain(AllowApp), options, Some(image.clone())).await;
        let found = solve(&client, &request).await;
        let expected = crate::client::with_names(&expected);
        assert!(is_expected(&found, &expected), "{request:?}: {found}, not {expected}");
    }
}
