//! The settings of a host, in whichever file format.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use refkit_config::{ConfigError, Entry, Setting, Sourced};

use super::Network;
use super::host::{Capabilities, Identity};

/// The settings of a host, as far as a file has them.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) http: Option<Sourced<bool>>,
    pub(super) insecure: Option<Sourced<bool>>,
    pub(super) roots: Option<Sourced<Vec<PathBuf>>>,
    pub(super) identities: Option<Sourced<Vec<Identity>>>,
    pub(super) headers: Option<Sourced<Vec<(HeaderName, HeaderValue)>>>,
    pub(super) connect: Option<Sourced<Duration>>,
    pub(super) capabilities: Option<Sourced<Capabilities>>,
    pub(super) concurrency: Option<Sourced<NonZeroUsize>>,
    pub(super) rate: Option<Sourced<NonZeroU32>>,
    pub(super) allow_private: Option<Sourced<Vec<Network>>>,
}

impl Settings {
    /// Returns these settings, completed by others where these are absent.
    pub(super) fn or(self, other: Self) -> Self {
        Self {
            http: self.http.or(other.http),
            insecure: self.insecure.or(other.insecure),
            roots: self.roots.or(other.roots),
            identities: self.identities.or(other.identities),
            headers: self.headers.or(other.headers),
            connect: self.connect.or(other.connect),
            capabilities: self.capabilities.or(other.capabilities),
            concurrency: self.concurrency.or(other.concurrency),
            rate: self.rate.or(other.rate),
            allow_private: self.allow_private.or(other.allow_private),
        }
    }

    /// Returns whether a value is present and true.
    pub(super) fn is(said: &Option<Sourced<bool>>) -> bool {
        said.as_ref().is_some_and(|said| said.value)
    }

    /// Returns the source of every setting that is present.
    pub(super) fn all(&self) -> Vec<Setting> {
        fn of<T>(said: &Option<Sourced<T>>) -> &[Setting] {
            said.as_ref().map_or(&[], |said| &said.settings)
        }
        let parts = [
            of(&self.http),
            of(&self.insecure),
            of(&self.roots),
            of(&self.identities),
            of(&self.headers),
            of(&self.connect),
            of(&self.capabilities),
            of(&self.concurrency),
            of(&self.rate),
            of(&self.allow_private),
        ];
        let mut all: Vec<Setting> = Vec::new();
        for setting in parts.into_iter().flatten() {
            // A directory of certificates is the source of two settings.
            if !all.contains(setting) {
                all.push(setting.clone());
            }
        }
        all
    }
}

/// Reads addresses and networks.
pub(super) fn networks(entry: &Entry<'_>) -> Result<Sourced<Vec<Network>>, ConfigError> {
    let texts = if entry.is_text() { vec![entry.clone()] } else { entry.list()? };
    let network = |text: &Entry<'_>| text.text()?.parse::<Network>().map_err(|reason| text.error(reason));
    let value: Vec<Network> = texts.iter().map(network).collect::<Result<_, _>>()?;
    let shown: Vec<String> = value.iter().map(Network::to_string).collect();
    Ok(Sourced::new(value, entry.setting(shown.join(", "))))
}

/// Reads capabilities, by containerd's words.
pub(super) fn capabilities(entry: &Entry<'_>) -> Result<Sourced<Capabilities>, ConfigError> {
    let mut value = Capabilities { resolve: false, pull: false, push: false };
    let list = entry.list()?;
    for word in &list {
        match word.text()?.to_ascii_lowercase().as_str() {
            "resolve" => value.resolve = true,
            "pull" => value.pull = true,
            "push" => value.push = true,
            // A host that serves content also lists its referrers.
            "referrers" => {}
            _ => return Err(word.error("has a word that is none of resolve, pull and push")),
        }
    }
    let words = list.iter().filter_map(|word| word.text().ok()).collect::<Vec<_>>();
    Ok(Sourced::new(value, entry.setting(words.join(", "))))
}

/// Reads headers. Messages leave their values out, because they may be secret.
pub(super) fn headers(entry: &Entry<'_>) -> Result<Sourced<Vec<(HeaderName, HeaderValue)>>, ConfigError> {
    let mut value = Vec::new();
    let mut names = Vec::new();
    for header in entry.entries()? {
        let name =
            HeaderName::from_bytes(header.key().as_bytes()).map_err(|_| header.error("is no name of a header"))?;
        for text in header.texts()? {
            let mut text =
                HeaderValue::from_str(text).map_err(|_| header.error("has a value that no header may have"))?;
            text.set_sensitive(true);
            value.push((name.clone(), text));
        }
        names.push(name.to_string());
    }
    Ok(Sourced::new(value, entry.setting(names.join(", "))))
}
