//! A directory with a subdirectory for each registry, as containerd and Docker have it. A subdirectory has a
//! `hosts.toml` or only certificates. `_default` is for all registries without a subdirectory.

use std::io::{self, ErrorKind};
use std::path::Path;

use super::pattern::Pattern;
use super::settings::Settings;
use super::specification::{HostSpecification, HostSpecifications, Scheme};
use super::{HostsError, certificates, files, hosts_toml};
use refkit_config::{Setting, read_text};

/// The subdirectory for all other registries.
const DEFAULT: &str = "_default";

/// Returns the hosts of each registry; a broken directory is an error for its registry alone.
///
/// # Errors
/// The error if the directory itself cannot be read.
pub(super) fn read(root: &Path) -> io::Result<HostSpecifications> {
    let mut names = files::names(root)?;
    // Of the two names for a port, containerd prefers this one.
    names.sort_by_key(|name| !name.ends_with('_'));
    let mut found = Vec::new();
    for name in names {
        let directory = root.join(&name);
        if directory.is_dir() {
            let hosts = hosts(&directory);
            found.push((if name == DEFAULT { Pattern::Default } else { Pattern::Directory(name) }, hosts));
        }
    }
    Ok(found)
}

fn hosts(directory: &Path) -> Result<Vec<HostSpecification>, HostsError> {
    let file = directory.join("hosts.toml");
    match read_text(&file) {
        Ok(text) if !text.is_empty() => return Ok(hosts_toml::parse(&file, &text)?),
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(files::unreadable(&file, &error).into()),
        _ => {}
    }
    let mut settings = Settings::default();
    let setting = Setting {
        name: "certificates".to_owned(),
        value: "*.crt, *.cert".to_owned(),
        file: directory.to_owned(),
        table: String::new(),
    };
    certificates::read(directory, &mut settings, &setting).map_err(|error| files::unreadable(directory, &error))?;
    Ok(vec![HostSpecification::registry(settings, Scheme::ByPort)])
}
