//! `refkit frontend image --check`: the contents of an image, from its own bytes.

use refkit_support::image::{ImageBuilder, IndexBuilder};
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::frontend_places::{
    AMD64, ARM64, Files, PT_INTERP, PT_LOAD, Raw, at, base, check, elf, frontend, make, shown, single,
};
use crate::places::layout;
use crate::run::{fails, policy};

pub const WASM: &str = "refkit/policies/00-allow-list.wasm";
const DEFAULT_CODE: &str = "refkit/refkit-default.cwasm";
const CODE: &str = "refkit/policies/00-allow-list.cwasm";

/// Returns a layout with an image of one platform that ships the allow-list.
fn made() -> TempDir {
    let out = tempfile::tempdir().unwrap();
    let ran = make(&at(&single()), &["-t", &format!("{}:latest", at(&out))]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    out
}

/// Returns the same image with a change.
pub fn changed(change: impl FnOnce(&mut Raw)) -> TempDir {
    let made = made();
    let files = Files::of(made.path());
    let mut raw = Raw::read(&files, &files.entry(Some("latest")));
    change(&mut raw);
    raw.layout()
}

/// Returns the report of its only image.
#[track_caller]
pub fn report(layout: &TempDir, code: i32) -> Value {
    let ran = check(&at(layout), &["--format", "json"]);
    assert_eq!(ran.code, code, "{}", ran.all());
    let report = ran.json();
    assert_eq!(report["outcome"], "checked");
    report["images"][0].clone()
}

pub fn component(name: &str) -> Vec<u8> {
    std::fs::read(policy(name)).unwrap()
}

pub fn texts(value: &Value) -> Vec<&str> {
    value.as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect()
}

#[test]
fn a_new_image_passes_the_check() {
    let out = tempfile::tempdir().unwrap();
    make(&at(&base()), &["-o", &format!("{}:1", out.path().display())]);
    insta::assert_snapshot!(shown(&check(&format!("{}:1", at(&out)), &[])), @r"
    exit 0
    --- stdout
    image       oci-layout:[TEMP]:1@sha256:[DIGEST]
    media type  application/vnd.oci.image.index.v1+json

    linux/amd64  sha256:[DIGEST]
    ├─ frontend  sha256:[DIGEST]  [SIZE]  9.8.7-test
    │     default policy: [CODE]
    ├─ policy  allow-list 1.0.0  sha256:[DIGEST]  [SIZE]
    │     /refkit/policies/00-allow-list.wasm
    │     imports chain, settings
    │     [CODE]
    ├─ settings  allow=docker.io/library/*
    ├─ runs  /bin/frontend --flag
    └─ network  none

    linux/arm64  sha256:[DIGEST]
    ├─ frontend  sha256:[DIGEST]  [SIZE]  9.8.7-test
    │     default policy: [CODE]
    ├─ policy  allow-list 1.0.0  sha256:[DIGEST]  [SIZE]
    │     /refkit/policies/00-allow-list.wasm
    │     imports chain, settings
    │     [CODE]
    ├─ settings  allow=docker.io/library/*
    ├─ runs  /bin/frontend --flag
    └─ network  none
    --- stderr
    ");
    let image = report(&out, 0);
    assert_eq!((&image["errors"], &image["warnings"]), (&json!([]), &json!([])));
    assert_eq!(image["frontend"]["digest"], refkit_support::digest(&elf(AMD64, PT_LOAD)).as_str());
    assert_eq!((&image["frontend"]["version"], &image["network_none"]), (&json!("9.8.7-test"), &json!(true)));
    assert_eq!(image["settings"], json!(["allow=docker.io/library/*"]));
    assert_eq!(image["runs"], json!(["/bin/frontend", "--flag"]));
    let policy = &image["policies"][0];
    assert_eq!(policy["digest"], refkit_support::digest(&component("allow-list")).as_str());
    assert_eq!((&policy["name"], &policy["imports"]), (&json!("allow-list"), &json!(["chain", "settings"])));
    let wanted = if cfg!(target_arch = "x86_64") { "same" } else { "unknown" };
    assert!(policy["code"] == wanted || policy["code"] == "none", "{policy}");
    assert_eq!(image["default_code"], policy["code"]);
}

#[test]
fn an_image_without_policies_is_a_failure() {
    insta::assert_snapshot!(fails(&check(&at(&single()), &[])), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest ships no policies: its entrypoint is /bin/frontend --flag
      make an image that does: refkit frontend image BASE --policy FILE -t DEST
    ");
    let plain = layout(&ImageBuilder::new("linux/amd64").build());
    insta::assert_snapshot!(fails(&check(&at(&plain), &[])), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest ships no policies: it has no entrypoint
      make an image that does: refkit frontend image BASE --policy FILE -t DEST
    ");
    let artifact = ImageBuilder::artifact("application/vnd.example", &frontend("linux/amd64").build()).build();
    insta::assert_snapshot!(fails(&check(&at(&layout(&artifact)), &[])), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest ships no policies: it has no entrypoint
      make an image that does: refkit frontend image BASE --policy FILE -t DEST
    ");
    let empty = layout(&IndexBuilder::new().build());
    insta::assert_snapshot!(fails(&check(&at(&empty), &[])), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:[TEMP]:latest ships no policies: it has no image
      make an image that does: refkit frontend image BASE --policy FILE -t DEST
    ");
    let ran = check(&at(&single()), &["--format", "json"]);
    assert_eq!(
        (ran.code, &ran.json()["outcome"], &ran.json()["error"]["code"]),
        (1, &json!("failed"), &json!("not-found"))
    );
}

#[test]
fn an_image_of_which_one_platform_ships_none_is_a_failure() {
    let plain = frontend("linux/arm64").build();
    let entrypoint = ["/refkit/refkit-frontend", "--", "/bin/frontend"];
    let ours =
        ImageBuilder::new("linux/amd64").entrypoint(entrypoint).label("moby.buildkit.frontend.network.none", "true");
    let ours = ours.label("dev.refkit.policies", "[]").file("refkit/refkit-frontend", &elf(AMD64, PT_LOAD)).build();
    let ran = check(&at(&layout(&IndexBuilder::new().add(ours).add(plain).build())), &[]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 1
    --- stdout
    image       oci-layout:[TEMP]:latest@sha256:[DIGEST]
    media type  application/vnd.oci.image.index.v1+json

    linux/amd64  sha256:[DIGEST]
    ├─ frontend  sha256:[DIGEST]  [SIZE]  9.8.7-test
    │     default policy: [CODE]
    ├─ runs  /bin/frontend
    └─ network  none

    linux/arm64  sha256:[DIGEST]
    └─ runs  /bin/frontend --flag
    --- stderr
    error: linux/amd64: /refkit/refkit-frontend is not executable for everybody: its mode is 644
    warning: linux/amd64: its entrypoint names no policy, so RefKit's default policy decides alone
    error: linux/arm64: it ships no policies
    ");
}

#[test]
fn a_replaced_component_contradicts_the_label() {
    let redirect = component("redirect");
    let layout = changed(|raw| raw.layer(&[(WASM, &redirect)], false));
    let image = report(&layout, 1);
    let policy = &image["policies"][0];
    assert_eq!((&policy["name"], &policy["code"]), (&json!("redirect"), &json!("unfit")));
    assert_eq!(policy["digest"], refkit_support::digest(&redirect).as_str());
    let warnings = texts(&image["warnings"]);
    for part in [
        "says that /refkit/policies/00-allow-list.wasm is allow-list",
        "not its code",
        "2 of its layers have something",
    ] {
        assert!(warnings.iter().any(|warning| warning.contains(part)), "{part}: {warnings:?}");
    }
    // The setting belongs to the other policy.
    assert!(image["errors"][0].as_str().unwrap().contains("no policy has a setting allow"), "{image}");
}

#[test]
fn foreign_code_is_reported() {
    let allow_list = component("allow-list");
    let evil = refkit::Shipped::encode(&allow_list, b"code that does something else");
    let layout = changed(|raw| raw.layer(&[(CODE, &evil)], false));
    let image = report(&layout, 0);
    if cfg!(target_arch = "x86_64") {
        assert_eq!(image["policies"][0]["code"], "other");
        let warnings = texts(&image["warnings"]);
        assert!(warnings.iter().any(|warning| warning.contains("without a sandbox")), "{warnings:?}");
    }
    // Absent code does no harm: the frontend compiles it.
    let layout = changed(|raw| raw.layer(&[("refkit/policies/.wh.00-allow-list.cwasm", b"")], false));
    assert_eq!(report(&layout, 0)["policies"][0]["code"], "none");
    let layout = changed(|raw| raw.layer(&[(CODE, b"")], false));
    assert_eq!(report(&layout, 0)["policies"][0]["code"], "unfit");
}

#[test]
fn an_image_that_cannot_run_is_an_error() {
    let allow_list = component("allow-list");
    let dynamic = elf(AMD64, PT_INTERP);
    let other = elf(ARM64, PT_LOAD);
    // files of a layer on top, the message
    type Row<'a> = (&'a [(&'a str, &'a [u8])], &'a str);
    let whole = elf(AMD64, PT_LOAD);
    let rows: [Row<'_>; 11] = [
        (&[("refkit/refkit-frontend", &whole[..whole.len() - 20])], "/refkit/refkit-frontend is no refkit-frontend"),
        (&[(".wh.refkit", b"")], "/refkit/refkit-frontend is not there"),
        (&[("refkit/.wh.refkit-frontend", b"")], "/refkit/refkit-frontend is not there"),
        (&[("refkit/policies/.wh..wh..opq", b"")], "/refkit/policies/00-allow-list.wasm is not there"),
        (&[("refkit", b"->/elsewhere")], "is not a plain file in plain directories"),
        (&[("refkit/policies", b"->/elsewhere")], "is not a plain file in plain directories"),
        (&[(WASM, b"->elsewhere")], "/refkit/policies/00-allow-list.wasm is not a plain file in plain directories"),
        (&[(WASM, b"text")], "/refkit/policies/00-allow-list.wasm cannot be used: not a WebAssembly component"),
        (&[(WASM, &allow_list[..1000])], "/refkit/policies/00-allow-list.wasm cannot be used: "),
        (&[("refkit/refkit-frontend", &dynamic)], "/refkit/refkit-frontend cannot run: it is dynamically linked"),
        (&[("refkit/refkit-frontend", &other)], "/refkit/refkit-frontend is for linux/arm64, not for linux/amd64"),
    ];
    for (files, said) in rows {
        let image = report(&changed(|raw| raw.layer(files, false)), 1);
        let errors = texts(&image["errors"]);
        assert!(errors.iter().any(|error| error.contains(said)), "{said}: {errors:?}");
    }
}

#[test]
fn the_entrypoint_decides() {
    type Change = fn(&mut Vec<String>);
    // change of the entrypoint, exit code, the message
    let rows: [(Change, i32, &str); 9] = [
        (|words| drop(words.drain(3..5)), 1, "needs the setting allow"),
        (|words| words[4] = "allow".to_owned(), 1, "the setting allow cannot be used"),
        (|words| words.truncate(5), 1, "names no frontend to run"),
        (|words| words[2] = "/etc/passwd".to_owned(), 1, "/etc/passwd is not in /refkit"),
        // A relative path depends on the working directory.
        (|words| words[2] = words[2].replacen('/', "", 1), 1, "00-allow-list.wasm is not in /refkit"),
        (
            |words| words[2] = "/refkit/policies/01-none.wasm".to_owned(),
            1,
            "/refkit/policies/01-none.wasm is not there",
        ),
        (|words| words.insert(1, "--all-is-allowed".to_owned()), 0, "has the argument --all-is-allowed"),
        (
            |words| drop(words.drain(1..5)),
            0,
            "has policies that its entrypoint does not name: /refkit/policies/00-allow-list.wasm",
        ),
        (|words| drop(words.drain(1..5)), 0, "names no policy"),
    ];
    for (change, code, said) in rows {
        let layout = changed(|raw| {
            let words = &mut raw.config["config"]["Entrypoint"];
            let mut new = texts(words).into_iter().map(str::to_owned).collect();
            change(&mut new);
            *words = json!(new);
        });
        let image = report(&layout, code);
        let all = [texts(&image["errors"]), texts(&image["warnings"])].concat();
        assert!(all.iter().any(|text| text.contains(said)), "{said}: {all:?}");
    }
}

#[test]
fn labels_are_compared_with_the_image() {
    let network = "moby.buildkit.frontend.network.none";
    let policies = "dev.refkit.policies";
    // label, its value, the message
    let rows = [
        (network, Some("false".to_owned()), "BuildKit may give it a network"),
        (network, None, "BuildKit may give it a network"),
        (policies, None, "it has no label dev.refkit.policies"),
        (policies, Some("{}".to_owned()), "is not a list of policies"),
        (policies, Some("[]".to_owned()), "does not list /refkit/policies/00-allow-list.wasm"),
        (
            policies,
            Some(json!([{ "path": "/other", "digest": "", "name": "", "version": "" }]).to_string()),
            "lists /other, which is not asked",
        ),
    ];
    for (name, value, said) in rows {
        let layout = changed(|raw| {
            let labels = raw.config["config"]["Labels"].as_object_mut().unwrap();
            labels.remove(name);
            labels.extend(value.map(|value| (name.to_owned(), value.into())));
        });
        let image = report(&layout, 0);
        let warnings = texts(&image["warnings"]);
        assert!(warnings.iter().any(|warning| warning.contains(said)), "{said}: {warnings:?}");
    }
}

/// The default policy's code runs outside of the sandbox, as any other code does.
#[test]
fn the_default_policys_code_is_compared() {
    let default = refkit::Shipped::encode(refkit::DEFAULT_COMPONENT, b"code that does something else");
    let other = refkit::Shipped::encode(&component("allow-list"), b"code of something else");
    // the file's content, its name, the error
    let rows: [(&[u8], &str, &str); 3] = [
        (&default, "other", "the code beside /refkit/refkit-default.cwasm is not what this refkit makes of it"),
        (&other, "foreign", "the code in /refkit/refkit-default.cwasm is not that of this refkit's default policy"),
        (b"text", "foreign", "it runs the code without a sandbox"),
    ];
    for (content, name, said) in rows {
        let image = report(&changed(|raw| raw.layer(&[(DEFAULT_CODE, content)], false)), 0);
        let warnings = texts(&image["warnings"]);
        assert!(image["default_code"] == name && warnings.iter().any(|text| text.contains(said)), "{name}: {image}");
    }
    // A program that contains this refkit's default policy does not load the code of another one.
    let program = [&elf(AMD64, PT_LOAD)[..], refkit::DEFAULT_COMPONENT].concat();
    let layout = changed(|raw| raw.layer(&[(DEFAULT_CODE, &other), ("refkit/refkit-frontend", &program)], false));
    assert_eq!(report(&layout, 0)["default_code"], "unfit");
    let layout = changed(|raw| raw.layer(&[("refkit/.wh.refkit-default.cwasm", b"")], false));
    assert_eq!(report(&layout, 0)["default_code"], "none");
    let layout = changed(|raw| raw.layer(&[(DEFAULT_CODE, b"->policies/00-allow-list.cwasm")], false));
    assert!(texts(&report(&layout, 1)["errors"])[0].contains("/refkit/refkit-default.cwasm is not a plain file"));
}

#[test]
fn a_tampered_image_is_drawn() {
    let redirect = component("redirect");
    let layout = changed(|raw| raw.layer(&[(WASM, &redirect)], false));
    insta::assert_snapshot!(shown(&check(&at(&layout), &[])), @r"
    exit 1
    --- stdout
    image       oci-layout:[TEMP]:latest@sha256:[DIGEST]
    media type  application/vnd.oci.image.manifest.v1+json

    linux/amd64  sha256:[DIGEST]
    ├─ frontend  sha256:[DIGEST]  [SIZE]  9.8.7-test
    │     default policy: [CODE]
    ├─ policy  redirect 1.0.0  sha256:[DIGEST]  [SIZE]
    │     /refkit/policies/00-allow-list.wasm
    │     imports settings
    │     [CODE]
    ├─ settings  allow=docker.io/library/*
    ├─ runs  /bin/frontend --flag
    └─ network  none
    --- stderr
    error: linux/amd64: no policy has a setting allow
    warning: linux/amd64: 2 of its layers have something in /refkit, where refkit makes one
    warning: linux/amd64: what lies beside /refkit/policies/00-allow-list.wasm is not its code, and is not loaded
    warning: linux/amd64: the label dev.refkit.policies says that /refkit/policies/00-allow-list.wasm is allow-list 1.0.0 (sha256:[DIGEST]), but it is redirect 1.0.0 (sha256:[DIGEST])
    ");
}
