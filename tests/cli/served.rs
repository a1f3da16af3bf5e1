//! The command with `--server`: the same bytes and the same errors as without.

use refkit_support::{Fault, FaultRegistry, Rule};

use refkit_tests::components::ALLOW_LIST;
use refkit_tests::stage::component;

use crate::places::{demo_image, fill};
use crate::rules::TestRules;
use crate::run::{Ran, policy, refkit};
use crate::stand::Stand;

/// A registry with the demo's images, and a server that reaches it.
struct Served {
    registry: FaultRegistry,
    stand: Stand,
    _runtime: tokio::runtime::Runtime,
}

impl Served {
    fn start() -> Self {
        Self::with(Vec::new())
    }

    /// A server whose policy denies everything.
    fn denying() -> Self {
        Self::with(vec![component(ALLOW_LIST, &[("allow", "registry.test/nothing")])])
    }

    fn with(policies: Vec<refkit::Component>) -> Self {
        let registry = FaultRegistry::start().unwrap();
        fill(&registry, &["1.2.3", "single"]);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().unwrap();
        let stand = runtime.block_on(async {
            let rules = TestRules::over_registries().await.policies(policies).await.push("anonymous", "**");
            Stand::start(rules).await
        });
        Self { registry, stand, _runtime: runtime }
    }

    fn app(&self, rest: &str) -> String {
        format!("{}/demo/app{rest}", self.registry.host())
    }

    /// Runs a command by itself, and through the server.
    fn both(&self, arguments: &[&str]) -> [Ran; 2] {
        let server = self.stand.address();
        let through = [arguments, &["--server", &server]].concat();
        [refkit(arguments.iter().copied()), refkit(through)]
    }

