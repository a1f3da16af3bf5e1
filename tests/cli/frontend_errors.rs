//! Errors of `refkit frontend image`: the reason and the remedy in at most three lines, and nothing is written.

use refkit_support::image::{ImageBuilder, IndexBuilder, attestation};

use crate::frontend_places::{
    AMD64, Files, PT_INTERP, PT_LOAD, Programs, Raw, at, base, elf, frontend, make, make_with, single,
};
use crate::places::layout;
use crate::run::{EVIL, Ran, Refkit, fails, is_plain, policy};

/// Runs the command with a program and policies of a test, and checks that it wrote nothing.
#[track_caller]
fn refused(base: &str, program: &[u8], arguments: &[&str]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    std::fs::write(directory.path().join("program"), program).unwrap();
    let all = ["frontend", "image", base, "--binary", "program", "-o", "out"];
    let ran = Refkit::new(all.into_iter().chain(arguments.iter().copied())).directory(directory.path()).run();
    assert!(!directory.path().join("out").exists(), "{}", ran.all());
    ran
}

fn allowed() -> [String; 4] {
    ["--policy".to_owned(), policy("allow-list"), "--set".to_owned(), "allow=x".to_owned()]
}

#[track_caller]
fn program(bytes: &[u8]) -> String {
    let allowed = allowed();
    fails(&refused(&at(&base()), bytes, &allowed.each_ref().map(String::as_str)))
}

