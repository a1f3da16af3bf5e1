//! The expected results.

use anyhow::ensure;
use bytes::Bytes;
use refkit_oci::Digest;
use serde_json::Value;

use crate::clients::{Operation, Says};
use crate::places::demo_image;
use crate::processor::Ran;

/// The demo's image with six Linux platforms, their attestations, and two Windows versions in an index of their own.
pub const TAG: &str = "1.2.3";

/// The requested platform: the second one of the index.
pub const PLATFORM: &str = "linux/arm64";

/// The expected results.
pub struct Expected {
    root: Digest,
    manifest: Digest,
    config: Bytes,
}

impl Expected {
    /// Returns the results for the demo's image.
    pub fn of_the_demo() -> Self {
        let image = demo_image(TAG);
        let child = &image.children()[1];
        let (_, config) = &child.blobs()[0];
        Self { root: image.digest().clone(), manifest: child.digest().clone(), config: config.clone() }
    }

    /// Checks the output of a client.
    ///
    /// # Errors
    /// An error if the result is another one, or absent.
    pub fn check(&self, operation: Operation, ran: &Ran) -> anyhow::Result<()> {
        let digest = match operation {
            Operation::Digest => &self.root,
            Operation::PlatformDigest => &self.manifest,
            Operation::Config => return self.check_config(ran),
        };
        let found = match ran.says {
            Says::Bytes => refkit_support::digest(&ran.stdout).to_string(),
            _ => last_digest(&String::from_utf8_lossy(&ran.stdout)),
        };
        ensure!(found == digest.as_str(), "the answer is {found:?}, not {digest}");
        Ok(())
    }

    fn check_config(&self, ran: &Ran) -> anyhow::Result<()> {
        let same = match ran.says {
            Says::Json => {
                serde_json::from_slice::<Value>(&ran.stdout)? == serde_json::from_slice::<Value>(&self.config)?
            }
            // A line feed at the end belongs to the terminal.
            _ => ran.stdout.strip_suffix(b"\n").unwrap_or(&ran.stdout) == &self.config[..],
        };
        ensure!(same, "the answer is another config: {}", String::from_utf8_lossy(&ran.stdout));
        Ok(())
    }
}

/// Returns the digest at the end of a text, if there is one.
fn last_digest(text: &str) -> String {
    let text = text.trim_end();
    text.rfind("sha256:").map_or_else(String::new, |start| text[start..].to_owned())
}