    /// Checks that both ways end in the same, and returns the first.
    #[track_caller]
    fn same(&self, arguments: &[&str]) -> Ran {
        let [direct, through] = self.both(arguments);
        assert_eq!(through.code, direct.code, "{arguments:?}\n{}\n{}", direct.all(), through.all());
        assert_eq!(through.stdout, direct.stdout, "{arguments:?}\n{}\n{}", direct.all(), through.all());
        // A hint is about the settings of this machine, and a server has its own.
        let errors = |ran: &Ran| {
            ran.stderr.lines().filter(|line| !line.starts_with("  ")).map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(errors(&through), errors(&direct), "{arguments:?}");
        direct
    }
}

/// Option 3 of the proposal: the traversal and its policies run at the caller, over the server's Resolve and Fetch.
#[test]
fn what_is_read_is_the_same() {
    let served = Served::start();
    let (reference, single, absent) = (served.app(":1.2.3"), served.app(":single"), served.app(":absent"));
    let image = demo_image("1.2.3");
    let pinned = served.app(&format!("@{}", image.digest()));
    let (config, bytes) = image.children()[1].blobs()[0].clone();
    let (blob, size) = (served.app(&format!("@{}", config.digest)), bytes.len().to_string());
    let (allow, label) = (policy("allow-list"), policy("require-label"));
    let rows: &[(&[&str], i32)] = &[
        (&["resolve", &reference], 0),
        (&["resolve", &reference, "--platform", "linux/arm64"], 0),
        (&["resolve", &reference, "--all-platforms"], 0),
        (&["resolve", &reference, "--format", "json", "--all-platforms"], 0),
        (&["resolve", &pinned], 0),
        (&["resolve", &reference, "--platform", "plan9/amd64"], 1),
        (&["resolve", &absent], 1),
        (&["resolve", &absent, "--format", "json"], 1),
        (&["resolve", &reference, "--policy", &allow, "--set", "allow=registry.test/*"], 3),
        (&["resolve", &reference, "--policy", &label, "--set", "label=none", "--platform", "linux/amd64"], 3),
        (&["inspect", &reference], 0),
        (&["inspect", &reference, "--layers", "--attestations"], 0),
        (&["inspect", &reference, "--format", "json"], 0),
        (&["inspect", &reference, "--raw"], 0),
        (&["inspect", &reference, "--index", "--platform", "linux/arm64"], 0),
        (&["inspect", &reference, "--manifest", "--platform", "linux/arm64"], 0),
        (&["inspect", &reference, "--config", "--platform", "linux/arm64"], 0),
        (&["inspect", &absent], 1),
        (&["fetch", &reference], 0),
        (&["fetch", &single], 0),
        (&["fetch", &blob, "--size", &size], 0),
        (&["fetch", &blob, "--size", "1"], 1),
        (&["fetch", &absent], 1),
        (&["tags", &reference], 0),
        (&["tags", &reference, "--format", "json"], 0),
        (&["referrers", &reference], 0),
        (&["referrers", &reference, "--format", "json"], 0),
        (&["referrers", &absent], 1),
        (&["create", &reference, &single, "--dry-run"], 0),
    ];
    for (arguments, code) in rows {
        let ran = served.same(&[arguments, &["--no-cache"][..]].concat());
        assert_eq!(ran.code, *code, "{}", ran.all());
    }
    assert_eq!(served.same(&["fetch", &reference, "--no-cache"]).stdout, image.bytes);
    assert_eq!(served.same(&["fetch", &blob, "--size", &size, "--no-cache"]).stdout, bytes);
}

#[test]
fn what_is_written_is_the_same() {
    let served = Served::start();
    let reference = served.app(":1.2.3");
    let [copied, created, tagged] = ["/copied:1", "/created:1", ":new"].map(|rest| served.app(rest));
    for arguments in [
        &["copy", &reference, &copied][..],
        &["create", &reference, "-t", &created, "--annotation", "a=b"],
        &["tag", &reference, &tagged],
    ] {
        let ran = served.same(&[arguments, &["--no-cache", "-q"]].concat());
        assert_eq!(ran.code, 0, "{}", ran.all());
    }
    // By the server alone: what the destination did not have.
    let (fresh, directory) = (served.app("/fresh:1"), tempfile::tempdir().unwrap());
    let layout = format!("oci-layout:{}", directory.path().join("layout").display());
    let server = served.stand.address();
    for (from, to) in [(&reference, &layout), (&layout, &fresh)] {
        let ran = refkit(["copy", from, to, "--server", &server, "--no-cache", "-q"]);
        assert_eq!(ran.code, 0, "{}", ran.all());
    }
    let (_, there) = served.registry.manifest("demo/app/fresh", "1").unwrap();
    assert_eq!(there, demo_image("1.2.3").bytes);
}

#[test]
fn failures_are_the_same() {
    for fault in [
        Fault::status(403)
            .header("content-type", "application/json")
            .body(r#"{"errors":[{"code":"DENIED","message":"no"}]}"#),
        Fault::challenge(["Basic realm=\"r\""]),
        Fault::status(418),
        Fault::status(200).header("content-type", "text/html").body("<html>"),
    ] {
        let served = Served::start();
        served.registry.add(Rule::on("*", fault));
        let reference = served.app(":1.2.3");
        for arguments in
            [&["resolve", &reference][..], &["inspect", &reference], &["tags", &reference], &["fetch", &reference]]
        {
            let ran = served.same(&[arguments, &["--no-cache"]].concat());
            assert_eq!(ran.code, 1, "{}", ran.all());
        }
    }
}

/// A server has its own settings of registries, and the command says so.
#[test]
fn a_server_excludes_settings_of_registries() {
    for flag in [&["--plain-http"][..], &["--settings", "x"], &["--hosts-dir", "x"], &["--buildkitd-config", "x"]] {
        let ran = refkit([&["resolve", "alpine", "--server", "unix:///none.sock"], flag].concat());
        assert!(ran.code == 2 && ran.stderr.contains("cannot be used with"), "{}", ran.all());
    }
    let ran = refkit(["resolve", "alpine", "--server", "/none.sock"]);
    assert!(ran.code == 2 && ran.stderr.contains("is no address of a server"), "{}", ran.all());
    let ran = refkit(["resolve", "alpine", "--no-cache", "--server", "unix:///none.sock"]);
    let wanted = "error: cannot resolve docker.io/library/alpine:latest at unix:///none.sock: unavailable: ";
    assert!(ran.code == 1 && ran.stderr.starts_with(wanted), "{}", ran.all());
}

/// Option 2 of the proposal: the server's policies decide.
#[test]
fn the_policies_of_the_server_decide() {
    let served = Served::start();
    let (reference, server) = (served.app(":1.2.3"), served.stand.address());
    for more in
        [&["--platform", "linux/arm64"][..], &["--all-platforms", "--format", "json"], &["--platform", "plan9/amd64"]]
    {
        let direct = refkit([&["resolve", &reference, "--no-cache"], more].concat());
        let through = refkit([&["resolve", &reference, "--server", &server, "--server-policies"], more].concat());
        assert_eq!((through.code, through.text()), (direct.code, direct.text()), "{}", through.all());
    }
    let one = ["--platform", "linux/arm64"];
    for level in ["--index", "--manifest", "--config"] {
        let direct = refkit([&["inspect", &reference, level, "--no-cache"], &one[..]].concat());
        let arguments = ["inspect", &reference, level, "--server", &server, "--server-policies"];
        let through = refkit([&arguments, &one[..]].concat());
        assert_eq!((through.code, &through.stdout, &*through.stderr), (0, &direct.stdout, ""), "{}", through.all());
    }
    let single = served.app(":single");
    for (reference, more, code, wanted) in [
        (&reference, &["--config", "--platform", "plan9/amd64"][..], 1, "has no image for plan9/amd64"),
        (&single, &["--index"], 1, "is a manifest; there is no index"),
        (&reference, &[], 2, "required"),
        (&reference, &["--raw"], 2, "cannot be used with"),
        (&reference, &["--config", "--explain"], 2, "cannot be used with"),
        (&reference, &["--config", "--offline"], 2, "cannot be used with"),
    ] {
        let arguments = ["inspect", reference, "--server", &server, "--server-policies"];
        let ran = refkit([&arguments, more].concat());
        assert!(ran.code == code && ran.stderr.contains(wanted), "{}", ran.all());
    }
    let denying = Served::denying();
    let reference = denying.app(":1.2.3");
    let arguments = ["resolve", &reference, "--server", &denying.stand.address(), "--server-policies"];
    let ran = refkit(arguments);
    let wanted = format!("denied: {reference} by policy allow-list (rule allow-list): ");
    assert!(ran.code == 3 && ran.stderr.starts_with(&wanted), "{}", ran.all());
    let document = refkit(["inspect", &reference, "--server", arguments[3], "--server-policies", "--config"]);
    assert!(document.code == 3 && document.stderr.starts_with(&wanted), "{}", document.all());
    let json = refkit(arguments.into_iter().chain(["--format", "json"])).json();
    assert_eq!((&json["outcome"], &json["denials"][0]["policy"]), (&"denied".into(), &"allow-list".into()));
}
