//! The configuration of a real registry.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context as _;

use crate::cdn::Cdn;
use crate::real::Auth;

/// The cost of the password's hash: 4, the least that bcrypt has, as a test has nothing to protect.
const BCRYPT_COST: u32 = 4;

/// Where layers may be that a registry need not have: a port at which nothing listens.
const ELSEWHERE: &str = "^http://127.0.0.1:9/";

/// Returns the directory of a registry's own storage.
pub(crate) fn storage(directory: &Path) -> PathBuf {
    directory.join("storage")
}

/// Writes the configuration and what it refers to into a directory, and returns the configuration's path.
pub(crate) fn write(directory: &Path, auth: Auth<'_>, cdn: Option<&Cdn>) -> anyhow::Result<PathBuf> {
    let root = match cdn {
        None => {
            let own = storage(directory);
            fs::create_dir(&own)?;
            own
        }
        Some(cdn) => cdn.storage().to_owned(),
    };
    let mut text = format!(
        "\
version: 0.1
log:
  level: info
  formatter: text
  accesslog:
    disabled: false
storage:
  filesystem:
    rootdirectory: {storage}
  delete:
    enabled: true
  maintenance:
    uploadpurging:
      enabled: false
http:
  addr: 127.0.0.1:0
  secret: refkit tests
validation:
  manifests:
    urls:
      allow:
        - {ELSEWHERE}
",
        storage = quoted(&root)?
    );
    if let Some(cdn) = cdn {
        text.push_str(&format!(
            "middleware:\n  storage:\n    - name: redirect\n      options:\n        baseurl: {}\n",
            cdn.url()
        ));
    }
    match auth {
        Auth::Anonymous => {}
        Auth::Basic { user, password } => {
            let hash = bcrypt::hash_with_result(password, BCRYPT_COST)?.format_for_version(bcrypt::Version::TwoY);
            let file = directory.join("htpasswd");
            fs::write(&file, format!("{user}:{hash}\n"))?;
            text.push_str(&format!("auth:\n  htpasswd:\n    realm: refkit tests\n    path: {}\n", quoted(&file)?));
        }
        Auth::Bearer(server) => {
            let (issuer, certificate) = server.issuer().context("a real registry takes signed tokens only")?;
            let file = directory.join("issuer.pem");
            fs::write(&file, certificate)?;
            text.push_str(&format!(
                "auth:\n  token:\n    realm: {}\n    service: {}\n    issuer: {issuer}\n    rootcertbundle: {}\n",
                server.realm(),
                server.service(),
                quoted(&file)?
            ));
        }
    }
    let path = directory.join("config.yml");
    fs::write(&path, text)?;
    Ok(path)
}

/// Returns a path as a YAML string: what JSON quotes, YAML reads.
fn quoted(path: &Path) -> anyhow::Result<String> {
    let path = path.to_str().context("the temporary directory's path is not UTF-8")?;
    Ok(serde_json::Value::from(path).to_string())
}
