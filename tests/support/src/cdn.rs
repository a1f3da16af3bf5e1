//! A place on another port that a real registry redirects to for the content of blobs.

use std::path::Path;

use tempfile::TempDir;

use crate::authority::Authority;
use crate::nginx::Nginx;
use crate::nginx_log::Served;

/// An nginx that serves the files of a real registry's storage to everybody who knows their address, ranges of them as
/// well. It ends with its value.
pub struct Cdn {
    // In the order in which they go.
    nginx: Nginx,
    storage: TempDir,
}

impl Cdn {
    /// Starts one, to be given to a registry such as
    /// [`RealRegistry::distribution_v3_with`](crate::RealRegistry::distribution_v3_with).
    ///
    /// # Errors
    /// As [`NginxBuilder::start`](crate::nginx::NginxBuilder::start).
    pub fn start(tls: Option<&Authority>) -> anyhow::Result<Self> {
        let storage = tempfile::Builder::new().prefix("refkit-cdn-").tempdir()?;
        let nginx = Nginx::files(storage.path());
        let nginx = tls.into_iter().fold(nginx, |nginx, authority| nginx.tls(authority));
        Ok(Self { nginx: nginx.start()?, storage })
    }

    /// Returns `http://127.0.0.1:PORT` or `https://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        self.nginx.url()
    }

    /// Returns the directory that it serves, where the registry stores.
    pub(crate) fn storage(&self) -> &Path {
        self.storage.path()
    }

    /// Returns the requests since the start or the last [`Cdn::clear`], as [`Nginx::requests`].
    ///
    /// # Errors
    /// As [`Nginx::requests`].
    pub fn requests(&self) -> anyhow::Result<Vec<Served>> {
        self.nginx.requests()
    }

    /// Forgets the requests so far.
    ///
    /// # Errors
    /// As [`Nginx::requests`].
    pub fn clear(&self) -> anyhow::Result<()> {
        self.nginx.clear()
    }
}
