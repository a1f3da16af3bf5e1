//! Hosts without files, and hosts from an embedder.

use std::sync::Arc;

use http::{HeaderName, HeaderValue};
use refkit_registry::hosts::{Host, Hosts, HostsError};
use url::Url;

use super::{check, refkit, repository};

#[test]
fn hosts_without_files() {
    check(
        &Hosts::default(),
        &[
            ("docker.io", &["https://registry-1.docker.io/v2/ as docker.io: resolve, pull and push"]),
            ("index.docker.io", &["https://registry-1.docker.io/v2/ as docker.io: resolve, pull and push"]),
            ("ghcr.io", &["https://ghcr.io/v2/ as ghcr.io: resolve, pull and push"]),
            ("ghcr.io:5000", &["https://ghcr.io:5000/v2/ as ghcr.io:5000: resolve, pull and push"]),
            ("localhost", &["http://localhost/v2/ as localhost: resolve, pull and push"]),
            ("localhost:5000", &["http://localhost:5000/v2/ as localhost:5000: resolve, pull and push"]),
            ("127.8.8.8:5000", &["http://127.8.8.8:5000/v2/ as 127.8.8.8:5000: resolve, pull and push"]),
            ("[::1]:5000", &["http://[::1]:5000/v2/ as [::1]:5000: resolve, pull and push"]),
            ("10.0.0.1", &["https://10.0.0.1/v2/ as 10.0.0.1: resolve, pull and push"]),
            ("localhost.example", &["https://localhost.example/v2/ as localhost.example: resolve, pull and push"]),
        ],
    );
}

#[test]
fn plain_http_by_name() {
    let text = "
        [registry.\"a.example\"]
        http = false
        mirrors = [\"https://tls.example\"]
        [registry.\"b.example\"]
        mirrors = [\"https://tls.example\", \"unsaid.example\", { host = \"said.example\", http = false }]
        insecure = true
    ";
    let hosts = refkit(text).expect("hosts").plain_http("a.example").plain_http("b.example").plain_http("c.example");
    check(
        &hosts,
        &[
            (
                "a.example",
                &[
                    "https://tls.example/v2/ as tls.example: resolve and pull, ns",
                    "http://a.example/v2/ as a.example: resolve, pull and push",
                ],
            ),
            (
                "b.example",
                &[
                    "https://tls.example/v2/ as tls.example: resolve and pull, ns",
                    "http://unsaid.example/v2/ as unsaid.example: resolve and pull, ns",
                    "https://said.example/v2/ as said.example: resolve and pull, ns",
                    "http://b.example/v2/ as b.example: resolve, pull and push",
                ],
            ),
            ("c.example", &["http://c.example/v2/ as c.example: resolve, pull and push"]),
            ("c.example:5000", &["https://c.example:5000/v2/ as c.example:5000: resolve, pull and push"]),
        ],
    );
}

fn url(text: &str) -> Url {
    Url::parse(text).expect(text)
}

#[test]
fn hosts_of_an_embedder_come_first() {
    let text =
        "[registry.\"ghcr.io\"]\nmirrors = [\"file.example\"]\n[registry.\"quay.io\"]\nmirrors = [\"file.example\"]";
    let given = |hosts: Hosts| {
        hosts
            .with("ghcr.io", vec![Host::mirror(url("https://given.example:5000/v2/proxy"))])?
            .with("*", vec![Host::new(url("http://index.docker.io/v2/"))])
    };
    let hosts = refkit(text).and_then(given).expect("hosts").plain_http("ghcr.io");
    check(
        &hosts,
        &[
            // The client uses the host unchanged, without settings from elsewhere.
            ("ghcr.io", &["https://given.example:5000/v2/proxy/ as given.example:5000: resolve and pull, ns"]),
            (
                "quay.io",
                &[
                    "https://file.example/v2/ as file.example: resolve and pull, ns",
                    "https://quay.io/v2/ as quay.io: resolve, pull and push",
                ],
            ),
            ("gcr.io", &["http://index.docker.io/v2/ as docker.io: resolve, pull and push"]),
        ],
    );
    let error = Hosts::default().with("https://ghcr.io", Vec::new()).map(|_| ());
    let wanted = "\"https://ghcr.io\": it is no name of a registry, which has neither scheme nor path";
    assert_eq!(error.as_ref().map_err(HostsError::to_string), Err(wanted.to_owned()));
}

#[test]
fn equal_calls_return_the_same_hosts_until_a_setting_changes() {
    let hosts = Hosts::default();
    let of = |hosts: &Hosts, registry: &str| hosts.of(&repository(registry)).expect(registry).remove(0);
    let first = of(&hosts, "ghcr.io");
    assert!(Arc::ptr_eq(&first, &of(&hosts, "ghcr.io")));
    assert!(Arc::ptr_eq(&first, &of(&hosts.clone(), "ghcr.io")));
    assert!(!Arc::ptr_eq(&first, &of(&hosts, "quay.io")));
    let changed = hosts.clone().plain_http("ghcr.io");
    assert_eq!(of(&changed, "ghcr.io").api.scheme(), "http");
    assert_eq!(of(&hosts, "ghcr.io").api.scheme(), "https", "the clone was not changed");
    // The memory of results is bounded for any number of registries.
    for number in 0..1024 {
        of(&hosts, &format!("r{number}.example"));
    }
    assert!(!Arc::ptr_eq(&first, &of(&hosts, "ghcr.io")));
}

#[test]
fn headers_are_secret() {
    let mut host = Host::new(url("https://ghcr.io/v2/"));
    host.headers.push((HeaderName::from_static("x-team"), HeaderValue::from_static("secret")));
    let shown = format!("{host:?}");
    assert!(shown.contains("x-team") && !shown.contains("secret"), "{shown}");
    let hosts = refkit("[registry.\"ghcr.io\"]\nheaders = { x-team = \"secret\" }").expect("hosts");
    let found = hosts.of(&repository("ghcr.io")).expect("hosts");
    assert_eq!(found[0].headers[0].1, "secret");
    let shown = format!("{hosts:?} {found:?} {:?}", found[0].headers);
    assert!(shown.contains("x-team") && !shown.contains("secret"), "{shown}");
}
