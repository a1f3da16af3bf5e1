//! Takes images from another place: `from` and `to` are registries (`docker.io`) or registries with the beginning of
//! a repository (`docker.io/library`). `from` matches whole path components, and what follows it follows `to`. Tag and
//! digest stay. References elsewhere pass as they are.
//!
//! The run has to be granted the repositories under `to`.

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

/// Returns a registry or a prefix as references are spelled: in other letters it would match none of them.
fn normal(prefix: &str) -> Result<String, &'static str> {
    let prefix = prefix.trim_end_matches('/');
    let (registry, path) = prefix.split_at(prefix.find('/').unwrap_or(prefix.len()));
    Ok(oci::reference::normal_registry(registry)? + path)
}

refkit_policy::export!(Redirect);
