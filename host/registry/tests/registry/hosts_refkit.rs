//! Hosts from `refkit.toml`.

use refkit_registry::hosts::{ConfigError, Files, HostsError};

use super::{asked, check, named, read, refkit, repository, shown};

#[test]
fn hosts_of_refkit_toml() {
    let hosts = read(Files::default().refkit(named("refkit.toml")));
    check(
        &hosts,
        &[
            (
                "docker.io",
                &[
                    // Plain HTTP, as for the registry that it mirrors, so the roots are unused.
                    "http://mirror.example:5000/v2/hub/ as mirror.example:5000: resolve and pull, ns, \
                     x-team=a secret of the team, concurrency 3, rate 20",
                    "http://plain.example/v2/ as plain.example: resolve and pull, ns, concurrency 3, rate 20",
                    "https://other.example/some/v2/ as other.example: pull, ns, concurrency 3, rate 20",
                    "https://tls.example/v2/ as tls.example: resolve and pull, ns, connect 500ms, concurrency 2, rate 20",
                    "http://registry-1.docker.io/v2/ as docker.io: resolve, pull and push",
                ],
            ),
            (
                "mirror.example:5000",
                &[
                    "https://never.example/v2/ as never.example: resolve and pull, ns, concurrency 3, rate 20",
                    "https://mirror.example:5000/v2/ as mirror.example:5000: push, \
                     roots tests/fixtures/hosts/mirror.pem /etc/refkit/second.pem, \
                     tests/fixtures/hosts/me.pem with tests/fixtures/hosts/me.key, \
                     x-team=a secret of the team, concurrency 3, rate 20",
                ],
            ),
            (
                "a.b.corp.example:5000",
                &["https://a.b.corp.example:5000/v2/ as a.b.corp.example:5000: resolve, pull and push, insecure, \
                   roots tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/corp.pem with \
                   tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/two.pem with tests/fixtures/hosts/two.key, \
                   concurrency 3, rate 20"],
            ),
            (
                "a.build.corp.example:5000",
                &["http://a.build.corp.example:5000/v2/ as a.build.corp.example:5000: resolve, pull and push, \
                   concurrency 3, rate 20"],
            ),
            (
                "tls.corp.example",
                &["https://tls.corp.example/v2/ as tls.corp.example: resolve, pull and push, concurrency 3, rate 20"],
            ),
            (
                "air.example",
                &["https://cache.corp.example/v2/ as cache.corp.example: resolve and pull, ns, insecure, \
                   roots tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/corp.pem with \
                   tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/two.pem with tests/fixtures/hosts/two.key, \
                   concurrency 3, rate 20"],
            ),
            // A table with limits alone leaves all other settings to the default.
            (
                "limited.example",
                &[
                    "https://cache.corp.example/v2/ as cache.corp.example: resolve and pull, ns, insecure, \
                     roots tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/corp.pem with \
                     tests/fixtures/hosts/corp.pem, tests/fixtures/hosts/two.pem with tests/fixtures/hosts/two.key, \
                     concurrency 3, rate 20",
                    "https://limited.example/v2/ as limited.example: resolve, pull and push, concurrency 8, rate 20",
                ],
            ),
            (
                "broken.example",
                &["tests/fixtures/hosts/refkit.toml:44:1: registry.\"broken.example\".miror is not known here; is \
                   mirrors meant?"],
            ),
            (
                "schemed.example",
                &["tests/fixtures/hosts/refkit.toml:46:11: registry.\"https://schemed.example/v2\" is no name of a \
                   registry, which has neither scheme nor path"],
            ),
        ],
    );
}

#[test]
fn repositories_are_rewritten_at_mirrors() {
    let hosts = read(Files::default().refkit(named("refkit.toml")));
    let hosts = hosts.of(&repository("docker.io")).expect("hosts");
    let rows = [
        (
            "library/alpine",
            ["hub/library/alpine", "hub/library/alpine", "official/alpine", "hub/library/alpine", "library/alpine"],
        ),
        ("user/app", ["hub/user/app", "hub/user/app", "rest/user/app", "hub/user/app", "user/app"]),
    ];
    for (path, wanted) in rows {
        let found: Vec<_> = hosts.iter().map(|host| host.repository(path).expect("a repository")).collect();
        assert_eq!(found, wanted);
    }
    let url = hosts[0].api.join("hub/library/alpine/manifests/latest").expect("a URL");
    assert_eq!(url.as_str(), "http://mirror.example:5000/v2/hub/hub/library/alpine/manifests/latest");
}

