//! The environment that BuildKit gives to a frontend. No other file of this crate reads it.

use std::collections::BTreeMap;
use std::ffi::OsString;

/// The prefix of the variables with the build's options: `BUILDKIT_FRONTEND_OPT_0=build-arg:NAME=VALUE`.
const OPTION: &str = "BUILDKIT_FRONTEND_OPT_";

/// The build that BuildKit has started the frontend for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The build's options, such as `build-arg:NAME`, `context:NAME`, `target`.
    pub options: BTreeMap<String, String>,
    /// The session of the client, with the client's credentials, files and image layouts.
    pub session: String,
}

impl Environment {
    /// Returns the build of this process's environment.
    #[expect(clippy::disallowed_methods, reason = "the frontend reads the environment here and nowhere else")]
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            // BuildKit's options are text.
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
            if name.starts_with(OPTION) {
                let (key, value) = value.split_once('=').unwrap_or((&value, ""));
                environment.options.insert(key.to_owned(), value.to_owned());
            } else if name == "BUILDKIT_SESSION_ID" {
                environment.session = value;
            }
        }
        environment
    }

    /// Returns the value of a build argument.
    pub fn build_argument(&self, name: &str) -> Option<&str> {
        self.options.get(&format!("build-arg:{name}")).map(String::as_str)
    }

    /// Returns the value of a named context, as buildctl and buildx pass it.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.options.get(&format!("context:{name}")).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(variables: &[(&str, &str)]) -> Environment {
        Environment::of(variables.iter().map(|(name, value)| ((*name).into(), (*value).into())))
    }

    #[test]
    fn options_are_what_follows_the_first_equals_sign() {
        let environment = of(&[
            ("BUILDKIT_FRONTEND_OPT_0", "build-arg:A=b=c"),
            ("BUILDKIT_FRONTEND_OPT_1", "context:refkit-policy=docker-image://a@sha256:0"),
            ("BUILDKIT_FRONTEND_OPT_2", "no-cache="),
            ("BUILDKIT_FRONTEND_OPT_3", "alone"),
            ("BUILDKIT_SESSION_ID", "s"),
            ("PATH", "/bin"),
        ]);
        assert_eq!(environment.build_argument("A"), Some("b=c"));
        assert_eq!(environment.context("refkit-policy"), Some("docker-image://a@sha256:0"));
        assert_eq!(environment.options.get("no-cache").map(String::as_str), Some(""));
        assert_eq!(environment.options.get("alone").map(String::as_str), Some(""));
        assert_eq!((environment.options.len(), environment.session.as_str()), (4, "s"));
        assert_eq!(environment.build_argument("B"), None);
    }
}
