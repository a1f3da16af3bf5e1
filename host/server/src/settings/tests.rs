//! Files that are right, and a table of those that are wrong.

use super::*;

fn parse(text: &str) -> Result<Settings, String> {
    let parsed = Settings::parse(Path::new("/etc/refkit/refkit.toml"), text);
    parsed.map_err(|error| error.to_string().replace("/etc/refkit/refkit.toml:", ""))
}

#[test]
fn the_effective_settings_name_the_line_of_each() {
    let text = r#"[server]
grpc = ["unix:///run/refkit.sock", { address = "tcp://0.0.0.0:7443", tls = { cert = "s.pem", key = "s.key", clients = "ca.pem" } }]
metrics = "127.0.0.1:9090"
default = "deny"
tokens = ["tokens", { name = "ci", sha256 = "0000000000000000000000000000000000000000000000000000000000000000" }]
htpasswd = "htpasswd"
drain_timeout = "5s"

[[rule]]
match = ["alpine", "docker.io/team/*:1.*"]
policies = ["approved"]
push = ["token:ci", "uid:0"]

[[rule]]
name = "all"
match = "*"
clients = "certificate:*.builders.example"
dry_run = true

[policy.approved]
file = "allow-list.wasm"
set = { allow = "docker.io/library/*" }
grants = ["ghcr.io/team/**"]

[policy.other]
artifact = "oci://r.example/policies/other:1"

[cache]
path = "/var/cache/refkit"
limit = "20GiB"
stale_if_error = true
"#;
    let settings = parse(text).unwrap();
    let lines = settings.lines().into_iter().map(|line| {
        let place = line.position.map_or("default".to_owned(), |position| position.line().to_string());
        format!("{:>7}  {} = {}", place, line.name, line.value)
    });
    insta::assert_snapshot!(lines.collect::<Vec<_>>().join("\n"), @r"
          2  server.grpc[1] = unix:///run/refkit.sock
    default  server.grpc[1].mode = 0600
          2  server.grpc[2] = tcp://0.0.0.0:7443
          2  server.grpc[2].tls.cert = /etc/refkit/s.pem
          2  server.grpc[2].tls.key = /etc/refkit/s.key
          2  server.grpc[2].tls.clients = /etc/refkit/ca.pem
          3  server.metrics = tcp://127.0.0.1:9090
          4  server.default = deny
          5  server.tokens = ci (hash not shown)
          5  server.tokens = /etc/refkit/tokens
          6  server.htpasswd = /etc/refkit/htpasswd
    default  server.connections = 16384
    default  server.header_timeout = 10s
    default  server.idle_timeout = 300s
          7  server.drain_timeout = 5s
    default  rule[1].name = 1
         10  rule[1].match = docker.io/library/alpine, docker.io/team/*:1.*
    default  rule[1].clients = all
         11  rule[1].policies = approved
    default  rule[1].dry_run = false
         12  rule[1].push = token:ci, uid:0
         15  rule[2].name = all
         16  rule[2].match = **
         17  rule[2].clients = certificate:*.builders.example
    default  rule[2].policies = none
         18  rule[2].dry_run = true
    default  rule[2].push = none
         21  policy.approved.file = /etc/refkit/allow-list.wasm
         22  policy.approved.set.allow = docker.io/library/*
         23  policy.approved.grants = ghcr.io/team/**
         26  policy.other.artifact = oci://r.example/policies/other:1
    default  policy.other.grants = none
         29  cache.path = /var/cache/refkit
         30  cache.limit = 20GiB
         31  cache.stale_if_error = true
    ");
    insta::assert_snapshot!(settings.notes.join("\n"), @"/etc/refkit/refkit.toml:25: policy.other is in no rule");
}

/// Every row is a file; what is said of it has the line and the column of each error.
#[test]
fn wrong_files() {
    let server = |rest: &str| format!("[server]\ngrpc = \"127.0.0.1:7000\"\n{rest}");
    let listener = |listener: &str| format!("[server]\ngrpc = {listener}\n");
    let rule = |rest: &str| server(&format!("[[rule]]\nmatch = \"*\"\n{rest}"));
    let policy = |rest: &str| rule(&format!("policies = \"p\"\n[policy.p]\n{rest}"));
    let rows: Vec<(&str, String)> = vec![
        ("not TOML", "[server\n".into()),
        ("a misspelt table", "[sever]\ngrpc = \"127.0.0.1:7000\"\n".into()),
        ("a list of servers", "[[server]]\n".into()),
        ("a single rule", server("[rule]\nmatch = \"*\"\n")),
        ("nothing listens", "[server]\nmetrics = \"127.0.0.1:9090\"\n".into()),
        ("misspelt keys, all of them", server("defalt = \"deny\"\nmetric = \"127.0.0.1:1\"\n")),
        ("another default", server("default = \"refuse\"\n")),
        ("no time at all", server("idle_timeout = \"0s\"\ndrain_timeout = \"soon\"\nconnections = 0\n")),
        ("no port", listener("\"127.0.0.1\"")),
        ("a name of a host", listener("\"builder.example:7000\"")),
        ("a relative socket", listener("\"unix://refkit.sock\"")),
        ("no address", listener("{ mode = \"0660\" }")),
        ("a number", listener("7000")),
        ("one of a list is wrong", listener("[\"127.0.0.1:7000\", 7]")),
        ("an address twice", "[server]\ngrpc = [\"127.0.0.1:7000\"]\nmetrics = \"tcp://127.0.0.1:7000\"\n".into()),
        ("a mode of a port", listener("{ address = \"127.0.0.1:7000\", mode = \"0660\", group = \"docker\" }")),
        ("a mode without its owner", listener("{ address = \"unix:///run/s\", mode = \"0066\" }")),
        ("TLS of a socket", listener("{ address = \"unix:///run/s\", tls = { cert = \"c\", key = \"k\" } }")),
        ("half of TLS", listener("{ address = \"127.0.0.1:7000\", tls = { cert = \"c\" } }")),
        ("open to the network", listener("\"0.0.0.0:7000\"")),
        (
            "TLS alone says nothing of clients",
            listener("{ address = \"[::]:7000\", tls = { cert = \"c\", key = \"k\" } }"),
        ),
        ("metrics for the network", server("metrics = \"0.0.0.0:9090\"\n")),
        ("passwords without TLS", "[server]\ngrpc = \"0.0.0.0:7000\"\nhtpasswd = \"h\"\n".into()),
        ("not the words", listener("{ address = \"0.0.0.0:7000\", insecure = true }")),
        ("tokens", server("tokens = [{ name = \"a b\", sha256 = \"0\" }, { nam = \"a\" }, 7]\n")),
        ("a rule about nothing", server("[[rule]]\npolicies = []\n[[rule]]\nmatch = []\n")),
        ("no pattern", server("[[rule]]\nmatch = [\"team*/x\", \"A/B\"]\n")),
        ("a misspelt policy", rule("policies = [\"aproved\"]\n[policy.approved]\nfile = \"p\"\n")),
        ("no policies at all", rule("policies = [\"approved\"]\n")),
        ("a policy twice", policy("file = \"p\"\n").replace("\"p\"\n[policy", "[\"p\", \"p\"]\n[policy")),
        ("no pattern of clients", rule("push = [\"*\", \"ci\", \"token:\"]\nclients = \"root\"\n")),
        ("a misspelt key of a rule", rule("dryrun = true\n")),
        ("two rules of one name", rule("name = \"2\"\n[[rule]]\nmatch = \"*\"\n")),
        ("a policy that is nowhere", policy("set = { allow = \"*\" }\n")),
        ("a policy that is in two places", policy("file = \"p\"\nartifact = \"oci://r.example/p:1\"\n")),
        ("no scheme", policy("artifact = \"r.example/p:1\"\n")),
        ("no reference", policy("artifact = \"oci://R/P\"\n")),
        ("a setting that is no text", policy("file = \"p\"\nset = { allow = true }\n")),
        ("grants", policy("file = \"p\"\ngrants = [\"x*/y\"]\n")),
        ("cache", server("[cache]\nlimit = \"20GB\"\nstale_if_error = \"yes\"\nttl = \"3s\"\n")),
    ];
    let shown = rows.iter().map(|(what, text)| match parse(text) {
        Ok(_) => format!("{what}: nothing is wrong"),
        Err(error) => format!("{what}:\n  {}", error.replace('\n', "\n  ")),
    });
    insta::assert_snapshot!(shown.collect::<Vec<_>>().join("\n"), @r#"
    not TOML:
      1:8: this is not TOML: unclosed table, expected `]`
    a misspelt table:
      1:2: sever is not known here; is server meant?
    a list of servers:
      1:3: server is a single table; write [server]
    a single rule:
      3:2: rule is one of a list; write [[rule]]
    nothing listens:
      1:2: server has neither grpc nor mirror, so nobody can ask it anything
    misspelt keys, all of them:
      3:1: server.defalt is not known here; is default meant?
      4:1: server.metric is not known here; is metrics meant?
    another default:
      3:1: server.default has to be allow or deny
    no time at all:
      3:1: server.idle_timeout has to be longer than nothing
      4:1: server.drain_timeout is no length of time; write it as 3s, 500ms or 1m30s
      5:1: server.connections has to be a whole number from 1 to 4294967295
    no port:
      2:1: server.grpc is no address; write unix:///PATH, tcp://HOST:PORT or HOST:PORT
    a name of a host:
      2:1: server.grpc has a host that is no address; write an address, or localhost
    a relative socket:
      2:1: server.grpc has to name the socket by its whole path; write unix:///run/refkit.sock
    no address:
      2:1: server.grpc needs address: unix:///PATH, or HOST:PORT
    a number:
      2:1: server.grpc has to be an address, or a table with address
    one of a list is wrong:
      2:27: server.grpc has to be an address, or a table with address
    an address twice:
      3:1: server.metrics is an address that line 2 has already
    a mode of a port:
      2:38: server.grpc.mode is for unix sockets; leave mode out
      2:53: server.grpc.group is for unix sockets; leave group out
    a mode without its owner:
      2:37: server.grpc.mode is no mode of a socket; write it as "0660"
    TLS of a socket:
      2:45: server.grpc.tls.cert is for TCP; a unix socket needs no TLS
    half of TLS:
      2:38: server.grpc.tls needs cert and key, the files of the certificate and its key
    open to the network:
      2:1: server.grpc is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or server.htpasswd, or insecure = "anyone may connect"
    TLS alone says nothing of clients:
      2:10: server.grpc.address is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or server.htpasswd, or insecure = "anyone may connect"
    metrics for the network:
      3:1: server.metrics is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or server.htpasswd, or insecure = "anyone may connect"
    passwords without TLS:
      2:1: server.grpc is reached from other machines without TLS, so that the network sees tokens and passwords: write tls, or insecure = "anyone may connect"
    not the words:
      2:10: server.grpc.address is reached from other machines, and no client has to say who it is: write tls.clients, server.tokens or server.htpasswd, or insecure = "anyone may connect"
      2:36: server.grpc.insecure has to be the words "anyone may connect", or to be left out
    tokens:
      3:11: server.tokens has a token that needs name and sha256
      3:13: server.tokens.name is no name of a client: letters, digits and ._-@/
      3:27: server.tokens.sha256 is no SHA-256 of a token: 64 hexadecimal digits
      3:43: server.tokens has a token that needs name and sha256
      3:45: server.tokens.nam is not known here; is name meant?
      3:58: server.tokens is an integer, and has to be a string
    a rule about nothing:
      3:1: rule needs match, the patterns of the references that it is about
      6:1: rule.match is empty, so it matches nothing
    no pattern:
      4:10: rule.match has no pattern of references: its first component may be a registry or a path; write docker.io/ before it, or more of the registry, with a dot or a colon
      4:21: rule.match has no pattern of references: a repository path has no upper-case letters
    a misspelt policy:
      5:13: rule.policies names a policy that is not here; is approved meant?
    no policies at all:
      5:13: rule.policies names a policy that is not here: there is no [policy.NAME]
    a policy twice:
      5:1: rule.policies names one policy twice
    no pattern of clients:
      5:9: rule.push has no pattern of clients; write token:NAME, certificate:NAME, user:NAME, uid:NUMBER or anonymous
      5:14: rule.push has no pattern of clients; write token:NAME, certificate:NAME, user:NAME, uid:NUMBER or anonymous
      5:20: rule.push has no pattern of clients; write token:NAME, certificate:NAME, user:NAME, uid:NUMBER or anonymous
      6:1: rule.clients has no pattern of clients; write token:NAME, certificate:NAME, user:NAME, uid:NUMBER or anonymous
    a misspelt key of a rule:
      5:1: rule.dryrun is not known here; is dry_run meant?
    two rules of one name:
      6:1: rule is the name of an earlier rule
    a policy that is nowhere:
      6:9: policy.p needs file or artifact, where its component is
    a policy that is in two places:
      6:9: policy.p has both file and artifact; write one
    no scheme:
      7:1: policy.p.artifact has to begin with oci://
    no reference:
      7:1: policy.p.artifact is no reference; write oci://REGISTRY/REPOSITORY@sha256:…
    a setting that is no text:
      8:9: policy.p.set.allow is a boolean, and has to be a string
    grants:
      8:11: policy.p.grants has no pattern of references: its first component may be a registry or a path; write docker.io/ before it, or more of the registry, with a dot or a colon
    cache:
      4:1: cache.limit is no size; write it as 64KiB, 512MiB or 20GiB
      5:1: cache.stale_if_error is a string, and has to be true or false
      6:1: cache.ttl is not known here; what is known: path, limit, stale_if_error
    "#);
}

