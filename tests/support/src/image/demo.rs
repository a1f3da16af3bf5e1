//! The demo: an application with several releases, as it lies in `tests/fixtures/demo`.

use refkit_content::{Error, Push};
use refkit_oci::{Reference, Repository};

use super::{Image, ImageBuilder, IndexBuilder, attestation};

/// What the demo's repository is called, under registry `oci-layout`: as its directory.
pub const DEMO_REPOSITORY: &str = "demo";

const SOURCE: &str = "org.opencontainers.image.source";
const VERSION: &str = "org.opencontainers.image.version";
const BASE: &str = "org.opencontainers.image.base.name";
const TITLE: &str = "org.opencontainers.image.title";
const VENDOR: &str = "org.opencontainers.image.vendor";
const URL: &str = "https://git.example/demo/app";

/// Platforms of the full releases; Windows comes in an index of its own, one entry for each version of the system.
const PLATFORMS: [&str; 6] = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6", "linux/386", "linux/s390x"];

/// Versions of Windows that the full releases are built for.
const WINDOWS: [&str; 2] = ["10.0.20348.2700", "10.0.26100.2033"];

/// Returns the demo's images by tag.
///
/// | tag | what it is |
/// |---|---|
/// | `1.0.0` | an index of three platforms with Docker's media types |
/// | `1.1.0` | an index of four platforms |
/// | `1.2.3`, `latest` | an index of six Linux platforms with attestations, and within it an index of two for Windows |
/// | `2.0.0-rc.1` | the same as a release candidate |
/// | `single` | a manifest without an index |
/// | `unlabelled` | an index of two platforms whose configs have no label at all |
pub fn demo() -> Vec<(&'static str, Image)> {
    let full = full("1.2.3");
    vec![
        ("1.0.0", plain("1.0.0", &PLATFORMS[..3], true)),
        ("1.1.0", plain("1.1.0", &PLATFORMS[..4], false)),
        ("1.2.3", full.clone()),
        ("2.0.0-rc.1", self::full("2.0.0-rc.1")),
        ("latest", full),
        ("single", image("linux/amd64", "single", false).build()),
        ("unlabelled", unlabelled()),
    ]
}

/// Pushes the demo's images into a repository, and a signature of release 1.2.3 that refers to it.
///
/// # Errors
/// The destination's.
pub async fn push_demo(destination: &dyn Push, repository: &Repository) -> Result<(), Error> {
    for (tag, image) in demo() {
        let to = Reference::new(repository.clone(), Some(tag.to_owned()), None).expect("a reference");
        image.push(destination, &to).await?;
    }
    let signature = signature(&full("1.2.3"));
    let to = Reference::new(repository.clone(), None, Some(signature.digest().clone())).expect("a reference");
    signature.push(destination, &to).await?;
    Ok(())
}

fn image(platform: &str, version: &str, docker: bool) -> ImageBuilder {
    let script = format!("#!/bin/sh\necho demo {version}\n");
    let builder = ImageBuilder::new(platform)
        .label(SOURCE, URL)
        .label(VERSION, version)
        .label("example.team", "blue")
        .file("usr/bin/demo", script.as_bytes());
    if docker {
        builder.docker()
    } else {
        builder.annotation(BASE, "registry.example/base:12").annotation(VERSION, version)
    }
}

fn plain(version: &str, platforms: &[&str], docker: bool) -> Image {
    let listed = platforms.iter().map(|platform| image(platform, version, docker).build());
    let index = listed.fold(IndexBuilder::new(), IndexBuilder::add);
    if docker { index.docker().build() } else { index.annotation(VERSION, version).build() }
}

fn full(version: &str) -> Image {
    let linux: Vec<Image> = PLATFORMS.iter().map(|platform| image(platform, version, false).build()).collect();
    let windows = WINDOWS.iter().map(|system| image("windows/amd64", version, false).os_version(system).build());
    let windows = windows.fold(IndexBuilder::new().annotation(TITLE, "demo for Windows"), IndexBuilder::add).build();
    let attestations: Vec<Image> = linux.iter().map(attestation).collect();
    let listed = linux.into_iter().map(|image| image.listed_with("example.tier", "production"));
    let index = listed.fold(IndexBuilder::new(), IndexBuilder::add);
    attestations
        .into_iter()
        .fold(index, IndexBuilder::add)
        .add(windows.listed_with("example.tier", "preview"))
        .annotation(TITLE, "demo")
        .annotation(VENDOR, "Example")
        .annotation(VERSION, version)
        .annotation(SOURCE, URL)
        .build()
}

fn unlabelled() -> Image {
    let listed = PLATFORMS[..2].iter().map(|platform| ImageBuilder::new(platform).file("usr/bin/demo", b"").build());
    listed.fold(IndexBuilder::new(), IndexBuilder::add).build()
}

fn signature(of: &Image) -> Image {
    ImageBuilder::artifact("application/vnd.example.signature.v1", of)
        .annotation("org.opencontainers.image.created", "2025-01-01T00:00:00Z")
        .layer("application/vnd.example.signature.v1+json", &br#"{"signed-by":"the demo"}"#[..])
        .build()
}
