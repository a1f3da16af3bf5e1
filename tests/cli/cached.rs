//! Content that is kept between commands.

use std::path::{Path, PathBuf};

use refkit_support::{Fault, FaultRegistry, Rule, filters};

use crate::places::{demo_image, fill};
use crate::run::{Ran, Refkit};

/// Returns the command's messages, with the time of the cache filtered.
fn told(ran: &Ran) -> String {
    filters::filtered(&ran.all(), &[(r"seen [0-9-]+ [0-9:]+ UTC", "seen [WHEN]"), (r"oldest .*|newest .*", "[USE]")])
}

fn run(home: &Path, arguments: &[&str]) -> Ran {
    Refkit::new(arguments.iter().copied()).env("XDG_CACHE_HOME", home).run()
}

#[test]
fn the_requests_of_a_warm_cache() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let home = tempfile::tempdir().unwrap();
    let image = demo_image("1.2.3");
    let arm64 = image.children()[1].blobs()[0].1.clone();
    let tag = format!("{}/demo/app:1.2.3", registry.host());
    let digest = format!("{}/demo/app@{}", registry.host(), image.digest());
    // the image, arguments, requests, whether a message mentions the cache
    let rows: [(&str, &[&str], usize, bool); 9] = [
        (&tag, &[], 3, false),
        (&tag, &[], 1, false),
        (&digest, &[], 0, false),
        (&digest, &["--pull", "always"], 1, false),
        (&tag, &["--no-cache"], 3, false),
        (&tag, &["--pull", "never"], 0, true),
        (&digest, &["--pull", "never"], 0, false),
        (&tag, &["--offline"], 0, true),
        (&digest, &["--offline"], 0, false),
    ];
    for (image, more, requests, said) in rows {
        registry.clear();
        let arguments = [&["inspect", image, "--config", "--platform", "linux/arm64"], more].concat();
        let ran = run(home.path(), &arguments);
        assert_eq!((ran.code, &ran.stdout[..]), (0, &arm64[..]), "{arguments:?}: {}", ran.stderr);
        assert_eq!(registry.count("*"), requests, "{arguments:?}: {:?}", registry.requests());
        assert_eq!(ran.stderr.contains("seen "), said, "{arguments:?}: {}", ran.stderr);
    }
    insta::assert_snapshot!(told(&run(home.path(), &["resolve", &tag, "--offline"])), @r"
    exit 0
    --- stdout
    127.0.0.1:[PORT]/demo/app:1.2.3@sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    --- stderr
    note: 127.0.0.1:[PORT]/demo/app:1.2.3 is from the cache (seen [WHEN]): its registry has not confirmed it
    ");
    insta::assert_snapshot!(told(&run(home.path(), &["resolve", &tag.replace("1.2.3", "other"), "--offline"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot resolve 127.0.0.1:[PORT]/demo/app:other: it is not in the cache, and no request is sent offline
      leave out --offline and --pull never
    ");
    insta::assert_snapshot!(told(&run(home.path(), &["resolve", &tag.replace("1.2.3", "other"), "--pull", "never"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot resolve 127.0.0.1:[PORT]/demo/app:other: it is not in the cache, and the options forbid a request
      leave out --offline and --pull never
    ");
}

#[test]
fn stale_if_error_uses_a_remembered_tag() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["1.2.3"]);
    let home = tempfile::tempdir().unwrap();
    let tag = format!("{}/demo/app:1.2.3", registry.host());
    // The cache remembers a tag once it was requested with the cache.
    assert_eq!(run(home.path(), &["resolve", &tag]).code, 0);
    for (fault, helped) in [(Fault::status(503).header("retry-after", "3600"), true), (Fault::status(404), false)] {
        registry.clear_rules();
        registry.add(Rule::on("*", fault));
        let ran = run(home.path(), &["resolve", &tag]);
        assert_eq!(ran.code, 1, "{}", ran.all());
        let ran = run(home.path(), &["resolve", &tag, "--stale-if-error"]);
        assert_eq!((ran.code == 0, ran.stderr.contains("has not confirmed it")), (helped, helped), "{}", ran.all());
    }
}

#[test]
fn the_cache_is_listed_pruned_and_verified() {
    let registry = FaultRegistry::start().unwrap();
    fill(&registry, &["single"]);
    let home = tempfile::tempdir().unwrap();
    let reference = format!("{}/demo/app:single", registry.host());
    assert_eq!(run(home.path(), &["inspect", &reference, "--config"]).code, 0);
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "info"])), @r"
    exit 0
    --- stdout
    directory   [TEMP]/refkit/content
    size        20.5 kB of at most 1.07 GB
    contents    2
    grants      2
    tags        1
    lists       0
    [USE]
    [USE]

    directory  [TEMP]/refkit/aot
    size       0 B of at most 537 MB
    policies   0
    --- stderr
    ");
    let json = run(home.path(), &["cache", "info", "--format", "json"]).json();
    assert_eq!((&json["contents"], &json["tags"], &json["limit"]), (&2.into(), &1.into(), &(1_u64 << 30).into()));
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "verify"])), @r"
    exit 0
    --- stdout
    2 contents, 0 compiled policies, 1.89 kB: nothing is wrong
    --- stderr
    ");

    let config = demo_image("single").blobs()[0].0.digest.clone();
    let damaged = find(home.path(), config.hex());
    std::fs::write(&damaged, "damaged").unwrap();
    let hex = config.hex().to_owned();
    let told = |ran: &Ran| told(ran).replace(&hex, "[CONFIG]");
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "verify", "--keep"])), @r"
    exit 1
    --- stdout
    blobs/sha256/[CONFIG]: its content has the digest sha256:41f0c27c00e8018f7715b5f50f67b5b54c229c1b843a014152785d9005f58fde
    2 contents, 0 compiled policies, 1.56 kB: 1 wrong, and left there
    --- stderr
    ");
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "verify"])), @r"
    exit 1
    --- stdout
    blobs/sha256/[CONFIG]: its content has the digest sha256:41f0c27c00e8018f7715b5f50f67b5b54c229c1b843a014152785d9005f58fde
    2 contents, 0 compiled policies, 1.56 kB: 1 wrong, 1 removed
    --- stderr
    ");
    assert!(!damaged.exists());
    assert_eq!(run(home.path(), &["cache", "verify"]).code, 0);
    registry.clear();
    assert_eq!(run(home.path(), &["inspect", &reference, "--config"]).code, 0);
    assert_eq!(registry.count("GET *"), 1, "{:?}", registry.requests());

    let freed = run(home.path(), &["cache", "prune", "--unused-for", "1h"]);
    assert!(freed.line().contains(" 0 contents"), "{}", freed.all());
    let freed = run(home.path(), &["cache", "prune", "--all"]);
    assert!(freed.line().contains(" 2 contents"), "{}", freed.all());
    assert_eq!(run(home.path(), &["cache", "info", "--format", "json"]).json()["contents"], 0);
    let elsewhere = home.path().join("file");
    std::fs::write(&elsewhere, "").unwrap();
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "info", "--directory", elsewhere.to_str().unwrap()])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot open [TEMP]/file: Not a directory (os error 20)
    ");
}

