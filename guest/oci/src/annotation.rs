//! Annotations as text, as `docker buildx` reads them: `[LEVEL[,LEVEL…]:]KEY=VALUE`, where a level may name a platform.

use std::str::FromStr;

use crate::Platform;
use crate::platform::PlatformError;

/// What is annotated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Level {
    /// The index.
    Index,
    /// The entry of the index in another index.
    IndexDescriptor,
    /// The manifests, all or those of a platform in this spelling.
    Manifest(Option<Platform>),
    /// The entries of the index, all or those of a platform in this spelling.
    ManifestDescriptor(Option<Platform>),
}

/// An annotation and what gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Annotation {
    /// What is annotated; a text that names nothing means the index.
    pub levels: Vec<Level>,
    /// The key.
    pub key: String,
    /// The value.
    pub value: String,
}

/// Why a text is no annotation.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AnnotationError {
    /// There is no `=`.
    #[error("the annotation {0:?} has no value: write KEY=VALUE")]
    NoValue(String),
    /// There is nothing before the `=`.
    #[error("the annotation {0:?} has no key: write KEY=VALUE")]
    NoKey(String),
    /// What stands before the `:` is none of the four words.
    #[error(
        "{0:?} is not what an annotation can be for: index, index-descriptor, manifest, manifest-descriptor, the last two \
         also with a platform, such as manifest-descriptor[linux/arm64]"
    )]
    Level(String),
    /// The platform of a level is none.
    #[error(transparent)]
    Platform(#[from] PlatformError),
}

impl FromStr for Annotation {
    type Err = AnnotationError;

    fn from_str(text: &str) -> Result<Self, AnnotationError> {
        let (name, value) = text.split_once('=').ok_or_else(|| AnnotationError::NoValue(text.to_owned()))?;
        let (levels, key) = match name.split_once(':') {
            Some((levels, key)) => (levels.split(',').map(level).collect::<Result<_, _>>()?, key),
            None => (vec![Level::Index], name),
        };
        if key.is_empty() {
            return Err(AnnotationError::NoKey(text.to_owned()));
        }
        Ok(Self { levels, key: key.to_owned(), value: value.to_owned() })
    }
}

fn level(text: &str) -> Result<Level, AnnotationError> {
    let unknown = || AnnotationError::Level(text.to_owned());
    let (word, platform) = match text.split_once('[') {
        Some((word, rest)) => (word, Some(rest.strip_suffix(']').ok_or_else(unknown)?)),
        None => (text, None),
    };
    let platform = platform.map(spelled).transpose()?;
    match (word, platform) {
        ("index", None) => Ok(Level::Index),
        ("index-descriptor", None) => Ok(Level::IndexDescriptor),
        ("manifest", platform) => Ok(Level::Manifest(platform)),
        ("manifest-descriptor", platform) => Ok(Level::ManifestDescriptor(platform)),
        _ => Err(unknown()),
    }
}

/// Returns a platform as buildx spells it, which compares it with an entry's letter by letter: the variants that go without
/// saying are written only where the text has a variant.
fn spelled(text: &str) -> Result<Platform, PlatformError> {
    let platform = Platform::parse(text)?;
    let stated = text.matches('/').count() == 2;
    let variant = match (platform.architecture.as_str(), platform.variant.as_deref()) {
        ("arm", Some("v7")) if !stated => None,
        ("arm64", None) if stated => Some("v8".to_owned()),
        _ => platform.variant,
    };
    Ok(Platform { variant, ..platform })
}
