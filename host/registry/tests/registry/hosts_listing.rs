//! The listing of a repository's hosts, for people.

use refkit_registry::hosts::{Files, Hosts, Listing};

use super::{named, read, refkit, repository};

fn listing(hosts: &Hosts, registry: &str) -> String {
    let repository = repository(registry);
    let hosts = hosts.of(&repository).expect(registry);
    Listing { repository: &repository, hosts: &hosts }.to_string()
}

#[test]
fn the_hosts_of_a_repository() {
    insta::assert_snapshot!(listing(&Hosts::default(), "docker.io"), @r#"
    1. https://registry-1.docker.io/v2/library/alpine
       resolve, pull and push; credentials of docker.io
    "#);
}

#[test]
fn the_hosts_in_each_kind_of_file() {
    let hosts = read(Files::default().buildkitd(named("buildkitd.toml")));
    insta::assert_snapshot!(listing(&hosts, "docker.io"), @r#"
    1. https://mirror.example:5000/v2/proxy/library/alpine?ns=docker.io
       resolve and pull; credentials of mirror.example:5000; any certificate
       mirrors = mirror.example:5000/proxy              tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
       insecure = true                                  tests/fixtures/hosts/buildkitd.toml, registry."mirror.example:5000"
       ca = /etc/buildkit/mirror.pem, certs/second.pem  tests/fixtures/hosts/buildkitd.toml, registry."mirror.example:5000"
       keypair = /etc/buildkit/cert.pem                 tests/fixtures/hosts/buildkitd.toml, registry."mirror.example:5000"
    2. http://plain.example/v2/library/alpine?ns=docker.io
       resolve and pull; credentials of plain.example
       mirrors = plain.example  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
       http = true              tests/fixtures/hosts/buildkitd.toml, registry."plain.example"
    3. https://harbor.example/v2/hub/library/alpine?ns=docker.io
       resolve and pull; credentials of harbor.example
       mirrors = harbor.example/hub  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
    4. http://localhost:5001/v2/library/alpine?ns=docker.io
       resolve and pull; credentials of localhost:5001
       mirrors = localhost:5001  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
    5. https://registry-1.docker.io/v2/library/alpine
       resolve and pull; credentials of docker.io
       mirrors = docker.io  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
       http = false         tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
       ca = hub.pem         tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
    6. https://registry-1.docker.io/v2/library/alpine
       resolve, pull and push; credentials of docker.io
       http = false  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
       ca = hub.pem  tests/fixtures/hosts/buildkitd.toml, registry."docker.io"
    "#);
    insta::assert_snapshot!(listing(&hosts, "certificates.example"), @r#"
    1. https://certificates.example/v2/library/alpine
       resolve, pull and push; credentials of certificates.example
       tlsconfigdir = certs.d/registry.example_5000_  tests/fixtures/hosts/buildkitd.toml, registry."certificates.example"
    "#);
    let hosts = read(Files::default().certs_d(named("certs.d")));
    insta::assert_snapshot!(listing(&hosts, "docker.io"), @r#"
    1. https://mirror.example/v2/library/alpine?ns=docker.io
       pull; credentials of mirror.example
       host = https://mirror.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       skip_verify = false            tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://mirror.example"
       ca = /etc/certs/mirror.pem     tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://mirror.example"
       header = x-many                tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://mirror.example"
       capabilities = pull            tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://mirror.example"
    2. https://a.backup.example/us/v2/library/alpine?ns=docker.io
       pull; credentials of a.backup.example; any certificate
       host = https://a.backup.example/us  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       skip_verify = true                  tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://a.backup.example/us"
       capabilities = Pull, referrers      tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://a.backup.example/us"
    3. http://mirror.example/v2/library/alpine?ns=docker.io
       resolve and pull; credentials of mirror.example
       host = http://mirror.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       capabilities = pull, resolve  tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."http://mirror.example"
    4. https://mirror.example:5000/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of mirror.example:5000; any certificate
       host = http://mirror.example:5000  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       skip_verify = true                 tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."http://mirror.example:5000"
    5. http://mirror.example:5000/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of mirror.example:5000
       host = http://mirror.example:5000  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       skip_verify = true                 tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."http://mirror.example:5000"
    6. http://mirror.example/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of mirror.example:80
       host = http://mirror.example:80  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       skip_verify = true               tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."http://mirror.example:80"
    7. https://bare.example:5000/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of bare.example:5000
       host = bare.example:5000                     tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       ca = first.pem, /etc/certs/second.pem        tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."bare.example:5000"
       client = client.cert, /etc/certs/client.pem  tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."bare.example:5000"
    8. https://client.example/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of client.example
       host = https://client.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       client = client.pem            tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://client.example"
    9. https://clients.example/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of clients.example
       host = https://clients.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       client = one.pem, two.pem       tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://clients.example"
    10. https://prefix.example/v2/namespace/library/alpine?ns=docker.io
       pull; credentials of prefix.example
       host = https://prefix.example/v2/namespace  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       capabilities = pull                         tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://prefix.example/v2/namespace"
    11. https://versioned.example/some/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of versioned.example
       host = https://versioned.example/some/v2  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
    12. https://root.example/library/alpine?ns=docker.io
       resolve, pull and push; credentials of root.example
       host = https://root.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
    13. https://patient.example/v2/library/alpine?ns=docker.io
       resolve, pull and push; credentials of patient.example
       host = https://patient.example  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       dial_timeout = 1m30s            tests/fixtures/hosts/certs.d/docker.io/hosts.toml, host."https://patient.example"
    14. https://registry-1.docker.io/v2/library/alpine
       resolve and pull; credentials of docker.io
       server = https://registry-1.docker.io  tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       ca = hub.pem                           tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       header = x-team                        tests/fixtures/hosts/certs.d/docker.io/hosts.toml
       capabilities = pull, resolve           tests/fixtures/hosts/certs.d/docker.io/hosts.toml
    "#);
    insta::assert_snapshot!(listing(&hosts, "ghcr.io"), @r#"
    1. https://cache.example/v2/library/alpine?ns=ghcr.io
       resolve and pull; credentials of cache.example
       host = https://cache.example  tests/fixtures/hosts/certs.d/_default/hosts.toml
       capabilities = pull, resolve  tests/fixtures/hosts/certs.d/_default/hosts.toml, host."https://cache.example"
    2. https://ghcr.io/v2/library/alpine
       resolve, pull and push; credentials of ghcr.io
       ca = corp.pem  tests/fixtures/hosts/certs.d/_default/hosts.toml
    "#);
    insta::assert_snapshot!(listing(&hosts, "registry.example:5000"), @r#"
    1. https://registry.example:5000/v2/library/alpine
       resolve, pull and push; credentials of registry.example:5000
       certificates = *.crt, *.cert  tests/fixtures/hosts/certs.d/registry.example_5000_
    "#);
    let hosts = read(Files::default().refkit(named("refkit.toml")));
    insta::assert_snapshot!(listing(&hosts, "docker.io"), @r#"
    1. http://mirror.example:5000/v2/hub/hub/library/alpine?ns=docker.io
       resolve and pull; credentials of mirror.example:5000
       mirrors = mirror.example:5000/hub        tests/fixtures/hosts/refkit.toml, registry."docker.io"
       rewrite = ^ -> hub/                      tests/fixtures/hosts/refkit.toml, registry."docker.io"
       http = true                              tests/fixtures/hosts/refkit.toml, registry."docker.io"
       ca = mirror.pem, /etc/refkit/second.pem  tests/fixtures/hosts/refkit.toml, registry."mirror.example:5000"
       client = me.pem                          tests/fixtures/hosts/refkit.toml, registry."mirror.example:5000"
       headers = x-team                         tests/fixtures/hosts/refkit.toml, registry."mirror.example:5000"
       concurrency = 3                          tests/fixtures/hosts/refkit.toml, registry."*.example"
       rate = 20                                tests/fixtures/hosts/refkit.toml, registry."*.example"
    2. http://plain.example/v2/hub/library/alpine?ns=docker.io
       resolve and pull; credentials of plain.example
       mirrors = http://plain.example  tests/fixtures/hosts/refkit.toml, registry."docker.io"
       rewrite = ^ -> hub/             tests/fixtures/hosts/refkit.toml, registry."docker.io"
       concurrency = 3                 tests/fixtures/hosts/refkit.toml, registry."*.example"
       rate = 20                       tests/fixtures/hosts/refkit.toml, registry."*.example"
    3. https://other.example/some/v2/official/alpine?ns=docker.io
       pull; credentials of other.example
       mirrors = https://other.example/some/v2                     tests/fixtures/hosts/refkit.toml, registry."docker.io"
       rewrite = ^library/(.*)$ -> official/$1, ^(.*)$ -> rest/$1  tests/fixtures/hosts/refkit.toml, registry."docker.io".mirrors
       capabilities = pull                                         tests/fixtures/hosts/refkit.toml, registry."docker.io".mirrors
       concurrency = 3                                             tests/fixtures/hosts/refkit.toml, registry."*.example"
       rate = 20                                                   tests/fixtures/hosts/refkit.toml, registry."*.example"
    4. https://tls.example/v2/hub/library/alpine?ns=docker.io
       resolve and pull; credentials of tls.example
       mirrors = tls.example    tests/fixtures/hosts/refkit.toml, registry."docker.io"
       rewrite = ^ -> hub/      tests/fixtures/hosts/refkit.toml, registry."docker.io"
       http = false             tests/fixtures/hosts/refkit.toml, registry."docker.io".mirrors
       connect_timeout = 500ms  tests/fixtures/hosts/refkit.toml, registry."docker.io".mirrors
       concurrency = 2          tests/fixtures/hosts/refkit.toml, registry."docker.io".mirrors
       rate = 20                tests/fixtures/hosts/refkit.toml, registry."*.example"
    5. http://registry-1.docker.io/v2/library/alpine
       resolve, pull and push; credentials of docker.io
       http = true  tests/fixtures/hosts/refkit.toml, registry."docker.io"
    "#);
}

#[test]
fn private_networks_that_a_host_may_lead_to() {
    let text = "[registry.\"*.corp.example\"]\nallow_private = [\"10.0.0.8\", \"10.0.1.0/24\"]";
    insta::assert_snapshot!(listing(&refkit(text).expect("hosts"), "harbor.corp.example"), @r#"
    1. https://harbor.corp.example/v2/library/alpine
       resolve, pull and push; credentials of harbor.corp.example
       allow_private = 10.0.0.8, 10.0.1.0/24  /etc/refkit/refkit.toml, registry."*.corp.example"
    "#);
}

#[test]
fn a_rewrite_to_an_invalid_repository() {
    let text = "[registry.\"ghcr.io\"]\nmirrors = [{ host = \"m.example\", rewrite = { '^' = '/' } }]";
    insta::assert_snapshot!(listing(&refkit(text).expect("hosts"), "ghcr.io"), @r#"
    1. https://m.example/v2/: the rewrite ^ -> / makes "/library/alpine" of "library/alpine": the repository path is malformed
       resolve and pull; credentials of m.example
       mirrors = m.example  /etc/refkit/refkit.toml, registry."ghcr.io"
       rewrite = ^ -> /     /etc/refkit/refkit.toml, registry."ghcr.io".mirrors
    2. https://ghcr.io/v2/library/alpine
       resolve, pull and push; credentials of ghcr.io
    "#);
}
