//! Platforms, as OCI image-spec 1.1, section "Image Index Property Descriptions", and as containerd normalises them.

use std::fmt;
use std::str::FromStr;

/// The platform object.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Platform {
    /// `linux`, `windows`, …
    pub os: String,
    /// `amd64`, `arm64`, …
    pub architecture: String,
    /// `v7`, `v8`, …
    pub variant: Option<String>,
    /// The operating system's version; Windows only.
    pub os_version: Option<String>,
    /// Features of the operating system that the image needs.
    pub os_features: Vec<String>,
}

/// Why a text is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a platform such as linux/arm64 or linux/arm/v7: {reason}")]
pub struct PlatformError {
    /// What was given, at most its first 160 characters.
    pub text: String,
    /// What is wrong with it.
    pub reason: &'static str,
}

/// Operating systems that a lone word may name.
const SYSTEMS: [&str; 19] = [
    "aix", "android", "darwin", "dragonfly", "freebsd", "hurd", "illumos", "ios", "js", "linux", "nacl", "netbsd",
    "openbsd", "plan9", "solaris", "wasip1", "windows", "zos", "wasi",
];

/// Architectures that a lone word may name.
const ARCHITECTURES: [&str; 31] = [
    "386", "amd64", "amd64p32", "arm", "armbe", "arm64", "arm64be", "loong64", "mips", "mipsle", "mips64", "mips64le",
    "mips64p32", "mips64p32le", "ppc", "ppc64", "ppc64le", "riscv", "riscv64", "s390", "s390x", "sparc", "sparc64",
    "wasm", "x86_64", "x86-64", "aarch64", "armhf", "armel", "i386", "",
];

impl Platform {
    /// Returns the platform that a text means, normalised: `os[(version)]`, `architecture` or
    /// `os[(version)]/architecture[/variant]`. A missing operating system is `linux`, a missing architecture `amd64`.
    ///
    /// # Errors
    /// When the text has more than three parts, or a part is malformed.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        let fail = |reason| PlatformError { text: text.chars().take(160).collect(), reason };
        let mut parts = text.split('/');
        let (first, architecture, variant) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
        if parts.next().is_some() {
            return Err(fail("it has more than three parts"));
        }
        if ![Some(first), architecture, variant].into_iter().flatten().all(is_part) {
            return Err(fail("a part is empty or has other characters than letters, digits, `_`, `-` and `.`"));
        }
        let (os, os_version) = match first.split_once('(') {
            None => (first, None),
            Some((os, version)) => match version.strip_suffix(')') {
                Some(version) => (os, Some(version.to_owned())),
                None => return Err(fail("the version's parenthesis is not closed")),
            },
        };
        let os_version = os_version.filter(|version| !version.is_empty());
        let lower = os.to_ascii_lowercase();
        if architecture.is_none() && os_version.is_none() && !SYSTEMS.contains(&lower.as_str()) && lower != "macos" {
            if !ARCHITECTURES.contains(&lower.as_str()) {
                return Err(fail("it is neither a known operating system nor a known architecture"));
            }
            let platform = Self { os: "linux".into(), architecture: lower, ..Self::default() };
            return Ok(platform.normalized());
        }
        let platform = Self {
            os: os.to_owned(),
            architecture: architecture.unwrap_or("amd64").to_owned(),
            variant: variant.map(str::to_owned),
            os_version,
            os_features: Vec::new(),
        };
        Ok(platform.normalized())
    }

    /// Returns the platform as its normal spelling: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        let (os, architecture, variant) = self.normal();
        let (same_os, same_architecture) = (os == self.os, architecture == self.architecture);
        let variant = variant.to_owned();
        let (os, architecture) = (os.to_owned(), architecture.to_owned());
        if !same_os {
            self.os = os;
        }
        if !same_architecture {
            self.architecture = architecture;
        }
        self.variant = Some(variant).filter(|variant| !variant.is_empty());
        self.os_version = self.os_version.filter(|version| !version.is_empty());
        self
    }

    /// Returns operating system, architecture and variant in their normal spelling; a missing variant is empty.
    pub(crate) fn normal(&self) -> (&str, &str, &str) {
        let os = if self.os.eq_ignore_ascii_case("macos") { "darwin" } else { lower(&self.os, &SYSTEMS) };
        let variant = self.variant.as_deref().unwrap_or_default();
        let architecture = lower(&self.architecture, &ARCHITECTURES);
        let (architecture, variant) = match (architecture, variant) {
            ("i386", _) => ("386", ""),
            ("x86_64" | "x86-64" | "amd64", "v1") => ("amd64", ""),
            ("x86_64" | "x86-64", variant) => ("amd64", variant),
            ("aarch64" | "arm64", "8" | "v8" | "v8.0") => ("arm64", ""),
            ("aarch64" | "arm64", "9" | "9.0" | "v9.0") => ("arm64", "v9"),
            ("aarch64", variant) => ("arm64", variant),
            ("armhf", _) => ("arm", "v7"),
            ("armel", _) => ("arm", "v6"),
            ("arm", "" | "7") => ("arm", "v7"),
            ("arm", "5") => ("arm", "v5"),
            ("arm", "6") => ("arm", "v6"),
            ("arm", "8") => ("arm", "v8"),
            other => other,
        };
        (os, architecture, variant)
    }
}

/// Returns the known spelling where only the case differs.
fn lower<'a>(text: &'a str, known: &[&'static str]) -> &'a str {
    if !text.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return text;
    }
    known.iter().find(|known| known.eq_ignore_ascii_case(text)).copied().unwrap_or(text)
}

fn is_part(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.' | b'(' | b')'))
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::parse(text)
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        if let Some(version) = &self.os_version {
            write!(f, "({version})")?;
        }
        f.write_str("/")?;
        f.write_str(&self.architecture)?;
        if let Some(variant) = self.variant.as_deref().filter(|variant| !variant.is_empty()) {
            f.write_str("/")?;
            f.write_str(variant)?;
        }
        Ok(())
    }
}
