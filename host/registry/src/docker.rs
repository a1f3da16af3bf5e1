//! The credentials that `docker login` leaves: the file `config.json`, and the helpers that it names.

mod file;
mod helper;
mod keys;

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use parking_lot::Mutex;
use refkit_content::ErrorKind;
use refkit_content::once::OnceMap;
use tokio::sync::OnceCell;

use crate::credentials::{CredentialSource, Credentials};
use file::File;
pub use helper::Helpers;

/// Docker's configuration, read when credentials are first wanted. Each registry's are looked up once.
pub struct DockerConfig {
    path: PathBuf,
    helpers: Helpers,
    file: Mutex<Arc<OnceCell<File>>>,
    found: OnceMap<String, Credentials>,
}

impl fmt::Debug for DockerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DockerConfig").field("path", &self.path).finish_non_exhaustive()
    }
}

impl DockerConfig {
    /// Returns the configuration in a file, which need not exist, with the helpers that it may name.
    pub fn new(path: impl Into<PathBuf>, helpers: Helpers) -> Self {
        Self { path: path.into(), helpers, file: Mutex::default(), found: OnceMap::default() }
    }

    async fn look_up(&self, registry: &str) -> Result<Credentials, ErrorKind> {
        let cell = Arc::clone(&self.file.lock());
        let file = cell.get_or_try_init(|| async {
            let path = self.path.clone();
            let read = tokio::task::spawn_blocking(move || File::read(&path)).await;
            read.map_err(|error| ErrorKind::Other(error.to_string()))?
        });
        let file = file.await?;
        match file.helper(registry) {
            Some(name) => {
                let asked = self.helpers.get(name, keys::server(registry)).await;
                asked.map_err(|what| {
                    let path = self.path.display();
                    ErrorKind::Unauthorized(format!("{what} ({path} names it for the credentials of {registry})"))
                })
            }
            None => file.credentials(registry).map_err(|what| {
                ErrorKind::Unauthorized(format!("{}: {what}; run `docker login {registry}`", self.path.display()))
            }),
        }
    }
}

#[async_trait]
impl CredentialSource for DockerConfig {
    async fn credentials(&self, registry: &str) -> Result<Credentials, ErrorKind> {
        self.found.try_get(registry.to_owned(), self.look_up(registry)).await
    }

    async fn forget(&self, registry: &str) {
        // In this order, so that no caller looks the registry up in the old file in between.
        *self.file.lock() = Arc::default();
        self.found.forget(&registry.to_owned());
    }
}
