//! `refkit serve --check`.

use refkit_support::filters;

use crate::served::Place;

fn check(place: &Place, settings: &str) -> String {
    place.write("refkit.toml", settings);
    let ran = place.command(&["--check"]).output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
    let (code, out, err) = (ran.status.code().unwrap(), text(&ran.stdout), text(&ran.stderr));
    // The width of a column depends on the path of the directory.
    filters::filtered(&place.strip(&format!("exit {code}\n--- stdout\n{out}--- stderr\n{err}")), &[(" {2,}", "  ")])
}

#[test]
fn the_effective_settings_with_the_line_of_each() {
    let place = Place::new();
    place.write("allow-list.wasm", std::fs::read(refkit_support::policy("allow-list").unwrap()).unwrap());
    let settings = r#"[server]
grpc = "unix:///run/refkit.sock"
metrics = "127.0.0.1:9090"

[[rule]]
match = "docker.io/library/*"
policies = "approved"

[policy.approved]
file = "allow-list.wasm"
set = { allow = "docker.io/library/*" }

[policy.unused]
file = "allow-list.wasm"
set = { allow = "*" }
"#;
    insta::assert_snapshot!(check(&place, settings), @r#"
    exit 0
    --- stdout
    server.grpc = unix:///run/refkit.sock  refkit.toml:2
    server.grpc.mode = 0600  default
    server.metrics = tcp://127.0.0.1:9090  refkit.toml:3
    server.default = allow  default
    server.connections = 16384  default
    server.header_timeout = 10s  default
    server.idle_timeout = 300s  default
    server.drain_timeout = 25s  default
    rule[1].name = 1  default
    rule[1].match = docker.io/library/*  refkit.toml:6
    rule[1].clients = all  default
    rule[1].policies = approved  refkit.toml:7
    rule[1].dry_run = false  default
    rule[1].push = none  default
    policy.approved.file = allow-list.wasm  refkit.toml:10
    policy.approved.set.allow = docker.io/library/*  refkit.toml:11
    policy.approved.grants = none  default
    policy.unused.file = allow-list.wasm  refkit.toml:14
    policy.unused.set.allow = *  refkit.toml:15
    policy.unused.grants = none  default
    cache.path = the user's  default
    cache.limit = 1GiB  default
    cache.stale_if_error = false  default
    --- stderr
    note: refkit.toml:13: policy.unused is in no rule
    "#);
}

#[test]
fn everything_that_is_wrong_in_one_go() {
    let place = Place::new();
    let wrong = "[server]\ngrpc = \"0.0.0.0:7000\"\ndefalt = \"deny\"\n[[rule]]\nmatch = \"a*/b\"\npolicies = \"x\"\n";
    insta::assert_snapshot!(check(&place, wrong), @r#"
    exit 1
    --- stdout
    --- stderr
    error: refkit.toml:2:1: server.grpc is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or server.htpasswd, or insecure = "anyone may connect"
    error: refkit.toml:3:1: server.defalt is not known here; is default meant?
    error: refkit.toml:5:1: rule.match has no pattern of references: its first component may be a registry or a path; write docker.io/ before it, or more of the registry, with a dot or a colon
    error: refkit.toml:6:1: rule.policies names a policy that is not here: there is no [policy.NAME]
    "#);
}

#[test]
fn what_the_settings_name_is_loaded() {
    let place = Place::new();
    place.write("allow-list.wasm", std::fs::read(refkit_support::policy("allow-list").unwrap()).unwrap());
    place.write("publisher.wasm", std::fs::read(refkit_support::policy("immutable-tags").unwrap()).unwrap());
    place.write("text.wasm", "text");
    let rows = [
        ("a file that is not there", "file = \"nowhere.wasm\"\n"),
        ("no component", "file = \"text.wasm\"\n"),
        ("a publishing policy", "file = \"publisher.wasm\"\n"),
        ("without a setting that it needs", "file = \"allow-list.wasm\"\n"),
        ("a misspelt setting", "file = \"allow-list.wasm\"\nset = { alow = \"*\", allow = \"*\" }\n"),
    ];
    let said = rows.map(|(what, policy)| {
        let settings = format!(
            "[server]\ngrpc = \"127.0.0.1:0\"\n[[rule]]\nmatch = \"*\"\npolicies = \"p\"\n[policy.p]\n{policy}"
        );
        format!("{what}: {}", check(&place, &settings).replace("exit 1\n--- stdout\n--- stderr\n", ""))
    });
    insta::assert_snapshot!(said.concat(), @r#"
    a file that is not there: error: refkit.toml:7:1: policy.p.file names nowhere.wasm: No such file or directory (os error 2)
    no component: error: refkit.toml:7:1: policy.p.file is a policy that cannot be used: not a WebAssembly component: it does not begin with the four bytes of WebAssembly
    a publishing policy: error: refkit.toml:7:1: policy.p.file is a policy that cannot be used: the component imports refkit:policy/publication@0.1.0, which is not in the world policy of refkit:policy@0.1
    without a setting that it needs: error: refkit.toml:6:9: policy.p needs set.allow (reference patterns, separated by commas, such as docker.io/library/*)
    a misspelt setting: error: refkit.toml:8:9: policy.p.set.alow is no setting of this policy; is allow meant?
    "#);
}

#[test]
fn the_files_of_listeners_and_clients_are_read() {
    let place = Place::new();
    crate::served::certificates(&place.path(""));
    place.write("tokens", "ci sha256:00\n");
    let tls = |tls: &str| format!("grpc = {{ address = \"127.0.0.1:0\", tls = {{ {tls} }} }}\n");
    let rows = [
        ("all is well", tls("cert = \"server.cert\", key = \"server.key\", clients = \"ca.pem\"")),
        ("no file", tls("cert = \"nowhere\", key = \"server.key\"")),
        ("no certificate", tls("cert = \"server.key\", key = \"server.key\"")),
        ("no key", tls("cert = \"server.cert\", key = \"server.cert\"")),
        ("the key of another certificate", tls("cert = \"server.cert\", key = \"client.key\"")),
        ("tokens", "grpc = \"127.0.0.1:0\"\ntokens = \"tokens\"\n".to_owned()),
    ];
    let said = rows.map(|(what, keys)| {
        let said = check(&place, &format!("[server]\n{keys}"));
        let said = if said.starts_with("exit 0") { "nothing is wrong\n".to_owned() } else { said };
        format!("{what}: {}", said.replace("exit 1\n--- stdout\n--- stderr\n", ""))
    });
    insta::assert_snapshot!(said.concat(), @r#"
    all is well: nothing is wrong
    no file: error: refkit.toml:2:43: server.grpc.tls.cert names nowhere: I/O error: No such file or directory (os error 2)
    no certificate: error: refkit.toml:2:43: server.grpc.tls.cert names server.key: there is no certificate in it (PEM)
    no key: error: refkit.toml:2:65: server.grpc.tls.key names server.cert: there is no key in it (PEM)
    the key of another certificate: error: refkit.toml:2:65: server.grpc.tls.key names client.key: it is not the key of the certificate
    tokens: error: tokens:1:1: this line is not NAME sha256:HEX
    "#);
}
