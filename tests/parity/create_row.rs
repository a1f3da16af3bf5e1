//! One composition, as a row of a table, and the command lines that ask a client for it.

use std::path::Path;

use tempfile::TempDir;

use crate::place::Place;
use crate::places::layout;
use crate::programs::Client;

/// What is composed, and how.
pub struct Row {
    /// What is particular about it. No two rows have the same text.
    pub about: &'static str,
    /// Flags and sources. The name of a source stands for its reference, `NAME@` for that with its digest, `NAME:@` for
    /// that with tag and digest, `#NAME` for the digest alone, and `layout:NAME` for a layout.
    words: &'static str,
    /// Whether the sources are in the repository of the destination, each under its name as the tag.
    inside: bool,
    /// What the tag of the destination names before.
    before: Option<&'static str>,
    /// Descriptors in files: a source's name, and JSON with `DIGEST`, `SIZE` and `TYPE`.
    files: Vec<(&'static str, &'static str)>,
    /// The destinations: tags of repositories.
    pub to: &'static [&'static str],
}

impl Row {
    pub fn new(about: &'static str, words: &'static str) -> Self {
        Self { about, words, inside: false, before: None, files: Vec::new(), to: &["app:1"] }
    }

    /// Puts the sources into the repository of the destination.
    pub fn inside(mut self) -> Self {
        self.inside = true;
        self
    }

    /// Says what the tag of the destination names before.
    pub fn before(mut self, name: &'static str) -> Self {
        self.before = Some(name);
        self
    }

    /// Adds a descriptor in a file.
    pub fn file(mut self, name: &'static str, json: &'static str) -> Self {
        self.files.push((name, json));
        self
    }

    /// Sets the destinations.
    pub fn to(mut self, destinations: &'static [&'static str]) -> Self {
        self.to = destinations;
        self
    }

    /// Returns the repositories of the destinations, each once.
    pub fn repositories(&self) -> Vec<&'static str> {
        let mut repositories: Vec<_> = self.to.iter().filter_map(|to| to.split(':').next()).collect();
        repositories.dedup();
        if repositories.is_empty() { vec!["app"] } else { repositories }
    }
}

/// A row for one client: its repositories are filled, and its files written.
pub struct Asked<'a> {
    place: &'a Place,
    row: &'a Row,
    client: Client,
    /// Where its repositories are.
    base: String,
    files: TempDir,
    layouts: Vec<(String, TempDir)>,
}

impl<'a> Asked<'a> {
    pub fn new(place: &'a Place, row: &'a Row, client: Client, number: usize) -> Self {
        let base = format!("out/{number}/{}", client.name());
        let files = tempfile::tempdir().expect("a directory can be made");
        let names = row.words.split_whitespace().filter_map(|word| word.strip_prefix("layout:"));
        let layouts = names.map(|name| (name.to_owned(), layout(&place.fixture(name).image))).collect();
        let asked = Self { place, row, client, base, files, layouts };
        let repository = asked.repository("app");
        if row.inside {
            let names = row.words.split_whitespace().chain(row.files.iter().map(|(name, _)| *name));
            for name in names.map(bare).filter(|name| place.find(name).is_some()) {
                place.fixture(name).push(&place.registry, &repository, name);
            }
        }
        if let Some(before) = row.before {
            place.fixture(before).push(&place.registry, &repository, "1");
        }
        for (number, (name, json)) in row.files.iter().enumerate() {
            let of = &place.fixture(name).image.descriptor;
            let json = json.replace("DIGEST", of.digest.as_str()).replace("SIZE", &of.size.to_string());
            let json = json.replace("TYPE", &of.media_type);
            std::fs::write(asked.file(number), json).expect("the directory takes a file");
        }
        asked
    }

    /// Returns a repository of this row and client.
    pub fn repository(&self, name: &str) -> String {
        format!("{}/{name}", self.base)
    }

    /// Returns the path of the metadata file.
    pub fn metadata(&self) -> std::path::PathBuf {
        self.files.path().join("metadata.json")
    }

    fn file(&self, number: usize) -> std::path::PathBuf {
        self.files.path().join(format!("{number}.json"))
    }

    /// Returns the command line, without the program.
    pub fn arguments(&self, dry_run: bool) -> Vec<String> {
        let mut arguments: Vec<String> = match self.client {
            Client::Buildx => vec!["imagetools".to_owned(), "create".to_owned(), "--progress=plain".to_owned()],
            _ => vec!["create".to_owned()],
        };
        for to in self.row.to {
            arguments.extend(["-t".to_owned(), self.place.at(&self.repository(to))]);
        }
        for number in 0..self.row.files.len() {
            arguments.extend(["-f".to_owned(), path(&self.file(number))]);
        }
        if dry_run {
            arguments.push("--dry-run".to_owned());
        } else {
            arguments.extend(["--metadata-file".to_owned(), path(&self.metadata())]);
        }
        arguments.extend(self.row.words.split_whitespace().map(|word| self.word(word)));
        arguments
    }

    fn word(&self, word: &str) -> String {
        if let Some(name) = word.strip_prefix("layout:") {
            let (_, directory) = self.layouts.iter().find(|(known, _)| known == name).expect("it was made");
            let scheme = if self.client == Client::Buildx { "oci-layout://" } else { "oci-layout:" };
            return format!("{scheme}{}:latest", path(directory.path()));
        }
        let name = bare(word);
        let Some(fixture) = self.place.find(name) else { return word.to_owned() };
        let (repository, tag) =
            if self.row.inside { (self.repository("app"), name) } else { (format!("src/{name}"), "1") };
        let (repository, digest) = (self.place.at(&repository), fixture.image.digest());
        match (
            word.starts_with('#'),
            &word[word.len() - word.chars().rev().take_while(|c| ":@".contains(*c)).count()..],
        ) {
            (true, _) => digest.to_string(),
            (false, "@") => format!("{repository}@{digest}"),
            (false, ":@") => format!("{repository}:{tag}@{digest}"),
            (false, _) => format!("{repository}:{tag}"),
        }
    }
}

/// Returns the name of a source without the marks around it.
fn bare(word: &str) -> &str {
    word.trim_start_matches('#').trim_end_matches(['@', ':'])
}

fn path(of: &Path) -> String {
    of.display().to_string()
}
