//! The client of a server that asks registries for the command.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use refkit::ErrorCode;
use refkit_server::client::{Credentials, Identity, Remote, Trust};

use crate::arguments::Server;
use crate::error::CommandError;

/// Returns the client, if the user names a server. It makes no connection before its first request.
///
/// # Errors
/// The error of a file that cannot be read or used.
pub fn client(arguments: &Server) -> anyhow::Result<Option<Remote>> {
    let Some(address) = &arguments.address else { return Ok(None) };
    let identity = match (read(&arguments.cert)?, read(&arguments.key)?) {
        (Some(certificate), Some(key)) => Some(Identity { certificate, key }),
        _ => None,
    };
    let token = read(&arguments.token)?.map(|bytes| String::from_utf8_lossy(&bytes).trim().to_owned());
    let credentials = Credentials { trust: read(&arguments.ca)?.map(Trust), identity, token };
    let remote = Remote::new(address, &credentials);
    Ok(Some(remote.map_err(|error| CommandError::failed(ErrorCode::Invalid, format_args!("{address}: {error}")))?))
}

fn read(path: &Option<PathBuf>) -> anyhow::Result<Option<Vec<u8>>> {
    let read = |path: &Path| std::fs::read(path).with_context(|| format!("cannot read {}", path.display()));
    path.as_deref().map(read).transpose()
}
