//! Whether everything in the cache is what it should be.

use std::ffi::OsStr;
use std::fmt;
use std::io;

use refkit_oci::escape::Escaped;

use super::cache::ENTRY;
use super::evict::gone;
use super::{AotCache, entry, open_own, private};

/// What a check of all entries has found.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Checked {
    /// Entries that were read.
    pub entries: u64,
    /// Their bytes.
    pub bytes: u64,
    /// What is wrong, in no order.
    pub wrong: Vec<Wrong>,
    /// How much of that was removed: all of it if repair was asked for.
    pub removed: u64,
    /// Files that processes left unfinished which are gone. They are no damage; a repair removes them.
    pub unfinished: u64,
}

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wrong {
    /// The name of the file.
    pub name: String,
    /// What is wrong with it.
    pub what: String,
}

impl fmt::Display for Wrong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.name, self.what)
    }
}

impl AotCache {
    /// Reads every entry and checks it: its owner, its name, its digest. With `repair`, removes what is wrong; the
    /// policy is compiled again when it is next used. Blocks.
    ///
    /// # Errors
    /// When the directory cannot be read, or something cannot be removed.
    pub fn verify(&self, repair: bool) -> io::Result<Checked> {
        let mut checked = Checked::default();
        for file in std::fs::read_dir(self.directory())? {
            let file = file?;
            let name = file.file_name();
            if !name.as_encoded_bytes().ends_with(ENTRY.as_bytes()) {
                continue;
            }
            if let Err(what) = self.check(&name, &mut checked) {
                let name = Escaped(name.to_string_lossy()).to_string();
                checked.wrong.push(Wrong { name, what });
                if repair {
                    let is_directory = file.file_type().is_ok_and(|kind| kind.is_dir());
                    let path = file.path();
                    gone(if is_directory { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) })?;
                    checked.removed += 1;
                }
            }
        }
        checked.unfinished = self.unfinished(repair)?;
        Ok(checked)
    }

    fn check(&self, name: &OsStr, checked: &mut Checked) -> Result<(), String> {
        let path = self.directory().join(name);
        let file = match open_own(&path, private) {
            Some(file) => file,
            // Another process removed it after it was listed.
            None if path.symlink_metadata().is_err() => return Ok(()),
            None => return Err("it is not a plain file that only this user can write to, or too large".to_owned()),
        };
        checked.entries += 1;
        checked.bytes += file.metadata().map_or(0, |metadata| metadata.len());
        let key = entry::check(&file)?;
        if *key.name() == *name { Ok(()) } else { Err("it holds the code of another component".to_owned()) }
    }
}
