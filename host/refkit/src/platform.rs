//! Platforms as programs name them.

use refkit_oci::Platform;

/// Returns the platform that images for this machine have: its architecture, and Linux, which is what containers run
/// on here, or in a virtual machine that is here.
pub fn of_this_machine() -> Platform {
    let platform = Platform {
        os: "linux".to_owned(),
        architecture: architecture(std::env::consts::ARCH, cfg!(target_endian = "little")).to_owned(),
        ..Platform::default()
    };
    platform.normalized()
}

/// Returns the name that the OCI specifications (which have Go's) give to one of Rust's architectures.
fn architecture(rust: &str, little_endian: bool) -> &str {
    match rust {
        "x86_64" => "amd64",
        "x86" => "386",
        "aarch64" => "arm64",
        "loongarch64" => "loong64",
        "powerpc64" if little_endian => "ppc64le",
        "powerpc64" => "ppc64",
        "mips" if little_endian => "mipsle",
        "mips64" if little_endian => "mips64le",
        same => same,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn architectures_have_their_oci_names() {
        let rows = [
            ("x86_64", true, "amd64"),
            ("x86", true, "386"),
            ("aarch64", true, "arm64"),
            ("arm", true, "arm"),
            ("powerpc64", true, "ppc64le"),
            ("powerpc64", false, "ppc64"),
            ("s390x", false, "s390x"),
            ("riscv64", true, "riscv64"),
            ("mips64", true, "mips64le"),
            ("mips64", false, "mips64"),
        ];
        for (rust, little_endian, oci) in rows {
            assert_eq!(architecture(rust, little_endian), oci);
        }
    }

    #[test]
    fn this_machine_has_a_linux() {
        assert_eq!(of_this_machine().os, "linux");
    }
}
