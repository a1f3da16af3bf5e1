//! Precedence among several files and several tables.

use std::fs;

use refkit_registry::hosts::{ConfigFile, Files};
use tempfile::TempDir;

use super::{check, read};

/// Writes files that name, for every registry, a mirror with the name of the file.
struct Places {
    root: TempDir,
}

impl Places {
    fn new() -> Self {
        let root = tempfile::tempdir().expect("a directory");
        Self { root }
    }

    fn write(&self, name: &str, text: &str) -> Vec<ConfigFile> {
        let path = self.root.path().join(name);
        fs::create_dir_all(path.parent().expect("a directory")).expect("a directory");
        fs::write(&path, text).expect("a file");
        vec![ConfigFile::Named(path)]
    }
}

#[test]
fn the_exact_name_before_the_wildcard_before_the_default_and_then_the_file() {
    let places = Places::new();
    let refkit =
        [("all.example", "refkit"), ("*.below.example", "wildcard"), ("*.far.below.example", "far"), ("*", "default")];
    let refkit: String = refkit.map(|(name, mirror)| format!("[registry.{name:?}]\nmirrors = [{mirror:?}]\n")).concat();
    let buildkitd = ["all.example", "two.example", "build.below.example", "alone.example"];
    let buildkitd = buildkitd.map(|name| format!("[registry.{name:?}]\nmirrors = [\"buildkitd\"]\n")).concat();
    let more = "[registry.\"more.example\"]\nmirrors = [\"more\"]\n[registry.\"alone.example\"]\nmirrors = [\"more\"]";
    for name in ["all.example", "two.example", "certs.below.example", "_default"] {
        places.write(&format!("certs.d/{name}/hosts.toml"), "[host.\"https://certs\"]");
    }
    let files = Files::default()
        .refkit(places.write("refkit.toml", &refkit))
        .certs_d(vec![ConfigFile::Named(places.root.path().join("certs.d"))])
        .buildkitd([places.write("buildkitd.toml", &buildkitd), places.write("more.toml", more)].concat());
    let rows = [
        ("all.example", "refkit"),
        ("two.example", "certs"),
        ("alone.example", "buildkitd"),
        ("more.example", "more"),
        ("certs.below.example", "certs"),
        ("build.below.example", "buildkitd"),
        ("any.below.example", "wildcard"),
        ("any.far.below.example", "far"),
        ("below.example", "default"),
        ("ghcr.io", "default"),
    ];
    let hosts = read(files.clone());
    for (registry, wanted) in rows {
        let found = hosts.of(&super::repository(registry)).expect(registry);
        assert_eq!(found[0].credentials, wanted, "{registry}");
    }
    // Without a default in refkit.toml, the default of certs.d decides.
    let hosts = read(files.refkit(Vec::new()));
    assert_eq!(hosts.of(&super::repository("ghcr.io")).expect("hosts")[0].credentials, "certs");
    assert_eq!(hosts.of(&super::repository("more.example")).expect("hosts")[0].credentials, "more");
}

#[test]
fn limits_hold_wherever_a_host_is_named() {
    let places = Places::new();
    let refkit = "
        [registry.\"*\"]
        concurrency = 4
        rate = 100
        [registry.\"docker.io\"]
        concurrency = 9
        [registry.\"mirror.example:5000\"]
        concurrency = 2
        rate = 5
        [registry.\"quay.io\"]
        allow_private = [\"10.0.0.8\", \"10.0.1.7/24\"]
    ";
    let buildkitd = "[registry.\"docker.io\"]\nmirrors = [\"mirror.example:5000/hub\", \"registry-1.docker.io\"]";
    places.write("certs.d/quay.io/hosts.toml", "[host.\"https://mirror.example:5000\"]");
    let files = Files::default()
        .refkit(places.write("refkit.toml", refkit))
        .certs_d(vec![ConfigFile::Named(places.root.path().join("certs.d"))])
        .buildkitd(places.write("buildkitd.toml", buildkitd));
    check(
        &read(files),
        &[
            (
                "docker.io",
                &[
                    "https://mirror.example:5000/v2/hub/ as mirror.example:5000: resolve and pull, ns, concurrency 2, rate 5",
                    "https://registry-1.docker.io/v2/ as docker.io: resolve and pull, concurrency 9, rate 100",
                    "https://registry-1.docker.io/v2/ as docker.io: resolve, pull and push, concurrency 9, rate 100",
                ],
            ),
            (
                "quay.io",
                &[
                    "https://mirror.example:5000/v2/ as mirror.example:5000: resolve, pull and push, ns, \
                     concurrency 2, rate 5",
                    "https://quay.io/v2/ as quay.io: resolve, pull and push, concurrency 4, rate 100, \
                     may lead to 10.0.0.8 10.0.1.7/24",
                ],
            ),
            ("ghcr.io", &["https://ghcr.io/v2/ as ghcr.io: resolve, pull and push, concurrency 4, rate 100"]),
        ],
    );
}

#[test]
fn an_empty_table_is_an_exception_from_a_wider_one() {
    let text = "[registry.\"*\"]\nmirrors = [\"cache.example\"]\n[registry.\"ghcr.io\"]\n";
    let hosts = super::refkit(text).expect("hosts");
    check(&hosts, &[("ghcr.io", &["https://ghcr.io/v2/ as ghcr.io: resolve, pull and push"])]);
}
