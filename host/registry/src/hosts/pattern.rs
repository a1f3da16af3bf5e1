//! Which registries a table is about.

use super::place::{is_authority, split};

/// How well a pattern fits a name: the greater, the better.
pub(super) type Fit = (u8, usize);

/// What a table is called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Pattern {
    /// One registry.
    Exact(String),
    /// The directory of one registry, as containerd looks for it.
    Directory(String),
    /// All below a domain, at any depth: `.corp.example`, and a port where one is given.
    Below(String, Option<String>),
    /// Every registry that nothing else is about.
    Default,
}

impl Pattern {
    /// Returns the pattern that a text means: `ghcr.io`, `*.corp.example`, `*.corp.example:5000`, `*`.
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

    /// Returns the one registry that a text means when it is read with good will, to tell somebody about it.
    pub(super) fn meant(text: &str) -> Option<Self> {
        let host = text.split_once("://").map_or(text, |(_, rest)| rest).split('/').next()?;
        Self::parse(host).ok()
    }

    /// Returns how well it fits a registry; none where it does not.
    pub(super) fn fit(&self, registry: &str) -> Option<Fit> {
        match self {
            Self::Exact(name) => name.eq_ignore_ascii_case(registry).then_some((2, 0)),
            Self::Directory(name) => (name == registry || *name == directory(registry)).then_some((2, 0)),
            Self::Default => Some((0, 0)),
            Self::Below(domain, port) => {
                let (host, found) = split(registry);
                if port.as_deref().is_some_and(|port| Some(port) != found) {
                    return None;
                }
                let at = host.len().checked_sub(domain.len()).filter(|at| *at > 0)?;
                let below = host.get(at..).is_some_and(|end| end.eq_ignore_ascii_case(domain));
                below.then(|| (1, domain.len() + port.as_deref().map_or(0, |port| 1 + port.len())))
            }
        }
    }
}

/// Returns the first name that containerd looks for: `host_port_` for `host:port`.
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
            ("ghcr.io", "ghcr.io:443", false),
            ("ghcr.io", "xghcr.io", false),
            ("ghcr.io:443", "ghcr.io", false),
            ("*.corp.example", "a.corp.example", true),
            ("*.corp.example", "a.b.corp.example:5000", true),
            ("*.corp.example", "corp.example", false),
            ("*.corp.example", ".corp.example", false),
            ("*.corp.example", "acorp.example", false),
            ("*.corp.example", "a.corp.example.evil", false),
            ("*.corp.example:5000", "a.corp.example:5000", true),
            ("*.corp.example:5000", "a.corp.example", false),
            ("*.corp.example:5000", "a.corp.example:5001", false),
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
        ] {
            let found = Pattern::Directory(directory.to_owned()).fit(registry);
            assert_eq!(found.is_some(), wanted, "{directory} and {registry}");
        }
    }
}