#[test]
fn programs() {
    insta::assert_snapshot!(program(&elf(AMD64, PT_INTERP)), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the program program: it is dynamically linked, and in a frontend's image there are no libraries
      build a static one: cargo build --release --package refkit-frontend --target x86_64-unknown-linux-musl
    ");
    insta::assert_snapshot!(program(&elf(183, PT_INTERP)), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the program program: it is dynamically linked, and in a frontend's image there are no libraries
      build a static one: cargo build --release --package refkit-frontend --target aarch64-unknown-linux-musl
    ");
    insta::assert_snapshot!(program(b"#!/bin/sh\n"), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the program program: it is not an ELF executable
      build a static one: cargo build --release --package refkit-frontend --target x86_64-unknown-linux-musl
    ");
    insta::assert_snapshot!(program(&elf(AMD64, PT_LOAD)[..64]), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the program program: it is an ELF file that is cut off
      build a static one: cargo build --release --package refkit-frontend --target x86_64-unknown-linux-musl
    ");
    insta::assert_snapshot!(program(&elf(0xffff, PT_LOAD)), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the program program: it is for a machine that no image platform names
      build a static one: cargo build --release --package refkit-frontend --target x86_64-unknown-linux-musl
    ");
    let programs = Programs::new();
    let (amd64, missing) = (programs.of("amd64"), programs.of("missing"));
    let ran = make_with(&programs, &at(&base()), &["--binary", &missing, "-o", "out"]);
    insta::assert_snapshot!(fails(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot read the program [TEMP]/missing: No such file or directory
    ");
    let ran = make_with(&programs, &at(&base()), &["--binary", &amd64, "-o", "out"]);
    assert!(ran.code == 2 && ran.stderr.contains("are both for linux/amd64"), "{}", ran.all());
}

#[test]
fn policies() {
    let amd64 = elf(AMD64, PT_LOAD);
    let base = base();
    let ran = |arguments: &[&str]| refused(&at(&base), &amd64, arguments);
    insta::assert_snapshot!(fails(&ran(&["--policy", "program"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot use the policy program: not a WebAssembly component: it does not begin with the four bytes of WebAssembly
    ");
    insta::assert_snapshot!(fails(&ran(&["--policy", "missing.wasm"])), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot read the policy missing.wasm: No such file or directory
    ");
    // A missing setting, and one that no policy has: a usage error.
    let allow_list = policy("allow-list");
    insta::assert_snapshot!(ran(&["--policy", &allow_list]).all(), @r"
    exit 2
    --- stdout
    --- stderr
    error: the policy allow-list needs the setting allow (reference patterns, separated by commas, such as docker.io/library/*)
      add --set allow=…
    ");
    insta::assert_snapshot!(ran(&["--policy", &allow_list, "--set", "allow=x", "--set", "alow=x"]).all(), @r"
    exit 2
    --- stdout
    --- stderr
    error: no policy has a setting alow
      there are allow-list.allow
    ");
}

#[test]
fn bases() {
    let made = |base: &str| make(base, &["-o", "out"]);
    let foreign = layout(&frontend("linux/s390x").build());
    insta::assert_snapshot!(fails(&made(&at(&foreign))), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest is for linux/s390x, and refkit-frontend for linux/amd64, linux/arm64
      name a program for one of its platforms with --binary FILE
    ");
    let image = frontend("linux/s390x").build();
    let index = IndexBuilder::new().add(frontend("linux/riscv64").build()).add(image.clone()).add(attestation(&image));
    insta::assert_snapshot!(fails(&made(&at(&layout(&index.build())))), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest is for linux/riscv64, linux/s390x, and refkit-frontend for linux/amd64, linux/arm64
      name a program for one of its platforms with --binary FILE
    ");
    let artifact = layout(&ImageBuilder::artifact("application/vnd.example", &image).build());
    insta::assert_snapshot!(fails(&made(&at(&artifact))), @r"
    exit 1
    --- stdout
    --- stderr
    error: nothing of oci-layout:[TEMP]:latest can be made: it is no image, but something else with a manifest
      BASE has to be the image of a BuildKit frontend
    ");
    insta::assert_snapshot!(fails(&made("oci-layout:no/such/layout")), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot open no/such/layout: not found
    ");
    let (base, out) = (single(), tempfile::tempdir().unwrap());
    let ran = made(&format!("{}:9", at(&base)));
    assert!(fails(&ran).contains("the layout has latest"), "{}", ran.stderr);
    // An image that already ships policies.
    make(&at(&base), &["-t", &format!("{}:made", at(&out))]);
    insta::assert_snapshot!(fails(&made(&at(&out))), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:made ships policies already
      start from the image that it was made of
    ");
    // A config that does not list the layers.
    let files = Files::of(base.path());
    let mut raw = Raw::read(&files, &files.entry(Some("latest")));
    raw.config["rootfs"]["diff_ids"] = serde_json::json!([]);
    let ran = made(&at(&raw.layout()));
    assert!(fails(&ran).contains("it has 1 layers, and its config knows of 0"), "{}", ran.stderr);
    assert!(!refkit_support::workspace_root().join("out").exists());
}

#[test]
fn destinations() {
    let layout = single();
    let base = at(&layout);
    // arguments, the message
    let rows: [(&[&str], &[&str]); 13] = [
        (&["-t", "registry.test/app"], &["the destination registry.test/app has no tag", "registry.test/app:TAG"]),
        (&["-t", "./out"], &["the destination ./out has no tag", "add one: ./out:TAG"]),
        (&["-t", "oci-layout:out"], &["the destination oci-layout:out has no tag"]),
        (&["-t", "app@sha256:0000000000000000000000000000000000000000000000000000000000000000"], &["has a digest"]),
        (&["-t", "UPPER/Case:1"], &["UPPER/Case:1", "it is written"]),
        (&["-t", "oci-layout::1"], &["there is no path"]),
        (&["-o", ""], &["there is no path"]),
        (&["-o", "out.tar"], &["layouts are written as directories", "tar -C DIRECTORY"]),
        (&["-t", "oci-layout:out.tar:1"], &["layouts are written as directories"]),
        (&["-t", "a:1", "-o", "out"], &["cannot be used with", "try: refkit frontend image --help"]),
        (&[], &["--tag <DEST>", "try: refkit frontend image --help"]),
        (&["-o", "out", "--plain-http"], &["--plain-http is for registries"]),
        (&["--check", "-o", "out"], &["cannot be used with"]),
    ];
    for (arguments, parts) in rows {
        let ran = make(&base, arguments);
        assert!(ran.code == 2 && ran.stdout.is_empty(), "{arguments:?}: {}", ran.all());
        assert!((1..=3).contains(&ran.stderr.lines().count()), "{arguments:?}: {}", ran.stderr);
        for part in parts {
            assert!(ran.stderr.contains(part), "{arguments:?}: {part}: {}", ran.stderr);
        }
    }
    // The existing directory is no layout.
    let out = tempfile::tempdir().unwrap();
    std::fs::write(out.path().join("file"), "content").unwrap();
    let ran = make(&base, &["-o", &out.path().display().to_string()]);
    insta::assert_snapshot!(fails(&ran), @r"
    exit 1
    --- stdout
    --- stderr
    error: cannot open [TEMP]: it is a directory with files in it, but not an image layout: there is no `oci-layout`
    ");
    assert_eq!(Files::of(out.path()).all().len(), 1);
}

#[test]
fn a_base_that_breaks_off_leaves_no_image() {
    let base = base();
    let files = Files::of(base.path());
    let manifest = files.json(&files.json(&files.entry(Some("latest")))["manifests"][2]);
    let layer = manifest["layers"][0]["digest"].as_str().unwrap().strip_prefix("sha256:").unwrap().to_owned();
    let blob = base.path().join("blobs/sha256").join(layer);
    let size = std::fs::metadata(&blob).unwrap().len() as usize;
    std::fs::write(&blob, vec![0; size]).unwrap();
    let out = tempfile::tempdir().unwrap();
    let ran = make(&at(&base), &["-o", &format!("{}:1", out.path().display())]);
    assert!(fails(&ran).contains("digest"), "{}", ran.stderr);
    let index: serde_json::Value =
        serde_json::from_slice(&std::fs::read(out.path().join("index.json")).unwrap()).unwrap();
    assert_eq!(index["manifests"], serde_json::json!([]));
}

#[test]
fn failures_are_reports_too() {
    let ran = make("oci-layout:no/such/layout", &["-o", "out", "--format", "json"]);
    assert_eq!(
        (ran.code, &ran.json()["outcome"], &ran.json()["error"]["code"]),
        (1, &"failed".into(), &"not-found".into())
    );
}

#[test]
fn text_of_an_image_has_no_control_sequences() {
    let image = frontend("linux/amd64").entrypoint([EVIL]).label(EVIL, EVIL).annotation(EVIL, EVIL).build();
    let base = layout(&image);
    for format in ["text", "json"] {
        let out = tempfile::tempdir().unwrap();
        let ran = make(&at(&base), &["-o", &out.path().display().to_string(), "--format", format]);
        assert!(ran.code == 0 && is_plain(ran.text()) && is_plain(&ran.stderr), "{}", ran.all());
        let ran = crate::frontend_places::check(&at(&out), &["--format", format]);
        assert!(ran.code == 0 && is_plain(ran.text()) && is_plain(&ran.stderr), "{}", ran.all());
        let ran = crate::frontend_places::check(&at(&base), &["--format", format]);
        assert!(ran.code == 1 && is_plain(ran.text()) && is_plain(&ran.stderr), "{}", ran.all());
    }
}
