//! Platforms as text, unchanged: `os[(version[+feature]…)]/architecture[/variant]`. The vocabulary's own parser
//! normalises, and a test needs the exact platform of an index.

use crate::Platform;

/// Parses a platform without normalising it.
///
/// # Errors
/// An error if there is no `/`, or a fourth part.
pub fn platform(text: &str) -> Result<Platform, String> {
    let (system, machine) = text.split_once('/').ok_or_else(|| format!("{text:?} is not a platform"))?;
    let (os, inner) = match system.split_once('(') {
        Some((os, inner)) => (os, inner.strip_suffix(')').ok_or_else(|| format!("{text:?} lacks a ')'"))?),
        None => (system, ""),
    };
    let mut inner = inner.split('+');
    let os_version = inner.next().filter(|version| !version.is_empty()).map(str::to_owned);
    let os_features = inner.map(str::to_owned).collect();
    let (architecture, variant) = match machine.split_once('/') {
        Some((_, variant)) if variant.contains('/') => return Err(format!("{text:?} has too many parts")),
        Some((architecture, variant)) => (architecture, Some(variant.to_owned())),
        None => (machine, None),
    };
    Ok(Platform { os: os.to_owned(), architecture: architecture.to_owned(), variant, os_version, os_features })
}

/// Returns the text of a platform.
pub(super) fn show(platform: &Platform) -> String {
    let mut text = platform.os.clone();
    if platform.os_version.is_some() || !platform.os_features.is_empty() {
        text.push('(');
        text.push_str(platform.os_version.as_deref().unwrap_or_default());
        for feature in &platform.os_features {
            text.push('+');
            text.push_str(feature);
        }
        text.push(')');
    }
    text.push('/');
    text.push_str(&platform.architecture);
    if let Some(variant) = &platform.variant {
        text.push('/');
        text.push_str(variant);
    }
    text
}

/// Returns the platform as an index or a config writes it.
pub(super) fn document(platform: &Platform) -> refkit_oci::Platform {
    let Platform { os, architecture, variant, os_version, os_features } = platform.clone();
    refkit_oci::Platform { os, architecture, variant, os_version, os_features }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_read_and_shown_word_for_word() {
        for text in ["linux/amd64", "linux/arm64/v8", "windows(10.0.17763.1)/amd64", "windows(+win32k+x)/arm", "/"] {
            assert_eq!(show(&platform(text).expect(text)), text);
        }
        for text in ["linux", "linux(1/amd64", "linux/arm/v7/x"] {
            assert!(platform(text).is_err(), "{text}");
        }
    }
}
