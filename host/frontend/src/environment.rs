//! What BuildKit tells a frontend by its environment. Nothing else in this crate reads that.

use std::collections::BTreeMap;
use std::ffi::OsString;

use refkit_oci::Platform;
use serde_json::Value;

/// What the names of the build's options begin with: `BUILDKIT_FRONTEND_OPT_0=build-arg:NAME=VALUE`.
const OPTION: &str = "BUILDKIT_FRONTEND_OPT_";

/// The build that the frontend was started for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Environment {
    /// The build's options, such as `build-arg:NAME`, `context:NAME`, `target`.
    pub options: BTreeMap<String, String>,
    /// The session of the client, which holds its credentials, its files and its image layouts.
    pub session: String,
    /// The platform of the worker that builds; nothing where BuildKit does not say.
    pub platform: Option<Platform>,
}

impl Environment {
    /// Returns what this process's environment says.
    pub fn of_process() -> Self {
        Self::of(std::env::vars_os())
    }

    fn of(variables: impl IntoIterator<Item = (OsString, OsString)>) -> Self {
        let mut environment = Self::default();
        for (name, value) in variables {
            // What is no text is no option of BuildKit's.
            let (Ok(name), Ok(value)) = (name.into_string(), value.into_string()) else { continue };
            if name.starts_with(OPTION) {
                let (key, value) = value.split_once('=').unwrap_or((&value, ""));
                environment.options.insert(key.to_owned(), value.to_owned());
            } else if name == "BUILDKIT_SESSION_ID" {
                environment.session = value;
            } else if name == "BUILDKIT_WORKERS" {
                environment.platform = platform(&value);
            }
        }
        environment
    }

    /// Returns the value of `--build-arg NAME=…`.
    pub fn build_argument(&self, name: &str) -> Option<&str> {
        self.options.get(&format!("build-arg:{name}")).map(String::as_str)
    }

    /// Returns the value of `--build-context NAME=…`, as buildctl and buildx hand it on.
    pub fn context(&self, name: &str) -> Option<&str> {
        self.options.get(&format!("context:{name}")).map(String::as_str)
    }
}

/// Returns the first platform of the first worker: the one that BuildKit builds for where nothing else is said.
fn platform(workers: &str) -> Option<Platform> {
    let workers: Value = serde_json::from_str(workers).ok()?;
    let workers = workers.as_array()?;
    let first = workers.first()?;
    let platforms = first.get("platforms").or_else(|| first.get("Platforms"))?.as_array()?;
    let platform = platforms.first()?;
    let text = |name: &str| platform.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    let platform = Platform {
        os: text("os")?.to_owned(),
        architecture: text("architecture")?.to_owned(),
        variant: text("variant").map(str::to_owned),
        os_version: text("os.version").map(str::to_owned),
        os_features: Vec::new(),
    };
    Some(platform.normalized())
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

    #[test]
    fn the_first_worker_says_the_platform() {
        let arm = r#"[{"id":"w","platforms":[{"architecture":"arm","os":"linux","variant":"v7"},{"architecture":"386","os":"linux"}]}]"#;
        // workers, platform
        let rows = [
            (arm, Some("linux/arm/v7")),
            (r#"[{"platforms":[{"architecture":"x86_64","os":"linux"}]}]"#, Some("linux/amd64")),
            (r#"[{"platforms":[]}]"#, None),
            (r#"[{"platforms":[{"os":"linux"}]}]"#, None),
            ("[]", None),
            ("{", None),
            ("", None),
        ];
        for (workers, wanted) in rows {
            let platform = of(&[("BUILDKIT_WORKERS", workers)]).platform;
            assert_eq!(platform.map(|platform| platform.to_string()).as_deref(), wanted, "{workers}");
        }
    }
}
