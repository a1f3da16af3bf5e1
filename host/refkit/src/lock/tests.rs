//! Locks as text: what is written is read, and what is damaged is refused with its place.

use super::read::Problem;
use super::*;

const LOCK: &str = r#"{
  "version": 1,
  "policies": [
    {
      "name": "allow-list",
      "component": "sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
      "settings": {
        "allow": "docker.io/**"
      }
    },
    {
      "name": "default",
      "component": "sha256:bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
    }
  ],
  "grants": [
    "ghcr.io/*"
  ],
  "entries": [
    {
      "reference": "docker.io/library/alpine:3",
      "written": [
        "alpine:3",
        "docker.io/library/alpine:3"
      ],
      "pinned": "docker.io/library/alpine:3@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
      "root": {
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "digest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        "size": 7
      },
      "images": [
        {
          "platform": "linux/amd64",
          "manifest": "sha256:dddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddddd"
        },
        {
          "platform": "linux/arm64",
          "manifest": "sha256:eeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"
        }
      ],
      "clock": 1700000000,
      "recording": "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    },
    {
      "reference": "docker.io/library/busybox:1",
      "written": [],
      "pinned": "mirror.test/busybox:1@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
      "root": {
        "mediaType": "application/vnd.oci.image.manifest.v1+json",
        "digest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
        "size": 7
      },
      "images": [
        {
          "platform": "linux/amd64",
          "manifest": "sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc"
        }
      ],
      "recording": "sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"
    }
  ]
}
"#;

#[test]
fn what_is_written_is_read() {
    let lock: Lock = LOCK.parse().unwrap();
    assert_eq!(lock.to_json(), LOCK);
    let names: Vec<String> = lock.entries().iter().map(|entry| entry.reference.familiar()).collect();
    assert_eq!(names, ["alpine:3", "busybox:1"]);
    let mut other = Lock { entries: Vec::new(), ..lock.clone() };
    for entry in lock.entries().iter().rev().chain(lock.entries()) {
        other.put(entry.clone());
    }
    assert_eq!(other, lock);
}

/// Returns the error for a lock in which one text is replaced.
#[track_caller]
fn damaged(from: &str, to: &str) -> LockError {
    assert!(LOCK.contains(from), "{from}");
    LOCK.replacen(from, to, 1).parse::<Lock>().expect_err(to)
}

#[test]
fn what_is_damaged_is_refused_with_its_place() {
    // what is replaced, by what, the error
    let rows = [
        ("\"version\": 1", "\"version\": 2", "version 2 of a lock is unknown; this program reads version 1"),
        ("\"version\": 1", "\"version\": 0", "version 0 of a lock is unknown; this program reads version 1"),
        ("\"version\": 1", "\"version\": \"1\"", "invalid type: string \"1\", expected u64 at line 2 column 16"),
        ("  \"version\": 1,\n", "", "missing field `version` at line 62 column 1"),
        ("\"version\": 1", "\"version\": 1, \"version\": 1", "duplicate field `version` at line 2 column 25"),
        (
            "\"version\": 1",
            "\"version\": 1, \"more\": 1",
            "unknown field `more`, expected one of `version`, `policies`, `grants`, `entries` at line 2 column 22",
        ),
        ("\"size\": 7", "\"size\": -7", "invalid value: integer `-7`, expected u64 at line 30 column 18"),
        (
            "\"size\": 7",
            "\"size\": 7, \"tag\": 1",
            "unknown field `tag`, expected one of `mediaType`, `digest`, `size` at line 30 column 24",
        ),
        (
            "      \"recording\": \"sha256:",
            "      \"recorded\": \"sha256:",
            "unknown field `recorded`, expected one of `reference`, `written`, `pinned`, `root`, `images`, `clock`, `recording` at line 43 column 16",
        ),
        ("sha256:aaaa", "sha256:AAAA", "policy 1: `sha256:AAAA"),
        ("sha256:dddd", "sha256:", "entry 1: `sha256:dddd"),
        ("sha256:ffff", "sha512:ffff", "entry 1: `sha512:ffff"),
        (
            "\"linux/amd64\"",
            "\"linux/amd64/v1\"",
            "entry 1: `linux/amd64/v1` is not in the normal spelling, which is `linux/amd64`",
        ),
        ("\"linux/amd64\"", "\"a/b/c/d\"", "entry 1: `a/b/c/d` is no platform: "),
        ("\"linux/arm64\"", "\"linux/amd64\"", "entry 1: linux/amd64 is not in its place: they are sorted, each once"),
        ("\"alpine:3\"", "\"alpine:4\"", "entry 1: `alpine:4` is another reference"),
        ("\"alpine:3\"", "\"Alpine\"", "entry 1: `Alpine` is another reference"),
        (
            "        \"alpine:3\",\n",
            "        \"docker.io/library/alpine:3\",\n",
            "entry 1: docker.io/library/alpine:3 is not in its place",
        ),
        (
            "\"reference\": \"docker.io/library/alpine:3\"",
            "\"reference\": \"alpine:3\"",
            "entry 1: `alpine:3` is not in the normal spelling, which is `docker.io/library/alpine:3`",
        ),
        (
            "\"reference\": \"docker.io/library/busybox:1\"",
            "\"reference\": \"docker.io/library/alpine:3\"",
            "entry 2: docker.io/library/alpine:3 is not in its place",
        ),
        ("alpine:3@sha256:c", "alpine:3@sha256:d", "entry 1: `docker.io/library/alpine:3@sha256:d"),
        (
            "alpine:3@sha256:cccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccccc",
            "alpine:3",
            "entry 1: `docker.io/library/alpine:3` does not have the digest of the root",
        ),
        (
            "image.index.v1+json",
            "image.config.v1+json",
            "entry 1: the root is `application/vnd.oci.image.config.v1+json`, neither an index nor a manifest",
        ),
    ];
    let errors = rows.map(|(from, to, wanted)| (from, to, wanted, damaged(from, to).to_string()));
    let other = errors.iter().filter(|(_, _, wanted, error)| !error.starts_with(wanted));
    let other: Vec<_> =
        other.map(|(from, to, wanted, error)| format!("{from} → {to}\n  {error}\n  {wanted}")).collect();
    assert!(other.is_empty(), "{}", other.join("\n"));
    let without_images = LOCK.split("\"images\": [").next().unwrap().to_owned()
        + "\"images\": [], \"recording\": \"sha256:ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff\"}]}";
    assert_eq!(without_images.parse::<Lock>(), Err(LockError::Entry { place: 1, problem: Problem::NoImage }));
    assert_eq!(" ".repeat(LIMIT + 1).parse::<Lock>(), Err(LockError::TooLarge));
}

