//! Patterns: which registries a table applies to.

use refkit_oci::reference::{normal_host, normal_registry};

use super::address::{is_authority, split};

/// The port of HTTPS.
const HTTPS: &str = "443";

/// Docker Hub, and the host that serves it.
const HUB: &str = "docker.io";
const HUB_HOST: &str = "registry-1.docker.io";

/// How well a pattern fits a name: the greater, the better.
pub(super) type Fit = (u8, usize);

/// The name of a table.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) enum Pattern {
    /// One registry.
    Exact(String),
    /// The directory of one registry, as containerd looks for it.
    Directory(String),
    /// All registries below a domain, at any depth; with a port if the pattern has one.
    Below(String, Option<String>),
    /// Every registry that no other table fits.
    Default,
}

impl Pattern {
    /// Parses a pattern: `ghcr.io`, `*.corp.example`, `*.corp.example:5000`, `*`.
    pub(super) fn parse(text: &str) -> Result<Self, &'static str> {
        if text == "*" {
            return Ok(Self::Default);
        }
        let Some(domain) = text.strip_prefix("*.") else {
            if text.contains("//") || text.contains('/') {
                return Err("is no name of a registry, which has neither scheme nor path");
            }
            let exact = is_authority(text).then(|| Self::Exact(text.to_owned()));
            return exact.ok_or("is no name of a registry; write host[:port], *.domain or *");
        };
        if !is_authority(domain) || domain.starts_with(['[', '.']) {
            return Err("is no pattern; write *.domain or *.domain:port");
        }
        let (domain, port) = split(domain);
        Ok(Self::Below(format!(".{domain}"), port.map(str::to_owned)))
    }

    /// Returns the registry that a malformed text most probably means, for an error message.
    pub(super) fn meant(text: &str) -> Option<Self> {
        let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next()?;
        Self::parse(host).ok()
    }

    /// Returns the one spelling of all patterns for the same registries: in lower case, and an exact name without the
    /// port 443.
    pub(super) fn normal(&self) -> Self {
        match self {
            Self::Exact(name) => Self::Exact(normal_host(name).unwrap_or_else(|_| name.to_ascii_lowercase())),
            Self::Directory(name) => Self::Directory(name.clone()),
            Self::Below(domain, port) => Self::Below(domain.to_ascii_lowercase(), port.clone()),
            Self::Default => Self::Default,
        }
    }

    /// Returns the pattern for the registry that a reference means by an exact name: the names of Docker Hub mean
    /// `docker.io`. The host that serves it keeps its own name.
    pub(super) fn of_reference(self) -> Self {
        match self {
            Self::Exact(name) if normal_host(&name).as_deref() != Ok(HUB_HOST) => {
                match normal_registry(&name).ok().filter(|registry| registry == HUB) {
                    Some(hub) => Self::Exact(hub),
                    None => Self::Exact(name),
                }
            }
            other => other,
        }
    }

    /// Returns how well the pattern fits a registry, or none if it does not. References leave out the port 443, so a
    /// pattern with that port fits the same registry; a pattern without it fits better.
    pub(super) fn fit(&self, registry: &str) -> Option<Fit> {
        match self {
            Self::Exact(name) if name.eq_ignore_ascii_case(registry) => Some((2, 1)),
            Self::Exact(name) => (normal_host(name).ok()? == normal_host(registry).ok()?).then_some((2, 0)),
            Self::Directory(name) if is_directory(name, registry) => Some((2, 1)),
            Self::Directory(name) => {
                let written = format!("{registry}:{HTTPS}");
                let same = normal_host(&written).is_ok_and(|normal| normal == registry);
                (same && is_directory(name, &written)).then_some((2, 0))
            }
            Self::Default => Some((0, 0)),
            Self::Below(domain, port) => {
                let (host, found) = split(registry);
                if port.as_deref().is_some_and(|port| port != found.unwrap_or(HTTPS)) {
                    return None;
                }
                let at = host.len().checked_sub(domain.len()).filter(|at| *at > 0)?;
                let below = host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
                below.then(|| (1, domain.len() + port.as_deref().map_or(0, |port| 1 + port.len())))
            }
        }
    }
}

