//! Finds the paths of entries that are written through symbolic links. Unpacking follows links in the parents of an
//! entry; whether it sees the links of other layers depends on how the layers are stored. So every link of every layer
//! counts, and an entry has a list of possible paths.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use super::archive::clean;

/// The most links and directories of an image that are followed: several times as many as in large distributions.
const LIMIT: usize = 200_000;

/// The most bytes of all their names.
const TEXT_LIMIT: usize = 16 << 20;

/// The most variants of one path that are followed.
const WAYS_LIMIT: usize = 1000;

/// The symbolic links of layers, and the directories into which entries are written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Links {
    /// The targets by the paths of the links; a path may be a link in several layers.
    links: BTreeMap<String, BTreeSet<String>>,
    /// Parents of entries, with whether one of these entries would decide about the directory if it were in the root.
    parents: BTreeMap<String, bool>,
    /// The bytes of all names.
    text: usize,
}

impl Links {
    /// Adds a symbolic link.
    pub fn link(&mut self, path: &str, target: &str) {
        self.text += path.len() + target.len();
        self.links.entry(path.to_owned()).or_default().insert(target.to_owned());
    }

    /// Adds the parent of an entry. `decides` says whether its name would decide about the directory in the root.
    pub fn entry(&mut self, path: &str, decides: bool) {
        if let Some((parent, _)) = path.rsplit_once('/') {
            match self.parents.get_mut(parent) {
                Some(known) => *known |= decides,
                None => {
                    self.text += parent.len();
                    self.parents.insert(parent.to_owned(), decides);
                }
            }
        }
    }

    /// Returns whether the links exceed the limits.
    pub fn are_too_many(&self) -> bool {
        self.links.len() + self.parents.len() > LIMIT || self.text > TEXT_LIMIT
    }

    /// Adds the links of another layer.
    pub fn extend(&mut self, other: &Self) {
        self.text += other.text;
        for (path, targets) in &other.links {
            self.links.entry(path.clone()).or_default().extend(targets.iter().cloned());
        }
        for (parent, decides) in &other.parents {
            *self.parents.entry(parent.clone()).or_default() |= decides;
        }
    }

    /// Returns whether all entries are in the root or below a directory. Then no link of another layer can lead an
    /// entry there.
    pub fn are_within(&self, root: &str) -> bool {
        self.parents.keys().all(|parent| is_within(parent, root))
    }

    /// Returns whether a path, or a directory above it, is a link in one of the layers.
    pub fn pass(&self, path: &str) -> bool {
        prefixes(path).any(|prefix| self.links.contains_key(prefix))
    }

    /// Returns a directory through which an entry may be written to a directory of the root that it does not name.
    ///
    /// # Errors
    /// The reason if links lead on endlessly.
    pub fn leads_into(&self, root: &str) -> Result<Option<String>, String> {
        if self.links.is_empty() {
            return Ok(None);
        }
        for (parent, decides) in self.parents.iter().filter(|(parent, _)| self.pass(parent)) {
            let places = self.places(parent)?;
            if places.iter().any(|place| is_within(place, root) || (place.is_empty() && *decides)) {
                return Ok(Some(parent.clone()));
            }
        }
        Ok(None)
    }

    /// Returns the possible paths of a path, besides itself.
    fn places(&self, path: &str) -> Result<HashSet<String>, String> {
        let (mut places, mut open) = (HashSet::new(), vec![path.to_owned()]);
        while let Some(path) = open.pop() {
            for prefix in prefixes(&path) {
                let Some(targets) = self.links.get(prefix) else { continue };
                let (parent, rest) = (prefix.rsplit_once('/').map_or("", |(parent, _)| parent), &path[prefix.len()..]);
                for target in targets {
                    let base = if target.starts_with('/') { "" } else { parent };
                    let place = clean(&format!("{base}/{target}/{rest}"));
                    if places.insert(place.clone()) {
                        open.push(place);
                    }
                }
            }
            if places.len() > WAYS_LIMIT {
                return Err(format!("its links lead from /{path} to more than {WAYS_LIMIT} places"));
            }
        }
        Ok(places)
    }
}

/// Returns the path and the directories above it, the topmost first.
fn prefixes(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices('/').map(|(end, _)| &path[..end]).chain([path])
}

/// Returns whether a path is a directory or below it.
pub fn is_within(path: &str, directory: &str) -> bool {
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_followed() {
        // links, the parent of an entry and whether its name decides, whether it is written into /refkit
        type Row<'a> = (&'a [(&'a str, &'a str)], (&'a str, bool), bool);
        let rows: [Row<'_>; 14] = [
            (&[], ("refkit/policies", false), false),
            (&[("x", "refkit/policies")], ("x", false), true),
            (&[("x", "/refkit")], ("x/policies", false), true),
            (&[("x", "/")], ("x", true), true),
            (&[("x", "/")], ("x", false), false),
            (&[("x", ".")], ("x/refkit/policies", false), true),
            (&[("a/x", "../refkit")], ("a/x", false), true),
            (&[("a/x", "../../../refkit")], ("a/x", false), true),
            (&[("a/x", "refkit")], ("a/x", false), false),
            (&[("x", "y"), ("y", "z"), ("z", "refkit")], ("x", false), true),
            (&[("x", "elsewhere"), ("x", "refkit")], ("x", false), true),
            (&[("refkit/notes", "policies")], ("refkit/notes", false), true),
            (&[("lib", "usr/lib")], ("lib/refkit", false), false),
            (&[("x", "refkit-not")], ("x", false), false),
        ];
        for (all, (parent, decides), wanted) in rows {
            let mut links = Links::default();
            all.iter().for_each(|(path, target)| links.link(path, target));
            links.entry(&format!("{parent}/name"), decides);
            assert_eq!(links.leads_into("refkit").unwrap().is_some(), wanted, "{all:?} {parent}");
        }
    }

    #[test]
    fn there_are_limits() {
        let mut links = Links::default();
        for number in 0..LIMIT {
            links.link(&number.to_string(), "x");
        }
        assert!(!links.are_too_many());
        links.entry("directory/name", false);
        assert!(links.are_too_many());
    }

    #[test]
    fn links_that_go_round_come_to_an_end() {
        let mut links = Links::default();
        links.link("x", "y");
        links.link("y", "x");
        links.entry("x/name", false);
        assert_eq!(links.leads_into("refkit"), Ok(None));
        links.link("x", "x/x");
        assert!(links.leads_into("refkit").unwrap_err().contains("more than"));
    }
}
