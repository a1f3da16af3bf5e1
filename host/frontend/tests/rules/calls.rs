//! The table of calls: which arrive at BuildKit as they are, and which are refused.

use std::collections::BTreeMap;
use std::process::Command;

use http::HeaderMap;
use prost::Message as _;
use refkit_buildkit::pb;
use refkit_frontend::proxy::{Handler as _, Route};
use refkit_support::buildkit::{FakeBuildkit, Reply};
use tonic::Code;

use crate::client::{Client, SERVICE, refused};
use crate::policy::{Policies, Policy};
use crate::sources::definition;

async fn client(fake: &FakeBuildkit) -> Client {
    Client::start(fake, Policies::shared().await.chain(Policy::AllowOther), BTreeMap::new(), None).await
}

#[tokio::test]
async fn every_call() {
    let known = [
        "Ping",
        "Inputs",
        "ReadFile",
        "ReadDir",
        "StatFile",
        "Evaluate",
        "Warn",
        "NewContainer",
        "ReleaseContainer",
        "ExecProcess",
        "ReadFileContainer",
        "ReadDirContainer",
        "StatFileContainer",
        "Return",
    ];
    let known = known.iter().map(|method| (format!("{SERVICE}{method}"), (*method).to_owned(), true));
    let others = [
        ("/grpc.health.v1.Health/Check", true),
        // Calls that BuildKit may have one day, and its other services.
        ("/moby.buildkit.v1.frontend.LLBBridge/ResolveFuture", false),
        ("/moby.buildkit.v1.frontend.LLBBridge/", false),
        ("/moby.buildkit.v1.frontend.LLBBridge2/Ping", false),
        ("/moby.buildkit.v1.Control/Solve", false),
        ("/Ping", false),
    ];
    let others =
        others.map(|(path, passes)| (path.to_owned(), path.strip_prefix(SERVICE).unwrap_or(path).to_owned(), passes));
    let fake = FakeBuildkit::new("a");
    let client = client(&fake).await;
    // Field 100, which nothing knows: it has to arrive.
    let message = [0xa2, 0x06, 0x01, b'x'];
    for (path, method, passes) in known.chain(others) {
        let found = client.call(&path, &message).await;
        assert_eq!(client.arrived(&method, &message), passes, "{path}");
        match found {
            Ok(_) => assert!(passes, "{path}"),
            Err(status) => {
                assert!(!passes, "{path}: {status}");
                assert_eq!(status.code(), Code::Unimplemented, "{path}");
                assert!(status.message().contains("lets nothing past"), "{path}: {status}");
            }
        }
    }
}

/// BuildKit's descriptors name every call that it has: the rules pass or handle each of them, and so know it.
#[tokio::test]
async fn every_call_that_buildkit_has_is_known() {
    let descriptors = Command::new(refkit_support::tool("buildkit-descriptors").unwrap()).output().unwrap();
    let descriptors = String::from_utf8(descriptors.stdout).unwrap();
    let methods = descriptors.lines().filter_map(|line| line.strip_prefix("moby.buildkit.v1.frontend.LLBBridge."));
    let methods: Vec<&str> = methods.filter_map(|line| Some(line.split_once('(')?.0)).collect();
    assert!(methods.len() >= 17 && methods.contains(&"Solve"), "{methods:?}");
    let client = client(&FakeBuildkit::new("a")).await;
    for method in methods {
        let route = client.rules.route(&format!("{SERVICE}{method}"), &HeaderMap::new());
        assert!(!matches!(route, Route::Refuse(_)), "{method} is new: does it read an image?");
    }
}

#[tokio::test]
async fn what_is_no_message_is_refused() {
    let fake = FakeBuildkit::new("a");
    let client = client(&fake).await;
    for method in ["ResolveSourceMeta", "ResolveImageConfig", "Solve"] {
        let status = client.call(&format!("{SERVICE}{method}"), &[0x0a, 0xff]).await.unwrap_err();
        assert!(
            refused(&status).starts_with("refused InvalidArgument: the message is malformed"),
            "{method}: {status}"
        );
        assert!(fake.requests().is_empty(), "{method}");
    }
}

/// BuildKit knows the end of a build by `Return`, or by a `Solve` that is final, if it accepts it.
#[tokio::test]
async fn the_end_of_a_build() {
    let last = pb::SolveRequest { r#final: true, ..Default::default() }.encode_to_vec();
    let local = pb::SolveRequest { definition: Some(definition(&["local://a"])), ..Default::default() }.encode_to_vec();
    let cache = pb::CacheOptionsEntry { r#type: "registry".to_owned(), ..Default::default() };
    let refused = pb::SolveRequest { cache_imports: vec![cache], r#final: true, ..Default::default() }.encode_to_vec();
    // the method, its message, whether BuildKit accepts it, whether the build has ended then
    let rows = [
        ("Return", Vec::new(), true, true),
        ("Return", Vec::new(), false, false),
        ("Solve", last.clone(), true, true),
        ("Solve", last, false, false),
        ("Solve", local, true, false),
        ("Solve", refused, true, false),
        ("Ping", Vec::new(), true, false),
    ];
    for (method, message, accepts, ended) in rows {
        let fake = FakeBuildkit::new("a");
        fake.replace(move |_, _| (!accepts).then(|| Reply::unknown("no")));
        let client = client(&fake).await;
        assert!(!client.rules.returned());
        let _ = client.call(&format!("{SERVICE}{method}"), &message).await;
        assert_eq!(client.rules.returned(), ended, "{method} {accepts}");
    }
}
