//! Allows the references that one of the operator's patterns matches, and denies all others.

use refkit_policy::oci::pattern::Pattern;
use refkit_policy::*;

/// The policy.
pub struct AllowList;

impl Policy for AllowList {
    fn about() -> Description {
        Description::new("allow-list", "1.0.0", "Allows the references that a pattern matches")
            .required("allow", "reference patterns, separated by commas, such as docker.io/library/*")
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let allow = required(host, "allow")?;
        let reference = oci::Reference::try_from(&request.reference)?;
        let patterns =
            Pattern::parse_list(&allow).map_err(|error| Error::invalid(format_args!("the setting allow: {error}")))?;
        if patterns.iter().any(|pattern| pattern.matches(&reference)) {
            return Ok(Outcome::Next(request));
        }
        Ok(Outcome::deny("allow-list", format!("{reference} matches none of the allowed patterns: {allow}")))
    }
}

refkit_policy::export!(AllowList);
