//! The rules of a build: which calls of its frontend pass, and which images it gets.
//!
//! - [`Rules`] (`calls`) routes the calls. `meta` answers the calls that resolve a source, `solve` those that build.
//! - `sources` says what a frontend may read, `caches` which caches a build may use, and `nested` which other frontend.
//! - `decisions` runs the policies and keeps their decisions to the end of the build. `image` and `platform` name what
//!   they decide about, `contents` lists the content of allowed images, and `refusal` words the errors.

pub(crate) mod caches;
pub(crate) mod calls;
pub(crate) mod contents;
pub(crate) mod decisions;
pub(crate) mod image;
mod meta;
pub(crate) mod nested;
pub(crate) mod platform;
pub(crate) mod refusal;
mod solve;
pub(crate) mod sources;

use std::collections::BTreeMap;

use refkit_buildkit::{Bridge, BuildkitSource};
use refkit_oci::{Digest, Platform};

use crate::chain::BuildChain;

pub use calls::Rules;

/// The build that the rules are for.
pub struct Build {
    /// The policies that decide about images.
    pub chain: BuildChain,
    /// The client of BuildKit.
    pub bridge: Bridge,
    /// The content that the build reaches by BuildKit.
    pub source: BuildkitSource,
    /// The build's options, as BuildKit passes them to a frontend.
    pub options: BTreeMap<String, String>,
    /// The digest of the image that contains this frontend, where BuildKit tells it.
    pub image: Option<Digest>,
    /// The platform that BuildKit takes where the build names none: that of its own machine, on which this frontend runs
    /// as well. The list of a worker's platforms may begin with another one.
    pub platform: Platform,
    /// Whether the build asks for explanations.
    pub explains: bool,
}
