//! Locks: written, and verified against a registry.

use std::path::{Path, PathBuf};

use refkit_support::{FaultRegistry, filters};

use crate::places::{demo_image, fill, put};
use crate::run::{Ran, Refkit, policy};

/// A registry with the demo's images, and an empty directory to work in.
pub struct Place {
    pub registry: FaultRegistry,
    directory: tempfile::TempDir,
}

impl Place {
    pub fn new() -> Self {
        let registry = FaultRegistry::start().unwrap();
        fill(&registry, &["1.2.3", "unlabelled"]);
        Self { registry, directory: tempfile::tempdir().unwrap() }
    }

    pub fn app(&self) -> String {
        format!("{}/demo/app:1.2.3", self.registry.host())
    }

    /// Lets the tag name the image of another tag.
    pub fn move_tag(&self) {
        put(&self.registry, "demo/app", Some("1.2.3"), &demo_image("unlabelled"));
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    pub fn lock(&self) -> String {
        std::fs::read_to_string(self.path("refkit.lock")).unwrap()
    }

    /// Runs `refkit lock` in the directory, for one platform.
    pub fn run(&self, arguments: &[&str]) -> Ran {
        let all = ["lock", "--platform", "linux/amd64"].iter().chain(arguments);
        Refkit::new(all.copied()).directory(self.directory.path()).run()
    }
}

/// Returns an output in which only what the test is about differs.
fn told(text: &str) -> String {
    let component = (r#""component": "[^"]+""#, r#""component": "[COMPONENT]""#);
    let recording = (r#""recording": "[^"]+""#, r#""recording": "[RECORDING]""#);
    filters::usual(&filters::filtered(text, &[component, recording]))
}

#[test]
fn a_lock_is_written_and_stays_as_it_is() {
    let place = Place::new();
    let ran = place.run(&[&place.app(), "--no-cache"]);
    insta::assert_snapshot!(told(&ran.all()), @r#"
    exit 0
    --- stdout
    127.0.0.1:[PORT]/demo/app:1.2.3@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    --- stderr
    "#);
    let lock = place.lock();
    insta::assert_snapshot!(told(&lock), @r#"
    {
      "version": 1,
      "policies": [
        {
          "name": "default",
          "component": "[COMPONENT]"
        }
      ],
      "entries": [
        {
          "reference": "127.0.0.1:[PORT]/demo/app:1.2.3",
          "written": [
            "127.0.0.1:[PORT]/demo/app:1.2.3"
          ],
          "pinned": "127.0.0.1:[PORT]/demo/app:1.2.3@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
          "root": {
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "digest": "sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
            "size": 4248
          },
          "images": [
            {
              "platform": "linux/amd64",
              "manifest": "sha256:f81b1570bcb3fdd37cc3d8f29690a06c2669d46669b612d6a7563df19b0ded53"
            }
          ],
          "recording": "[RECORDING]"
        }
      ]
    }
    "#);
    assert_eq!(place.registry.count("*"), 1, "the index says everything");
    let written = std::fs::metadata(place.path("refkit.lock")).unwrap().modified().unwrap();
    assert_eq!(place.run(&[&place.app()]).code, 0);
    assert_eq!(place.lock(), lock);
    assert_eq!(std::fs::metadata(place.path("refkit.lock")).unwrap().modified().unwrap(), written, "it is not written");
    let verified = place.run(&["--verify"]);
    assert_eq!((verified.code, verified.text(), verified.stderr.as_str()), (0, "", ""));
    // One lock for two platforms, and a name for it.
    let ran = place.run(&[&place.app(), "--platform", "linux/arm64", "-o", "other.lock"]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let other = std::fs::read_to_string(place.path("other.lock")).unwrap();
    assert!(other.contains("linux/arm64") && !place.path("other.lock.tmp").exists());
}

#[test]
fn what_moved_is_printed() {
    let place = Place::new();
    assert_eq!(place.run(&[&place.app()]).code, 0);
    let before = place.lock();
    place.move_tag();
    insta::assert_snapshot!(told(&place.run(&["--verify"]).all()), @r#"
    exit 1
    --- stdout
    moved: 127.0.0.1:[PORT]/demo/app:1.2.3 was 127.0.0.1:[PORT]/demo/app:1.2.3@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d, is 127.0.0.1:[PORT]/demo/app:1.2.3@sha256:b71f97034932fd6185483b14c6d8b18704c118a000fe4c3c294a1d0352c58967
    --- stderr
    "#);
    insta::assert_snapshot!(told(&place.run(&["--verify", "--format", "json"]).all()), @r#"
    exit 1
    --- stdout
    {
      "outcome": "moved",
      "entries": [],
      "moved": [
        {
          "reference": "127.0.0.1:[PORT]/demo/app:1.2.3",
          "was": "127.0.0.1:[PORT]/demo/app:1.2.3@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d",
          "is": "127.0.0.1:[PORT]/demo/app:1.2.3@sha256:b71f97034932fd6185483b14c6d8b18704c118a000fe4c3c294a1d0352c58967"
        }
      ]
    }
    --- stderr
    "#);
    assert_eq!(place.lock(), before, "verifying writes nothing");
    // A source policy of a lock that does not hold is none.
    let ran = place.run(&["--verify", "--format", "buildkit"]);
    assert!(ran.code == 1 && ran.text().starts_with("moved: "), "{}", ran.all());
    // Locking again says it, and the new lock holds.
    let ran = place.run(&[&place.app()]);
    assert!(ran.code == 0 && ran.stderr.starts_with("note: "), "{}", ran.all());
    assert_eq!(place.run(&["--verify"]).code, 0);
    // What the lock lacks of the command line.
    let unlabelled = format!("{}/demo/app:unlabelled", place.registry.host());
    insta::assert_snapshot!(told(&place.run(&["--verify", &unlabelled]).all()), @r#"
    exit 1
    --- stdout
    moved: 127.0.0.1:[PORT]/demo/app:unlabelled (linux/amd64) is not in the lock
    --- stderr
    "#);
}

#[test]
fn a_denial_writes_no_lock_and_is_no_move() {
    let place = Place::new();
    let (allow_list, label) = (policy("allow-list"), policy("require-label"));
    let ran = place.run(&[&place.app(), "--policy", &allow_list, "--set", "allow=docker.io/**"]);
    assert!(ran.code == 3 && ran.stderr.starts_with("denied: "), "{}", ran.all());
    assert!(!place.path("refkit.lock").exists());

    let policies = ["--policy", &label, "--set", "label=example.team"];
    assert_eq!(place.run(&[&[place.app().as_str()][..], &policies].concat()).code, 0);
    let lock = place.lock();
    place.move_tag();
    insta::assert_snapshot!(told(&place.run(&[&["--verify"][..], &policies].concat()).all()), @r#"
    exit 3
    --- stdout
    --- stderr
    denied: 127.0.0.1:[PORT]/demo/app:1.2.3 (linux/amd64, sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b) by policy require-label (rule require-label): sha256:7112f42855829a7dcd5d6034ba4591dc118d4002316e3308e3b2c347e559906b has no label or annotation example.team
    "#);
    let ran = place.run(&[&[place.app().as_str(), "--format", "json"][..], &policies].concat());
    assert_eq!((ran.code, &ran.json()["outcome"]), (3, &"denied".into()), "{}", ran.all());
    assert_eq!(place.lock(), lock, "the lock that held stays");
    // Another policy says nothing about this lock.
    let ran = place.run(&["--verify"]);
    assert!(ran.code == 1 && ran.stderr.contains("the lock was made with other policies"), "{}", ran.all());
}

#[test]
fn what_is_missing_writes_no_lock() {
    let place = Place::new();
    let (none, app) = (format!("{}/demo/none:1", place.registry.host()), place.app());
    let ran = place.run(&[&none, &app]);
    assert!(ran.code == 1 && ran.stderr.starts_with("error: cannot "), "{}", ran.all());
    let ran = place.run(&[&app, "--platform", "linux/riscv64"]);
    assert!(ran.code == 1 && ran.stderr.contains("has no image for linux/riscv64"), "{}", ran.all());
    assert!(!place.path("refkit.lock").exists());
    // A registry that fails is no move.
    assert_eq!(place.run(&[&app]).code, 0);
    place.registry.add(refkit_support::Rule::on("*", refkit_support::Fault::status(404)));
    let ran = place.run(&["--verify", "--format", "json"]);
    assert_eq!((ran.code, &ran.json()["outcome"]), (1, &"failed".into()), "{}", ran.all());
}

#[test]
fn a_damaged_lock_is_refused() {
    let place = Place::new();
    let path = place.path("refkit.lock");
    // what the file holds, the error
    let rows: [(&[u8], &str); 7] = [
        (b"", "EOF while parsing a value at line 1 column 0"),
        (b"{\"version\": 1,\n", "EOF while parsing a value at line 2 column 0"),
        (b"\xff\xfe", "expected value at line 1 column 1"),
        (b"{\"version\": 7}", "version 7 of a lock is unknown; this program reads version 1"),
        (
            b"{\"version\": 1, \"policies\": [], \"entries\": {}}",
            "invalid type: map, expected a sequence at line 1 column 42",
        ),
        (b"{\"version\": 1, \"policies\": [], \"entries\": [], \"x\": 1}", "unknown field `x`"),
        (
            b"{\"version\": 1, \"policies\": [{\"name\": \"a\", \"component\": \"\\u001b\"}], \"entries\": []}",
            "policy 1: `\\u{1b}` is no digest",
        ),
    ];
    for (bytes, wanted) in rows {
        std::fs::write(&path, bytes).unwrap();
        for arguments in [&["--verify"][..], &["--format", "buildkit"], &["--offline", "--record", "r"]] {
            let ran = place.run(arguments);
            let line = format!("error: cannot read the lock refkit.lock: {wanted}");
            assert!(ran.code == 1 && ran.stderr.starts_with(&line) && ran.stdout.is_empty(), "{}", ran.all());
        }
    }
    std::fs::write(&path, vec![b' '; (16 << 20) + 1]).unwrap();
    assert!(place.run(&["--verify"]).stderr.contains("larger than the limit"));
    assert!(
        place.run(&["--verify", "-o", "none"]).stderr.starts_with("error: cannot read the lock none: No such file")
    );
    // Locking writes it anew, and says so.
    let ran = place.run(&[&place.app()]);
    assert!(ran.code == 0 && ran.stderr.contains("it is written anew"), "{}", ran.all());
}

#[test]
fn a_wrong_command_line_is_refused() {
    let place = Place::new();
    std::fs::write(place.path("Dockerfile"), "FROM a").unwrap();
    // arguments, a part of the error
    let rows: [(&[&str], &str); 8] = [
        (&[], "there is nothing to lock"),
        (&["--offline"], "--record <DIR>"),
        (&["--offline", "--record", "r", "--verify"], "cannot be used with"),
        (&["a", "--allow-others"], "--allow-others is for --format buildkit"),
        (&["Dockerfile", "--build-arg", "x"], "--build-arg x is not NAME=VALUE"),
        (&["Dockerfile", "--build-arg", "=x"], "--build-arg =x is not NAME=VALUE"),
        (&["no Reference"], "is not an image reference"),
        (&["a", "--policy", "x"], "cannot read the policy x"),
    ];
    for (arguments, wanted) in rows {
        let ran = place.run(arguments);
        assert!(ran.code != 0 && ran.stdout.is_empty() && ran.stderr.contains(wanted), "{arguments:?}: {}", ran.all());
    }
    assert!(!Path::new(&place.path("refkit.lock")).exists());
}
