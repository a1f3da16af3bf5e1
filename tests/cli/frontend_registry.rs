//! `refkit frontend image` and registries.

use refkit_support::image::{IndexBuilder, attestation};
use refkit_support::{Access, Auth, Fault, FaultRegistry, RealRegistry, Rule};

use crate::frontend_places::{Files, at, base, check, digests, frontend, make};
use crate::places::{self, Registry};
use crate::run::{Ran, fails, refkit};

fn image() -> refkit_support::image::Image {
    let mut index = IndexBuilder::new();
    for platform in ["linux/amd64", "linux/arm64", "linux/s390x"] {
        let image = frontend(platform).file("other", platform.as_bytes()).build();
        index = index.add(image.clone()).add(attestation(&image));
    }
    index.build()
}

fn put(registry: &dyn Registry, repository: &str) {
    places::put(registry, repository, Some("1"), &image());
}

#[track_caller]
fn whole(ran: &Ran) {
    assert!(ran.code == 0, "{}", ran.all());
}

#[test]
fn real_registries_accept_the_image() {
    for registry in [RealRegistry::distribution_v3(Auth::Anonymous), RealRegistry::debian_v2(Auth::Anonymous)] {
        let registry = registry.unwrap();
        put(&registry, "demo/frontend");
        let reference = |tag: &str| format!("{}/demo/{tag}", registry.host());
        let ran = make(&reference("frontend:1"), &["-t", &reference("made:1")]);
        whole(&ran);
        let pinned = ran.text().lines().next().unwrap().to_owned();
        assert_eq!(refkit(["resolve", &reference("made:1")]).line(), pinned);
        whole(&check(&pinned, &[]));
        // The same from a layout and into one.
        let out = tempfile::tempdir().unwrap();
        let copied = make(&reference("frontend:1"), &["-o", &format!("{}:1", out.path().display())]);
        whole(&copied);
        let digest = pinned.rsplit_once('@').unwrap().1;
        assert_eq!(Files::of(out.path()).entry(Some("1"))["digest"], digest);
    }
    let registry = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
    let ran = make(&at(&base()), &["-t", &format!("{}/made:1", registry.host())]);
    whole(&ran);
    whole(&check(&format!("{}/made:1", registry.host()), &[]));
}

#[test]
fn present_content_is_not_sent() {
    let registry = FaultRegistry::start().unwrap();
    put(&registry, "demo/frontend");
    let reference = |tag: &str| format!("{}/demo/frontend:{tag}", registry.host());
    whole(&make(&reference("1"), &["-t", &reference("made")]));
    let requests = registry.requests();
    for digest in digests(&image()) {
        let target = format!("/v2/demo/frontend/blobs/{digest}");
        let moved =
            |request: &&refkit_support::Request| request.target.starts_with(&target) && request.method != "HEAD";
        let configs = image().children().iter().any(|child| child.blobs()[0].0.digest.to_string() == digest);
        assert!(configs || requests.iter().find(moved).is_none(), "{digest}: {requests:?}");
    }
    // Two layers and two configs are new.
    assert_eq!(registry.count("PUT */blobs/*"), 4, "{requests:?}");
    assert_eq!(registry.count("GET */blobs/*"), 2, "{requests:?}");
    // The tag comes last.
    let last = requests.last().unwrap();
    assert_eq!((last.method.as_str(), last.path()), ("PUT", "/v2/demo/frontend/manifests/made"));
    // The second run writes nothing new.
    registry.clear();
    whole(&make(&reference("1"), &["-t", &reference("made")]));
    assert_eq!(registry.count("PUT */blobs/*") + registry.count("POST *"), 0);
}

#[test]
fn progress_is_shown_where_it_is_wanted() {
    let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    put(&from, "demo/frontend");
    let source = format!("{}/demo/frontend:1", from.host());
    let run = |tag: &str, more: &[&str]| {
        let tag = format!("{}/made:{tag}", to.host());
        make(&source, &[&["-t", &tag], more].concat())
    };
    let ran = run("1", &["--progress", "plain"]);
    whole(&ran);
    // The layers of the base, and a new layer and a config for each platform.
    let blobs = to.count("PUT */blobs/*");
    let lines: Vec<_> = ran.stderr.lines().filter(|line| line.contains(" copied, ")).collect();
    assert_eq!(lines.len(), blobs, "{}", ran.all());
    assert!(ran.stderr.contains(&format!("copied {blobs} blobs, ")), "{}", ran.all());
    let ran = run("2", &["--progress", "plain"]);
    assert!(ran.stderr.contains("copied 0 blobs, 0 B"), "what is there is not sent: {}", ran.all());
    assert!(!run("3", &[]).stderr.contains("blob"), "there is no terminal");
    let ran = check(&format!("{}/made:1", to.host()), &["--progress", "plain"]);
    assert_eq!(ran.code, 2, "{}", ran.all());
}

#[test]
fn a_registry_that_fails_gets_no_tag() {
    // the fault, the message
    let rows = [
        (Rule::on("PUT */blobs/*", Fault::status(500)), "cannot push"),
        (
            Rule::on("POST *", Fault::status(403).body(r#"{"errors":[{"code":"DENIED","message":"not you"}]}"#)),
            "not you",
        ),
        (Rule::on("PUT */manifests/sha256:*", Fault::status(400)), "cannot push"),
    ];
    for (rule, said) in rows {
        let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
        put(&from, "demo/frontend");
        to.add(rule);
        let ran = make(&format!("{}/demo/frontend:1", from.host()), &["-t", &format!("{}/made:1", to.host())]);
        assert!(fails(&ran).contains(said), "{said}: {}", ran.stderr);
        assert_eq!(to.count("PUT */manifests/1"), 0, "{:?}", to.requests());
    }
}

#[test]
fn a_denial_names_its_policy() {
    let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    put(&from, "demo/frontend");
    let ran = || make(&format!("{}/demo/frontend:1", from.host()), &["-t", &format!("{}/made:1", to.host())]);
    to.require(Access::basic("user", "password"));
    let failed = ran();
    assert!(failed.stderr.contains(&format!("try: docker login {}", to.host())), "{}", failed.stderr);
    fails(&failed);
    to.require(Access::open());
    from.require(Access::basic("user", "password"));
    let failed = ran();
    assert!(failed.stderr.contains(&format!("try: docker login {}", from.host())), "{}", failed.stderr);
    assert_eq!(to.count("PUT *"), 0);
}
