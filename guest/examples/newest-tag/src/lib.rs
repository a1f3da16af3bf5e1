//! Selects the newest version of a range if a reference leaves the version open.
//!
//! A reference leaves it open if its tag is `latest`, which is also the tag of a reference without one; a reference
//! with any other tag or a digest passes unchanged. The setting `repositories` limits the policy to some repositories.
//! A version is a tag of three numbers with or without a `v`, as in Semantic Versioning: `1.2.3`, `v1.2.3`. The policy
//! ignores other tags, and pre-releases unless the range names one (`>=1.3.0-rc.1`).

use refkit_policy::oci::pattern::Pattern;
use refkit_policy::*;
use semver::{Version, VersionReq};

/// The policy.
pub struct NewestTag;

impl Policy for NewestTag {
    fn about() -> Description {
        Description::new("newest-tag", "1.0.0", "Takes the newest tag of a version range instead of latest")
            .required("range", "versions that are wanted, such as ^1.2")
            .optional("repositories", "where: repository patterns, separated by commas; everywhere if not set", None)
    }

    fn resolve(host: &impl Host, mut request: Request) -> Result<Outcome, Error> {
        let range = required(host, "range")?;
        let range = VersionReq::parse(&range).map_err(|e| Error::invalid(format_args!("the setting range: {e}")))?;
        let reference = &request.reference;
        if reference.digest.is_some() || reference.tag.as_deref() != Some("latest") || !concerns(host, reference)? {
            return Ok(Outcome::Next(request));
        }
        let tags = host.tags(reference)?;
        let version = |tag: &String| Version::parse(tag.strip_prefix('v').unwrap_or(tag)).ok();
        let versions = tags.iter().filter_map(|tag| Some((version(tag)?, tag)));
        let Some((_, newest)) = versions.filter(|(version, _)| range.matches(version)).max() else {
            let Reference { registry, repository, .. } = reference;
            let looked = format!("none of the {} tags of {registry}/{repository} is a version", tags.len());
            return Err(Error::new(ErrorCode::NotFound, format!("{looked} in the range {range}")));
        };
        request.reference.tag = Some(newest.clone());
        Ok(Outcome::Next(request))
    }
}

/// Returns whether the reference is in one of the operator's repositories.
fn concerns(host: &impl Host, reference: &Reference) -> Result<bool, Error> {
    let Some(patterns) = host.setting("repositories") else { return Ok(true) };
    let patterns = Pattern::parse_list(&patterns)
        .map_err(|error| Error::invalid(format_args!("the setting repositories: {error}")))?;
    let reference = oci::Reference::try_from(reference)?;
    Ok(patterns.iter().any(|pattern| pattern.matches(&reference)))
}

refkit_policy::export!(NewestTag);
