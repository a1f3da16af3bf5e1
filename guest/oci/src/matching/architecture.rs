//! Which architectures run on which: the fallbacks, best first, computed without a list, because the number of a
//! variant is untrusted and may be large.

/// Ranks from here on belong to an older architecture.
const OLDER: u32 = 1 << 20;

/// Returns how well an architecture and variant suits a requested one, 0 best. Both are in their normal spelling.
pub(super) fn rank(wanted: (&str, &str), offered: (&str, &str)) -> Option<u32> {
    match (wanted.0, offered.0) {
        ("arm64", "arm64") => arm64(wanted.1, offered.1),
        // A 64-bit processor runs the 32-bit instructions up to v8.
        ("arm64", "arm") => arm64_version(wanted.1).and_then(|_| arm("v8", offered.1)).map(|rank| OLDER + rank),
        ("arm", "arm") => arm(wanted.1, offered.1),
        ("amd64", "amd64") => amd64(wanted.1, offered.1),
        ("amd64", "386") if offered.1.is_empty() => Some(OLDER),
        _ => (wanted == offered).then_some(0),
    }
}

/// Ranks variants of arm64: `v9.x` runs `v9.x` down to `v9.0`, then `v8.(x+5)` down to `v8.0`; `v8.x` runs `v8.x` down
/// to `v8.0`.
fn arm64(wanted: &str, offered: &str) -> Option<u32> {
    let (wanted, offered) = (arm64_version(wanted)?, arm64_version(offered)?);
    match (wanted, offered) {
        ((9, most), (8, minor)) if minor <= most + 5 => Some(100 - minor),
        ((major, most), (same, minor)) if major == same && minor <= most => Some(most - minor),
        _ => None,
    }
}

/// Reads a known version: `v8.0` to `v8.9` and `v9.0` to `v9.7`. For others it is unknown which programs they run.
fn arm64_version(variant: &str) -> Option<(u32, u32)> {
    let (major, minor) = match variant {
        "" | "v8" => (8, 0),
        "v9" => (9, 0),
        other => match other.as_bytes() {
            [b'v', major @ (b'8' | b'9'), b'.', minor @ b'1'..=b'9'] => {
                (u32::from(major - b'0'), u32::from(minor - b'0'))
            }
            _ => return None,
        },
    };
    (major == 8 || minor <= 7).then_some((major, minor))
}

fn arm(wanted: &str, offered: &str) -> Option<u32> {
    older(wanted, offered, 5)
}

fn amd64(wanted: &str, offered: &str) -> Option<u32> {
    older(wanted, if offered.is_empty() { "v1" } else { offered }, 1).or_else(|| (wanted == offered).then_some(0))
}

/// Ranks variants that run themselves, and those with a smaller number down to the lowest.
fn older(wanted: &str, offered: &str, lowest: u32) -> Option<u32> {
    if wanted == offered {
        return Some(0);
    }
    let most: u32 = wanted.strip_prefix('v').unwrap_or(wanted).parse().ok()?;
    let offered = offered.strip_prefix('v').filter(|number| !number.starts_with(['0', '+']))?;
    let number: u32 = offered.parse().ok()?;
    (lowest <= number && number < most).then(|| (most - number).min(OLDER - 1))
}