#[test]
fn rewrites_make_repositories_or_an_error() {
    let rows = [
        (r#"{ "^a/" = "b/" }"#, "a/x", Ok("b/x")),
        // Every match is replaced, as in k3s, and the first rule that matches decides.
        (r#"{ "a" = "b" }"#, "aa/xa", Ok("bb/xb")),
        (r#"{ "^a" = "b", "^b" = "c" }"#, "a/x", Ok("b/x")),
        (r#"{ "^z" = "b", "^a" = "c" }"#, "a/x", Ok("c/x")),
        (r#"{ "z" = "b" }"#, "a/x", Ok("a/x")),
        (r#"{ "(?<all>.*)" = "all/${all}" }"#, "a/x", Ok("all/a/x")),
        (
            r#"{ "^a/" = "../../" }"#,
            "a/x",
            Err("the rewrite ^a/ -> ../../ makes \"../../x\" of \"a/x\": the repository path is malformed"),
        ),
        (
            r#"{ "^.*$" = "" }"#,
            "a/x",
            Err("the rewrite ^.*$ ->  makes \"\" of \"a/x\": the repository path is malformed"),
        ),
        (
            r#"{ "^a" = "A" }"#,
            "a/x",
            Err("the rewrite ^a -> A makes \"A/x\" of \"a/x\": a repository path has no upper-case letters"),
        ),
        (
            r#"{ "$" = "?x=y" }"#,
            "a/x",
            Err("the rewrite $ -> ?x=y makes \"a/x?x=y\" of \"a/x\": the repository path is malformed"),
        ),
    ];
    for (rules, path, wanted) in rows {
        let text = format!("[registry.\"a.example\"]\nmirrors = [{{ host = \"m.example\", rewrite = {rules} }}]");
        let hosts = refkit(&text).expect(rules).of(&repository("a.example")).expect(rules);
        let found = hosts[0].repository(path).map_err(|error| error.to_string());
        assert_eq!(found.as_deref().map_err(String::as_str), wanted, "{rules}");
        assert_eq!(hosts[1].repository(path).as_deref().ok(), Some(path), "{rules}: the registry itself");
    }
}

#[test]
fn the_scheme_of_a_mirror() {
    let rows = [
        ("mirrors = [\"m.example\"]", "", "https"),
        ("http = true\nmirrors = [\"m.example\"]", "", "http"),
        ("http = true\nmirrors = [\"https://m.example\"]", "", "https"),
        ("http = true\nmirrors = [{ host = \"m.example\", http = false }]", "", "https"),
        ("http = true\nmirrors = [\"m.example\"]", "http = false", "https"),
        ("http = false\nmirrors = [\"m.example\"]", "http = true", "http"),
        ("http = false\nmirrors = [\"http://m.example\"]", "http = false", "http"),
        ("mirrors = [\"http://m.example\"]", "insecure = true", "https http"),
        ("http = true\nmirrors = [{ host = \"m.example\", insecure = true }]", "", "https http"),
        ("http = false\nmirrors = [\"localhost:5000\"]", "", "https"),
        ("mirrors = [\"localhost:5000\"]", "", "http"),
    ];
    for (registry, mirror, wanted) in rows {
        let text = format!("[registry.\"a.example\"]\n{registry}\n[registry.\"m.example\"]\n{mirror}");
        let hosts = refkit(&text).expect(&text).of(&repository("a.example")).expect(&text);
        let schemes: Vec<_> = hosts.iter().filter(|host| host.names_registry).map(|host| host.api.scheme()).collect();
        assert_eq!(schemes.join(" "), wanted, "{text}");
    }
}

#[test]
fn errors_in_refkit_toml() {
    let table = |text: &str| format!("[registry.\"a.example\"]\n{text}");
    let rows = [
        (table("htp = true"), "2:1: registry.\"a.example\".htp is not known here; is http meant?"),
        (
            table("tlsconfigdir = []"),
            "2:1: registry.\"a.example\".tlsconfigdir is not known here; what is known: mirrors, upstream, rewrite, \
             http, insecure, ca, client, headers, connect_timeout, capabilities, concurrency, rate, \
             allow_private",
        ),
        (table("http = \"yes\""), "2:1: registry.\"a.example\".http is a string, and has to be true or false"),
        (table("mirrors = \"m.example\""), "2:1: registry.\"a.example\".mirrors is a string, and has to be a list"),
        (table("mirrors = [1]"), "2:12: registry.\"a.example\".mirrors is an integer, and has to be a table"),
        (table("mirrors = [{ http = true }]"), "2:12: registry.\"a.example\".mirrors has a mirror without host"),
        (
            table("mirrors = [{ host = \"m\", hots = 1 }]"),
            "2:26: registry.\"a.example\".mirrors.hots is not known here; is host meant?",
        ),
        (
            table("mirrors = [{ host = \"http://m\", http = true }]"),
            "2:12: registry.\"a.example\".mirrors has a mirror with both http and a scheme in host; write one",
        ),
        (
            table("mirrors = [\"https://user:secret@m\"]"),
            "2:12: registry.\"a.example\".mirrors has a mirror with user information; credentials belong into Docker's \
             config.json",
        ),
        (
            table("mirrors = [\"https://m?token=secret\"]"),
            "2:12: registry.\"a.example\".mirrors has a mirror with a query or a fragment; write host[:port] and a path",
        ),
        (
            table("upstream = false"),
            "1:11: registry.\"a.example\" has neither mirrors nor upstream, so no host is left to ask",
        ),
        (
            table("capabilities = []"),
            "2:1: registry.\"a.example\".capabilities is empty; a host that may be asked nothing is not to be named",
        ),
        (
            table("capabilities = [\"pul\"]"),
            "2:17: registry.\"a.example\".capabilities has a word that is none of resolve, pull and push",
        ),
        (
            table("concurrency = 0"),
            "2:1: registry.\"a.example\".concurrency has to be a whole number from 1 to 4294967295",
        ),
        (table("rate = -1"), "2:1: registry.\"a.example\".rate has to be a whole number from 1 to 4294967295"),
        (table("rate = 1.5"), "2:1: registry.\"a.example\".rate is a float, and has to be a whole number from 1"),
        (
            table("allow_private = [\"10.0.0.8\", \"minio:9000\"]"),
            "2:30: registry.\"a.example\".allow_private is neither an address nor a network; write 10.0.0.8 or 10.0.1.0/24",
        ),
        (table("allow_private = true"), "2:1: registry.\"a.example\".allow_private is a boolean, and has to be a list"),
        (
            table("client = { key = \"k\" }"),
            "2:1: registry.\"a.example\".client needs cert, the file of the certificate",
        ),
        (
            table("rewrite = { \"(\" = \"x\" }"),
            "2:13: registry.\"a.example\".rewrite.\"(\" is no rewrite: \"(\" is no pattern: error: unclosed group",
        ),
        (
            table("headers = { x = \"secret\\n\" }"),
            "2:13: registry.\"a.example\".headers.x has a value that no header may have",
        ),
    ];
    for (text, wanted) in rows {
        let hosts = refkit(&text).expect(&text);
        assert_eq!(asked(&hosts, "a.example"), [format!("/etc/refkit/refkit.toml:{wanted}")], "{text}");
        assert_eq!(asked(&hosts, "b.example").len(), 1, "{text}");
        assert!(hosts.of(&repository("b.example")).is_ok(), "{text}: it is not about that registry");
    }
}

#[test]
fn two_spellings_of_one_registry_are_an_error() {
    // two tables, the name of the second one in the error
    let rows = [
        ("a.example", "A.example", "registry.\"A.example\""),
        ("a.example", "a.example:443", "registry.\"a.example:443\""),
        ("a.example:443", "a.example", "registry.\"a.example\""),
    ];
    for (first, second, name) in rows {
        let text = format!("[registry.\"{first}\"]\nhttp = true\n\n[registry.\"{second}\"]\nhttp = false\n");
        let hosts = refkit(&text).expect(&text);
        let wanted = format!(
            "/etc/refkit/refkit.toml:4:11: {name} is about the same registry as registry.\"{first}\" in line 1; write \
             one table"
        );
        assert_eq!(asked(&hosts, "a.example"), [wanted], "{text}");
        assert!(hosts.of(&repository("b.example")).is_ok(), "{text}: it is not about that registry");
    }
    let wildcards = "[registry.\"*.example\"]\nhttp = true\n[registry.\"*.EXAMPLE\"]\nhttp = true\n";
    let wanted = "/etc/refkit/refkit.toml:3:11: registry.\"*.EXAMPLE\" is about the same registry as \
                  registry.\"*.example\" in line 1; write one table";
    assert_eq!(asked(&refkit(wildcards).expect("hosts"), "a.example"), [wanted]);
    let different = "[registry.\"a.example:80\"]\nhttp = true\n[registry.\"a.example\"]\nhttp = false\n";
    let hosts = refkit(different).expect("hosts");
    assert!(hosts.of(&repository("a.example")).is_ok() && hosts.of(&repository("a.example:80")).is_ok());
}

#[test]
fn files_that_are_errors_as_a_whole() {
    let rows = [
        ("[registri.\"a.example\"]", "1:2: registri is not known here; is registry meant?"),
        ("registry = 1", "1:1: registry is an integer, and has to be a table"),
        (
            "[registry]\n\"a.example\" = 1\n\"reg*.example\" = {}",
            "3:1: registry.\"reg*.example\" is no name of a registry; write host[:port], *.domain or *",
        ),
        ("[registry.\"*.*.example\"]", "1:11: registry.\"*.*.example\" is no pattern; write *.domain or *.domain:port"),
        (
            "[registry.ghcr.io]\nhttp = true",
            "1:16: registry.ghcr.io is a table in a registry's table; a name with dots needs quotes: [registry.\"ghcr.io\"]",
        ),
        (
            "[registry.a.b.example]",
            "1:15: registry.a.b.example is a table in a registry's table; a name with dots needs quotes: \
             [registry.\"a.b.example\"]",
        ),
        ("\n\n  [registry", "3:12: this is not TOML: unclosed table, expected `]`"),
    ];
    for (text, wanted) in rows {
        let found = refkit(text).map(|_| ()).map_err(|error| shown(&error));
        assert_eq!(found, Err(format!("/etc/refkit/refkit.toml:{wanted}")), "{text}");
    }
}

/// A table has the name that a reference has, and Docker Hub has more than one.
#[test]
fn names_of_docker_hub() {
    for (name, is) in [("docker.io", true), ("index.docker.io", true), ("registry-1.docker.io", false)] {
        let hosts = refkit(&format!("[registry.\"{name}\"]\nmirrors = [\"m.example\"]")).expect("hosts");
        let found = hosts.of(&repository("docker.io")).expect("hosts").len();
        assert_eq!(found == 2, is, "{name}");
    }
    let twice = "[registry.\"docker.io\"]\nhttp = true\n[registry.\"index.docker.io\"]\nhttp = true\n";
    let found = asked(&refkit(twice).expect("hosts"), "docker.io");
    assert!(found[0].contains("is about the same registry as registry.\"docker.io\""), "{found:?}");
}

#[test]
fn errors_are_data_too() {
    let error = refkit("[registry.\"a.example\"]\nhtp = true").expect("hosts").of(&repository("a.example"));
    let Err(HostsError::Config(ConfigError::Malformed { file, line, column, key, reason })) = error else {
        panic!("{error:?}")
    };
    assert_eq!((file.to_str(), line, column), (Some("/etc/refkit/refkit.toml"), 2, 1));
    assert_eq!((key.as_str(), reason.as_str()), ("registry.\"a.example\".htp", "is not known here; is http meant?"));
}
