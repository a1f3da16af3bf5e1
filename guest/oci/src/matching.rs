//! Which platforms suit a requested one, and which of them suits best: containerd's matchers, whose order decides
//! which image BuildKit runs.

mod architecture;
mod windows;

use crate::Platform;
use windows::Version;

/// Decides which platforms suit, and which of two suits better.
pub trait Matcher {
    /// Returns whether a platform suits.
    fn matches(&self, platform: &Platform) -> bool;

    /// Returns whether the first platform suits better than the second. A stable sort by this puts the best one first.
    fn less(&self, first: &Platform, second: &Platform) -> bool;
}

/// Matches the platforms that a machine of the requested platform runs: `linux/arm/v6` for `linux/arm/v7`, `linux/386`
/// for `linux/amd64`.
#[derive(Debug, Clone)]
pub struct Only(Wanted);

/// Matches the requested platform in any spelling, and no other.
#[derive(Debug, Clone)]
pub struct OnlyStrict(Wanted);

/// Matches every architecture of the requested operating system, and prefers the requested one.
#[derive(Debug, Clone)]
pub struct OnlyOs(Wanted);

/// Matches as [`OnlyStrict`], and prefers the newest version, as a Windows machine does.
#[derive(Debug, Clone)]
pub struct OnWindows(Wanted);

/// A platform in its normal spelling, with values for repeated comparisons.
#[derive(Debug, Clone)]
struct Wanted {
    platform: Platform,
    windows: Option<Version>,
}

impl Wanted {
    fn new(platform: Platform) -> Self {
        let platform = platform.normalized();
        let version = platform.os_version.as_deref().unwrap_or_default();
        let windows = (platform.os == "windows").then(|| Version::of(version));
        Self { platform, windows }
    }

    /// Returns whether operating system, version and features suit. No platform suits a requested one without
    /// operating system or architecture: containerd would use its own instead.
    fn suits_os(&self, platform: &Platform, features: bool) -> bool {
        !self.platform.os.is_empty()
            && !self.platform.architecture.is_empty()
            && platform.normal().0 == self.platform.os
            && self.windows.as_ref().is_none_or(|host| host.runs(platform.os_version.as_deref().unwrap_or_default()))
            && (!features || self.has_all(&platform.os_features))
    }

    /// Returns whether the requested platform has all features that an image needs. A single `win32k` is ignored for
    /// an image of Windows, because older matchers did not know it.
    fn has_all(&self, features: &[String]) -> bool {
        let old = if self.windows.is_some() { features.iter().position(|feature| feature == "win32k") } else { None };
        let mut needed = features.iter().enumerate().filter(|(place, _)| Some(*place) != old);
        needed.all(|(_, feature)| self.platform.os_features.contains(feature))
    }

    /// Returns how well a platform suits, 0 best; `None` if it does not.
    fn rank(&self, platform: &Platform, features: bool, fallbacks: bool) -> Option<u32> {
        let platform = &*platform.lower();
        if !self.suits_os(platform, features) {
            return None;
        }
        let (_, wanted_architecture, wanted_variant) = self.platform.normal();
        let (_, architecture, variant) = platform.normal();
        if fallbacks {
            architecture::rank((wanted_architecture, wanted_variant), (architecture, variant))
        } else {
            ((wanted_architecture, wanted_variant) == (architecture, variant)).then_some(0)
        }
    }

    fn less(&self, first: &Platform, second: &Platform, fallbacks: bool) -> bool {
        let ranks = |features| (self.rank(first, features, fallbacks), self.rank(second, features, fallbacks));
        match ranks(true) {
            (Some(one), Some(two)) if one == two => first.os_features.len() > second.os_features.len(),
            (Some(one), Some(two)) => one < two,
            (Some(_), None) => true,
            (None, Some(_)) => false,
            // Of platforms that need more features, the one that would suit without them comes first.
            (None, None) => match ranks(false) {
                (Some(one), Some(two)) => one < two,
                (one, two) => one.is_some() && two.is_none(),
            },
        }
    }
}

impl Only {
    /// Returns the matcher of a requested platform.
    pub fn new(platform: Platform) -> Self {
        Self(Wanted::new(platform))
    }
}

impl Matcher for Only {
    fn matches(&self, platform: &Platform) -> bool {
        self.0.rank(platform, true, true).is_some()
    }

    fn less(&self, first: &Platform, second: &Platform) -> bool {
        self.0.less(first, second, true)
    }
}

impl OnlyStrict {
    /// Returns the matcher of a requested platform.
    pub fn new(platform: Platform) -> Self {
        Self(Wanted::new(platform))
    }
}

impl Matcher for OnlyStrict {
    fn matches(&self, platform: &Platform) -> bool {
        self.0.rank(platform, true, false).is_some()
    }

    fn less(&self, first: &Platform, second: &Platform) -> bool {
        self.0.less(first, second, false)
    }
}

impl OnlyOs {
    /// Returns the matcher of a requested platform.
    pub fn new(platform: Platform) -> Self {
        Self(Wanted::new(platform))
    }
}

impl Matcher for OnlyOs {
    fn matches(&self, platform: &Platform) -> bool {
        self.0.suits_os(&platform.lower(), true)
    }

    fn less(&self, first: &Platform, second: &Platform) -> bool {
        match (self.matches(first), self.matches(second)) {
            (true, true) => self.0.less(first, second, false),
            (one, _) => one,
        }
    }
}

impl OnWindows {
    /// Returns the matcher of a requested platform.
    pub fn new(platform: Platform) -> Self {
        Self(Wanted::new(platform))
    }
}

impl Matcher for OnWindows {
    fn matches(&self, platform: &Platform) -> bool {
        self.0.rank(platform, true, false).is_some()
    }

    fn less(&self, first: &Platform, second: &Platform) -> bool {
        match (self.matches(first), self.matches(second)) {
            (true, true) => first.os_version > second.os_version,
            (one, two) => one && !two,
        }
    }
}
