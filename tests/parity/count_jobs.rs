//! What is done to count the requests of it.

use crate::programs::Client::{self, Buildx, Crane, Oras, Refkit, Regctl, Skopeo};

/// Something that several clients can do.
pub struct Job {
    pub title: &'static str,
    /// What the destination's repository has before: sources, each under its name as the tag, and as `1` where
    /// `tagged` names one.
    pub before: &'static [&'static str],
    pub tagged: Option<&'static str>,
    /// What the tag `1` of the destination names then, where every client makes the same.
    pub makes: Option<&'static str>,
    /// The command lines; see [`Place::run`](crate::place::Place::run).
    pub lines: &'static [(Client, &'static str)],
    /// The requests of RefKit.
    pub requests: usize,
    /// The clients that need fewer, and why.
    pub fewer: &'static [(Client, &'static str)],
}

/// Returns the jobs, by the command that does them.
pub const JOBS: &[(&str, &[Job])] = &[("create", CREATE), ("copy", COPY), ("push", PUSH), ("tag", TAG)];

const CREATE: &[Job] = &[
    Job {
        title: "an index of two manifests of its repository",
        before: &["amd64", "arm64"],
        tagged: None,
        makes: None,
        lines: &[
            (Refkit, "create -t APP:1 APP:amd64 APP:arm64"),
            (Buildx, "imagetools create -t APP:1 APP:amd64 APP:arm64"),
            (Crane, "index append -t APP:1 -m APP:amd64 -m APP:arm64"),
            (Regctl, "index create APP:1 --ref APP:amd64 --ref APP:arm64"),
            (Oras, "manifest index create --plain-http APP:1 amd64 arm64"),
        ],
        requests: 8,
        fewer: &[],
    },
    Job {
        title: "an index of manifests of two other repositories",
        before: &[],
        tagged: None,
        makes: None,
        lines: &[
            (Refkit, "create -t APP:1 SRC/amd64:1 SRC/arm64:1"),
            (Buildx, "imagetools create -t APP:1 SRC/amd64:1 SRC/arm64:1"),
            (Crane, "index append -t APP:1 -m SRC/amd64:1 -m SRC/arm64:1"),
            (Regctl, "index create APP:1 --ref SRC/amd64:1 --ref SRC/arm64:1"),
        ],
        requests: 17,
        fewer: &[],
    },
    Job {
        title: "a manifest appended to an index",
        before: &["armv6"],
        tagged: Some("index"),
        makes: None,
        lines: &[
            (Refkit, "create --append -t APP:1 APP:armv6"),
            (Buildx, "imagetools create --append -t APP:1 APP:armv6"),
            (Crane, "index append APP:1 -t APP:1 -m APP:armv6"),
            (Regctl, "index add APP:1 --ref APP:armv6"),
        ],
        requests: 9,
        fewer: &[],
    },
    Job {
        title: "two of three platforms of an index of another repository",
        before: &[],
        tagged: None,
        makes: None,
        lines: &[
            (Refkit, "create --platform linux/amd64,linux/arm64 -t APP:1 SRC/index:1"),
            (Buildx, "imagetools create --platform linux/amd64,linux/arm64 -t APP:1 SRC/index:1"),
            (Regctl, "index create APP:1 --ref SRC/index:1 --platform linux/amd64 --platform linux/arm64"),
        ],
        requests: 15,
        fewer: &[],
    },
];

