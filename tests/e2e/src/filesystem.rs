//! The files of an image or of a build's output.

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context as _, bail};
use flate2::read::GzDecoder;
use tar::EntryType;

/// The prefix of a file that removes the file with the rest of the name.
const WHITEOUT: &str = ".wh.";

/// The name of a file that removes the directory's content in the layers below.
const OPAQUE: &str = ".wh..wh..opq";

/// Regular files by their path, without a leading slash; hard links count as files, symbolic links do not.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Files(BTreeMap<String, Vec<u8>>);

impl Files {
    /// Reads the files of a directory and all below it.
    ///
    /// # Errors
    /// An error if one cannot be read.
    pub fn of_directory(directory: &Path) -> anyhow::Result<Self> {
        let mut files = Self::default();
        files.collect(directory, "")?;
        Ok(files)
    }

    /// Returns the paths.
    pub fn paths(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    /// Returns a file's content.
    ///
    /// # Errors
    /// An error if there is no such file, with the existing paths.
    pub fn get(&self, path: &str) -> anyhow::Result<&[u8]> {
        let found = self.0.get(path).map(Vec::as_slice);
        found.with_context(|| format!("there is no {path}, only: {}", self.paths().collect::<Vec<_>>().join(" ")))
    }

    /// Returns a file's content as text.
    ///
    /// # Errors
    /// As [`Files::get`], and if the content is no text.
    pub fn text(&self, path: &str) -> anyhow::Result<&str> {
        std::str::from_utf8(self.get(path)?).with_context(|| format!("{path} is not text"))
    }

    fn collect(&mut self, directory: &Path, prefix: &str) -> anyhow::Result<()> {
        for entry in fs::read_dir(directory).with_context(|| directory.display().to_string())? {
            let entry = entry?;
            let path = format!("{prefix}{}", entry.file_name().display());
            let kind = entry.file_type()?;
            if kind.is_dir() {
                self.collect(&entry.path(), &format!("{path}/"))?;
            } else if kind.is_file() {
                self.0.insert(path, fs::read(entry.path())?);
            }
        }
        Ok(())
    }

    /// Applies a layer on top.
    pub(crate) fn apply(&mut self, media_type: &str, layer: &[u8]) -> anyhow::Result<()> {
        let mut tar = Vec::new();
        let tar = match media_type.rsplit_once('.') {
            Some((_, "tar")) => layer,
            Some((_, "tar+gzip" | "gzip")) => {
                GzDecoder::new(layer).read_to_end(&mut tar)?;
                &tar
            }
            _ => bail!("a layer of the media type {media_type} is not read here"),
        };
        let mut added = BTreeMap::new();
        for entry in tar::Archive::new(tar).entries()? {
            let mut entry = entry?;
            let path = entry.path()?.display().to_string();
            let path = path.trim_start_matches("./").trim_end_matches('/').to_owned();
            let (parent, name) = path.rsplit_once('/').unwrap_or(("", &path));
            let below = if parent.is_empty() { String::new() } else { format!("{parent}/") };
            if name == OPAQUE {
                self.0.retain(|path, _| !path.starts_with(&below));
                continue;
            }
            let removed = format!("{below}{}", name.strip_prefix(WHITEOUT).unwrap_or(name));
            if entry.header().entry_type() != EntryType::Directory || name.starts_with(WHITEOUT) {
                let inside = format!("{removed}/");
                self.0.retain(|path, _| *path != removed && !path.starts_with(&inside));
            }
            if name.starts_with(WHITEOUT) {
                continue;
            }
            match entry.header().entry_type() {
                EntryType::Regular => {
                    let mut content = Vec::new();
                    entry.read_to_end(&mut content)?;
                    added.insert(path, content);
                }
                EntryType::Link => {
                    let target = entry.link_name()?.context("a link without a target")?.display().to_string();
                    let content = added.get(&target).or_else(|| self.0.get(&target)).cloned();
                    added.insert(path, content.with_context(|| format!("a link to {target}, which is not there"))?);
                }
                _ => {}
            }
        }
        self.0.append(&mut added);
        Ok(())
    }
}
