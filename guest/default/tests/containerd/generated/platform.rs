//! Random platforms: requested ones, and those of entries and configs.

use refkit_policy::Platform;

use super::{Generator, Members, ODD, escaped, text};

/// Requested platforms: operating system, architecture, variant, version and features.
const WANTED: [(&str, &str, &str, &str, &[&str]); 24] = [
    ("linux", "amd64", "", "", &[]),
    ("linux", "amd64", "", "", &[]),
    ("linux", "amd64", "", "", &[]),
    ("linux", "amd64", "", "", &["gpu"]),
    ("linux", "amd64", "", "", &["simd", "gpu", "gpu"]),
    ("Linux", "AMD64", "V1", "", &[]),
    ("linux", "x86_64", "v3", "", &[]),
    ("linux", "amd64", "2", "", &[]),
    ("linux", "arm64", "", "", &[]),
    ("linux", "arm64", "v8", "", &[]),
    ("linux", "aarch64", "v8.3", "", &[]),
    ("linux", "arm64", "v9.2", "", &[]),
    ("linux", "arm64", "v10", "", &[]),
    ("linux", "arm", "", "", &[]),
    ("linux", "arm", "v6", "", &["gpu"]),
    ("linux", "armhf", "", "", &[]),
    ("linux", "386", "", "", &[]),
    ("linux", "riscv64", "", "", &[]),
    ("macOS", "arm64", "", "", &[]),
    ("windows", "amd64", "", "", &[]),
    ("windows", "amd64", "", "10.0.17763.1", &["win32k"]),
    ("windows", "amd64", "", "10.0.20348", &[]),
    ("windows", "amd64", "", "10.0.26100", &["gpu"]),
    ("windows", "amd64", "", "10.0.26200.5", &[]),
];

const SYSTEMS: [&str; 9] = ["linux", "linux", "linux", "windows", "Linux", "darwin", "MacOS", "unknown", "freebsd"];

const ARCHITECTURES: [&str; 14] = [
    "amd64", "amd64", "arm64", "arm", "386", "x86_64", "x86-64", "aarch64", "armhf", "armel", "i386", "AMD64",
    "riscv64", "unknown",
];

const VARIANTS: [&str; 24] = [
    "v1", "v2", "v3", "V2", "v02", "+2", "5", "v5", "6", "v6", "7", "v7", "V7", "8", "v8", "v8.0", "v8.1", "v8.3", "9",
    "9.0", "v9", "v9.0", "v9.1", "v9.9",
];

const VERSIONS: [&str; 16] = [
    "10.0.17763.1",
    "10.0.17763",
    "10.0.20348.9",
    "10.0.22621",
    "10.0.26100.1",
    "10.0.26200",
    "10.0",
    "10.0.x",
    "+10.0.20348",
    "10.0.+20348",
    "010.0.020348",
    "10.0.20348.",
    "10.0.70000",
    "10.0.-1",
    " 10.0.20348",
    "10.0.",
];

const FEATURES: [&str; 9] = [
    r#"["win32k"]"#,
    r#"["win32k","win32k"]"#,
    r#"["gpu","win32k"]"#,
    r#"["gpu"]"#,
    r#"["gpu","gpu"]"#,
    r#"["simd","gpu"]"#,
    r#"["GPU"]"#,
    r#"["gpü"]"#,
    "[]",
];

/// Texts that some readers equate with another text in lower case.
const NOT_ASCII: [&str; 6] = ["lİnux", "wİndows", "linuxſ", "amd６４", "\u{212a}", "é"];

/// Returns a requested platform.
pub(super) fn wanted(choice: u64) -> Platform {
    let (os, architecture, variant, version, features) = WANTED[(choice % WANTED.len() as u64) as usize];
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    Platform {
        os: os.to_owned(),
        architecture: architecture.to_owned(),
        variant: some(variant),
        os_version: some(version),
        os_features: features.iter().map(|&feature| feature.to_owned()).collect(),
    }
}

impl Generator {
    /// Returns the member `platform` of an entry.
    pub(super) fn platform_of_entry(&mut self) -> String {
        if self.one_in(4 * ODD) {
            return self.pick(&["[]", "\"linux/amd64\"", "{}", "5", "null", "[null]"]).to_owned();
        }
        let members = self.platform();
        self.object(&members)
    }

    /// Returns the members of a platform.
    pub(super) fn platform(&mut self) -> Members {
        let (wanted_os, wanted_architecture) = (self.wanted.os.clone(), self.wanted.architecture.clone());
        let os = if self.one_in(3) { self.pick(&SYSTEMS).to_owned() } else { wanted_os };
        let architecture = if self.one_in(2) { self.pick(&ARCHITECTURES).to_owned() } else { wanted_architecture };
        let mut members = vec![("os".to_owned(), self.written(&os)), ("architecture".to_owned(), text(&architecture))];
        if self.one_in(3) {
            let variant = self.pick(&VARIANTS);
            members.push(("variant".to_owned(), self.written(variant)));
        }
        if self.one_in(if os == "windows" { 2 } else { 10 }) {
            members.push(("os.version".to_owned(), text(self.pick(&VERSIONS))));
        }
        if self.one_in(5) {
            members.push(("os.features".to_owned(), self.pick(&FEATURES).to_owned()));
        }
        if self.one_in(ODD) {
            self.odd_platform(&mut members);
        }
        self.shuffle(&mut members);
        members
    }

    fn odd_platform(&mut self, members: &mut Members) {
        let mut put = |name: &str, value: &str| {
            members.retain(|(known, _)| known != name);
            members.push((name.to_owned(), value.to_owned()));
        };
        match self.below(22) {
            0 => put("os", "\"\""),
            1 => put("os", "null"),
            2 => put("os", &text(self.pick(&NOT_ASCII))),
            3 => put("architecture", &text(self.pick(&NOT_ASCII))),
            4 => put("variant", &text(self.pick(&NOT_ASCII))),
            5 => put("architecture", "\"\""),
            6 => {
                put("os", "\"\"");
                put("architecture", "\"\"");
            }
            7 => put("os.features", self.pick(&[r#"[""]"#, r#"["gpu",""]"#, "[null]", "[1]", "\"gpu\"", "null", "{}"])),
            8 => put("variant", self.pick(&["null", "\"\"", "7", "[]"])),
            9 => put("os.version", self.pick(&["null", "\"\"", "10", "{}"])),
            10 => put("os", self.pick(&["1", "{\"os\":\"linux\"}", "[\"linux\"]", "true"])),
            11 => {
                put("os", self.pick(&["\" linux\"", "\"linux\\u0000\"", "\"linux\\n\"", "\"\\ud800\"", "\"\\ufffd\""]))
            }
            12 => put("OS", "\"windows\""),
            13 => put("oſ", "\"windows\""),
            14 => put("Os.Features", "[\"gpu\"]"),
            15 => put("Variant", "\"v3\""),
            16 => members.retain(|(name, _)| name != "os"),
            17 => members.retain(|(name, _)| name != "architecture"),
            18 => members.push(("os".to_owned(), text("linux"))),
            19 => members.push(("architecture".to_owned(), text("amd64"))),
            20 => put("OSFeatures", "[\"gpu\"]"),
            _ => put("features", "{\"os\":\"\",\"OS\":1}"),
        }
    }

    /// Writes a text, sometimes with an escape.
    fn written(&mut self, value: &str) -> String {
        if self.one_in(30) { escaped(value) } else { text(value) }
    }
}
