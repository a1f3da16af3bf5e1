//! What the environment says about where things are. Nothing else in the command reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use crate::arguments::Registries;
use refkit_registry::hosts::{ConfigFile, Files};
use refkit_registry::{Helpers, Proxies};

/// The directories of this user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Where compiled policies are kept between processes.
    pub compiled: Option<PathBuf>,
    /// Where content of registries is kept between processes.
    pub content: Option<PathBuf>,
    /// Docker's file of credentials, whether it is there or not.
    pub docker_config: Option<PathBuf>,
    /// Where users and machines have settings, whether they are there or not: the user's come first.
    settings: Vec<PathBuf>,
}

impl Places {
    /// Returns those that the environment names.
    pub fn of_environment() -> Self {
        Self::of(|name| std::env::var_os(name))
    }

    /// The base directory specification wants relative paths in `XDG_…` ignored; the same for `HOME`, because a
    /// cache or a file of credentials in whatever directory this is would be somebody else's.
    fn of(variable: impl Fn(&str) -> Option<OsString>) -> Self {
        let directory = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
        let home = directory("HOME");
        let cache = directory("XDG_CACHE_HOME").or_else(|| Some(home.as_ref()?.join(".cache")));
        let config = directory("XDG_CONFIG_HOME").or_else(|| Some(home.as_ref()?.join(".config")));
        // As Docker's own command has it, a relative path counts here.
        let docker = variable("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let docker = docker.or_else(|| Some(home?.join(".docker")));
        Self {
            compiled: cache.as_ref().map(|cache| cache.join("refkit/aot")),
            content: cache.map(|cache| cache.join("refkit/content")),
            docker_config: docker.map(|docker| docker.join("config.json")),
            settings: config.into_iter().chain([PathBuf::from("/etc")]).collect(),
        }
    }

    /// Returns the files that say which hosts answer for registries: those that a person names, else those in the
    /// usual places of RefKit, BuildKit, containerd and Docker.
    pub fn files(&self, named: &Registries) -> Files {
        let files = |named: &Option<PathBuf>, usual: &[&str]| match named {
            Some(path) => vec![ConfigFile::Named(path.clone())],
            None => {
                let places = self.settings.iter().flat_map(|place| usual.iter().map(|name| place.join(name)));
                places.map(ConfigFile::Usual).collect()
            }
        };
        Files {
            refkit: files(&named.refkit, &["refkit/refkit.toml"]),
            certs_d: files(&named.certs_d, &["containerd/certs.d", "docker/certs.d"]),
            buildkitd: files(&named.buildkitd, &["buildkit/buildkitd.toml"]),
        }
    }
}

/// Returns the proxies that the usual variables name. Lower case comes first; the upper-case name of the one for HTTP
/// is left alone where this is a CGI program, to which a visitor's header has that name.
pub fn proxies() -> Proxies {
    proxies_of(|name| std::env::var(name).ok())
}

fn proxies_of(variable: impl Fn(&str) -> Option<String>) -> Proxies {
    let first = |names: &[&str]| names.iter().find_map(|name| variable(name).filter(|value| !value.is_empty()));
    let upper = if variable("REQUEST_METHOD").is_some() { "" } else { "HTTP_PROXY" };
    Proxies {
        http: first(&["http_proxy", upper]),
        https: first(&["https_proxy", "HTTPS_PROXY"]),
        none: first(&["no_proxy", "NO_PROXY"]).unwrap_or_default(),
    }
}

/// Returns where Docker's credential helpers are, and what they are run with: they are programs of this user.
pub fn helpers() -> Helpers {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let directories = std::env::split_paths(&path).collect();
    Helpers { directories, environment: std::env::vars_os().collect(), ..Helpers::default() }
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
            let found = Places::of(value);
            assert_eq!(found.compiled, compiled.map(Into::into), "{variables:?}");
            assert_eq!(found.docker_config, docker_config.map(Into::into), "{variables:?}");
        }
    }

    #[test]
    fn settings_are_in_the_usual_places_or_where_a_person_says() {
        let home = |name: &str| (name == "HOME").then(|| "/h".into());
        let named = Registries { buildkitd: Some("b.toml".into()), ..Registries::default() };
        let files = Places::of(home).files(&named);
        let usual = |path: &str| ConfigFile::Usual(path.into());
        assert_eq!(files.refkit, [usual("/h/.config/refkit/refkit.toml"), usual("/etc/refkit/refkit.toml")]);
        assert_eq!(files.buildkitd, [ConfigFile::Named("b.toml".into())]);
        assert!(files.certs_d.contains(&usual("/etc/containerd/certs.d")), "{files:?}");
        let elsewhere = |name: &str| (name == "XDG_CONFIG_HOME").then(|| "/c".into());
        let files = Places::of(elsewhere).files(&Registries::default());
        assert_eq!(files.refkit[0], usual("/c/refkit/refkit.toml"));
    }

    #[test]
    fn proxies_of_the_usual_variables() {
        // variables, the proxies for HTTP and HTTPS, and for whom there is none
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
            let wanted = Proxies { http: own(http), https: own(https), none: none.to_owned() };
            assert_eq!(proxies_of(value), wanted, "{variables:?}");
        }
    }
}
