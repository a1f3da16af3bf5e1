//! Platforms, as OCI image-spec 1.1, section "Image Index Property Descriptions", and as containerd normalises them.

mod text;

use std::borrow::Cow;

pub use text::PlatformError;

/// A platform.
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

/// The most features that a platform in a document may have.
pub(crate) const FEATURES: usize = 100;

/// Operating systems that may be written alone.
const SYSTEMS: [&str; 19] = [
    "aix",
    "android",
    "darwin",
    "dragonfly",
    "freebsd",
    "hurd",
    "illumos",
    "ios",
    "js",
    "linux",
    "nacl",
    "netbsd",
    "openbsd",
    "plan9",
    "solaris",
    "wasip1",
    "windows",
    "zos",
    "wasi",
];

/// Architectures that may be written alone.
const ARCHITECTURES: [&str; 31] = [
    "386",
    "amd64",
    "amd64p32",
    "arm",
    "armbe",
    "arm64",
    "arm64be",
    "loong64",
    "mips",
    "mipsle",
    "mips64",
    "mips64le",
    "mips64p32",
    "mips64p32le",
    "ppc",
    "ppc64",
    "ppc64le",
    "riscv",
    "riscv64",
    "s390",
    "s390x",
    "sparc",
    "sparc64",
    "wasm",
    "x86_64",
    "x86-64",
    "aarch64",
    "armhf",
    "armel",
    "i386",
    "",
];

impl Platform {
    /// Returns the platform in its normal spelling: `x86_64` is `amd64`, `arm64/v8` is `arm64`, `arm` is `arm/v7`;
    /// features are sorted, each once.
    #[must_use]
    pub fn normalized(mut self) -> Self {
        self.make_lower();
        let (os, architecture, variant) = self.normal();
        let variant = Some(variant.to_owned()).filter(|variant| !variant.is_empty());
        let (os, architecture) = (os.to_owned(), architecture.to_owned());
        (self.os, self.architecture, self.variant) = (os, architecture, variant);
        self.os_version = self.os_version.filter(|version| !version.is_empty());
        self.os_features.retain(|feature| !feature.is_empty());
        sort(&mut self.os_features);
        self.os_features.dedup();
        self
    }

    /// Returns the platform in lower case; nearly all are already.
    pub(crate) fn lower(&self) -> Cow<'_, Self> {
        let mut texts = [&self.os, &self.architecture].into_iter().chain(&self.variant);
        if !texts.any(|text| text.bytes().any(|byte| byte.is_ascii_uppercase())) {
            return Cow::Borrowed(self);
        }
        let mut lower = self.clone();
        lower.make_lower();
        Cow::Owned(lower)
    }

    fn make_lower(&mut self) {
        let texts = [&mut self.os, &mut self.architecture].into_iter().chain(&mut self.variant);
        texts.for_each(|text| text.make_ascii_lowercase());
    }

    /// Returns operating system, architecture and variant in their normal spelling, for a platform in lower case; a
    /// missing variant is empty.
    pub(crate) fn normal(&self) -> (&str, &str, &str) {
        let os = if self.os == "macos" { "darwin" } else { &self.os };
        let variant = self.variant.as_deref().unwrap_or_default();
        let architecture = self.architecture.as_str();
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

/// Sorts by insertion: there are at most [`FEATURES`] in a document, and any other sort adds 5 KB to every component.
fn sort<T: Ord>(list: &mut [T]) {
    for end in 1..list.len() {
        let mut place = end;
        while place > 0 && list[place] < list[place - 1] {
            list.swap(place, place - 1);
            place -= 1;
        }
    }
}
