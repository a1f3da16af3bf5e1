//! A directory of certificates, as Docker has one for each registry: `*.crt` are roots, and `*.cert` are the client's
//! own, each with its key in the `*.key` of the same name.

use std::io;
use std::path::Path;

use refkit_config::{Setting, Sourced};

use super::files;
use super::host::Identity;
use super::settings::Settings;

/// Adds the certificates in a directory to the settings.
pub(super) fn read(directory: &Path, settings: &mut Settings, setting: &Setting) -> io::Result<()> {
    let names = files::names(directory)?;
    for name in &names {
        if name.ends_with(".crt") {
            Sourced::add(&mut settings.roots, [directory.join(name)], setting.clone());
        } else if let Some(stem) = name.strip_suffix(".cert") {
            let certificate = directory.join(name);
            let key = format!("{stem}.key");
            // Without a key file, the key is in the file of the certificate.
            let key = if names.contains(&key) { directory.join(key) } else { certificate.clone() };
            Sourced::add(&mut settings.identities, [Identity { certificate, key }], setting.clone());
        }
    }
    Ok(())
}
