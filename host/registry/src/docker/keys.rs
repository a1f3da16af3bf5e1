//! The keys by which `config.json` names registries.

use refkit_oci::reference::normal_host;

/// The names of Docker Hub. References use the first one.
const HUB: [&str; 4] = ["docker.io", "index.docker.io", "registry-1.docker.io", "registry.hub.docker.com"];

/// The name of Docker Hub in the file and for helpers.
const HUB_SERVER: &str = "https://index.docker.io/v1/";

/// Returns the name of a registry for helpers.
pub(super) fn server(registry: &str) -> &str {
    if registry == HUB[0] { HUB_SERVER } else { registry }
}

/// The rank of keys that are `http://` URLs.
const HTTP: u8 = 4;

/// Returns how well a key fits a registry, 0 best: its own name, then the URLs of a registry.
pub(super) fn fits(key: &str, registry: &str) -> Option<u8> {
    if key == server(registry) {
        return Some(0);
    }
    if key == registry {
        return Some(1);
    }
    let (rank, rest) = match (key.strip_prefix("https://"), key.strip_prefix("http://")) {
        (Some(rest), _) => (3, rest),
        (None, Some(rest)) => (HTTP, rest),
        (None, None) => (2, key),
    };
    // A key with a path below a registry does not fit the registry.
    let (host, path) = rest.split_once('/').unwrap_or((rest, ""));
    if !matches!(path, "" | "v1" | "v1/" | "v2" | "v2/") {
        return None;
    }
    // References leave out the port 443, which is that of HTTPS.
    let normal = normal_host(host).ok().filter(|_| rank < HTTP).unwrap_or_else(|| host.to_ascii_lowercase());
    let same = normal.eq_ignore_ascii_case(registry) || (registry == HUB[0] && HUB.contains(&normal.as_str()));
    same.then_some(rank)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_of_registries() {
        let rows = [
            ("ghcr.io", "ghcr.io", true),
            ("https://ghcr.io", "ghcr.io", true),
            ("http://ghcr.io/", "ghcr.io", true),
            ("https://ghcr.io/v1/", "ghcr.io", true),
            ("ghcr.io/v2/", "ghcr.io", true),
            ("GHCR.io", "ghcr.io", true),
            ("ghcr.io/owner", "ghcr.io", false),
            ("ghcr.io:443", "ghcr.io", true),
            ("https://GHCR.io:443/v2/", "ghcr.io", true),
            ("http://ghcr.io:443", "ghcr.io", false),
            ("ghcr.io:80", "ghcr.io", false),
            ("localhost:443", "localhost", false),
            ("localhost:5000", "localhost:5000", true),
            ("https://index.docker.io/v1/", "docker.io", true),
            ("index.docker.io", "docker.io", true),
            ("http://index.docker.io", "docker.io", true),
            ("docker.io", "docker.io", true),
            ("registry-1.docker.io", "docker.io", true),
            ("registry.hub.docker.com", "docker.io", true),
            ("index.docker.io", "ghcr.io", false),
            ("evil.example/https://ghcr.io", "ghcr.io", false),
            ("", "ghcr.io", false),
        ];
        for (key, registry, wanted) in rows {
            assert_eq!(fits(key, registry).is_some(), wanted, "{key:?} for {registry}");
        }
    }
}
