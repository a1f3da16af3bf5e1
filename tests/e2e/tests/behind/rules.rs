//! Source policies in the build's options, which BuildKit applies first: RefKit's policies decide about the resulting
//! sources.

use refkit_e2e::{Frontend, Stage, base};
use serde_json::json;

use crate::Shipped;

/// Returns a file with one rule, which converts one source into another.
fn convert(from: &str, to: &str) -> anyhow::Result<tempfile::NamedTempFile> {
    let rule = json!({"action": "CONVERT", "selector": {"identifier": from}, "updates": {"identifier": to}});
    let rules = tempfile::NamedTempFile::new()?;
    std::fs::write(rules.path(), json!({"version": 1, "rules": [rule]}).to_string())?;
    Ok(rules)
}

#[test]
fn converted_images_are_judged() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let strict = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    for (shipped, allowed) in [(shipped, true), (strict, false)] {
        let (from, to) = (format!("docker-image://{}", shipped.app), format!("docker-image://{}", shipped.other));
        let rules = convert(&from, &to)?;
        let build = shipped.build("FROM APP").argument("--source-policy-file", rules.path().to_string_lossy());
        if allowed {
            assert_eq!(build.built()?.only()?.text("variant")?, format!("other {}", base::native()));
        } else {
            let outcome = build.fails()?;
            assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
        }
    }
    Ok(())
}

/// A rule may convert any source into an image. Only BuildKit knows of it, and no policy has judged that image.
#[test]
fn sources_converted_to_images_are_denied() -> anyhow::Result<()> {
    let child = Frontend::program("frontend-unresolved")?;
    let shipped = Shipped::with(Stage::new()?, child, &[("allow-list", &[("allow", "HOST/app")])], &[])?;
    let dockerfile = Shipped::new(&[("allow-list", &[("allow", "HOST/app")])], &[])?;
    for from in ["https://refkit.invalid/file", "git://refkit.invalid/repository"] {
        let rules = convert(from, &format!("docker-image://{}", shipped.other))?;
        let rules = rules.path().to_string_lossy();
        let build = shipped.stage.build().gateway(&shipped.frontend).option("mode", "raw").option("image", from);
        let outcome = build.argument("--source-policy-file", &*rules).fails()?;
        let refusal = format!("source \"docker-image://{}\" denied by policy", shipped.other);
        assert!(outcome.error().contains(&refusal), "{from}: {}", outcome.log);
    }
    let dockerfiles = [
        ("https://refkit.invalid/file", "FROM APP\nADD https://refkit.invalid/file /added"),
        ("local://context", "FROM scratch\nCOPY variant /added"),
    ];
    for (from, text) in dockerfiles {
        let rules = convert(from, &format!("docker-image://{}", dockerfile.other))?;
        let build = dockerfile.build(text).file("variant", b"of the client");
        let outcome = build.argument("--source-policy-file", rules.path().to_string_lossy()).fails()?;
        assert!(outcome.error().contains("denied by policy"), "{from}: {}", outcome.log);
    }
    Ok(())
}

/// As without RefKit: a rule may convert an image into another kind of source.
#[test]
fn files_of_the_client_in_the_place_of_an_image() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[("allow-list", &[("allow", "HOST/*")])], &[])?;
    let strict = Shipped::new(&[("allow-list", &[("allow", "HOST/none")])], &[])?;
    let directory = tempfile::tempdir()?;
    std::fs::write(directory.path().join("file"), "of the client")?;
    let plain = shipped.stage.put("plain", &Frontend::dockerfile()?.image())?;
    let context = format!("docker-image://{}", shipped.app);
    let rules = convert(&context, "local://extra")?;
    for frontend in [&plain, &shipped.frontend] {
        let build = shipped.stage.build().syntax(frontend).dockerfile("FROM scratch\nCOPY --from=named /file /file");
        let build =
            build.context("named", &context).argument("--local", format!("extra={}", directory.path().display()));
        let built = build.argument("--source-policy-file", rules.path().to_string_lossy()).built()?;
        assert_eq!(built.only()?.text("file")?, "of the client", "{frontend}");
    }
    // A policy that denies the original name decides.
    let context = format!("docker-image://{}", strict.app);
    let rules = convert(&context, "local://extra")?;
    let build = strict.build("FROM scratch\nCOPY --from=named /file /file").context("named", &context);
    let build = build.argument("--local", format!("extra={}", directory.path().display()));
    let outcome = build.argument("--source-policy-file", rules.path().to_string_lossy()).fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    Ok(())
}
