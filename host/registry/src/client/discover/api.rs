//! Which repositories have no referrers API, so that only the first question is asked twice.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use refkit_content::ErrorKind;
use tokio::time::Instant;

use crate::endpoint::Endpoint;
use crate::http::codes;

/// How long a repository is taken to have no API: 10 minutes. A registry that is upgraded meanwhile gets one, and a process
/// may run for weeks.
const TAKEN: Duration = Duration::from_secs(600);

/// How many repositories are remembered: 4096. All are forgotten at once, which costs one request each.
const REPOSITORIES: usize = 4096;

/// The names of error codes that are about the repository or the subject, and not about the API, end so.
const OF_SUBJECT: [&str; 2] = ["_UNKNOWN", "_INVALID"];

/// What is known of the API of a repository at a host.
#[derive(Debug, Clone, Copy, Default)]
pub(super) enum Api {
    /// No response has shown it. The next question waits for nobody, and all others for it.
    #[default]
    Unknown,
    /// A response was a list.
    Found,
    /// There is none, as of then.
    Lacking(Instant),
}

impl Api {
    /// Returns what the first response shows: a list, or a body in place of one. Registries return 404 for an unknown
    /// repository as well, and 400 for a digest that they do not know.
    pub(super) fn shown<T>(response: &Result<T, bytes::Bytes>) -> Self {
        let of_subject = |code: &String| OF_SUBJECT.iter().any(|end| code.ends_with(end));
        match response {
            Ok(_) => Self::Found,
            Err(body) if codes(body).iter().any(of_subject) => Self::Unknown,
            Err(_) => Self::Lacking(Instant::now()),
        }
    }

    pub(super) fn is_lacking(self) -> bool {
        matches!(self, Self::Lacking(since) if since.elapsed() < TAKEN)
    }
}

type State = Arc<tokio::sync::Mutex<Api>>;

/// What the client knows of the referrers API of each repository.
#[derive(Default)]
pub(crate) struct Apis(Mutex<HashMap<String, State>>);

impl Apis {
    /// Returns what is known of a repository at a host. Whoever gets to know more keeps the lock until then.
    pub(super) fn of(&self, endpoint: &Endpoint) -> Result<State, ErrorKind> {
        // With the registry's name where the host wants it.
        let key = endpoint.url("referrers/")?.to_string();
        let mut known = self.0.lock();
        if known.len() >= REPOSITORIES && !known.contains_key(&key) {
            known.clear();
        }
        Ok(Arc::clone(known.entry(key).or_default()))
    }
}
