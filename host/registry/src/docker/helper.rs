//! Credential helpers: programs that print the credentials for one registry.

use std::ffi::OsString;
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process_group};
use serde::Deserialize;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::process::Command;
use zeroize::Zeroizing;

use crate::credentials::Credentials;

/// The most bytes of a helper's response.
const LIMIT: u64 = 64 << 10;

/// The message of a helper that has no credentials for a registry.
const NOT_FOUND: &str = "credentials not found in native keychain";

/// The user name that marks the secret as an identity token.
const TOKEN: &str = "<token>";

/// The directories of credential helpers, their environment, and their timeout.
#[derive(Clone)]
#[non_exhaustive]
pub struct Helpers {
    /// The directories of the helpers. Relative ones are ignored, because a helper in the working directory may belong
    /// to someone else.
    pub directories: Vec<PathBuf>,
    /// The whole environment of the helpers.
    pub environment: Vec<(OsString, OsString)>,
    /// The timeout of one helper: 30 s, because some ask their user.
    pub patience: Duration,
}

impl Helpers {
    /// Sets the directories in which the client looks for helpers.
    #[must_use]
    pub fn directories(mut self, directories: Vec<PathBuf>) -> Self {
        self.directories = directories;
        self
    }

    /// Sets the whole environment of the helpers.
    #[must_use]
    pub fn environment(mut self, environment: Vec<(OsString, OsString)>) -> Self {
        self.environment = environment;
        self
    }

    /// Sets how long one helper may take.
    #[must_use]
    pub fn patience(mut self, patience: Duration) -> Self {
        self.patience = patience;
        self
    }
}

/// The environment may hold secrets.
impl fmt::Debug for Helpers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let directories = &self.directories;
        f.debug_struct("Helpers")
            .field("directories", directories)
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

impl Default for Helpers {
    fn default() -> Self {
        Self { directories: Vec::new(), environment: Vec::new(), patience: Duration::from_secs(30) }
    }
}

#[derive(Deserialize)]
struct Answer {
    #[serde(rename = "Username")]
    username: String,
    #[serde(rename = "Secret")]
    secret: Zeroizing<String>,
}

impl Helpers {
    /// Asks a helper for the credentials of a server. The error never contains what a helper printed.
    pub(super) async fn get(&self, name: &str, server: &str) -> Result<Credentials, String> {
        let known = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        if name.is_empty() || !name.bytes().all(known) {
            return Err(format!("{:?} is no name of a credential helper", crate::text::printable(name)));
        }
        let program = format!("docker-credential-{name}");
        let Some(path) = self.find(&program) else {
            return Err(format!("there is no credential helper {program}: install it, or name another one"));
        };
        let asked = tokio::time::timeout(self.patience, self.run(&path, server)).await;
        let (success, output) = match asked {
            Ok(run) => run.map_err(|error| format!("the credential helper {program} cannot be run: {error}"))?,
            Err(_) => {
                let seconds = self.patience.as_secs_f32();
                return Err(format!("the credential helper {program} did not respond within {seconds} s"));
            }
        };
        if output.len() as u64 > LIMIT {
            return Err(format!("the credential helper {program} printed more than {LIMIT} bytes"));
        }
        if !success {
            if std::str::from_utf8(&output).is_ok_and(|text| text.trim() == NOT_FOUND) {
                return Ok(Credentials::Anonymous);
            }
            return Err(format!("the credential helper {program} failed; run `echo {server} | {program} get`"));
        }
        let answer: Answer = serde_json::from_slice(&output)
            .map_err(|_| format!("the credential helper {program} printed something other than credentials"))?;
        Ok(match answer {
            Answer { username, secret } if username == TOKEN => Credentials::IdentityToken(secret),
            Answer { username, secret } if username.is_empty() && secret.is_empty() => Credentials::Anonymous,
            Answer { username, secret } => Credentials::Basic { username, password: secret },
        })
    }

    fn find(&self, program: &str) -> Option<PathBuf> {
        let directories = self.directories.iter().filter(|directory| directory.is_absolute());
        directories.map(|directory| directory.join(program)).find(|path| path.is_file())
    }

    async fn run(&self, path: &Path, server: &str) -> std::io::Result<(bool, Zeroizing<Vec<u8>>)> {
        let mut child = Command::new(path)
            .arg("get")
            .env_clear()
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            // The helper may print secrets to standard error.
            .stderr(Stdio::null())
            .process_group(0)
            .kill_on_drop(true)
            .spawn()?;
        // The processes that the helper starts end with it.
        let _group = Group(child.id().and_then(|id| Pid::from_raw(id.try_into().ok()?)));
        if let Some(mut input) = child.stdin.take() {
            // A helper may ignore its input and end, which is no error here.
            _ = input.write_all(server.as_bytes()).await;
            _ = input.write_all(b"\n").await;
        }
        let mut output = Zeroizing::new(Vec::new());
        if let Some(stdout) = child.stdout.take() {
            stdout.take(LIMIT + 1).read_to_end(&mut output).await?;
        }
        if output.len() as u64 > LIMIT {
            return Ok((false, output));
        }
        Ok((child.wait().await?.success(), output))
    }
}

/// A process group that is killed when this is dropped.
struct Group(Option<Pid>);

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(group) = self.0 {
            // After a successful run the group no longer exists.
            _ = kill_process_group(group, Signal::KILL);
        }
    }
}
