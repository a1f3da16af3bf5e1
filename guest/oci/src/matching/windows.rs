//! Which builds of Windows run which images.

/// Since this build, Windows Server 2022, newer hosts run images of older builds.
const STABLE: u32 = 20348;

/// The long-term releases since then. A host runs images from the release before its own on: 26100 and every later
/// host run those since 20348, until there is a next release.
const RELEASES: [u32; 2] = [STABLE, 26100];

/// Major, minor and build number; all 0 if a text does not have these three.
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
            // `parse` accepts a sign, containerd does not.
            let digits = parts.next().filter(|part| part.bytes().all(|byte| byte.is_ascii_digit()));
            match digits.and_then(|part| part.parse().ok()) {
                Some(read) if read <= most => *number = read,
                _ => return Self { major: 0, minor: 0, build: 0 },
            }
        }
        let [major, minor, build] = numbers;
        Self { major, minor, build }
    }

    /// Returns whether a host of this version runs images of another one; an empty version suits every other.
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
        let own = RELEASES.iter().rposition(|release| self.build >= *release).unwrap_or_default();
        let oldest = RELEASES[own.saturating_sub(1)];
        (oldest..=self.build).contains(&image.build)
    }
}
