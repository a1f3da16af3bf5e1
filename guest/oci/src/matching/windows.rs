//! Which builds of Windows run which images.

/// Since this build, Windows Server 2022, newer hosts run images of older builds.
const STABLE: u32 = 20348;

/// The long-term releases since then: a host runs images from the one before it on.
const RELEASES: [u32; 2] = [STABLE, 26100];

/// Major, minor and build number; all 0 where a text has no such three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    major: u32,
    minor: u32,
    build: u32,
}

impl Version {
    /// Reads `major.minor.build[.revision]`.
    pub(super) fn of(text: &str) -> Self {
        let mut parts = text.split('.');
        let mut numbers = [0; 3];
        for (number, most) in numbers.iter_mut().zip([0xff, 0xff, 0xffff]) {
            match parts.next().and_then(|part| part.parse().ok()) {
                Some(read) if read <= most => *number = read,
                _ => return Self { major: 0, minor: 0, build: 0 },
            }
        }
        let [major, minor, build] = numbers;
        Self { major, minor, build }
    }

    /// Returns whether a host of this version runs images of another; an empty one on either side says nothing.
    pub(super) fn runs(self, image: &str) -> bool {
        if image.is_empty() || self == Self::of("") {
            return true;
        }
        let image = Self::of(image);
        if (self.major, self.minor) != (image.major, image.minor) {
            return false;
        }
        if self.build < STABLE {
            return self.build == image.build;
        }
        let oldest = RELEASES.into_iter().rev().find(|release| self.build > *release).unwrap_or(STABLE);
        (oldest..=self.build).contains(&image.build)
    }
}
