//! The platform that a build wants an image for.

use refkit_buildkit::pb;
use refkit_oci::Platform;

/// The platform that a build wants an image for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct WantedPlatform {
    /// The platform that policies see, normalised.
    pub platform: Platform,
    /// Whether the build names it. BuildKit gets a request without a platform where the build does not, and takes its own.
    pub is_named: bool,
}

impl WantedPlatform {
    /// Returns the platform of a request as BuildKit takes it on a machine of the platform `default`. BuildKit takes
    /// `default` where the request names no platform, and its operating system where the platform has none
    /// (`NormalizeRuntimePlatforms`, and containerd's `Normalize`).
    pub fn new(default: &Platform, named: Option<&pb::Platform>) -> Self {
        let Some(platform) = named.map(Platform::from) else {
            return Self { platform: default.clone(), is_named: false };
        };
        let os = if platform.os.is_empty() { default.os.clone() } else { platform.os.clone() };
        Self { platform: Platform { os, ..platform }.normalized(), is_named: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn platforms_as_buildkit_takes_them() {
        let default: Platform = "linux/riscv64".parse().unwrap();
        let platform = |os: &str, architecture: &str, variant: &str| pb::Platform {
            os: os.to_owned(),
            architecture: architecture.to_owned(),
            variant: variant.to_owned(),
            ..Default::default()
        };
        // the platform of the request, the platform that policies see, whether BuildKit is asked for a platform
        let rows = [
            (None, "linux/riscv64", false),
            (Some(platform("linux", "amd64", "")), "linux/amd64", true),
            (Some(platform("", "amd64", "")), "linux/amd64", true),
            (Some(platform("linux", "aarch64", "v8")), "linux/arm64", true),
            (Some(platform("windows", "amd64", "")), "windows/amd64", true),
        ];
        for (named, wanted, is_named) in rows {
            let found = WantedPlatform::new(&default, named.as_ref());
            assert_eq!((found.platform.to_string().as_str(), found.is_named), (wanted, is_named), "{named:?}");
        }
    }
}
