//! What the environment says about where things are. Nothing else in the command reads it.

use std::ffi::OsString;
use std::path::PathBuf;

use refkit_registry::Helpers;

/// The directories of this user.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Places {
    /// Where compiled policies are kept between processes.
    pub compiled: Option<PathBuf>,
    /// Docker's file of credentials, whether it is there or not.
    pub docker_config: Option<PathBuf>,
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
        // As Docker's own command has it, a relative path counts here.
        let docker = variable("DOCKER_CONFIG").filter(|value| !value.is_empty()).map(PathBuf::from);
        let docker = docker.or_else(|| Some(home?.join(".docker")));
        Self {
            compiled: cache.map(|cache| cache.join("refkit/aot")),
            docker_config: docker.map(|docker| docker.join("config.json")),
        }
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
            let wanted = Places { compiled: compiled.map(Into::into), docker_config: docker_config.map(Into::into) };
            assert_eq!(Places::of(value), wanted, "{variables:?}");
        }
    }
}
