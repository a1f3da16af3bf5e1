//! Grants: a refused repository gets no request, and a granted one does.

use refkit_support::FaultRegistry;

use crate::places::{demo_image, fill};
use crate::run::{policy, refkit};

#[test]
fn a_refused_repository_gets_no_request() {
    let allow_list = policy("allow-list");
    let registry = FaultRegistry::start().unwrap();
    let image = format!("{}/demo/app:1.0.0", registry.host());
    let ran = refkit(["inspect", &image, "--policy", &allow_list, "--set", "allow=docker.io/**"]);
    assert_eq!((ran.code, ran.text(), registry.count("*")), (3, "", 0), "{}", ran.all());
}

#[test]
fn a_grant_opens_another_repository() {
    let redirect = policy("redirect");
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.0.0"]);
    let (host, image) = (registry.host(), "mirrored.example/demo/app:1.0.0");
    let to = format!("to={host}");
    let arguments = ["resolve", image, "--policy", &redirect, "--set", "from=mirrored.example", "--set", &to];
    let ran = refkit(arguments);
    assert!(ran.code == 1 && ran.stderr.contains("--grant"), "{}", ran.all());
    assert_eq!(registry.count("*"), 0);
    let grant = format!("{host}/demo/*");
    let ran = refkit(arguments.into_iter().chain(["--grant", &grant]));
    let pinned = format!("{host}/demo/app:1.0.0@{}", demo_image("1.0.0").digest());
    assert_eq!(ran.line(), pinned);
}
