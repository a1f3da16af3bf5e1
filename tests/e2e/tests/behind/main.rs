//! Builds behind RefKit: BuildKit builds the images that the policies decided on. Also the output for people.
#![forbid(unsafe_code)]

mod brought;
mod confused;
mod contexts;
mod deaths;
mod dockerfiles;
mod made;
mod many;
mod platforms;
mod records;
mod refused;
mod rules;
mod same;
mod secrets;
mod shown;
mod unresolved;
mod unseen;

use refkit_e2e::{Build, Frontend, Stage, base};

/// The platforms of the images.
const PLATFORMS: [&str; 4] = ["linux/amd64", "linux/amd64/v2", "linux/arm64", "linux/arm/v7"];

/// A stage with the images `app` and `other`, and a Dockerfile frontend that ships policies.
struct Shipped {
    stage: Stage,
    app: String,
    other: String,
    frontend: String,
}

/// A policy of the frontend: its name and its settings.
type Policy<'a> = (&'a str, &'a [(&'a str, &'a str)]);

impl Shipped {
    /// Returns a stage whose frontend has these policies, outermost first. `HOST` in a setting is the registry.
    fn new(policies: &[Policy<'_>], arguments: &[&str]) -> anyhow::Result<Self> {
        Self::with(Stage::new()?, Frontend::dockerfile()?, policies, arguments)
    }

    fn with(stage: Stage, child: Frontend, policies: &[Policy<'_>], arguments: &[&str]) -> anyhow::Result<Self> {
        let host = stage.registry.host().to_owned();
        let app = stage.put("app", &base::index("app", &PLATFORMS)?)?;
        let other = stage.put("other", &base::index("other", &PLATFORMS)?)?;
        let mut frontend = child.behind_refkit()?;
        for (name, settings) in policies {
            frontend = frontend.policy(name, &component(name)?);
            for (setting, value) in *settings {
                frontend = frontend.set(&format!("{name}.{setting}"), &value.replace("HOST", &host));
            }
        }
        let arguments = arguments.iter().map(|argument| argument.replace("HOST", &host));
        let frontend = stage.put("frontend", &frontend.arguments(arguments).image())?;
        Ok(Self { stage, app, other, frontend })
    }

    /// Starts a build with a Dockerfile in which `APP` and `OTHER` are the images.
    fn build(&self, dockerfile: &str) -> Build<'_> {
        let text = dockerfile.replace("APP", &self.app).replace("OTHER", &self.other);
        self.stage.build().syntax(&self.frontend).dockerfile(&text)
    }
}

/// Returns the image that `refkit frontend image` makes from another one, with one of this project's policies or with
/// none.
fn made(stage: &Stage, base: &str, policy: Option<&str>, settings: &[&str]) -> anyhow::Result<String> {
    let made = format!("{}/made-{}:1", stage.registry.host(), policy.unwrap_or("plain"));
    let mut command = std::process::Command::new(refkit_support::command()?);
    command.args(["frontend", "image", base, "-t", &made]);
    if let Some(policy) = policy {
        command.arg("--policy").arg(refkit_support::policy(policy)?);
    }
    for setting in settings {
        command.args(["--set", setting]);
    }
    let ended = command.env_clear().output()?;
    anyhow::ensure!(ended.status.success(), "{}", String::from_utf8_lossy(&ended.stderr));
    Ok(made)
}

/// Returns a policy of the project, or of a test.
fn component(name: &str) -> anyhow::Result<Vec<u8>> {
    match name {
        "variant" => Ok(refkit_tests::components::VARIANT.to_vec()),
        "overrule" => Ok(refkit_tests::components::OVERRULE.to_vec()),
        "hostile" => Ok(refkit_tests::components::HOSTILE.to_vec()),
        name => Ok(std::fs::read(refkit_support::policy(name)?)?),
    }
}
