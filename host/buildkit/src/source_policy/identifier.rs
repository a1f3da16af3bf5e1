//! How BuildKit's Dockerfile frontend names images.

use refkit_oci::Reference;

/// Returns the identifier of the source that reads an image of this name in a Dockerfile; nothing for a name that is none.
///
/// BuildKit completes names of Docker Hub. The registry of any other name stays as it is written, where RefKit has one
/// spelling for each.
///
/// ```
/// use refkit_buildkit::source_policy::identifier;
///
/// assert_eq!(identifier("alpine").as_deref(), Some("docker-image://docker.io/library/alpine:latest"));
/// assert_eq!(identifier("ghcr.io:443/a/b:1").as_deref(), Some("docker-image://ghcr.io:443/a/b:1"));
/// assert_eq!(identifier("no image"), None);
/// ```
pub fn identifier(name: &str) -> Option<String> {
    let reference: Reference = name.parse().ok()?;
    let registry = name.split_once('/').map(|(first, _)| first).filter(|first| is_registry(first));
    let name = match registry {
        None | Some("docker.io" | "index.docker.io") => reference.to_string(),
        Some(_) => {
            let complete = Some(name).filter(|_| reference.digest().is_some() || has_tag(name));
            complete.map_or_else(|| format!("{name}:latest"), str::to_owned)
        }
    };
    Some(format!("docker-image://{name}"))
}

/// Returns whether the first part of a name is a registry.
fn is_registry(first: &str) -> bool {
    first.contains(['.', ':']) || first == "localhost" || first.bytes().any(|byte| byte.is_ascii_uppercase())
}

fn has_tag(name: &str) -> bool {
    name.rsplit('/').next().is_some_and(|last| last.contains(':'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_as_buildkit_does() {
        let digest = format!("@sha256:{}", "a".repeat(64));
        // the name, what stands behind docker-image://
        let rows = [
            ("alpine", "docker.io/library/alpine:latest"),
            ("alpine:3", "docker.io/library/alpine:3"),
            ("user/app", "docker.io/user/app:latest"),
            ("docker.io/alpine", "docker.io/library/alpine:latest"),
            ("index.docker.io/alpine", "docker.io/library/alpine:latest"),
            ("registry-1.docker.io/library/alpine", "registry-1.docker.io/library/alpine:latest"),
            ("localhost/app", "localhost/app:latest"),
            ("localhost:5000/app", "localhost:5000/app:latest"),
            ("localhost:5000/app:1", "localhost:5000/app:1"),
            ("GHCR.io/app:1", "GHCR.io/app:1"),
            ("[::1]:5000/app", "[::1]:5000/app:latest"),
            (&format!("alpine{digest}"), &format!("docker.io/library/alpine{digest}")),
            (&format!("r.io/a:1{digest}"), &format!("r.io/a:1{digest}")),
            (&format!("r.io/a{digest}"), &format!("r.io/a{digest}")),
        ];
        for (name, wanted) in rows {
            assert_eq!(identifier(name), Some(format!("docker-image://{wanted}")), "{name}");
        }
    }
}
