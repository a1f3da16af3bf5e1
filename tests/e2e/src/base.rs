//! Base images: a root filesystem of busybox, and marks that distinguish the images.
//!
//! An image has a file `/variant` and a variable `VARIANT`, both with `NAME PLATFORM`, as in `app linux/arm/v7`. The
//! programs are this machine's for every platform: they run only in images of its own platform, and files can be
//! copied from any.

use std::sync::OnceLock;

use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};

use crate::layer::Layer;
use crate::programs::program;

/// The programs that steps of the tests run; `sh` is the shell of `RUN`.
const APPLETS: [&str; 8] = ["sh", "cat", "cp", "echo", "env", "ls", "sleep", "true"];

/// The layer with the programs, which all these images share.
static PROGRAMS: OnceLock<Vec<u8>> = OnceLock::new();

/// Returns this machine's platform, whose programs can run.
pub fn native() -> &'static str {
    match std::env::consts::ARCH {
        "aarch64" => "linux/arm64",
        _ => "linux/amd64",
    }
}

/// Starts an image, to which a test can add labels and annotations.
///
/// # Errors
/// An error if busybox is not installed, with the command to run.
pub fn image(name: &str, platform: &str) -> anyhow::Result<ImageBuilder> {
    let variant = format!("{name} {platform}");
    Ok(ImageBuilder::new(platform)
        .env("PATH", "/bin")
        .env("VARIANT", &variant)
        .layer(Layer::MEDIA_TYPE, programs()?)
        .layer(Layer::MEDIA_TYPE, Layer::new().file("variant", variant.as_bytes()).build()))
}

/// Returns an index of images of a name for several platforms.
///
/// # Errors
/// As [`image`].
pub fn index(name: &str, platforms: &[&str]) -> anyhow::Result<Image> {
    Ok(images(name, platforms)?.into_iter().fold(IndexBuilder::new(), IndexBuilder::add).build())
}

/// Returns the same with an attestation manifest for each image, after the images.
///
/// # Errors
/// As [`image`].
pub fn attested(name: &str, platforms: &[&str]) -> anyhow::Result<Image> {
    let images = images(name, platforms)?;
    let attestations: Vec<Image> = images.iter().map(attestation).collect();
    Ok(images.into_iter().chain(attestations).fold(IndexBuilder::new(), IndexBuilder::add).build())
}

fn images(name: &str, platforms: &[&str]) -> anyhow::Result<Vec<Image>> {
    platforms.iter().map(|platform| Ok(image(name, platform)?.build())).collect()
}

fn programs() -> anyhow::Result<Vec<u8>> {
    if let Some(layer) = PROGRAMS.get() {
        return Ok(layer.clone());
    }
    let layer = Layer::new().directory("tmp").program("bin/busybox", &program("busybox")?)?;
    let layer = APPLETS.iter().fold(layer, |layer, name| layer.link(&format!("bin/{name}"), "busybox"));
    Ok(PROGRAMS.get_or_init(|| layer.build()).clone())
}
