//! Policies that a build adds, if the image's maker allows it.

use bytes::Bytes;
use refkit_content::{Body, LayoutWriter, Origin, Push as _, verify};
use refkit_oci::{Algorithm, Descriptor, Reference};

use crate::{Shipped, component};

/// Writes a policy as an OCI artifact in the CNCF's format into a layout, and returns its digest.
async fn artifact(directory: &std::path::Path, component: Vec<u8>) -> anyhow::Result<String> {
    let writer = LayoutWriter::open(directory).await?;
    let mut described = Vec::new();
    let config = Bytes::from_static(br#"{"architecture":"wasm","os":"wasip2","layerDigests":[]}"#);
    for (kind, bytes) in [("application/vnd.wasm.config.v0+json", config), ("application/wasm", component.into())] {
        let digest = verify::digest(Algorithm::Sha256, &bytes);
        let descriptor = Descriptor::new(kind, digest, bytes.len() as u64);
        writer.push_blob(writer.repository(), &descriptor, Body::from_bytes(Origin::Memory, bytes)).await?;
        described.push(serde_json::json!({
            "mediaType": kind, "digest": descriptor.digest.to_string(), "size": descriptor.size,
        }));
    }
    let kind = "application/vnd.oci.image.manifest.v1+json";
    let manifest = serde_json::json!({
        "schemaVersion": 2, "mediaType": kind, "config": described[0], "layers": [described[1]],
    });
    let to = Reference::new(writer.repository().clone(), Some("1".to_owned()), None)?;
    Ok(writer.push_manifest(&to, kind, manifest.to_string().into()).await?.digest.to_string())
}

#[test]
fn an_artifact_by_a_named_context() -> anyhow::Result<()> {
    let shipped = Shipped::new(&[], &["--allow-policy", "context"])?;
    let directory = tempfile::tempdir()?;
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let digest = runtime.block_on(artifact(directory.path(), component("allow-list")?))?;
    let allow = format!("allow={}/app", shipped.stage.registry.host());
    let build = |text: &str| {
        let build = shipped.build(text).context("refkit-policy", &format!("oci-layout://rules@{digest}"));
        build.layout("rules", directory.path()).arg("REFKIT_SET", &allow)
    };
    build("FROM APP").run()?.succeeded()?;
    let outcome = build("FROM OTHER").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);
    Ok(())
}

/// Compiling a policy of the build has its own limits: the frontend continues, and the build's error names the limit.
#[test]
fn a_policy_that_exhausts_the_compiler_is_refused() -> anyhow::Result<()> {
    let open = Shipped::new(&[], &["--allow-policy", "build-arg"])?;
    let blob = open.stage.put_blob("policies", &refkit_support::bomb::blocks(1_000_000))?;
    let outcome = open.build("FROM APP").arg("REFKIT_POLICY", &format!("docker-image+blob://{blob}")).fails()?;
    assert!(outcome.error().contains("compiling it takes more than 1024 MiB of memory"), "{}", outcome.log);
    Ok(())
}

#[test]
fn only_where_the_image_allows_it() -> anyhow::Result<()> {
    let closed = Shipped::new(&[], &[])?;
    let blob = closed.stage.put_blob("policies", &component("allow-list")?)?;
    let brought = format!("docker-image+blob://{blob}");
    let outcome = closed.build("FROM APP").arg("REFKIT_POLICY", &brought).fails()?;
    assert!(outcome.error().contains("allows only its own"), "{}", outcome.log);

    let open = Shipped::new(&[], &["--allow-policy", "build-arg"])?;
    let blob = open.stage.put_blob("policies", &component("allow-list")?)?;
    let brought = format!("docker-image+blob://{blob}");
    let allow = format!("allow={}/app", open.stage.registry.host());
    let build = |text: &str| open.build(text).arg("REFKIT_POLICY", &brought).arg("REFKIT_SET", &allow);
    build("FROM APP").run()?.succeeded()?;
    let outcome = build("FROM OTHER").fails()?;
    assert!(outcome.error().contains("denied by policy allow-list"), "{}", outcome.log);

    let tagged = format!("docker-image://{}", open.app);
    let outcome = open.build("FROM APP").arg("REFKIT_POLICY", &tagged).fails()?;
    assert!(outcome.error().contains("by its digest"), "{}", outcome.log);
    Ok(())
}
