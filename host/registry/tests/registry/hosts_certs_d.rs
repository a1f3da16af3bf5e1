//! Hosts from `certs.d`, with `hosts.toml` and with certificates alone.

use std::fs;

use refkit_registry::hosts::{ConfigFile, Files};

use super::{asked, check, named, read};

#[test]
fn hosts_of_hosts_toml() {
    let hosts = read(Files::default().certs_d(named("certs.d")));
    check(
        &hosts,
        &[(
            "docker.io",
            &[
                "https://mirror.example/v2/ as mirror.example: pull, ns, roots /etc/certs/mirror.pem, \
                 x-many=secret one, x-many=secret two",
                "https://a.backup.example/us/v2/ as a.backup.example: pull, ns, insecure",
                "http://mirror.example/v2/ as mirror.example: resolve and pull, ns",
                // With settings of TLS, the client tries TLS first, unless the port is that of plain HTTP.
                "https://mirror.example:5000/v2/ as mirror.example:5000: resolve, pull and push, ns, insecure",
                "http://mirror.example:5000/v2/ as mirror.example:5000: resolve, pull and push, ns",
                "http://mirror.example/v2/ as mirror.example:80: resolve, pull and push, ns",
                "https://bare.example:5000/v2/ as bare.example:5000: resolve, pull and push, ns, \
                 roots tests/fixtures/hosts/certs.d/docker.io/first.pem /etc/certs/second.pem, \
                 tests/fixtures/hosts/certs.d/docker.io/client.cert with \
                 tests/fixtures/hosts/certs.d/docker.io/client.key, /etc/certs/client.pem with /etc/certs/client.pem",
                "https://client.example/v2/ as client.example: resolve, pull and push, ns, \
                 tests/fixtures/hosts/certs.d/docker.io/client.pem with \
                 tests/fixtures/hosts/certs.d/docker.io/client.pem",
                "https://clients.example/v2/ as clients.example: resolve, pull and push, ns, \
                 tests/fixtures/hosts/certs.d/docker.io/one.pem with tests/fixtures/hosts/certs.d/docker.io/one.pem, \
                 tests/fixtures/hosts/certs.d/docker.io/two.pem with tests/fixtures/hosts/certs.d/docker.io/two.pem",
                "https://prefix.example/v2/namespace/ as prefix.example: pull, ns",
                "https://versioned.example/some/v2/ as versioned.example: resolve, pull and push, ns",
                "https://root.example/ as root.example: resolve, pull and push, ns",
                "https://patient.example/v2/ as patient.example: resolve, pull and push, ns, connect 90s",
                "https://registry-1.docker.io/v2/ as docker.io: resolve and pull, \
                 roots tests/fixtures/hosts/certs.d/docker.io/hub.pem, x-team=a secret of the team",
            ],
        )],
    );
}

#[test]
fn the_directory_of_a_registry() {
    let hosts = read(Files::default().certs_d(named("certs.d")));
    let roots = "roots tests/fixtures/hosts/certs.d/_default/corp.pem";
    check(
        &hosts,
        &[
            (
                "ghcr.io",
                &[
                    "https://cache.example/v2/ as cache.example: resolve and pull, ns",
                    &format!("https://ghcr.io/v2/ as ghcr.io: resolve, pull and push, {roots}"),
                ],
            ),
            // Requests to the mirror under its own name carry no `?ns=`.
            (
                "cache.example",
                &[
                    "https://cache.example/v2/ as cache.example: resolve and pull",
                    &format!("https://cache.example/v2/ as cache.example: resolve, pull and push, {roots}"),
                ],
            ),
            // For names of this machine the port decides.
            (
                "localhost:5000",
                &[
                    "https://cache.example/v2/ as cache.example: resolve and pull, ns",
                    &format!("https://localhost:5000/v2/ as localhost:5000: resolve, pull and push, insecure, {roots}"),
                    "http://localhost:5000/v2/ as localhost:5000: resolve, pull and push",
                ],
            ),
            (
                "127.0.0.1:80",
                &[
                    "https://cache.example/v2/ as cache.example: resolve and pull, ns",
                    "http://127.0.0.1/v2/ as 127.0.0.1:80: resolve, pull and push",
                ],
            ),
            (
                "localhost",
                &[
                    "https://cache.example/v2/ as cache.example: resolve and pull, ns",
                    &format!("https://localhost/v2/ as localhost: resolve, pull and push, insecure, {roots}"),
                ],
            ),
            // A directory without a hosts.toml replaces the default, with or without certificates.
            (
                "registry.example:5000",
                &["https://registry.example:5000/v2/ as registry.example:5000: resolve, pull and push, \
                   roots tests/fixtures/hosts/certs.d/registry.example_5000_/ca.crt, \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/alone.cert with \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/alone.cert, \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/me.cert with \
                   tests/fixtures/hosts/certs.d/registry.example_5000_/me.key"],
            ),
            ("empty.example", &["https://empty.example/v2/ as empty.example: resolve, pull and push"]),
            (
                "quay.io",
                &[
                    "tests/fixtures/hosts/certs.d/quay.io/hosts.toml:4:25: host.\"https://broken.example\".capabilities \
                   has a word that is none of resolve, pull and push",
                ],
            ),
        ],
    );
}

