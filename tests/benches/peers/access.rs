//! One registry for each kind of access, all with the same image, and the credentials for it.

use std::path::Path;

use anyhow::Context as _;
use refkit_support::{Auth, RealRegistry, TokenServer};
use serde_json::json;

use crate::places;

const USER: &str = "user";
const PASSWORD: &str = "p@ss:word";

/// A registry with one kind of access.
pub struct Place<'a> {
    /// The name of that kind.
    pub name: &'static str,
    /// The image.
    pub reference: String,
    /// The registry, as `localhost:PORT`.
    pub host: String,
    registry: RealRegistry,
    tokens: Option<&'a TokenServer>,
    credentials: bool,
}

/// Returns a token server with one user.
pub fn token_server() -> anyhow::Result<TokenServer> {
    let tokens = TokenServer::signed()?.named();
    tokens.require(USER, PASSWORD);
    Ok(tokens)
}

/// Returns an open registry, one with Basic access, and one that takes the token server's tokens.
pub fn places(tokens: &TokenServer) -> anyhow::Result<[Place<'_>; 3]> {
    let basic = Auth::Basic { user: USER, password: PASSWORD };
    Ok([
        Place::new("open", Auth::Anonymous, None)?,
        Place::new("Basic", basic, None)?,
        Place::new("token", Auth::Bearer(tokens), Some(tokens))?,
    ])
}

impl<'a> Place<'a> {
    fn new(name: &'static str, auth: Auth<'_>, tokens: Option<&'a TokenServer>) -> anyhow::Result<Self> {
        let credentials = !matches!(auth, Auth::Anonymous);
        let registry = RealRegistry::distribution_v3(auth)?;
        places::fill(&registry, &[crate::answer::TAG]);
        // With one name for both, no client takes the token server for a foreign host.
        let host = registry.host().replace("127.0.0.1", "localhost");
        let reference = format!("{host}/demo/app:{}", crate::answer::TAG);
        Ok(Self { name, reference, host, registry, tokens, credentials })
    }

    /// Clears the record of requests.
    pub fn clear(&self) -> anyhow::Result<()> {
        if let Some(tokens) = self.tokens {
            tokens.clear();
        }
        self.registry.clear()
    }

    /// Returns the number of requests, those for tokens included.
    pub fn requests(&self) -> anyhow::Result<usize> {
        Ok(self.registry.count("*")? + self.tokens.map_or(0, |tokens| tokens.count("*")))
    }

    /// Writes the files in a client's home: the credentials in Docker's form, which all clients read.
    pub fn furnish(&self, home: &Path) -> anyhow::Result<()> {
        let value = refkit_support::basic(USER, PASSWORD);
        let auth = value.strip_prefix("Basic ").context("it is Basic")?;
        let auths = if self.credentials { json!({ &self.host: { "auth": auth } }) } else { json!({}) };
        std::fs::write(home.join("config.json"), json!({ "auths": auths }).to_string())?;
        // The machine may have settings for skopeo.
        std::fs::write(home.join("registries.conf"), "")?;
        Ok(())
    }
}
