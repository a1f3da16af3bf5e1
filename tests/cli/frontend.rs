//! `refkit frontend image` with layouts.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;
use std::time::{Duration, SystemTime};

use refkit_support::image::{IndexBuilder, attestation};
use serde_json::{Value, json};

use crate::frontend_places::{
    AMD64, ARM64, Files, PT_INTERP, PT_LOAD, Programs, Raw, at, base, check, elf, frontend, make, make_with, shown,
    single, store, unpack,
};
use crate::places::layout;
use crate::run::{Refkit, home, policy, refkit};

const MANIFEST: &str = "application/vnd.oci.image.manifest.v1+json";
const LAYER: &str = "application/vnd.oci.image.layer.v1.tar+gzip";

#[test]
fn every_platform_with_a_program_is_made() {
    let (base, out) = (base(), tempfile::tempdir().unwrap());
    let to = out.path().join("made");
    let before = Files::of(base.path()).all();
    let ran = make(&at(&base), &["-o", &format!("{}:1.0", to.display())]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 0
    --- stdout
    oci-layout:[TEMP]/made:1.0@sha256:[DIGEST]
    linux/amd64  sha256:[DIGEST]
    linux/arm64  sha256:[DIGEST]
    --- stderr
    left out: 3 attestations: they attest BASE, not what is made of it
    left out: linux/s390x: no refkit-frontend is at hand
    ");
    // BASE is unchanged.
    assert!(Files::of(base.path()).all() == before);
    let files = Files::of(&to);
    let root = files.entry(Some("1.0"));
    assert!(ran.text().starts_with(&format!("oci-layout:{}:1.0@{}\n", to.display(), root["digest"].as_str().unwrap())));
    let index = files.json(&root);
    let platforms: Vec<&Value> = index["manifests"].as_array().unwrap().iter().map(|one| &one["platform"]).collect();
    let wanted = ["amd64", "arm64"].map(|name| json!({ "architecture": name, "os": "linux" }));
    assert_eq!(platforms, wanted.iter().collect::<Vec<_>>());
    assert_eq!(index["annotations"], json!({ "org.opencontainers.image.vendor": "Example" }));
    for (entry, machine) in index["manifests"].as_array().unwrap().iter().zip([AMD64, ARM64]) {
        let manifest = files.json(entry);
        assert_eq!(manifest["annotations"], json!({ "org.opencontainers.image.title": "frontend" }));
        let layers = manifest["layers"].as_array().unwrap();
        assert_eq!((layers.len(), &layers[1]["mediaType"]), (2, &json!(LAYER)));
        assert_eq!(unpack(&files.blob(&layers[0]))[0].content, b"a frontend");
        let entries = unpack(&files.blob(&layers[1]));
        let listed: Vec<(&str, u32)> = entries.iter().map(|entry| (&*entry.path, entry.mode)).collect();
        let all = [
            ("refkit/", 0o755),
            ("refkit/policies/", 0o755),
            ("refkit/policies/00-allow-list.cwasm", 0o444),
            ("refkit/policies/00-allow-list.wasm", 0o444),
            ("refkit/refkit-default.cwasm", 0o444),
            ("refkit/refkit-frontend", 0o755),
        ];
        // The machine decides for which platforms there is a compiler.
        let compiled = listed.contains(&all[2]);
        let is_code = |path: &str| path.ends_with(".cwasm");
        assert_eq!(listed, all.into_iter().filter(|one| compiled || !is_code(one.0)).collect::<Vec<_>>());
        let content = |path: &str| &entries.iter().find(|entry| entry.path == path).unwrap().content;
        let component = std::fs::read(policy("allow-list")).unwrap();
        assert!(*content("refkit/policies/00-allow-list.wasm") == component);
        assert_eq!(*content("refkit/refkit-frontend"), elf(machine, PT_LOAD));
        if compiled {
            let code = |path, component| refkit::Shipped::code(content(path), component).is_some();
            assert!(code("refkit/policies/00-allow-list.cwasm", &component));
            assert!(code("refkit/refkit-default.cwasm", refkit::DEFAULT_COMPONENT));
        }
        let config = files.json(&manifest["config"]);
        let entrypoint = [
            "/refkit/refkit-frontend",
            "--policy",
            "/refkit/policies/00-allow-list.wasm",
            "--set",
            "allow=docker.io/library/*",
            "--",
            "/bin/frontend",
            "--flag",
        ];
        assert_eq!(config["config"]["Entrypoint"], json!(entrypoint));
        assert_eq!(config["config"]["Env"], json!(["PATH=/bin"]));
        let labels = &config["config"]["Labels"];
        assert_eq!((&labels["team"], &labels["moby.buildkit.frontend.network.none"]), (&json!("blue"), &json!("true")));
        let policies: Value = serde_json::from_str(labels["dev.refkit.policies"].as_str().unwrap()).unwrap();
        let digest = refkit_support::digest(&component);
        let path = "/refkit/policies/00-allow-list.wasm";
        let version = &policies[0]["version"];
        let wanted = json!([{ "path": path, "digest": digest.as_str(), "name": "allow-list", "version": version }]);
        assert_eq!(policies, wanted);
        assert_eq!(config["created"], "2025-01-01T00:00:00Z");
        assert_eq!(config["rootfs"]["diff_ids"].as_array().unwrap().len(), 2);
    }
}

#[test]
fn the_code_for_this_machine_is_compiled() {
    let (base, out) = (base(), tempfile::tempdir().unwrap());
    let ran = make(&at(&base), &["-o", &out.path().display().to_string(), "--format", "json"]);
    let platform = if cfg!(target_arch = "x86_64") { "amd64" } else { "arm64" };
    let made = ran.json();
    let images = made["images"].as_array().unwrap();
    let own = images.iter().find(|image| image["platform"]["architecture"] == platform).unwrap();
    let entries = unpack(&Files::of(out.path()).blob(&own["layer"]));
    assert!(entries.iter().any(|entry| entry.path == "refkit/policies/00-allow-list.cwasm"), "{}", ran.all());
}

#[test]
fn one_image_stays_one_image() {
    let (base, out) = (single(), tempfile::tempdir().unwrap());
    let ran = make(&at(&base), &["-o", &out.path().display().to_string()]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 0
    --- stdout
    oci-layout:[TEMP]@sha256:[DIGEST]
    linux/amd64  sha256:[DIGEST]
    --- stderr
    ");
    let root = Files::of(out.path()).entry(None);
    assert_eq!(root["mediaType"], MANIFEST);
    let digest = root["digest"].as_str().unwrap();
    let lines: Vec<&str> = ran.text().lines().collect();
    assert_eq!(lines, [format!("{}@{digest}", at(&out)), format!("linux/amd64  {digest}")]);
    // The new image is an image like any other.
    let ran = refkit(["resolve", &at(&out), "--platform", "linux/amd64"]);
    assert_eq!(ran.line(), format!("{}@{digest}", at(&out)));
}

#[test]
fn docker_stays_docker() {
    let images = ["linux/amd64", "linux/arm64"].map(|platform| frontend(platform).docker().build());
    let [amd64, arm64] = images.clone();
    let base = layout(&IndexBuilder::new().docker().add(amd64).add(arm64).build());
    let out = tempfile::tempdir().unwrap();
    make(&at(&base), &["-t", &format!("{}:1", at(&out))]);
    let files = Files::of(out.path());
    let root = files.entry(Some("1"));
    assert_eq!(root["mediaType"], "application/vnd.docker.distribution.manifest.list.v2+json");
    for entry in files.json(&root)["manifests"].as_array().unwrap() {
        assert_eq!(entry["mediaType"], "application/vnd.docker.distribution.manifest.v2+json");
        let manifest = files.json(entry);
        assert_eq!(manifest["mediaType"], entry["mediaType"]);
        assert_eq!(manifest["config"]["mediaType"], "application/vnd.docker.container.image.v1+json");
        for layer in manifest["layers"].as_array().unwrap() {
            assert_eq!(layer["mediaType"], "application/vnd.docker.image.rootfs.diff.tar.gzip");
        }
    }
}

#[test]
fn an_image_without_an_entrypoint_runs_run() {
    let image = refkit_support::image::ImageBuilder::new("linux/amd64").file("run", b"a frontend").build();
    let (base, out) = (layout(&image), tempfile::tempdir().unwrap());
    make(&at(&base), &["-o", &out.path().display().to_string()]);
    let files = Files::of(out.path());
    let config = files.json(&files.json(&files.entry(None))["config"]);
    let entrypoint = config["config"]["Entrypoint"].as_array().unwrap();
    assert_eq!(entrypoint[entrypoint.len() - 2..], [json!("--"), json!("/run")]);
}

#[test]
fn the_same_arguments_make_the_same_bytes() {
    let base = base();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let mut made = Vec::new();
    for (place, directory) in [&one, &other].into_iter().enumerate() {
        // Other files with the same content, but another time, mode and name.
        for (name, machine) in [("a", AMD64), ("b", ARM64)] {
            std::fs::write(directory.path().join(name), elf(machine, PT_LOAD)).unwrap();
        }
        let component = directory.path().join("my-policy.wasm");
        std::fs::copy(policy("allow-list"), &component).unwrap();
        std::fs::set_permissions(&component, std::fs::Permissions::from_mode(0o600 + 0o44 * place as u32)).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 * (place as u64 + 1));
        std::fs::File::open(&component).unwrap().set_modified(time).unwrap();
        let absolute = component.display().to_string();
        let file = if place == 0 { "my-policy.wasm" } else { &absolute };
        let binaries = if place == 0 { ["a", "b"] } else { ["b", "./a"] };
        let base = at(&base);
        let arguments = ["frontend", "image", &base, "--policy", file, "--set", "allow=x", "-o", "out:1"];
        let arguments = arguments.into_iter().chain(["--binary", binaries[0], "--binary", binaries[1]]);
        let elsewhere = tempfile::tempdir().unwrap();
        let ran = Refkit::new(arguments).directory(directory.path()).env("XDG_CACHE_HOME", elsewhere.path()).run();
        assert_eq!(ran.code, 0, "{}", ran.all());
        made.push(Files::of(directory.path().join("out")).all());
    }
    assert_eq!(made[0].keys().collect::<Vec<_>>(), made[1].keys().collect::<Vec<_>>());
    assert!(made[0] == made[1]);
}

#[test]
fn all_other_fields_stay() {
    // Unusual order of members, unknown members, unusual numbers; one step of the history has no layer.
    let layer = crate::frontend_places::layer(&[("bin/frontend", b"f")]);
    let config = format!(
        r#"{{"os":"linux","zzz":{{"b":1.50,"a":[1e2]}},"architecture":"amd64","history":[{{"created_by":"first","x":1}},{{"created_by":"second","empty_layer":true}}],"created":"2020-02-02T02:02:02.123Z","config":{{"User":"1000","Cmd":["-v"],"Labels":null,"Entrypoint":["/bin/frontend"],"StopSignal":"SIGINT","WorkingDir":"/w"}},"rootfs":{{"diff_ids":["{}"],"type":"layers"}}}}"#,
        layer.1
    );
    let digest = |bytes: &[u8]| refkit_support::digest(bytes);
    let manifest = format!(
        r#"{{"annotations":{{"b":"1","a":"2"}},"schemaVersion":2,"layers":[{{"size":{},"digest":"{}","mediaType":"{LAYER}","x":[]}}],"mediaType":"{MANIFEST}","config":{{"digest":"{}","size":{},"mediaType":"application/vnd.oci.image.config.v1+json","annotations":{{"k":"v"}}}},"zzz":1.0}}"#,
        layer.0.len(),
        digest(&layer.0),
        digest(config.as_bytes()),
        config.len(),
    );
    let (base, out) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    store(base.path(), &[layer.0, config.clone().into_bytes()], manifest.as_bytes());
    let ran = make(&at(&base), &["-o", &out.path().display().to_string()]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let files = Files::of(out.path());
    let entry = files.entry(None);
    let made = files.json(&entry);
    // Without the new parts, the documents have to be unchanged, byte for byte.
    let new_manifest = String::from_utf8(files.blob(&entry)).unwrap();
    let own = &made["layers"][1];
    let own = format!(r#",{{"mediaType":"{LAYER}","digest":{},"size":{}}}"#, own["digest"], own["size"]);
    let new_config = String::from_utf8(files.blob(&made["config"])).unwrap();
    let restored = new_manifest
        .replace(&own, "")
        .replace(made["config"]["digest"].as_str().unwrap(), digest(config.as_bytes()).as_str())
        .replace(&format!(r#""size":{}"#, new_config.len()), &format!(r#""size":{}"#, config.len()));
    assert_eq!(restored, manifest);
    let document: Value = serde_json::from_str(&new_config).unwrap();
    let text = |value: &Value| serde_json::to_string(value).unwrap();
    let step = r#",{"created":"2020-02-02T02:02:02.123Z","created_by":"refkit frontend image"}"#;
    let labels = new_config.split_once(r#""Labels":"#).unwrap().1.split_once(r#","Entrypoint""#).unwrap().0.to_owned();
    let restored = new_config
        .replace(step, "")
        .replace(&labels, "null")
        .replace(&text(&document["config"]["Entrypoint"]), r#"["/bin/frontend"]"#)
        .replace(&format!(",{}", document["rootfs"]["diff_ids"][1]), "");
    assert_eq!(restored, config);
    assert!(new_config.contains(step));
}

#[test]
fn an_incomplete_history_stays() {
    let base = single();
    let files = Files::of(base.path());
    for history in [json!([]), json!([{ "created_by": "nobody", "empty_layer": true }])] {
        let mut raw = Raw::read(&files, &files.entry(Some("latest")));
        raw.config["history"] = history.clone();
        let (base, out) = (raw.layout(), tempfile::tempdir().unwrap());
        make(&at(&base), &["-o", &out.path().display().to_string()]);
        let files = Files::of(out.path());
        assert_eq!(files.json(&files.json(&files.entry(None))["config"])["history"], history);
    }
}

#[test]
fn policies_keep_their_order_their_settings_and_their_rights() {
    let (base, out, programs) = (single(), tempfile::tempdir().unwrap(), Programs::new());
    let directory = tempfile::tempdir().unwrap();
    let label = directory.path().join("a label.wasm").display().to_string();
    std::fs::copy(policy("require-label"), &label).unwrap();
    let out_path = out.path().display().to_string();
    let more = ["--policy", &label, "--set", "require-label.label=team=blue", "-o", &out_path];
    let more = more.into_iter().chain(["--grant", "ghcr.io/example/*", "--allow-policy", "context"]);
    let ran = make_with(&programs, &at(&base), &more.collect::<Vec<_>>());
    assert_eq!(ran.code, 0, "{}", ran.all());
    let files = Files::of(out.path());
    let config = files.json(&files.json(&files.entry(None))["config"]);
    let wanted = [
        "/refkit/refkit-frontend",
        "--policy",
        "/refkit/policies/00-allow-list.wasm",
        "--policy",
        "/refkit/policies/01-a-label.wasm",
        "--set",
        "allow=docker.io/library/*",
        "--set",
        "require-label.label=team=blue",
        "--grant",
        "ghcr.io/example/*",
        "--allow-policy",
        "context",
        "--",
        "/bin/frontend",
        "--flag",
    ];
    assert_eq!(config["config"]["Entrypoint"], json!(wanted));
    insta::assert_snapshot!(shown(&check(&at(&out), &[])), @r"
    exit 0
    --- stdout
    image       oci-layout:[TEMP]@sha256:[DIGEST]
    media type  application/vnd.oci.image.manifest.v1+json

    linux/amd64  sha256:[DIGEST]
    ├─ frontend  sha256:[DIGEST]  [SIZE]  9.8.7-test
    │     default policy: [CODE]
    ├─ policy  allow-list 1.0.0  sha256:[DIGEST]  [SIZE]
    │     /refkit/policies/00-allow-list.wasm
    │     imports chain, settings
    │     [CODE]
    ├─ policy  require-label 1.0.0  sha256:[DIGEST]  [SIZE]
    │     /refkit/policies/01-a-label.wasm
    │     imports registry, chain, settings
    │     [CODE]
    ├─ settings  allow=docker.io/library/* require-label.label=team=blue
    ├─ grants  ghcr.io/example/*
    ├─ builds may bring policies by  context
    ├─ runs  /bin/frontend --flag
    └─ network  none
    --- stderr
    ");
}

#[test]
fn an_image_may_leave_the_policy_to_the_build() {
    let (base, out, programs) = (single(), tempfile::tempdir().unwrap(), Programs::new());
    let (base, to, amd64) = (at(&base), out.path().display().to_string(), programs.of("amd64"));
    let arguments = ["frontend", "image", &base, "--allow-policy", "build-arg", "--binary", &amd64, "-o", &to];
    let ran = refkit(arguments);
    assert_eq!(ran.code, 0, "{}", ran.all());
    let ran = check(&at(&out), &[]);
    assert!(ran.code == 0 && ran.stderr.is_empty(), "{}", ran.all());
    assert!(ran.text().contains("builds may bring policies by  build-arg"), "{}", ran.all());
}

#[test]
fn the_destination_may_be_the_base() {
    let base = base();
    let files = Files::of(base.path());
    let before = files.entry(Some("latest"));
    let ran = make(&at(&base), &["-t", &format!("{}:made", at(&base))]);
    assert_eq!(ran.code, 0, "{}", ran.all());
    assert_eq!(files.entry(Some("latest")), before);
    let again = make(&format!("{}:latest", at(&base)), &["-t", &format!("{}:made", at(&base))]);
    assert_eq!(ran.text(), again.text());
}

#[test]
fn programs_are_matched_with_entries() {
    // A machine of a later variant runs the program, an earlier one does not. An entry without a platform has the
    // platform of its config.
    let image = |platform: &str| frontend(platform).label("of", platform).build();
    let index = IndexBuilder::new()
        .add(image("linux/amd64/v3"))
        .add(image("linux/arm64/v8"))
        .add(image("linux/amd64").without_platform())
        .add(image("linux/386"))
        .add(image("windows/amd64"))
        .add(attestation(&image("linux/386")))
        .add(IndexBuilder::new().add(image("linux/amd64")).build());
    let (base, out) = (layout(&index.build()), tempfile::tempdir().unwrap());
    let ran = make(&at(&base), &["-o", &out.path().display().to_string()]);
    insta::assert_snapshot!(shown(&ran), @r"
    exit 0
    --- stdout
    oci-layout:[TEMP]@sha256:[DIGEST]
    linux/amd64/v3  sha256:[DIGEST]
    linux/arm64     sha256:[DIGEST]
    linux/amd64     sha256:[DIGEST]
    --- stderr
    left out: linux/386, windows/amd64: no refkit-frontend is at hand
    left out: 1 attestation: it attests BASE, not what is made of it
    left out: sha256:[DIGEST]: it is an index in the index
    ");
}

#[test]
fn a_report_is_complete() {
    let (base, out) = (base(), tempfile::tempdir().unwrap());
    let ran = make(&at(&base), &["-o", &format!("{}:1", out.path().display()), "--format", "json"]);
    let report = ran.json();
    assert_eq!((&report["outcome"], &report["requested"]), (&json!("made"), &json!(at(&base))));
    let files = Files::of(out.path());
    let root = files.entry(Some("1"));
    assert_eq!(report["root"]["digest"], root["digest"]);
    assert_eq!(report["pinned"], format!("{}:1@{}", at(&out), root["digest"].as_str().unwrap()));
    let images = report["images"].as_array().unwrap();
    assert_eq!(images.len(), 2);
    for image in images {
        let manifest = files.json(&image["manifest"]);
        assert_eq!(manifest["layers"][1], image["layer"]);
        assert_eq!(files.json(&manifest["config"])["config"]["Entrypoint"], image["entrypoint"]);
    }
    let policy = &report["policies"][0];
    assert_eq!((&policy["name"], &policy["imports"]), (&json!("allow-list"), &json!(["chain", "settings"])));
    let left_out = report["left_out"].as_array().unwrap();
    assert_eq!(left_out.len(), 4);
    assert_eq!(left_out[2]["platform"]["architecture"], "s390x");
    assert!(left_out[2]["reason"].as_str().unwrap().contains("no refkit-frontend is at hand"));
}

/// Runs a copy of the command, with files beside it.
fn beside(files: &[(&str, Vec<u8>)], base: &str) -> (i32, String) {
    let directory = tempfile::tempdir().unwrap();
    let program = directory.path().join("refkit");
    std::fs::copy(refkit_support::command().unwrap(), &program).unwrap();
    for (name, content) in files {
        std::fs::write(directory.path().join(name), content).unwrap();
    }
    let out = directory.path().join("out");
    let mut command = Command::new(program);
    command
        .args(["frontend", "image", base, "--set", "allow=x", "--policy"])
        .arg(policy("allow-list"))
        .arg("-o")
        .arg(out);
    let output = command.env_clear().env("HOME", home()).output().unwrap();
    let all = [output.stdout, output.stderr].map(|text| String::from_utf8(text).unwrap()).concat();
    let all = all.replace(&directory.path().canonicalize().unwrap().display().to_string(), "[BESIDE]");
    (output.status.code().unwrap(), all)
}

#[test]
fn programs_beside_the_command_are_found() {
    let base = base();
    let good = |machine| elf(machine, PT_LOAD);
    // files, exit code, messages
    type Row<'a> = (&'a [(&'a str, Vec<u8>)], i32, &'a [&'a str]);
    let rows: [Row<'_>; 5] = [
        (&[], 1, &["there is no refkit-frontend and no refkit-frontend-linux-ARCH in [BESIDE]", "--binary FILE"]),
        (&[("refkit-frontend", good(AMD64))], 0, &["linux/amd64  sha256:", "left out: linux/arm64, linux/s390x"]),
        (&[("refkit-frontend", elf(AMD64, PT_INTERP))], 1, &["dynamically linked", "x86_64-unknown-linux-musl"]),
        (
            &[("refkit-frontend", elf(AMD64, PT_INTERP)), ("refkit-frontend-linux-arm64", good(ARM64))],
            0,
            &["linux/arm64  sha256:", "passed over: cannot use the program [BESIDE]/refkit-frontend"],
        ),
        (
            &[
                ("refkit-frontend", good(AMD64)),
                ("refkit-frontend-linux-arm64", good(ARM64)),
                ("refkit-frontend.d", Vec::new()),
            ],
            0,
            &["linux/amd64  sha256:", "linux/arm64  sha256:"],
        ),
    ];
    // A program with libraries needs no message if a static one for the same machine is beside it.
    let (_, all) =
        beside(&[("refkit-frontend", elf(AMD64, PT_INTERP)), ("refkit-frontend-linux-x", good(AMD64))], &at(&base));
    assert!(all.contains("linux/amd64  sha256:") && !all.contains("passed over"), "{all}");
    for (files, code, parts) in rows {
        let (ended, all) = beside(files, &at(&base));
        assert_eq!(ended, code, "{all}");
        for part in parts {
            assert!(all.contains(part), "{part}: {all}");
        }
    }
}
