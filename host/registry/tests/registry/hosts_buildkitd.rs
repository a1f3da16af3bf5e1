//! Hosts from `buildkitd.toml`.

use refkit_registry::hosts::Files;

use super::{check, named, read};

#[test]
fn hosts_of_buildkitd_toml() {
    let hosts = read(Files::default().buildkitd(named("buildkitd.toml")));
    check(
        &hosts,
        &[
            (
                "docker.io",
                &[
                    "https://mirror.example:5000/v2/proxy/ as mirror.example:5000: resolve and pull, ns, insecure, \
                     roots /etc/buildkit/mirror.pem tests/fixtures/hosts/certs/second.pem, \
                     /etc/buildkit/cert.pem with /etc/buildkit/key.pem",
                    "http://plain.example/v2/ as plain.example: resolve and pull, ns",
                    // The scheme of a mirror is ignored; its own table decides.
                    "https://harbor.example/v2/hub/ as harbor.example: resolve and pull, ns",
                    "http://localhost:5001/v2/ as localhost:5001: resolve and pull, ns",
                    // A mirror named docker.io has the settings of that table, and is the host of Docker Hub.
                    "https://registry-1.docker.io/v2/ as docker.io: resolve and pull, roots tests/fixtures/hosts/hub.pem",
                    "https://registry-1.docker.io/v2/ as docker.io: resolve, pull and push, \
                     roots tests/fixtures/hosts/hub.pem",
                ],
            ),
            ("plain.example", &["http://plain.example/v2/ as plain.example: resolve, pull and push"]),
            (
                "both.example",
                &[
                    "https://both.example/v2/ as both.example: resolve, pull and push, insecure",
                    "http://both.example/v2/ as both.example: resolve, pull and push",
                ],
            ),
            (
                "localhost:5002",
                &[
                    "https://localhost:5002/v2/ as localhost:5002: resolve, pull and push, insecure",
                    "http://localhost:5002/v2/ as localhost:5002: resolve, pull and push",
                ],
            ),
            ("localhost:5003", &["https://localhost:5003/v2/ as localhost:5003: resolve, pull and push"]),
            ("localhost:5004", &["http://localhost:5004/v2/ as localhost:5004: resolve, pull and push"]),
            (
                "certificates.example",
                &["https://certificates.example/v2/ as certificates.example: resolve, pull and push, \
                   roots tests/fixtures/hosts/certs.d/registry.example_5000_/ca.crt, \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/alone.cert with \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/alone.cert, \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/me.cert with \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/me.key"],
            ),
            ("cased.example", &["http://cased.example/v2/ as cased.example: resolve, pull and push"]),
            // Names match as a whole, with their port.
            ("plain.example:80", &["https://plain.example:80/v2/ as plain.example:80: resolve, pull and push"]),
            ("sub.plain.example", &["https://sub.plain.example/v2/ as sub.plain.example: resolve, pull and push"]),
        ],
    );
}

#[test]
fn a_broken_table_is_an_error_for_its_registry_alone() {
    let hosts = read(Files::default().buildkitd(named("buildkitd.toml")));
    let http = "tests/fixtures/hosts/buildkitd.toml:50:1: registry.\"broken.example\".http is a string, and has to be \
                true or false";
    check(
        &hosts,
        &[
            ("broken.example", &[http]),
            ("mirrored.example", &[http]),
            (
                "misplaced.example",
                &[
                    "tests/fixtures/hosts/buildkitd.toml:56:28: registry.\"misplaced.example\".mirrors has a mirror that \
                   is neither https nor http",
                ],
            ),
            (
                "keyless.example",
                &[
                    "tests/fixtures/hosts/buildkitd.toml:59:12: registry.\"keyless.example\".keypair needs both cert and \
                   key",
                ],
            ),
        ],
    );
}