/// Returns the file with a name, anywhere below a directory.
fn find(directory: &Path, name: &str) -> PathBuf {
    let mut left = vec![directory.to_owned()];
    while let Some(directory) = left.pop() {
        for entry in std::fs::read_dir(&directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                left.push(path);
            } else if path.to_string_lossy().ends_with(name) {
                return path;
            }
        }
    }
    panic!("there is no {name}");
}

#[test]
fn a_command_about_no_cache_creates_none() {
    let home = tempfile::tempdir().unwrap();
    insta::assert_snapshot!(told(&run(home.path(), &["cache", "info"])), @r"
    exit 0
    --- stdout
    directory  [TEMP]/refkit/content
    size       0 B of at most 1.07 GB
    contents   0
    grants     0
    tags       0
    lists      0

    directory  [TEMP]/refkit/aot
    size       0 B of at most 537 MB
    policies   0
    --- stderr
    note: there is no cache yet
    ");
    let elsewhere = home.path().join("elsewhere");
    std::fs::create_dir(&elsewhere).unwrap();
    // the arguments, a part of standard output
    let rows: [(&[&str], &str); 6] = [
        (&["info"], "contents   0"),
        (&["verify"], "0 contents, 0 compiled policies, 0 B: nothing is wrong"),
        (&["verify", "--keep"], "nothing is wrong"),
        (&["prune", "--all"], "freed 0 B: 0 contents, 0 compiled policies"),
        (&["prune", "--to", "1K"], "freed 0 B"),
        (&["prune", "--unused-for", "1h"], "freed 0 B"),
    ];
    for (arguments, part) in rows {
        let arguments = [&["cache"], arguments].concat();
        let named = [&arguments[..], &["--directory", elsewhere.to_str().unwrap()]].concat();
        for (arguments, part) in [(&arguments, part), (&named, &part.replace(", 0 compiled policies", ""))] {
            let ran = run(home.path(), arguments);
            assert_eq!((ran.code, ran.stderr.as_str()), (0, "note: there is no cache yet\n"), "{arguments:?}");
            assert!(ran.text().contains(part), "{arguments:?}: {}", ran.all());
        }
    }
    let there: Vec<_> = std::fs::read_dir(home.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
    assert_eq!(there, std::slice::from_ref(&elsewhere));
    assert_eq!(std::fs::read_dir(elsewhere).unwrap().count(), 0);
}