const COPY: &[Job] = &[
    Job {
        title: "an index of three platforms, into another repository",
        before: &[],
        tagged: None,
        makes: Some("index"),
        lines: &[
            (Refkit, "copy SRC/index:1 APP:1"),
            (Buildx, "imagetools create -t APP:1 SRC/index:1"),
            (Crane, "copy SRC/index:1 APP:1"),
            (Regctl, "image copy SRC/index:1 APP:1"),
            (Oras, "cp --from-plain-http --to-plain-http SRC/index:1 APP:1"),
            (Skopeo, "copy --all --src-tls-verify=false --dest-tls-verify=false docker://SRC/index:1 docker://APP:1"),
        ],
        requests: 22,
        fewer: &[],
    },
    Job {
        title: "an index of two images with a layer in common, into another repository",
        before: &[],
        tagged: None,
        makes: Some("shared"),
        lines: &[
            (Refkit, "copy SRC/shared:1 APP:1"),
            (Buildx, "imagetools create -t APP:1 SRC/shared:1"),
            (Crane, "copy SRC/shared:1 APP:1"),
            (Regctl, "image copy SRC/shared:1 APP:1"),
            (Oras, "cp --from-plain-http --to-plain-http SRC/shared:1 APP:1"),
            (Skopeo, "copy --all --src-tls-verify=false --dest-tls-verify=false docker://SRC/shared:1 docker://APP:1"),
        ],
        requests: 15,
        fewer: &[],
    },
    Job {
        title: "an index of three platforms, to where it is already",
        before: &[],
        tagged: Some("index"),
        makes: Some("index"),
        lines: &[
            (Refkit, "copy SRC/index:1 APP:1"),
            (Buildx, "imagetools create -t APP:1 SRC/index:1"),
            (Crane, "copy SRC/index:1 APP:1"),
            (Regctl, "image copy SRC/index:1 APP:1"),
            (Oras, "cp --from-plain-http --to-plain-http SRC/index:1 APP:1"),
            (Skopeo, "copy --all --src-tls-verify=false --dest-tls-verify=false docker://SRC/index:1 docker://APP:1"),
        ],
        requests: 6,
        fewer: &[],
    },
    Job {
        title: "an index of three platforms, into another registry",
        before: &[],
        tagged: None,
        makes: Some("index"),
        lines: &[
            (Refkit, "copy SRC/index:1 FAR:1"),
            (Buildx, "imagetools create -t FAR:1 SRC/index:1"),
            (Crane, "copy SRC/index:1 FAR:1"),
            (Regctl, "image copy SRC/index:1 FAR:1"),
            (Oras, "cp --from-plain-http --to-plain-http SRC/index:1 FAR:1"),
            (Skopeo, "copy --all --src-tls-verify=false --dest-tls-verify=false docker://SRC/index:1 docker://FAR:1"),
        ],
        requests: 40,
        fewer: &[],
    },
    Job {
        title: "a manifest with two referrers, into another repository",
        before: &[],
        tagged: None,
        makes: Some("referred"),
        lines: &[
            (Refkit, "copy --referrers SRC/referred:1 APP:1"),
            (Regctl, "image copy --referrers --digest-tags SRC/referred:1 APP:1"),
            (Oras, "cp -r --from-plain-http --to-plain-http SRC/referred:1 APP:1"),
        ],
        requests: 22,
        fewer: &[],
    },
];

const PUSH: &[Job] = &[
    Job {
        title: "a layout of two platforms",
        before: &[],
        tagged: None,
        makes: Some("attested"),
        lines: &[
            (Refkit, "push LAYOUT APP:1"),
            (Buildx, "imagetools create -t APP:1 oci-layout://LAYOUT:latest"),
            (Crane, "push LAYOUT APP:1"),
            (Regctl, "image copy ocidir://LAYOUT:latest APP:1"),
            (Oras, "cp --from-oci-layout --to-plain-http LAYOUT:latest APP:1"),
            (Skopeo, "copy --all --dest-tls-verify=false oci:LAYOUT:latest docker://APP:1"),
        ],
        requests: 32,
        fewer: &[],
    },
    Job {
        title: "a layout of two platforms, to where it is already",
        before: &[],
        tagged: Some("attested"),
        makes: Some("attested"),
        lines: &[
            (Refkit, "push LAYOUT APP:1"),
            (Buildx, "imagetools create -t APP:1 oci-layout://LAYOUT:latest"),
            (Crane, "push LAYOUT APP:1"),
            (Regctl, "image copy ocidir://LAYOUT:latest APP:1"),
            (Oras, "cp --from-oci-layout --to-plain-http LAYOUT:latest APP:1"),
            (Skopeo, "copy --all --dest-tls-verify=false oci:LAYOUT:latest docker://APP:1"),
        ],
        requests: 1,
        fewer: &[],
    },
];

const TAG: &[Job] = &[
    Job {
        title: "an index",
        before: &["index"],
        tagged: None,
        makes: Some("index"),
        lines: &[
            (Refkit, "tag APP:index 1"),
            (Buildx, "imagetools create -t APP:1 APP:index"),
            (Crane, "tag APP:index 1"),
            (Regctl, "image copy APP:index APP:1"),
            (Oras, "tag --plain-http APP:index 1"),
            (Skopeo, "copy --all --src-tls-verify=false --dest-tls-verify=false docker://APP:index docker://APP:1"),
        ],
        requests: 2,
        fewer: &[],
    },
    Job {
        title: "a manifest",
        before: &["amd64"],
        tagged: None,
        makes: Some("amd64"),
        lines: &[
            (Refkit, "tag APP:amd64 1"),
            (Buildx, "imagetools create --prefer-index=false -t APP:1 APP:amd64"),
            (Crane, "tag APP:amd64 1"),
            (Regctl, "image copy APP:amd64 APP:1"),
            (Oras, "tag --plain-http APP:amd64 1"),
            (Skopeo, "copy --src-tls-verify=false --dest-tls-verify=false docker://APP:amd64 docker://APP:1"),
        ],
        requests: 2,
        fewer: &[],
    },
];
