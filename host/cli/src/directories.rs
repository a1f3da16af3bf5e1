//! The directories, proxies and programs that the environment names, and what the terminal can show. Nothing else in the command reads the environment.

use std::ffi::OsString;
use std::io::IsTerminal;
use std::path::PathBuf;

use refkit_registry::hosts::{ConfigFile, Files};
use refkit_registry::{Helpers, Proxies};

use crate::arguments::Registries;
use crate::progress::Screen;

/// The directories of this user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Directories {
    /// The cache of compiled policies.
    pub compiled: Option<PathBuf>,
    /// The cache of content.
    pub content: Option<PathBuf>,
    /// Docker's `config.json`, whether it exists or not.
    pub docker_config: Option<PathBuf>,
    /// The directories of settings, whether they exist or not: the user's, then the machine's.
    settings: Vec<PathBuf>,
}

impl Directories {
    /// Returns the directories that the environment names.
    #[expect(clippy::disallowed_methods, reason = "the command reads the environment here and nowhere else")]
    pub fn of_environment() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// The base directory specification requires that relative paths in `XDG_…` are ignored. The same holds for
    /// `HOME`: another user may have put a cache or a file of credentials into the current directory.
    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let directory = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = directory("HOME");
        let cache = directory("XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
        let config = directory("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        // Docker's own command accepts a relative path here.
        let docker = variable("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let docker = docker.or_else(|| Some(home?.join(".docker")));
        Self {
            compiled: cache.as_ref().map(|cache| cache.join("refkit/aot")),
            content: cache.map(|cache| cache.join("refkit/content")),
            docker_config: docker.map(|docker| docker.join("config.json")),
            settings: config.into_iter().chain([PathBuf::from("/etc")]).collect(),
        }
    }

    /// Returns the files that name the hosts of registries: those that the user names, otherwise the usual files of
    /// RefKit, BuildKit, containerd and Docker.
    pub fn files(&self, named: &Registries) -> Files {
        let usual = Files::usual(&self.settings);
        let files = |named: &Option<PathBuf>, usual: Vec<ConfigFile>| match named {
            Some(path) => vec![ConfigFile::Named(path.clone())],
            None => usual,
        };
        Files::default()
            .refkit(files(&named.refkit, usual.refkit))
            .certs_d(files(&named.certs_d, usual.certs_d))
            .buildkitd(files(&named.buildkitd, usual.buildkitd))
    }
}

/// Returns the proxies that the usual variables name. Lower case comes first. In a CGI program, `HTTP_PROXY` is a header
/// of the visitor, so it is ignored.
#[expect(clippy::disallowed_methods, reason = "the command reads the environment here and nowhere else")]
pub fn proxies() -> Proxies {
    proxies_of(|name| std::env::var(name).ok())
}

fn proxies_of(variable: impl Fn(&str) -> Option<String>) -> Proxies {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let upper = if variable("REQUEST_METHOD").is_some() { "" } else { "HTTP_PROXY" };
    Proxies::default()
        .http(first(&["http_proxy", upper]))
        .https(first(&["https_proxy", "HTTPS_PROXY"]))
        .none(first(&["no_proxy", "NO_PROXY"]).unwrap_or_default())
}

/// Returns what standard output or standard error can show.
#[expect(clippy::disallowed_methods, reason = "the command reads the environment here and nowhere else")]
pub fn screen(stream: &impl IsTerminal) -> Screen {
    Screen::of(stream.is_terminal(), |name| std::env::var_os(name))
}

/// Returns the directories of Docker's credential helpers, and the user's environment for them.
#[expect(clippy::disallowed_methods, reason = "the command reads the environment here and nowhere else")]
pub fn helpers() -> Helpers {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).collect();
    Helpers::default().directories(directories).environment(std::env::vars_os().collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn variables_name_directories() {
        // variables, compiled policies, Docker's file
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>, Option<&'a str>);
        let rows: [Row<'_>; 7] = [
            (&[], None, None),
            (&[("HOME", "/home/u")], Some("/home/u/.cache/refkit/aot"), Some("/home/u/.docker/config.json")),
            (&[("HOME", "u")], None, None),
            (&[("XDG_CACHE_HOME", "/c")], Some("/c/refkit/aot"), None),
            (&[("HOME", "/h"), ("XDG_CACHE_HOME", "c")], Some("/h/.cache/refkit/aot"), Some("/h/.docker/config.json")),
            (&[("DOCKER_CONFIG", "d")], None, Some("d/config.json")),
            (
                &[("HOME", "/h"), ("DOCKER_CONFIG", ""), ("XDG_CACHE_HOME", "")],
                Some("/h/.cache/refkit/aot"),
                Some("/h/.docker/config.json"),
            ),
        ];
        for (variables, compiled, docker_config) in rows {
            let value = |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).into());
            let found = Directories::of(value);
            assert_eq!(found.compiled, compiled.map(Into::into), "{variables:?}");
            assert_eq!(found.docker_config, docker_config.map(Into::into), "{variables:?}");
        }
    }

    #[test]
    fn settings_are_in_the_usual_places_or_where_a_person_says() {
        let home = |name: &str| (name == "HOME").then(|| "/h".into());
        let named = Registries { buildkitd: Some("b.toml".into()), ..Registries::default() };
        let files = Directories::of(home).files(&named);
        let usual = |path: &str| ConfigFile::Usual(path.into());
        assert_eq!(files.refkit, [usual("/h/.config/refkit/refkit.toml"), usual("/etc/refkit/refkit.toml")]);
        assert_eq!(files.buildkitd, [ConfigFile::Named("b.toml".into())]);
        assert!(files.certs_d.contains(&usual("/etc/containerd/certs.d")), "{files:?}");
        let elsewhere = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/c".into());
        let files = Directories::of(elsewhere).files(&Registries::default());
        assert_eq!(files.refkit[0], usual("/c/refkit/refkit.toml"));
    }

    #[test]
    fn proxies_of_the_usual_variables() {
        // variables, the proxies for HTTP and HTTPS, and the hosts without a proxy
        type Row<'a> = (&'a [(&'a str, &'a str)], Option<&'a str>, Option<&'a str>, &'a str);
        let rows: [Row<'_>; 6] = [
            (&[], None, None, ""),
            (&[("HTTP_PROXY", "http://p"), ("NO_PROXY", "x")], Some("http://p"), None, "x"),
            (&[("HTTP_PROXY", "http://p"), ("REQUEST_METHOD", "GET")], None, None, ""),
            (&[("http_proxy", "http://l"), ("HTTP_PROXY", "http://p")], Some("http://l"), None, ""),
            (&[("ALL_PROXY", "socks5://a"), ("https_proxy", "http://s")], None, Some("http://s"), ""),
            (&[("https_proxy", ""), ("HTTPS_PROXY", "http://s")], None, Some("http://s"), ""),
        ];
        for (variables, http, https, none) in rows {
            let value =
                |name: &str| variables.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned());
            let own = |text: Option<&str>| text.map(str::to_owned);
            let wanted = Proxies::default().http(own(http)).https(own(https)).none(none.to_owned());
            assert_eq!(proxies_of(value), wanted, "{variables:?}");
        }
    }
}
