//! The table `registry` of `refkit.toml`. It has the keys of buildkitd.toml, and more.
//!
//! ```toml
//! [registry."docker.io"]
//! mirrors = ["mirror.example:5000/hub", { host = "https://other.example", rewrite = { "^library/(.*)" = "hub/$1" } }]
//!
//! [registry."*.corp.example"]      # every registry below a domain, at any depth and port
//! ca = "corp.pem"                  # or a list; relative to this file
//! client = { cert = "me.pem", key = "me.key" }
//!
//! [registry."*"]                   # every registry without a table of its own
//! mirrors = ["http://cache.corp.example"]
//! upstream = false                 # do not ask the registry itself
//! ```
//!
//! - The table whose name fits best decides: an exact name, then the longest domain, then `*`. Two tables
//!   of one registry, such as `ghcr.io` and `GHCR.io:443`, are an error. `index.docker.io` is `docker.io`, as it is in
//!   references; `registry-1.docker.io` is the host that serves it.
//! - `http`, `insecure`, `ca`, `client`, `headers`, `connect_timeout`, `concurrency`, `rate` and `allow_private` describe a
//!   host, both as a registry and as a mirror. A mirror takes them from its entry in `mirrors`, otherwise from the table
//!   that fits its own name. It also inherits `http` from the registry that it mirrors.
//! - `rewrite` renames repositories at mirrors, and never at the registry itself.
//! - `concurrency` (requests at once), `rate` (requests a second) and `allow_private` (private addresses that the host may
//!   redirect to or name as the realm of its tokens) hold wherever a host is named, in other files too. A table with these
//!   keys alone decides nothing else.

mod keys;

use std::collections::HashMap;
use std::collections::hash_map::Entry::{Occupied, Vacant};
use std::path::Path;

use refkit_config::{ConfigError, Document, Entry, Setting, Sourced, Table as Owned};

use super::address::Address;
use super::pattern::Pattern;
use super::settings::Settings;
use super::{HostsError, Rewrite};
use keys::{EVERYWHERE, HOST_KEYS, host_key};

/// The keys of a registry's table that no host has.
const REGISTRY_KEYS: [&str; 3] = ["mirrors", "upstream", "rewrite"];

/// The keys of a mirror that no other host has.
const MIRROR_KEYS: [&str; 2] = ["host", "rewrite"];

/// A registry's table.
pub(super) struct Table {
    pub(super) mirrors: Vec<Mirror>,
    /// Whether the client asks the registry itself after the mirrors.
    pub(super) upstream: bool,
    pub(super) rewrites: Option<Sourced<Vec<Rewrite>>>,
    pub(super) settings: Settings,
    /// Whether the table has keys other than those that apply everywhere.
    pub(super) decides: bool,
}

/// A mirror in a table.
pub(super) struct Mirror {
    pub(super) address: Address,
    pub(super) rewrites: Option<Sourced<Vec<Rewrite>>>,
    pub(super) settings: Settings,
    pub(super) origin: Setting,
}

/// The tables of a file.
pub(super) type Tables = Vec<(Pattern, Result<Table, HostsError>)>;

/// Parses a file; a broken table is an error for its registry alone.
///
/// # Errors
/// The error if the text is not TOML, has unknown keys, or has a table whose name is no pattern.
pub(super) fn parse(file: &Path, text: &str) -> Result<Tables, HostsError> {
    let document = Document::parse(file, text)?;
    let mut tables: Tables = Vec::new();
    // The first spelling of each name, and the index of its table in the list.
    let mut spellings: HashMap<Pattern, (Entry<'_>, usize)> = HashMap::new();
    for entry in Owned::Registry.find(&document)?.map_or(Ok(Vec::new()), |registries| registries.entries())? {
        if let Some(inner) = unquoted(&entry) {
            let written = inner.name().replacen("registry.", "", 1);
            let text =
                format!("is a table in a registry's table; a name with dots needs quotes: [registry.\"{written}\"]");
            return Err(inner.error(text).into());
        }
        let (pattern, table) = match (Pattern::parse(entry.key()), Pattern::meant(entry.key())) {
            (Ok(pattern), _) => (pattern.of_reference(), self::table(&entry)),
            (Err(reason), Some(meant)) => (meant, Err(entry.error(reason))),
            (Err(reason), None) => return Err(entry.error(reason).into()),
        };
        match spellings.entry(pattern.normal()) {
            Occupied(spelling) => {
                // Neither table decides, because this module cannot know which one the user meant.
                let (first, place) = spelling.get();
                tables[*place].1 = Err(entry.error(spelled_twice(first)).into());
            }
            Vacant(spelling) => {
                spelling.insert((entry, tables.len()));
                tables.push((pattern, table.map_err(HostsError::from)));
            }
        }
    }
    Ok(tables)
}

/// Returns the innermost of tables that an unquoted name with dots makes: `[registry.ghcr.io]` is the table `io` in the
/// table `ghcr`. It is an error of the whole file, because no registry has the name `ghcr`.
fn unquoted<'d>(table: &Entry<'d>) -> Option<Entry<'d>> {
    let entries = table.entries().ok()?;
    let known = |entry: &&Entry<'_>| REGISTRY_KEYS.contains(&entry.key()) || HOST_KEYS.contains(&entry.key());
    let inner = entries.iter().find(|entry| entry.is_table() && !known(entry))?;
    Some(unquoted(inner).unwrap_or_else(|| inner.clone()))
}