/// No end of a lock is one.
#[test]
fn what_is_cut_off_is_refused() {
    for end in 0..LOCK.trim_end().len() {
        let error = LOCK[..end].parse::<Lock>().unwrap_err();
        assert!(matches!(&error, LockError::Json(text) if text.contains(" at line ")), "{end}: {error}");
    }
    for text in ["[".repeat(100_000), "{\"version\":".repeat(100_000), "\u{0}".to_owned(), "null".to_owned()] {
        assert!(matches!(text.parse::<Lock>(), Err(LockError::Json(_))));
    }
}

#[test]
fn what_moved_is_said() {
    let lock: Lock = LOCK.parse().unwrap();
    let [alpine, _] = lock.entries() else { panic!("there are two entries") };
    assert_eq!(alpine.moved(alpine), None);
    // The policies saw something else, and decided the same.
    let recording = alpine.root.digest.clone();
    assert_eq!(alpine.moved(&Entry { recording, clock: None, ..alpine.clone() }), None);

    let said = |change: &dyn Fn(&mut Entry)| {
        let mut now = alpine.clone();
        change(&mut now);
        alpine.moved(&now).map(|moved| moved.to_string()).unwrap_or_default()
    };
    let digest = |letter: &str| format!("sha256:{}", letter.repeat(64));
    let (c, d, e) = (digest("c"), digest("d"), digest("e"));
    let moved = said(&|now| now.pinned = now.pinned.with_digest(d.parse().unwrap()));
    let name = "docker.io/library/alpine:3";
    assert_eq!(moved, format!("{name} was {name}@{c}, is {name}@{d}"));
    let moved = said(&|now| now.images[1].manifest = d.parse().unwrap());
    assert_eq!(moved, format!("{name} (linux/arm64) was {e}, is {d}"));

    let platforms = ["linux/amd64", "linux/386", "linux/s390x"].map(|text| text.parse().unwrap());
    let lacks = lock.lacks(&alpine.reference, &platforms).unwrap().to_string();
    assert_eq!(lacks, format!("{name} (linux/386, linux/s390x) is not in the lock"));
    assert_eq!(lock.lacks(&alpine.reference, &platforms[..1]), None);
    let other = "alpine:4".parse().unwrap();
    assert_eq!(
        lock.lacks(&other, &platforms[..1]).unwrap().to_string(),
        "docker.io/library/alpine:4 (linux/amd64) is not in the lock"
    );
}
