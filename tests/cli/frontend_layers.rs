//! `refkit frontend image --check`: layers that may be unpacked differently from how they look.

use ruzstd::encoding::{CompressionLevel, compress_to_vec};
use serde_json::json;

use crate::frontend_check::{WASM, changed, component, report, texts};
use crate::frontend_places::{Raw, archive, at};
use crate::run::Refkit;

fn digest(bytes: &[u8]) -> String {
    refkit_support::digest(bytes).to_string()
}

#[test]
fn unreadable_and_hidden_layers_are_errors() {
    // The check refuses a layer that contradicts the config.
    let layout = changed(|raw| {
        let diff_ids = raw.config["rootfs"]["diff_ids"].as_array_mut().unwrap();
        let last = diff_ids.len() - 1;
        diff_ids[last] = json!(format!("sha256:{}", "0".repeat(64)));
    });
    let image = report(&layout, 1);
    assert!(texts(&image["errors"])[0].contains("it unpacks to something else than the config says"), "{image}");
    // The content of the layer is unknown, so the report is silent about it.
    assert_eq!((&image["policies"], image.get("frontend")), (&json!([]), None));
    // An unreadable layer may hide anything.
    let layout = changed(|raw| raw.put(b"\x28\xb5\x2f\xfd and so on".to_vec(), digest(b""), false));
    let image = report(&layout, 1);
    assert!(texts(&image["errors"])[0].contains("cannot be followed"), "{image}");
    assert_eq!(image["policies"], json!([]));
    // The check reads zstd as well as gzip.
    let archive = archive(&[(WASM, &component("redirect"))]);
    let zstd = compress_to_vec(&archive[..], CompressionLevel::Fastest);
    let layout = changed(|raw| raw.put(zstd, digest(&archive), false));
    assert_eq!(report(&layout, 1)["policies"][0]["name"], "redirect");
    // No runtime mounts so many layers, so the check reads none of them.
    let many = |raw: &mut Raw| (0..130).for_each(|n: u8| raw.layer(&[("etc/motd", &[n][..])], false));
    let image = report(&changed(many), 1);
    assert!(texts(&image["errors"])[0].contains("more than 128 layers"), "{image}");
    // A layer without relevant files needs no message.
    let layout = changed(|raw| raw.layer(&[("etc/motd", b"hello")], false));
    assert_eq!(report(&layout, 0)["warnings"], json!([]));
}

/// The check reports what containerd unpacks, or an error.
#[test]
fn no_link_leads_into_the_directory() {
    let redirect = component("redirect");
    let (wasm, lead) = ("00-allow-list.wasm", "which links of them lead into /refkit");
    let through = |directory: &str| format!("{directory}/{wasm}");
    let (x, deep, up) = (through("x"), through("x/refkit/policies"), through("var/../refkit/policies"));
    let above = through("../refkit/policies");
    let (notes, whiteout) = (through("refkit/notes"), format!("x/.wh.{wasm}"));
    // layers on top, the lowest first: each with its files
    type Files<'a> = &'a [(&'a str, &'a [u8])];
    let errors: [(&[Files<'_>], &str); 11] = [
        (&[&[("x", b"->refkit/policies"), (&x, &redirect)]], lead),
        (&[&[("x", b"->/refkit/policies"), (&x, &redirect)]], lead),
        (&[&[("x", b"->refkit/policies")], &[(&x, &redirect)]], lead),
        (&[&[("x", b"->y"), ("y", b"->refkit/policies")], &[("etc/motd", b"hello")], &[(&x, &redirect)]], lead),
        (&[&[("x", b"->.")], &[(&deep, &redirect)]], lead),
        (&[&[("x", b"->refkit/policies")], &[(&whiteout, b"")]], lead),
        (&[&[("refkit/notes", b"->policies"), (&notes, &redirect)]], lead),
        (&[&[("x", b"->refkit/policies"), ("y", b"=>x/00-allow-list.wasm")]], lead),
        (&[&[("y", b"=>refkit/policies/00-allow-list.wasm")]], "is a hard link to /refkit/policies"),
        (&[&[("refkit/policies", b"->/elsewhere")], &[(WASM, &redirect)]], "one of its layers has a link there"),
        (&[&[(WASM, &redirect), (".wh.refkit", b"")]], "programs may differ in what they leave"),
    ];
    for (layers, said) in errors {
        let image = report(&changed(|raw| layers.iter().for_each(|files| raw.layer(files, false))), 1);
        let errors = texts(&image["errors"]);
        assert!(errors.iter().any(|error| error.contains(said)), "{said}: {errors:?}");
    }
    // Paths with `..` are cleaned, as containerd does first.
    for path in [&up, &above] {
        let image = report(&changed(|raw| raw.layer(&[(path, &redirect)], false)), 1);
        assert_eq!(image["policies"][0]["name"], "redirect", "{path}");
    }
    // Links to other directories, and files written through them, need no message.
    let layout = changed(|raw| raw.layer(&[("lib", b"->usr/lib"), ("lib/refkit", b"1"), ("bin/x", b"=>lib/y")], false));
    let image = report(&layout, 0);
    assert_eq!((&image["errors"], &image["warnings"]), (&json!([]), &json!([])));
}

/// The check keeps the files that the entrypoint names, up to their limit, and no other file of a layer.
#[test]
fn large_files_are_not_kept() {
    let zeros = vec![0; 300 << 20];
    let limit = "the wanted files have more than 268435456 bytes";
    for (path, code, said) in [("refkit/policies/99-other.wasm", 0, "does not name"), (WASM, 1, limit)] {
        let layout = changed(|raw| raw.layer(&[(path, &zeros)], false));
        let (ran, peak) = Refkit::new(["frontend", "image", "--check", &at(&layout)]).measured();
        assert_eq!(ran.code, code, "{}", ran.all());
        assert!(ran.all().contains(said), "{}", ran.all());
        assert!(peak < 200_000_000, "{path}: {peak} bytes");
    }
    let long = "x".repeat(4096);
    let image = report(&changed(|raw| raw.layer(&[(&long, b"")], false)), 1);
    assert!(texts(&image["errors"])[0].contains("a path or a link of more than 4095 bytes"), "{image}");
}
