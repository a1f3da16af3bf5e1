//! Names as other tools write them, and names that lack a part: what to write instead.

use refkit_oci::Reference;

/// How other tools begin a name, and how RefKit begins the same.
const SCHEMES: [(&str, &str); 9] = [
    ("docker://", ""),
    ("https://", ""),
    ("http://", ""),
    ("oci://", ""),
    ("ocidir://", "oci-layout:"),
    ("ocifile://", "oci-layout:"),
    ("oci-archive:", "oci-layout:"),
    ("docker-archive:", "oci-layout:"),
    ("oci:", "oci-layout:"),
];

/// Returns what to write instead of the name of a source.
pub fn of_source(text: &str) -> Option<String> {
    if let Some(image) = text.strip_prefix("docker-daemon:") {
        return Some(format!("write the archive of: docker save {image} -o FILE.tar"));
    }
    let (rest, begin) = SCHEMES.iter().find_map(|(other, own)| Some((text.strip_prefix(other)?, own)))?;
    (!rest.is_empty()).then(|| format!("here it is written {begin}{rest}"))
}

/// Returns what to write instead of the name of a destination. Docker Hub takes no pushes to its official images, so a
/// destination without a registry and without a namespace lacks a part.
pub fn of_destination(text: &str) -> Option<String> {
    of_source(text).or_else(|| {
        let found: Reference = text.parse().ok()?;
        if text.contains('/') || found.repository().registry() != "docker.io" {
            return None;
        }
        Some(match text.rsplit_once(':') {
            Some((_, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) && port.len() > 2 => {
                format!("in the registry {text}, name a repository: {text}/REPOSITORY")
            }
            _ => format!("name the registry: REGISTRY/{text}; a layout is written ./{text}"),
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_to_write_instead() {
        // what the user wrote, the hint for a source, the hint for a destination
        let rows = [
            ("docker://r.test/a:1", Some("here it is written r.test/a:1"), Some("here it is written r.test/a:1")),
            ("https://r.test/a:1", Some("here it is written r.test/a:1"), Some("here it is written r.test/a:1")),
            ("oci:x", Some("here it is written oci-layout:x"), Some("here it is written oci-layout:x")),
            (
                "ocidir:///a/b:1",
                Some("here it is written oci-layout:/a/b:1"),
                Some("here it is written oci-layout:/a/b:1"),
            ),
            (
                "docker-archive:a.tar",
                Some("here it is written oci-layout:a.tar"),
                Some("here it is written oci-layout:a.tar"),
            ),
            (
                "docker-daemon:a:1",
                Some("write the archive of: docker save a:1 -o FILE.tar"),
                Some("write the archive of: docker save a:1 -o FILE.tar"),
            ),
            ("docker://", None, None),
            ("app", None, Some("name the registry: REGISTRY/app; a layout is written ./app")),
            ("app:1", None, Some("name the registry: REGISTRY/app:1; a layout is written ./app:1")),
            (
                "localhost:5000",
                None,
                Some("in the registry localhost:5000, name a repository: localhost:5000/REPOSITORY"),
            ),
            ("team/app:1", None, None),
            ("r.test/app:1", None, None),
            ("", None, None),
        ];
        for (text, source, destination) in rows {
            assert_eq!((of_source(text).as_deref(), of_destination(text).as_deref()), (source, destination), "{text}");
        }
    }
}
