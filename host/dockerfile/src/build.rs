//! What a build decides about the images that a Dockerfile names.

use std::collections::BTreeMap;

use refkit_oci::Platform;

/// The options of a build.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Build {
    /// The build arguments (`--build-arg`).
    pub args: BTreeMap<String, String>,
    /// The platform of the machine that builds, normalised.
    pub build_platform: Platform,
    /// The platform of the result, normalised.
    pub target_platform: Platform,
    /// The stages whose images are read.
    pub stages: Stages,
}

/// The stages of a Dockerfile whose images are read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum Stages {
    /// All of them, whichever a build is for.
    #[default]
    All,
    /// Those that the stage of this name needs; without a name those that the last one needs, as a build does.
    Target(Option<String>),
}

impl Build {
    /// Returns a build on and for a platform, of all stages.
    pub fn for_platform(platform: Platform) -> Self {
        let (build_platform, target_platform) = (platform.clone(), platform);
        Self { args: BTreeMap::new(), build_platform, target_platform, stages: Stages::All }
    }

    /// Returns the variables that every build has.
    pub(crate) fn platform_args(&self, stage: &str) -> [(String, String); 11] {
        let (build, target) = (&self.build_platform, &self.target_platform);
        let optional = |value: &Option<String>| value.clone().unwrap_or_default();
        let short = Platform { os_version: None, os_features: Vec::new(), ..build.clone() };
        [
            ("BUILDPLATFORM", short.to_string()),
            ("BUILDOS", build.os.clone()),
            ("BUILDOSVERSION", optional(&build.os_version)),
            ("BUILDARCH", build.architecture.clone()),
            ("BUILDVARIANT", optional(&build.variant)),
            ("TARGETPLATFORM", target.to_string()),
            ("TARGETOS", target.os.clone()),
            ("TARGETOSVERSION", optional(&target.os_version)),
            ("TARGETARCH", target.architecture.clone()),
            ("TARGETVARIANT", optional(&target.variant)),
            ("TARGETSTAGE", stage.to_owned()),
        ]
        .map(|(name, value)| (name.to_owned(), value))
    }
}
