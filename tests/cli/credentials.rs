//! Credential helpers run only if a registry sends a challenge.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use refkit_support::{Access, FaultRegistry};

use crate::places::{demo_image, fill};
use crate::run::{Ran, Refkit, fails};

const USER: (&str, &str) = ("user", "p@ss");

/// Returns a directory with Docker's configuration, which names a helper that records each run. The helper is absent
/// if `is_there` is false.
fn docker(is_there: bool) -> tempfile::TempDir {
    let directory = tempfile::tempdir().unwrap();
    fs::write(directory.path().join("config.json"), r#"{"credsStore":"noting"}"#).unwrap();
    if is_there {
        let helper = directory.path().join("docker-credential-noting");
        let (user, password) = USER;
        let script = format!(
            "#!/bin/sh\ncat >/dev/null\necho x >>\"$0.runs\"\necho '{{\"Username\":\"{user}\",\"Secret\":\"{password}\"}}'\n"
        );
        fs::write(&helper, script).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    }
    directory
}

/// Returns how often the helper ran since the last call.
fn runs(docker: &Path) -> usize {
    let log = docker.join("docker-credential-noting.runs");
    let runs = fs::read_to_string(&log).map_or(0, |log| log.lines().count());
    _ = fs::remove_file(log);
    runs
}

fn run(docker: &Path, home: &Path, arguments: &[&str]) -> Ran {
    let path = format!("{}:/usr/bin:/bin", docker.display());
    let command = Refkit::new(arguments.iter().copied()).env("DOCKER_CONFIG", docker).env("XDG_CACHE_HOME", home);
    command.env("PATH", path).run()
}

#[test]
fn an_open_registry_needs_no_helper() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let tag = format!("{}/demo/app:1.2.3", registry.host());
    let digest = format!("{}/demo/app@{}", registry.host(), demo_image("1.2.3").digest());
    for is_there in [true, false] {
        let (docker, home) = (docker(is_there), tempfile::tempdir().unwrap());
        // arguments, requests
        let rows: [(&[&str], usize); 8] = [
            (&["resolve", &tag], 1),
            (&["inspect", &tag, "--config", "--platform", "linux/arm64"], 3),
            (&["inspect", &tag, "--config", "--platform", "linux/arm64"], 1),
            (&["inspect", &digest, "--config", "--platform", "linux/arm64"], 0),
            (&["resolve", &tag, "--offline"], 0),
            (&["inspect", &tag, "--config", "--platform", "linux/arm64", "--offline"], 0),
            (&["resolve", &digest, "--pull", "never"], 0),
            (&["resolve", &tag, "--no-cache"], 1),
        ];
        for (arguments, requests) in rows {
            registry.clear();
            let ran = run(docker.path(), home.path(), arguments);
            assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.all());
            assert_eq!((registry.count("*"), runs(docker.path())), (requests, 0), "{arguments:?}");
        }
        // Another caller with other credentials reads the same cache.
        let other = tempfile::tempdir().unwrap();
        registry.clear();
        let ran = run(other.path(), home.path(), &["inspect", &digest, "--config", "--platform", "linux/arm64"]);
        assert_eq!((ran.code, registry.count("*")), (0, 0), "{}", ran.all());
    }
}

#[test]
fn a_private_repository_needs_the_helper() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    registry.require(Access::basic(USER.0, USER.1));
    let tag = format!("{}/demo/app:1.2.3", registry.host());
    let digest = format!("{}/demo/app@{}", registry.host(), demo_image("1.2.3").digest());
    let (with, without, home) = (docker(true), docker(false), tempfile::tempdir().unwrap());
    // arguments, requests; each runs the helper once
    let rows: [(&[&str], usize); 5] = [
        (&["inspect", &tag, "--config", "--platform", "linux/arm64"], 4),
        (&["inspect", &tag, "--config", "--platform", "linux/arm64"], 2),
        (&["inspect", &digest, "--config", "--platform", "linux/arm64"], 0),
        (&["resolve", &tag, "--offline"], 0),
        (&["inspect", &digest, "--config", "--platform", "linux/arm64", "--pull", "never"], 0),
    ];
    for (arguments, requests) in rows {
        registry.clear();
        let ran = run(with.path(), home.path(), arguments);
        assert_eq!(ran.code, 0, "{arguments:?}: {}", ran.all());
        assert_eq!((registry.count("*"), runs(with.path())), (requests, 1), "{arguments:?}");
    }
    for arguments in [&["resolve", &tag][..], &["resolve", &digest], &["resolve", &tag, "--offline"]] {
        let ran = run(without.path(), home.path(), arguments);
        assert!(fails(&ran).contains("there is no credential helper docker-credential-noting"), "{}", ran.all());
        let anonymous = tempfile::tempdir().unwrap();
        assert_eq!(run(anonymous.path(), home.path(), arguments).code, 1, "{arguments:?}");
    }
}
