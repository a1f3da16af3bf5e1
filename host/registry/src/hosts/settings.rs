//! What files say of how a host is spoken to, whichever format they have.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use http::{HeaderName, HeaderValue};

use super::document::Entry;
use super::host::{Capabilities, Identity, Setting};
use super::{HostsError, Network};

/// A value, and the places that say so.
#[derive(Debug, Clone)]
pub(super) struct Said<T> {
    pub(super) value: T,
    pub(super) settings: Vec<Setting>,
}

impl<T> Said<T> {
    pub(super) fn new(value: T, setting: Setting) -> Self {
        Self { value, settings: vec![setting] }
    }
}

impl<T> Said<Vec<T>> {
    /// Adds to a list, which may not be there yet.
    pub(super) fn add(list: &mut Option<Self>, more: impl IntoIterator<Item = T>, setting: Setting) {
        let list = list.get_or_insert_with(|| Self { value: Vec::new(), settings: Vec::new() });
        list.value.extend(more);
        list.settings.push(setting);
    }
}

/// How a host is spoken to.
#[derive(Clone, Default)]
pub(super) struct Settings {
    pub(super) http: Option<Said<bool>>,
    pub(super) insecure: Option<Said<bool>>,
    pub(super) roots: Option<Said<Vec<PathBuf>>>,
    pub(super) identities: Option<Said<Vec<Identity>>>,
    pub(super) headers: Option<Said<Vec<(HeaderName, HeaderValue)>>>,
    pub(super) connect: Option<Said<Duration>>,
    pub(super) capabilities: Option<Said<Capabilities>>,
    pub(super) concurrency: Option<Said<NonZeroUsize>>,
    pub(super) rate: Option<Said<NonZeroU32>>,
    pub(super) allow_private: Option<Said<Vec<Network>>>,
}

impl Settings {
    /// Returns these settings, and for what they do not say, others.
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

    /// Returns whether a value is said and is true.
    pub(super) fn is(said: &Option<Said<bool>>) -> bool {
        said.as_ref().is_some_and(|said| said.value)
    }

    /// Returns where all of it is said.
    pub(super) fn all(&self) -> Vec<Setting> {
        fn of<T>(said: &Option<Said<T>>) -> &[Setting] {
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
            // A directory of certificates says two things at once.
            if !all.contains(setting) {
                all.push(setting.clone());
            }
        }
        all
    }
}

/// Returns true or false.
pub(super) fn boolean(entry: &Entry<'_>) -> Result<Said<bool>, HostsError> {
    let value = entry.boolean()?;
    Ok(Said::new(value, entry.setting(value.to_string())))
}

/// Returns paths, from where the file is.
pub(super) fn paths(entry: &Entry<'_>) -> Result<Said<Vec<PathBuf>>, HostsError> {
    let texts = entry.texts()?;
    let value = texts.iter().map(|path| entry.node.document.path(path)).collect();
    Ok(Said::new(value, entry.setting(texts.join(", "))))
}

/// Returns addresses and networks.
pub(super) fn networks(entry: &Entry<'_>) -> Result<Said<Vec<Network>>, HostsError> {
    let texts = if entry.is_text() { vec![entry.clone()] } else { entry.list()? };
    let network = |text: &Entry<'_>| text.text()?.parse::<Network>().map_err(|reason| text.error(reason));
    let value: Vec<Network> = texts.iter().map(network).collect::<Result<_, _>>()?;
    let shown: Vec<String> = value.iter().map(Network::to_string).collect();
    Ok(Said::new(value, entry.setting(shown.join(", "))))
}

/// Returns what a host may be asked, by the words of containerd.
pub(super) fn capabilities(entry: &Entry<'_>) -> Result<Said<Capabilities>, HostsError> {
    let mut value = Capabilities { resolve: false, pull: false, push: false };
    let list = entry.list()?;
    for word in &list {
        match word.text()?.to_ascii_lowercase().as_str() {
            "resolve" => value.resolve = true,
            "pull" => value.pull = true,
            "push" => value.push = true,
            // Lists of referrers are read where content is.
            "referrers" => {}
            _ => return Err(word.error("has a word that is none of resolve, pull and push")),
        }
    }
    let words = list.iter().filter_map(|word| word.text().ok()).collect::<Vec<_>>();
    Ok(Said::new(value, entry.setting(words.join(", "))))
}

/// Returns headers. What people are told has no values: they may be secret.
pub(super) fn headers(entry: &Entry<'_>) -> Result<Said<Vec<(HeaderName, HeaderValue)>>, HostsError> {
    let mut value = Vec::new();
    let mut names = Vec::new();
    for header in entry.entries()? {
        let name = HeaderName::from_bytes(header.key.as_bytes()).map_err(|_| header.error("is no name of a header"))?;
        for text in header.texts()? {
            let mut text =
                HeaderValue::from_str(text).map_err(|_| header.error("has a value that no header may have"))?;
            text.set_sensitive(true);
            value.push((name.clone(), text));
        }
        names.push(name.to_string());
    }
    Ok(Said::new(value, entry.setting(names.join(", "))))
}

/// Returns a length of time; zero is none.
pub(super) fn duration(entry: &Entry<'_>) -> Result<Option<Said<Duration>>, HostsError> {
    let text = entry.text()?;
    let malformed = || entry.error("is no length of time; write it as 3s, 500ms or 1m30s");
    let value = super::duration::parse(text).ok_or_else(malformed)?;
    Ok((!value.is_zero()).then(|| Said::new(value, entry.setting(text))))
}
