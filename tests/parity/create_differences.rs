//! Where `refkit create` does not do what buildx does, and why.

use crate::compare::Difference;
use crate::compare::Part::{Blobs, Decision, DigestTags, DryRun, Manifests, Metadata, Tags};

/// The differences. A row that is not here has to come out the same, and one that is here has to differ.
pub const DIFFERENCES: &[Difference] = &[
    Difference {
        rows: &[
            "an attestation that is a referrer",
            "referrers of a manifest as it is",
            "referrers of an index and its manifest",
            "referrers of the wanted platform",
            "referrers of two sources",
            "a signature",
            "a signature of a manifest as it is",
            "a signature, by tag and digest",
            "a manifest for two repositories",
        ],
        parts: &[DigestTags],
        reason: "Both copy the referrers. This registry has no referrers API, and buildx writes no list of them, so no \
                 client finds them at the destination.",
    },
    Difference {
        rows: &["referrers of an index and its manifest", "referrers in one repository"],
        parts: &[DryRun, Tags, Metadata],
        reason: "One source that nothing changes stays as it is, byte for byte (docker/buildx #2481, #1660): buildx adds \
                 an entry for the attestation, and the digest is another.",
    },
    Difference {
        rows: &[
            "one manifest as it is",
            "one Docker manifest as it is",
            "a config without a platform, as it is",
            "an artifact as it is",
            "referrers of a manifest as it is",
            "a signature of a manifest as it is",
            "a signature, by tag and digest",
            "a platform of a manifest",
            "a manifest gets another tag",
            "a manifest for two repositories",
        ],
        parts: &[Metadata],
        reason: "buildx reads the config of a manifest that it copies, for the platform in the metadata file.",
    },
    Difference {
        rows: &["a layout", "a platform of a layout"],
        parts: &[Metadata],
        reason: "The tag in the source's layout is no annotation of the result.",
    },
    Difference {
        rows: &["a layer that is elsewhere"],
        parts: &[Decision],
        reason: "A layer that may not be distributed stays where it is. buildx downloads it from its address.",
    },
    Difference {
        rows: &["an annotation without a type"],
        parts: &[Decision],
        reason: "Without a type it is for the index (docker/buildx #2148).",
    },
    Difference {
        rows: &["an annotation of manifests"],
        parts: &[Decision],
        reason: "buildx cannot annotate manifests, which are then written anew.",
    },
    Difference {
        rows: &["an annotation of a Docker list", "an annotation of two Docker manifests"],
        parts: &[Decision],
        reason: "A Docker manifest list has no annotations. buildx drops them without a word (docker/buildx #3061).",
    },
    Difference {
        rows: &["an annotation of one entry among others without platforms"],
        parts: &[Decision],
        reason: "buildx panics.",
    },
    Difference {
        rows: &["appended to a list"],
        parts: &[Decision],
        reason: "The tag names a Docker list, and buildx asks for it as an OCI index alone, which this registry answers \
                 with 400.",
    },
    Difference {
        rows: &["a platform beside a nested index"],
        parts: &[DryRun, Tags, Manifests, Blobs, Metadata],
        reason: "Of an index without a platform, the entries are filtered. buildx keeps it whole, here with an image for \
                 Windows.",
    },
    Difference { rows: &["nothing appended"], parts: &[Decision], reason: "What the tag names is a source." },
];
