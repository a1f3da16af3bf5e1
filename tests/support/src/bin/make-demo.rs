//! Writes the demo layout into a directory that does not exist yet: `make-demo DIRECTORY`.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Context, bail};
use refkit_content::LayoutWriter;
use refkit_support::image::push_demo;

#[tokio::main(flavor = "current_thread")]
async fn main() -> anyhow::Result<()> {
    let mut arguments = std::env::args_os().skip(1);
    let (Some(directory), None) = (arguments.next().map(PathBuf::from), arguments.next()) else {
        bail!("usage: make-demo DIRECTORY");
    };
    if directory.exists() {
        bail!("{} exists; the demo is written into a new directory", directory.display());
    }
    let writer = LayoutWriter::open(&directory).await?;
    push_demo(&writer, writer.repository()).await.context("the demo could not be written")
}
