//! Redirects references from one prefix to another: `from` and `to` are registries (`docker.io`) or registries with
//! the first components of a path (`docker.io/library`). `from` matches whole components, and the rest of the path
//! follows `to`. Tag and digest stay. Other references pass unchanged.
//!
//! The run needs a grant for the repositories below `to`.

use refkit_policy::*;

/// The policy.
pub struct Redirect;

impl Policy for Redirect {
    fn about() -> Description {
        Description::new("redirect", "1.0.0", "Takes images of one registry or prefix from another")
            .required("from", "registry, or registry and beginning of a repository, such as docker.io/library")
            .required("to", "what stands there instead, such as mirror.example.com/hub")
    }

    fn resolve(host: &impl Host, mut request: Request) -> Result<Outcome, Error> {
        let (from, to) = (required(host, "from")?, required(host, "to")?);
        let Reference { registry, repository, .. } = &mut request.reference;
        let name = format!("{registry}/{repository}");
        let from = normal(&from).map_err(|error| Error::invalid(format_args!("the setting from: {error}")))?;
        let rest = name.strip_prefix(&from);
        if let Some(rest) = rest.filter(|rest| rest.is_empty() || rest.starts_with('/')) {
            let target = format!("{}{rest}", to.trim_end_matches('/'));
            let (host, path) = target.split_once('/').unwrap_or((&target, ""));
            let target = oci::Repository::new(host, path)
                .map_err(|error| Error::invalid(format_args!("{name} redirected to {target}: {error}")))?;
            (*registry, *repository) = (target.registry().into(), target.path().into());
        }
        Ok(Outcome::Next(request))
    }
}

/// Returns a registry or a prefix in the normal spelling of references; in any other spelling it would match none of
/// them.
fn normal(prefix: &str) -> Result<String, &'static str> {
    let prefix = prefix.trim_end_matches('/');
    let (registry, path) = prefix.split_at(prefix.find('/').unwrap_or(prefix.len()));
    Ok(oci::reference::normal_registry(registry)? + path)
}

refkit_policy::export!(Redirect);
