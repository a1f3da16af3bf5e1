//! What is copied by RefKit and by others.

use crate::compare::Difference;
use crate::compare::Part::{Blobs, Decision, DigestTags, Manifests, Tags};

/// A copy, and the command lines for it; see [`Place::run`](crate::place::Place::run).
pub struct Row {
    /// What is particular about it.
    pub about: &'static str,
    /// What the destination's repository has before: sources under their names, and one as `1`.
    pub before: &'static [&'static str],
    pub tagged: Option<&'static str>,
    pub refkit: &'static str,
    pub crane: Option<&'static str>,
    pub regctl: Option<&'static str>,
}

const fn row(about: &'static str, refkit: &'static str, crane: &'static str, regctl: &'static str) -> Row {
    const fn some(line: &'static str) -> Option<&'static str> {
        if line.is_empty() { None } else { Some(line) }
    }
    Row { about, before: &[], tagged: None, refkit, crane: some(crane), regctl: some(regctl) }
}

/// The rows. A client without a line cannot do the same.
#[rustfmt::skip]
pub const ROWS: &[Row] = &[
    row("a manifest", "copy SRC/amd64:1 APP:1", "copy SRC/amd64:1 APP:1", "image copy SRC/amd64:1 APP:1"),
    row("a Docker manifest", "copy SRC/docker:1 APP:1", "copy SRC/docker:1 APP:1", "image copy SRC/docker:1 APP:1"),
    row("an index", "copy SRC/index:1 APP:1", "copy SRC/index:1 APP:1", "image copy SRC/index:1 APP:1"),
    row("a list", "copy SRC/list:1 APP:1", "copy SRC/list:1 APP:1", "image copy SRC/list:1 APP:1"),
    row("attestations", "copy SRC/attested:1 APP:1", "copy SRC/attested:1 APP:1", "image copy SRC/attested:1 APP:1"),
    row("a list with an attestation", "copy SRC/docker-attested:1 APP:1", "copy SRC/docker-attested:1 APP:1", "image copy SRC/docker-attested:1 APP:1"),
    row("an index in an index", "copy SRC/nested:1 APP:1", "copy SRC/nested:1 APP:1", "image copy SRC/nested:1 APP:1"),
    row("an index without platforms", "copy SRC/unplaced:1 APP:1", "copy SRC/unplaced:1 APP:1", "image copy SRC/unplaced:1 APP:1"),
    row("an index without a media type", "copy SRC/untyped:1 APP:1", "copy SRC/untyped:1 APP:1", "image copy SRC/untyped:1 APP:1"),
    row("layers of zstd", "copy SRC/zstd:1 APP:1", "copy SRC/zstd:1 APP:1", "image copy SRC/zstd:1 APP:1"),
    row("a config without a platform", "copy SRC/bare:1 APP:1", "copy SRC/bare:1 APP:1", "image copy SRC/bare:1 APP:1"),
    row("an artifact", "copy SRC/artifact:1 APP:1", "copy SRC/artifact:1 APP:1", "image copy SRC/artifact:1 APP:1"),
    row("a layer that is elsewhere", "copy SRC/foreign:1 APP:1", "copy SRC/foreign:1 APP:1", "image copy SRC/foreign:1 APP:1"),
    row("by digest", "copy SRC/index@index APP:1", "copy SRC/index@index APP:1", "image copy SRC/index@index APP:1"),
    row("by tag and digest", "copy SRC/index:1@index APP:1", "copy SRC/index:1@index APP:1", "image copy SRC/index:1@index APP:1"),
    row("into another registry", "copy SRC/attested:1 FAR:1", "copy SRC/attested:1 FAR:1", "image copy SRC/attested:1 FAR:1"),
    Row { tagged: Some("index"), ..row("to where it is", "copy SRC/index:1 APP:1", "copy SRC/index:1 APP:1", "image copy SRC/index:1 APP:1") },
    Row { tagged: Some("attested"), ..row("over another image", "copy SRC/index:1 APP:1", "copy SRC/index:1 APP:1", "image copy SRC/index:1 APP:1") },
    Row { before: &["index"], ..row("within a repository", "copy APP:index APP:1", "copy APP:index APP:1", "image copy APP:index APP:1") },
    row("one platform", "copy --platform linux/arm64 SRC/index:1 APP:1", "copy --platform linux/arm64 SRC/index:1 APP:1", "image copy --platform linux/arm64 SRC/index:1 APP:1"),
    row("one platform with its attestation", "copy --platform linux/arm64 SRC/attested:1 APP:1", "copy --platform linux/arm64 SRC/attested:1 APP:1", "image copy --platform linux/arm64 SRC/attested:1 APP:1"),
    row("the platform of a manifest", "copy --platform linux/amd64 SRC/amd64:1 APP:1", "copy --platform linux/amd64 SRC/amd64:1 APP:1", "image copy --platform linux/amd64 SRC/amd64:1 APP:1"),
    row("no such platform", "copy --platform linux/mips64le SRC/index:1 APP:1", "copy --platform linux/mips64le SRC/index:1 APP:1", "image copy --platform linux/mips64le SRC/index:1 APP:1"),
    row("another platform of a manifest", "copy --platform linux/arm64 SRC/amd64:1 APP:1", "copy --platform linux/arm64 SRC/amd64:1 APP:1", "image copy --platform linux/arm64 SRC/amd64:1 APP:1"),
    row("referrers that stay", "copy SRC/referred:1 APP:1", "copy SRC/referred:1 APP:1", "image copy SRC/referred:1 APP:1"),
    row("all referrers", "copy --referrers SRC/referred:1 APP:1", "", "image copy --referrers SRC/referred:1 APP:1"),
    row("all referrers of an index and its manifest", "copy --referrers SRC/index-referred:1 APP:1", "", "image copy --referrers SRC/index-referred:1 APP:1"),
    row("referrers and cosign's tags", "copy --referrers SRC/signed:1 APP:1", "", "image copy --referrers --digest-tags SRC/signed:1 APP:1"),
    row("referrers and cosign's tags, by tag and digest", "copy --referrers SRC/signed:1@signed APP:1", "", "image copy --referrers --digest-tags SRC/signed:1@signed APP:1"),
    row("referrers in another registry", "copy --referrers SRC/signed:1 FAR:1", "", "image copy --referrers --digest-tags SRC/signed:1 FAR:1"),
    row("a layer that is elsewhere and nowhere", "copy --include-nondistributable SRC/foreign:1 APP:1", "copy --allow-nondistributable-artifacts SRC/foreign:1 APP:1", "image copy --include-external SRC/foreign:1 APP:1"),
    row("all tags", "copy --all-tags SRC/index APP", "copy --all-tags SRC/index APP", ""),
    row("a layout", "copy oci-layout:LAYOUT:latest APP:1", "", "image copy ocidir://LAYOUT:latest APP:1"),
    row("a missing tag", "copy SRC/index:none APP:1", "copy SRC/index:none APP:1", "image copy SRC/index:none APP:1"),
];

/// Why a platform is not its manifest alone.
const PLATFORM: &str = "RefKit leaves an index of what was copied, with the attestation: the tag still says which platform it \
                        is for. The other leaves the manifest alone.";

/// Why referrers come along.
const REFERRERS: &str = "Attestations and signatures that the registry lists come along, as buildx copies them.";

/// Why a manifest of another platform is refused.
const OTHER: &str = "The other copies the image of another platform without a word.";

/// In what RefKit differs from crane.
pub const FROM_CRANE: &[Difference] = &[
    Difference { rows: &["one platform"], parts: &[Tags, Manifests], reason: PLATFORM },
    Difference { rows: &["one platform with its attestation"], parts: &[Tags, Manifests, Blobs], reason: PLATFORM },
    Difference { rows: &["referrers that stay"], parts: &[DigestTags, Manifests, Blobs], reason: REFERRERS },
    Difference { rows: &["another platform of a manifest"], parts: &[Decision], reason: OTHER },
];

/// In what RefKit differs from regctl.
pub const FROM_REGCTL: &[Difference] = &[
    Difference { rows: &["one platform"], parts: &[Tags, Manifests], reason: PLATFORM },
    Difference { rows: &["one platform with its attestation"], parts: &[Tags, Manifests, Blobs], reason: PLATFORM },
    Difference { rows: &["referrers that stay"], parts: &[DigestTags, Manifests, Blobs], reason: REFERRERS },
    Difference { rows: &["another platform of a manifest"], parts: &[Decision], reason: OTHER },
];