/// Right beside wrong: what the rows above come close to.
#[test]
fn right_files() {
    let insecure = "insecure = \"anyone may connect\"";
    let rows = [
        "[server]\ngrpc = \"unix:///run/s\"\n".to_owned(),
        format!("[server]\ngrpc = {{ address = \"0.0.0.0:7000\", {insecure} }}\n"),
        "[server]\ngrpc = { address = \"0.0.0.0:7000\", tls = { cert = \"c\", key = \"k\" } }\nhtpasswd = \"h\"\n"
            .to_owned(),
        "[server]\ngrpc = { address = \"unix:///run/s\", mode = \"0660\", group = \"docker\" }\n".to_owned(),
        "[server]\ngrpc = [\"127.0.0.1:0\", \"127.0.0.1:0\"]\n".to_owned(),
        "[server]\nmirror = \"127.0.0.1:5001\"\n[registry.\"docker.io\"]\nmirrors = [\"m.example\"]\n".to_owned(),
    ];
    for text in rows {
        assert!(parse(&text).is_ok(), "{text}: {:?}", parse(&text));
    }
}

#[test]
fn the_first_file_with_a_table_of_the_server_counts() {
    let directory = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str| {
        let path = directory.path().join(name);
        std::fs::write(&path, text).unwrap();
        ConfigFile::Usual(path)
    };
    let registries = file("registries", "[registry.\"r.example\"]\nhttp = true\n");
    let first = file("first", "[server]\ngrpc = \"127.0.0.1:1\"\n");
    let second = file("second", "[cache]\nlimit = \"1GiB\"\n");
    let absent = ConfigFile::Usual(directory.path().join("absent"));
    let settings = Settings::read(&[absent.clone(), registries.clone(), first.clone(), second]).unwrap();
    assert_eq!(settings.file, first.path());
    assert!(settings.cache.limit.position.is_none());
    let note = settings.notes.join("\n").replace(&directory.path().display().to_string(), "");
    assert_eq!(note, "/second has tables of the server as well; those of /first count");
    let none = Settings::read(&[absent, registries]).unwrap_err().to_string();
    let none = none.replace(&directory.path().display().to_string(), "");
    assert_eq!(none, "no file has settings of the server ([server] in refkit.toml): /absent, /registries");
}
