//! Conversions from and to the OCI vocabulary, and constructors of common outcomes.

use std::fmt;

use crate::oci;
use crate::{Absence, Denial, Description, Descriptor, Error, ErrorCode, Host, Outcome, Platform, Reference, Setting};

impl Description {
    /// Returns a description without settings.
    pub fn new(name: &str, version: &str, summary: &str) -> Self {
        Self { name: name.into(), version: version.into(), summary: summary.into(), settings: Vec::new() }
    }

    /// Adds a mandatory setting.
    #[must_use]
    pub fn required(mut self, name: &str, summary: &str) -> Self {
        self.settings.push(Setting { name: name.into(), summary: summary.into(), required: true, default: None });
        self
    }

    /// Adds an optional setting.
    #[must_use]
    pub fn optional(mut self, name: &str, summary: &str, default: Option<&str>) -> Self {
        let default = default.map(Into::into);
        self.settings.push(Setting { name: name.into(), summary: summary.into(), required: false, default });
        self
    }
}

impl Outcome {
    /// Returns a refusal of the reference as a whole, for one reason.
    pub fn deny(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Denied(vec![Denial { rule: rule.into(), message: message.into(), subject: None }])
    }
}

impl Absence {
    /// Returns the refusal of one image, for one reason; the subject is the digest of its manifest.
    pub fn deny(rule: impl Into<String>, message: impl Into<String>, subject: impl Into<String>) -> Self {
        Self::Denied(vec![Denial { rule: rule.into(), message: message.into(), subject: Some(subject.into()) }])
    }
}

impl Error {
    /// Returns a failure of the given kind.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Returns a failure of kind `invalid`: a setting or the content is malformed.
    pub fn invalid(message: impl fmt::Display) -> Self {
        Self { code: ErrorCode::Invalid, message: message.to_string() }
    }
}

impl Reference {
    /// Returns the reference with a digest, which then decides.
    #[must_use]
    pub fn pinned(&self, digest: &str) -> Self {
        Self { digest: Some(digest.into()), ..self.clone() }
    }
}

/// Writes a reference as people do: `registry/repository[:tag][@digest]`.
impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.registry)?;
        f.write_str("/")?;
        f.write_str(&self.repository)?;
        if let Some(tag) = &self.tag {
            f.write_str(":")?;
            f.write_str(tag)?;
        }
        if let Some(digest) = &self.digest {
            f.write_str("@")?;
            f.write_str(digest)?;
        }
        Ok(())
    }
}

impl From<oci::Reference> for Reference {
    fn from(r: oci::Reference) -> Self {
        Self {
            registry: r.repository().registry().into(),
            repository: r.repository().path().into(),
            tag: r.tag().map(Into::into),
            digest: r.digest().map(|digest| digest.as_str().into()),
        }
    }
}

/// References from the host are well-formed; this checks those that a policy builds.
impl TryFrom<&Reference> for oci::Reference {
    type Error = Error;

    fn try_from(r: &Reference) -> Result<Self, Error> {
        let repository = oci::Repository::new(r.registry.as_str(), r.repository.as_str()).map_err(Error::invalid)?;
        let digest = r.digest.clone().map(oci::Digest::try_from).transpose().map_err(Error::invalid)?;
        Self::new(repository, r.tag.clone(), digest).map_err(Error::invalid)
    }
}

impl From<oci::Platform> for Platform {
    fn from(p: oci::Platform) -> Self {
        Self {
            os: p.os,
            architecture: p.architecture,
            variant: p.variant,
            os_version: p.os_version,
            os_features: p.os_features,
        }
    }
}

impl From<Platform> for oci::Platform {
    fn from(p: Platform) -> Self {
        Self {
            os: p.os,
            architecture: p.architecture,
            variant: p.variant,
            os_version: p.os_version,
            os_features: p.os_features,
        }
    }
}

impl From<oci::Descriptor> for Descriptor {
    fn from(d: oci::Descriptor) -> Self {
        Self {
            media_type: d.media_type,
            digest: d.digest.into_string(),
            size: d.size,
            platform: d.platform.map(Into::into),
            artifact_type: d.artifact_type,
            annotations: d.annotations,
        }
    }
}

/// Returns the value of a setting that the description calls required. The host refuses to run without it, so its
/// absence is an error of the host.
///
/// # Errors
/// `invalid`, with the name of the setting.
pub fn required(host: &impl Host, name: &str) -> Result<String, Error> {
    host.setting(name).ok_or_else(|| Error::invalid(format_args!("the setting {name} is missing")))
}