#[test]
fn names_of_directories_with_a_port() {
    let root = tempfile::tempdir().expect("a directory");
    let write = |directory: &str, server: &str| {
        let directory = root.path().join(directory);
        fs::create_dir(&directory).expect("a directory");
        fs::write(directory.join("hosts.toml"), format!("server = {server:?}")).expect("a file");
    };
    write("both.example:5000", "https://second.example");
    write("both.example_5000_", "https://first.example");
    write("colon.example:5000", "https://colon.example:5000/sub");
    write("both.example", "https://portless.example");
    // A file belongs to no registry.
    fs::write(root.path().join("file.example"), "").expect("a file");
    let hosts = read(Files::default().certs_d(vec![ConfigFile::Named(root.path().to_owned())]));
    check(
        &hosts,
        &[
            ("both.example:5000", &["https://first.example/v2/ as first.example: resolve, pull and push, ns"]),
            ("both.example", &["https://portless.example/v2/ as portless.example: resolve, pull and push, ns"]),
            (
                "colon.example:5000",
                &["https://colon.example:5000/sub/v2/ as colon.example:5000: resolve, pull and push"],
            ),
            ("file.example", &["https://file.example/v2/ as file.example: resolve, pull and push"]),
        ],
    );
}

#[test]
fn errors_in_hosts_toml() {
    let root = tempfile::tempdir().expect("a directory");
    let directory = root.path().join("ghcr.io");
    fs::create_dir(&directory).expect("a directory");
    let rows = [
        ("server = ", "hosts.toml:1:10: this is not TOML: string values must be quoted, expected literal string"),
        ("server = \"ftp://a\"", "hosts.toml:1:1: server names a host that is neither https nor http"),
        (
            "[host.\"a b\"]",
            "hosts.toml:1:7: host.\"a b\" names a host that is not host[:port], which a path may follow",
        ),
        ("[host]\n\"https://a\" = 1", "hosts.toml:2:1: host.\"https://a\" is an integer, and has to be a table"),
        ("ca = [1]", "hosts.toml:1:7: ca is an integer, and has to be a string"),
        (
            "client = [[\"a\", \"b\", \"c\"]]",
            "hosts.toml:1:11: client has to be a file, or a pair of the certificate's and the key's",
        ),
        ("skip_verify = \"no\"", "hosts.toml:1:1: skip_verify is a string, and has to be true or false"),
        (
            "dial_timeout = \"soon\"",
            "hosts.toml:1:1: dial_timeout is no length of time; write it as 3s, 500ms or 1m30s",
        ),
        ("[header]\n\"x y\" = \"secret\"", "hosts.toml:2:1: header.\"x y\" is no name of a header"),
        ("[header]\nx = \"sec\\nret\"", "hosts.toml:2:1: header.x has a value that no header may have"),
        ("[header]\nx = 5", "hosts.toml:2:1: header.x is an integer, and has to be a list"),
        // No message contains the value of a header.
        ("[header]\nx = \"secret", "hosts.toml:2:12: this is not TOML: invalid basic string, expected `\"`"),
    ];
    for (text, wanted) in rows {
        fs::write(directory.join("hosts.toml"), text).expect("a file");
        let hosts = read(Files::default().certs_d(vec![ConfigFile::Named(root.path().to_owned())]));
        let found = asked(&hosts, "ghcr.io").concat();
        let found = found.rsplit('/').next().filter(|_| !wanted.contains('/')).unwrap_or(&found);
        assert!(found.ends_with(wanted), "{text:?}: {found}");
        assert!(!found.contains("sec"), "{found}");
        assert_eq!(asked(&hosts, "quay.io"), ["https://quay.io/v2/ as quay.io: resolve, pull and push"], "{text:?}");
    }
}
