//! What a table of publications consists of. The crates of the policies run the tables natively, and the tests of the whole
//! run them as components.

use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

/// One publication, from `registry.test/app` to `mirror.test/app`.
pub struct Row {
    pub about: &'static str,
    pub settings: &'static [(&'static str, &'static str)],
    /// The tags of the sources, which are the names of their contents.
    pub sources: &'static [&'static str],
    /// The tags of the destinations.
    pub destinations: &'static [&'static str],
    /// Annotations of the index.
    pub annotations: &'static [(&'static str, &'static str)],
    /// `published`, or how the text of a refusal (`denied RULE: MESSAGE`) or an error (`error MESSAGE`) begins.
    pub wanted: &'static str,
    /// The tags of the destination afterwards, and the names of their contents; `new` has no name, and `-` is absent.
    pub after: &'static [(&'static str, &'static str)],
}

/// Returns the contents of the registry by their names: each is tagged with its name.
pub fn contents() -> Vec<(&'static str, Image)> {
    let image = |platform: &str| ImageBuilder::new(platform).file("for", platform.as_bytes());
    let (amd64, arm64) = (image("linux/amd64").build(), image("linux/arm64").build());
    let docker = |platform: &str| image(platform).docker().build();
    let index = || IndexBuilder::new().add(amd64.clone()).add(arm64.clone());
    vec![
        ("plain", index().build()),
        ("titled", index().annotation("x.title", "demo").build()),
        ("manifest", image("linux/amd64").annotation("x.title", "demo").build()),
        ("docker", IndexBuilder::new().docker().add(docker("linux/amd64")).add(docker("linux/arm64")).build()),
    ]
}

/// The tags that the destination has before, and the names of their contents.
pub const BEFORE: [(&str, &str); 2] = [("old", "plain"), ("older", "titled")];

/// Returns how a row was not met, if it was not: `held` returns the digest of a tag at the destination.
pub fn unmet(row: &Row, outcome: &str, held: impl Fn(&str) -> Option<String>) -> Option<String> {
    let contents = contents();
    let name = |tag: &str| match held(tag) {
        None => "-",
        Some(digest) => {
            contents.iter().find(|(_, image)| image.digest().as_str() == digest).map_or("new", |(name, _)| name)
        }
    };
    let after: Vec<_> = row.after.iter().map(|(tag, _)| (*tag, name(tag))).collect();
    let is_met = outcome.starts_with(row.wanted) && after == row.after;
    (!is_met).then(|| format!("{}: {outcome}\n  {after:?}\n  wanted {}\n  {:?}", row.about, row.wanted, row.after))
}
