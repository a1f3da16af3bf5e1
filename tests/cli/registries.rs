//! The command with real registries, and every kind of access.

use std::path::Path;

use refkit_support::{Access, Auth, FaultRegistry, RealRegistry, TokenServer, digest};

use crate::places::{demo_image, fill};
use crate::run::{Ran, Refkit, refkit};

const USER: (&str, &str) = ("user", "p@ss:word");

/// Returns a directory with Docker's file of credentials for a registry in it.
fn docker_config(host: &str) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    let auth = refkit_support::basic(USER.0, USER.1).strip_prefix("Basic ").unwrap().to_owned();
    let config = serde_json::json!({ "auths": { host: { "auth": auth } } });
    std::fs::write(directory.path().join("config.json"), config.to_string()).unwrap();
    directory
}

fn with_credentials<'a>(directory: &Path, arguments: impl IntoIterator<Item = &'a str>) -> Ran {
    Refkit::new(arguments).env("DOCKER_CONFIG", directory).run()
}

#[test]
fn every_registry_and_every_access() {
    let tokens = TokenServer::signed().unwrap();
    tokens.require(USER.0, USER.1);
    let (user, password) = USER;
    let all = [Auth::Anonymous, Auth::Basic { user, password }, Auth::Bearer(&tokens)];
    let image = demo_image("1.2.3");
    let arm64 = &image.children()[1];
    for auth in all {
        for registry in [RealRegistry::distribution_v3(auth).unwrap(), RealRegistry::debian_v2(auth).unwrap()] {
            fill(&registry, &["1.2.3"]);
            let reference = format!("{}/demo/app:1.2.3", registry.host());
            let docker = docker_config(registry.host());
            let ask = |more: &[&str]| with_credentials(docker.path(), more.iter().copied());
            assert_eq!(ask(&["resolve", &reference]).line(), format!("{reference}@{}", image.digest()));
            let ran = ask(&["resolve", &reference, "--platform", "linux/arm64"]);
            assert_eq!(ran.line(), format!("{reference}@{}", arm64.digest()));
            let ran = ask(&["inspect", &reference, "--raw"]);
            assert_eq!((ran.code, digest(&ran.stdout)), (0, image.digest().clone()), "{}", ran.stderr);
            let ran = ask(&["inspect", &reference, "--config", "--platform", "linux/arm64"]);
            assert_eq!((ran.code, &ran.stdout[..]), (0, &arm64.blobs()[0].1[..]), "{}", ran.stderr);
            let ran = ask(&["inspect", &reference]);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, ""));
            assert!(ran.text().contains("linux/s390x  ") && ran.text().contains("windows(10.0.26100.2033)/amd64  "));
            if !matches!(auth, Auth::Anonymous) {
                let ran = refkit(["resolve", &reference]);
                assert!(ran.code == 1 && ran.stderr.contains("docker login"), "{}", ran.all());
            }
        }
    }
}

#[test]
fn no_request_is_made_twice() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3", "single"]);
    let docker = docker_config(&registry.host());
    let tokens = TokenServer::opaque().unwrap();
    let access = [Access::open(), Access::basic(USER.0, USER.1), Access::bearer(&tokens)];
    // arguments, requests with open access; the two others add the challenged request
    let rows: [(&[&str], usize); 7] = [
        (&["resolve"], 1),
        (&["resolve", "--platform", "linux/arm64"], 1),
        (&["inspect", "--raw"], 1),
        (&["inspect", "--index", "--platform", "linux/arm64"], 1),
        (&["inspect", "--manifest", "--platform", "linux/arm64"], 2),
        (&["inspect", "--config", "--platform", "linux/arm64"], 3),
        // The index, the index for Windows, and eight manifests.
        (&["inspect"], 10),
    ];
    let reference = format!("{}/demo/app:1.2.3", registry.host());
    for (access, more) in access.into_iter().zip([0, 1, 1]) {
        registry.require(access);
        for (arguments, requests) in rows {
            registry.clear();
            let arguments_and_reference = arguments.iter().copied().chain([reference.as_str()]);
            let cold = tempfile::tempdir().unwrap();
            let command = Refkit::new(arguments_and_reference).env("DOCKER_CONFIG", docker.path());
            let ran = command.env("XDG_CACHE_HOME", cold.path()).run();
            assert_eq!(ran.code, 0, "{}", ran.all());
            assert_eq!(registry.count("*"), requests + more, "{arguments:?}: {:?}", registry.requests());
            assert_eq!(registry.count("* /v2/"), 0);
        }
    }
    registry.require(Access::open());
    registry.clear();
    refkit(["resolve", &reference]).line();
    assert_eq!(registry.count("HEAD */manifests/1.2.3"), 1);
}

#[test]
fn plain_http_is_for_localhost_and_with_the_option() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    // A closed port is enough, because no test needs TLS here.
    for host in [registry.host(), registry.host().replace("127.0.0.1", "localhost")] {
        let reference = format!("{host}/demo/app:single");
        assert_eq!(refkit(["resolve", &reference]).line(), format!("{reference}@{}", demo_image("single").digest()));
        assert_eq!(refkit(["resolve", "--plain-http", &reference]).code, 0);
    }
}