fn spelled_twice(first: &Entry<'_>) -> String {
    format!("is about the same registry as {} in line {}; write one table", first.name(), first.line())
}

fn table(table: &Entry<'_>) -> Result<Table, ConfigError> {
    let (mut mirrors, mut upstream, mut rewrites, mut settings) = (Vec::new(), true, None, Settings::default());
    let entries = table.entries()?;
    for entry in &entries {
        match entry.key() {
            "mirrors" => mirrors = entry.list()?.iter().map(mirror).collect::<Result<_, _>>()?,
            "upstream" => upstream = entry.boolean()?,
            "rewrite" => rewrites = Some(rewrite(entry)?),
            _ if host_key(entry, &mut settings)? => {}
            _ => return Err(entry.unknown(&[&REGISTRY_KEYS[..], &HOST_KEYS[..]].concat())),
        }
    }
    if !upstream && mirrors.is_empty() {
        return Err(table.error("has neither mirrors nor upstream, so no host is left to ask"));
    }
    let decides = entries.is_empty() || entries.iter().any(|entry| !EVERYWHERE.contains(&entry.key()));
    Ok(Table { mirrors, upstream, rewrites, settings, decides })
}

fn mirror(entry: &Entry<'_>) -> Result<Mirror, ConfigError> {
    if entry.is_text() {
        let address = address(entry)?;
        let origin = entry.setting(address.shown());
        return Ok(Mirror { address, rewrites: None, settings: Settings::default(), origin });
    }
    let (mut found, mut rewrites, mut settings) = (None, None, Settings::default());
    for key in entry.entries()? {
        match key.key() {
            "host" => found = Some(address(&key)?),
            "rewrite" => rewrites = Some(rewrite(&key)?),
            _ if host_key(&key, &mut settings)? => {}
            _ => return Err(key.unknown(&[&MIRROR_KEYS[..], &HOST_KEYS[..]].concat())),
        }
    }
    let address = found.ok_or_else(|| entry.error("has a mirror without host"))?;
    if address.http.is_some() && settings.http.is_some() {
        return Err(entry.error("has a mirror with both http and a scheme in host; write one"));
    }
    let origin = entry.setting(address.shown());
    Ok(Mirror { address, rewrites, settings, origin })
}

fn address(entry: &Entry<'_>) -> Result<Address, ConfigError> {
    let text = entry.text()?;
    if text.contains('@') {
        return Err(entry.error("has a mirror with user information; credentials belong into Docker's config.json"));
    }
    if text.contains(['?', '#']) {
        return Err(entry.error("has a mirror with a query or a fragment; write host[:port] and a path"));
    }
    Address::parse(text).map_err(|reason| entry.error(format!("has a mirror that {reason}")))
}

fn rewrite(entry: &Entry<'_>) -> Result<Sourced<Vec<Rewrite>>, ConfigError> {
    let rules = entry.entries()?;
    let mut value = Vec::new();
    let mut shown = Vec::new();
    for rule in &rules {
        let replacement = rule.text()?;
        value.push(
            Rewrite::new(rule.key(), replacement).map_err(|problem| rule.error(format!("is no rewrite: {problem}")))?,
        );
        shown.push(format!("{} -> {replacement}", rule.key()));
    }
    Ok(Sourced::new(value, entry.setting(shown.join(", "))))
}

impl Mirror {
    /// Returns the path of the API: a path with a segment `v2` is one already; below any other path, repositories
    /// begin.
    pub(super) fn api(&self) -> String {
        let path = &self.address.path;
        match path.split('/').any(|segment| segment == "v2") {
            true => path.clone(),
            false => format!("v2/{path}").trim_end_matches('/').to_owned(),
        }
    }
}
