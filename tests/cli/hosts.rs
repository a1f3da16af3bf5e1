//! The hosts of a registry, and the requests to them.

use refkit_support::{FaultRegistry, filters};

use crate::places::{demo_image, fill};
use crate::run::{Ran, Refkit, fails, refkit};

fn told(ran: &Ran) -> String {
    filters::filtered(&ran.all(), &[(r"\[TEMP\]/", "")])
}

#[test]
fn files_name_the_hosts() {
    let mirror = FaultRegistry::start().unwrap();
    fill(&mirror, &["1.2.3"]);
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let buildkitd = write(
        "buildkitd.toml",
        &format!("debug = true\n[registry.\"registry.test\"]\nmirrors = [\"{}\"]\n", mirror.host()),
    );
    let reference = "registry.test/demo/app:1.2.3";
    let digest = demo_image("1.2.3").digest().clone();
    let asked = refkit(["resolve", reference, "--buildkitd-config", &buildkitd]);
    assert_eq!(asked.line(), format!("{reference}@{digest}"));
    assert_eq!(mirror.requests()[0].query(), Some("ns=registry.test"));
    insta::assert_snapshot!(told(&refkit(["hosts", reference, "--buildkitd-config", &buildkitd])), @r#"
    exit 0
    --- stdout
    1. http://127.0.0.1:[PORT]/v2/demo/app?ns=registry.test
       resolve and pull; credentials of 127.0.0.1:[PORT]
       mirrors = 127.0.0.1:[PORT]  buildkitd.toml, registry."registry.test"
    2. https://registry.test/v2/demo/app
       resolve, pull and push; credentials of registry.test
    --- stderr
    "#);

    // The usual files are those of this user and of the machine.
    let home = directory.path().join("home");
    let hosts_toml = format!("[host.\"http://{}\"]\ncapabilities = [\"pull\", \"resolve\"]\n", mirror.host());
    write("home/.config/containerd/certs.d/registry.test/hosts.toml", &hosts_toml);
    let settings = "[registry.\"*.test\"]\nconcurrency = 2\n[registry.\"other.test\"]\nmirrors = []\n";
    write("home/.config/refkit/refkit.toml", settings);
    let at_home = |arguments: &[&str]| Refkit::new(arguments.iter().copied()).env("HOME", &home).run();
    assert_eq!(at_home(&["resolve", reference]).line(), format!("{reference}@{digest}"));
    insta::assert_snapshot!(told(&at_home(&["hosts", reference])), @r#"
    exit 0
    --- stdout
    1. http://127.0.0.1:[PORT]/v2/demo/app?ns=registry.test
       resolve and pull; credentials of 127.0.0.1:[PORT]
       host = http://127.0.0.1:[PORT]  home/.config/containerd/certs.d/registry.test/hosts.toml
       capabilities = pull, resolve   home/.config/containerd/certs.d/registry.test/hosts.toml, host."http://127.0.0.1:[PORT]"
    2. https://registry.test/v2/demo/app
       resolve, pull and push; credentials of registry.test
       concurrency = 2  home/.config/refkit/refkit.toml, registry."*.test"
    --- stderr
    "#);
    let json = at_home(&["hosts", reference, "--format", "json"]).json();
    assert_eq!(json["hosts"][0]["url"], format!("http://{}/v2/demo/app", mirror.host()));
    assert_eq!(json["hosts"][0]["capabilities"], serde_json::json!(["resolve", "pull"]));
    assert_eq!(json["hosts"][1]["url"], "https://registry.test/v2/demo/app");
}

#[test]
fn files_with_errors() {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("refkit.toml");
    let file = file.to_str().unwrap();
    std::fs::write(file, "[registry.\"docker.io\"]\nmirors = [\"mirror.test\"]\n").unwrap();
    insta::assert_snapshot!(told(&refkit(["hosts", "alpine", "--settings", file])), @r#"
    exit 1
    --- stdout
    --- stderr
    error: refkit.toml:2:1: registry."docker.io".mirors is not known here; is mirrors meant?
    "#);
    // An error about one registry does not affect another one.
    assert_eq!(refkit(["hosts", "quay.io/a/b", "--settings", file]).code, 0);
    let told = fails(&refkit(["resolve", "alpine", "--settings", file]));
    assert!(told.contains("mirors") && told.contains("mirrors"), "{told}");
    std::fs::write(file, "[registry").unwrap();
    assert!(fails(&refkit(["resolve", "alpine", "--settings", file])).contains("refkit.toml"));
    assert!(fails(&refkit(["hosts", "alpine", "--settings", "/nowhere/refkit.toml"])).contains("/nowhere/refkit.toml"));
    assert_eq!(refkit(["hosts", "oci-layout:tests/fixtures/demo"]).code, 2);
}

#[test]
fn proxies_are_those_of_the_environment() {
    let proxy = FaultRegistry::start().unwrap();
    fill(&proxy, &["1.2.3"]);
    let reference = "registry.test/demo/app:1.2.3";
    let arguments = ["resolve", "--plain-http", "--no-cache", reference];
    let through = || Refkit::new(arguments).env("http_proxy", format!("http://user:secret@{}", proxy.host()));
    assert_eq!(through().run().line(), format!("{reference}@{}", demo_image("1.2.3").digest()));
    assert_eq!(proxy.count("HEAD */demo/app/manifests/1.2.3"), 1);
    assert!(proxy.requests()[0].header("proxy-authorization").is_some());
    let around = through().env("no_proxy", ".test").run();
    assert!(around.code == 1 && !around.stderr.contains("secret"), "{}", around.all());
    assert_eq!(proxy.count("*"), 1);
}
