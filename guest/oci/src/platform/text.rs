//! Platforms as text, in containerd's syntax: `os[(version[+feature]…)]/architecture[/variant]`.

use std::fmt;
use std::str::FromStr;

use crate::quoted::{Quoted, first};

use super::{ARCHITECTURES, Platform, SYSTEMS, sort};

/// The error for a text that is no platform.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{} is not a platform such as linux/arm64 or linux/arm/v7: {reason}", Quoted(.text))]
pub struct PlatformError {
    /// The text, at most its first 160 characters.
    pub text: String,
    /// The reason.
    pub reason: &'static str,
}

impl Platform {
    /// Parses a platform and normalises it: `os[(version[+feature]…)]`, `architecture`, or the first followed by
    /// `/architecture[/variant]`. A missing operating system is `linux`, a missing architecture `amd64`, on every
    /// machine.
    ///
    /// # Errors
    /// An error if the text has more than three parts, or a part is malformed or unknown.
    pub fn parse(text: &str) -> Result<Self, PlatformError> {
        read(text).map_err(|reason| PlatformError { text: first(text, 160).to_owned(), reason })
    }
}

fn read(text: &str) -> Result<Platform, &'static str> {
    let mut parts = text.split('/');
    let (first, architecture, variant) = (parts.next().unwrap_or_default(), parts.next(), parts.next());
    if parts.next().is_some() {
        return Err("it has more than three parts");
    }
    let (os, options) = match first.split_once('(') {
        None => (first, ""),
        Some((os, options)) => (os, options.strip_suffix(')').ok_or("the parenthesis is not closed, or not last")?),
    };
    if ![Some(os), architecture, variant].into_iter().flatten().all(is_word) || os.contains('.') {
        return Err("a part is empty or has other characters than letters, digits, `_`, `-` and `.`");
    }
    let mut options = options.split('+');
    let os_version = decoded(options.next().unwrap_or_default())?;
    let os_features = options.map(decoded).collect::<Result<Vec<_>, _>>()?;
    if os_features.iter().any(String::is_empty) {
        return Err("a feature is empty");
    }
    let lower = os.to_ascii_lowercase();
    if architecture.is_none() && !SYSTEMS.contains(&lower.as_str()) && lower != "macos" {
        if !ARCHITECTURES.contains(&lower.as_str()) || first.contains('(') {
            return Err("it is neither a known operating system nor a known architecture");
        }
        let platform = Platform { os: "linux".into(), architecture: lower, ..Platform::default() };
        return Ok(platform.normalized());
    }
    let platform = Platform {
        os: os.to_owned(),
        architecture: architecture.unwrap_or("amd64").to_owned(),
        variant: variant.map(str::to_owned),
        os_version: Some(os_version),
        os_features,
    };
    Ok(platform.normalized())
}

fn is_word(part: &str) -> bool {
    !part.is_empty() && part.bytes().all(is_plain)
}

/// Returns whether a byte is written unescaped; others become `%` and two hexadecimal digits.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

fn decoded(text: &str) -> Result<String, &'static str> {
    const MALFORMED: &str = "in the parentheses, a character is not `_`, `-`, `.`, a letter, a digit or %XX";
    let mut bytes = text.bytes();
    let mut plain = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        let byte = match byte {
            b'%' => {
                let mut digit = || bytes.next().and_then(|byte| char::from(byte).to_digit(16)).ok_or(MALFORMED);
                u8::try_from(digit()? * 16 + digit()?).map_err(|_| MALFORMED)?
            }
            byte if is_plain(byte) => byte,
            _ => return Err(MALFORMED),
        };
        plain.push(byte);
    }
    String::from_utf8(plain).map_err(|_| "in the parentheses, the bytes are not UTF-8")
}

impl FromStr for Platform {
    type Err = PlatformError;

    fn from_str(text: &str) -> Result<Self, PlatformError> {
        Self::parse(text)
    }
}

/// Writes the text that [`Platform::parse`] reads, with sorted features.
impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.os)?;
        let version = self.os_version.as_deref().unwrap_or_default();
        let mut features: Vec<&String> = self.os_features.iter().filter(|feature| !feature.is_empty()).collect();
        if !version.is_empty() || !features.is_empty() {
            sort(&mut features);
            f.write_str("(")?;
            encode(f, version)?;
            for feature in features {
                f.write_str("+")?;
                encode(f, feature)?;
            }
            f.write_str(")")?;
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

fn encode(f: &mut fmt::Formatter<'_>, text: &str) -> fmt::Result {
    for byte in text.bytes() {
        if is_plain(byte) { fmt::Write::write_char(f, char::from(byte))? } else { write!(f, "%{byte:02X}")? }
    }
    Ok(())
}
