//! Allows the references that one of the operator's patterns matches, and denies all others: the requested reference,
//! and the reference to which later policies redirect it.

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
        let patterns =
            Pattern::parse_list(&allow).map_err(|error| Error::invalid(format_args!("the setting allow: {error}")))?;
        let denial = |reference: &Reference, origin: &str| -> Result<Option<Outcome>, Error> {
            let reference = oci::Reference::try_from(reference)?;
            let allowed = patterns.iter().any(|pattern| pattern.matches(&reference));
            let message = || format!("{reference}{origin} matches none of the allowed patterns: {allow}");
            Ok((!allowed).then(|| Outcome::deny("allow-list", message())))
        };
        if let Some(denied) = denial(&request.reference, "")? {
            return Ok(denied);
        }
        // Not `Outcome::Next`: a later policy may redirect the reference.
        let outcome = host.next(&request)?;
        let denied = match &outcome {
            Outcome::Resolved(Resolved { reference, .. }) if *reference != request.reference => {
                denial(reference, &format!(", which is taken instead of {},", request.reference))?
            }
            _ => None,
        };
        Ok(denied.unwrap_or(outcome))
    }
}

refkit_policy::export!(AllowList);