/// Returns whether a directory has a name that containerd looks for.
fn is_directory(name: &str, registry: &str) -> bool {
    name == registry || *name == directory(registry)
}

/// Returns the name that containerd prefers: `host_port_` for `host:port`.
fn directory(registry: &str) -> String {
    match registry.rsplit_once(':') {
        Some((host, port)) if !host.is_empty() => format!("{host}_{port}_"),
        _ => registry.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn which_fits() {
        let rows = [
            ("ghcr.io", "ghcr.io", true),
            ("GHCR.io", "ghcr.io", true),
            ("ghcr.io", "ghcr.io:443", true),
            ("ghcr.io", "xghcr.io", false),
            // References leave the port out.
            ("ghcr.io:443", "ghcr.io", true),
            ("ghcr.io:80", "ghcr.io", false),
            ("localhost:443", "localhost", false),
            // An endpoint of Docker Hub is no other name of the registry.
            ("registry-1.docker.io", "docker.io", false),
            ("*.corp.example", "a.corp.example", true),
            ("*.corp.example", "a.b.corp.example:5000", true),
            ("*.corp.example", "corp.example", false),
            ("*.corp.example", ".corp.example", false),
            ("*.corp.example", "acorp.example", false),
            ("*.corp.example", "a.corp.example.evil", false),
            ("*.corp.example:5000", "a.corp.example:5000", true),
            ("*.corp.example:5000", "a.corp.example", false),
            ("*.corp.example:5000", "a.corp.example:5001", false),
            ("*.corp.example:443", "a.corp.example", true),
            ("*", "anything", true),
            ("*", "[::1]:5000", true),
        ];
        for (pattern, registry, wanted) in rows {
            let found = Pattern::parse(pattern).expect(pattern).fit(registry);
            assert_eq!(found.is_some(), wanted, "{pattern} and {registry}");
        }
    }

    #[test]
    fn the_better_fit_is_the_greater() {
        let order = ["*", "*.example", "*.corp.example", "*.corp.example:5000", "a.corp.example:5000"];
        let fits = order.map(|pattern| Pattern::parse(pattern).expect(pattern).fit("a.corp.example:5000"));
        assert!(fits.is_sorted() && fits.iter().all(Option::is_some), "{fits:?}");
        let order = ["ghcr.io:443", "ghcr.io"].map(|name| Pattern::Exact(name.to_owned()).fit("ghcr.io"));
        assert!(order[0].is_some() && order[0] < order[1], "{order:?}");
    }

    #[test]
    fn what_is_no_pattern() {
        for text in
            ["", "reg*.example", "*example", "*.", "**", "https://ghcr.io", "ghcr.io/library", "a b", "*.*.example"]
        {
            assert!(Pattern::parse(text).is_err(), "{text:?}");
        }
        assert_eq!(Pattern::meant("https://ghcr.io/v2/"), Some(Pattern::Exact("ghcr.io".into())));
        assert_eq!(Pattern::meant("reg*.example"), None);
    }

    #[test]
    fn directories_as_containerd_looks_for_them() {
        for (directory, registry, wanted) in [
            ("docker.io", "docker.io", true),
            ("registry.example_5000_", "registry.example:5000", true),
            ("registry.example:5000", "registry.example:5000", true),
            ("registry.example", "registry.example:5000", false),
            ("registry.example_5000", "registry.example:5000", false),
            ("[::1]_5000_", "[::1]:5000", true),
            ("Docker.io", "docker.io", false),
            ("registry.example_443_", "registry.example", true),
            ("registry.example:443", "registry.example", true),
            ("localhost_443_", "localhost", false),
        ] {
            let found = Pattern::Directory(directory.to_owned()).fit(registry);
            assert_eq!(found.is_some(), wanted, "{directory} and {registry}");
        }
    }
}
