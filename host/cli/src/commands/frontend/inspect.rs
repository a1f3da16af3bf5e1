//! Inspects one image: loads the policies that it ships, compares the code beside them, and checks their settings.

use std::collections::HashMap;
use std::sync::Arc;

use bytes::Bytes;
use refkit::Engine;
use refkit::settings::Assignment;
use refkit_content::{Source, verify};
use refkit_images::frontend::elf::Machine;
use refkit_images::frontend::inspect::{self, Shipped};
use refkit_images::frontend::{DEFAULT_CODE, Entrypoint, Listed, label, program};
use refkit_oci::document::{Config, Manifest};
use refkit_oci::{Algorithm, Digest, Platform, Repository};

use super::policies;
use super::shipped::{self, Code, Compiled, Component, ShippedPolicy};

/// The most bytes of components that are kept for the next image.
const SHARED_LIMIT: usize = 64 << 20;

/// What one image ships.
#[derive(Debug)]
pub struct Inspection {
    /// The files, and the errors and warnings of the image; the fields below add theirs to it.
    pub shipped: Shipped,
    /// The code at the path of the program's default policy.
    pub default_code: Code,
    /// The policies that can be loaded, in the entrypoint's order.
    pub policies: Vec<ShippedPolicy>,
}

/// Inspects several images, and reads and compiles everything once.
pub struct Inspector {
    files: inspect::Inspector,
    engine: Engine,
    components: HashMap<Digest, Result<Component, String>>,
    /// The default policy's code, by target.
    default: Compiled,
}

impl Inspector {
    /// Returns an inspector that has read nothing yet.
    pub fn new(source: Arc<dyn Source>, repository: Repository, engine: Engine) -> Self {
        let files = inspect::Inspector::new(source, repository);
        Self { files, engine, components: HashMap::new(), default: Compiled::new() }
    }

    /// Inspects an image that starts with the entrypoint of a frontend image.
    pub async fn inspect(
        &mut self,
        manifest: &Manifest,
        config: &Config,
        entrypoint: Entrypoint,
        platform: Option<&Platform>,
    ) -> Inspection {
        if self.components.values().flatten().map(Component::size).sum::<usize>() > SHARED_LIMIT {
            self.components.clear();
        }
        let mut shipped = self.files.inspect(manifest, config, entrypoint, platform).await;
        let default_code = self.default_code(&shipped).await;
        shipped.warnings.extend(shipped::warning(DEFAULT_CODE, default_code));
        let machine = shipped.machine();
        let mut policies = Vec::new();
        for inspect::ShippedPolicy { path, component, code } in std::mem::take(&mut shipped.policies) {
            match self.policy(&path, &component, code.as_ref(), machine).await {
                Ok(policy) => {
                    shipped.warnings.extend(shipped::warning(&path, policy.code));
                    policies.push(policy);
                }
                Err(error) => shipped.errors.push(format!("{path} cannot be used: {error}")),
            }
        }
        // The errors name a missing policy, and without it the settings cannot be checked.
        if policies.len() == shipped.entrypoint.policies.len() {
            shipped.errors.extend(self.settings(&shipped.entrypoint.settings, &policies).await);
        }
        if !shipped.unknown {
            let own: Vec<&Listed> = policies.iter().map(|policy| &policy.listed).collect();
            shipped.warnings.extend(label::contradictions(config, &own));
        }
        Inspection { shipped, default_code, policies }
    }

    /// Returns the code at the path of the program's default policy. This refkit can compare it only if the program
    /// has the same default policy.
    async fn default_code(&mut self, shipped: &Shipped) -> Code {
        let component = Bytes::from_static(refkit::DEFAULT_COMPONENT);
        let code = shipped.default_code.as_ref();
        match Code::of(&self.engine, &component, code, shipped.machine(), &mut self.default).await {
            Code::Unfit if !shipped.program.as_ref().is_some_and(|own| program::contains(&own.bytes, &component)) => {
                Code::Foreign
            }
            code => code,
        }
    }

    async fn policy(
        &mut self,
        path: &str,
        bytes: &Bytes,
        code: Option<&Bytes>,
        machine: Option<Machine>,
    ) -> Result<ShippedPolicy, String> {
        let digest = verify::digest(Algorithm::Sha256, bytes);
        if !self.components.contains_key(&digest) {
            let component = Component::load(&self.engine, bytes.clone()).await;
            self.components.insert(digest.clone(), component);
        }
        match self.components.get_mut(&digest) {
            Some(Ok(component)) => Ok(ShippedPolicy::new(path, component, code, machine).await),
            Some(Err(error)) => Err(error.clone()),
            None => Err("it was not loaded".to_owned()),
        }
    }

    /// Checks the settings by the program's rule, and returns the error.
    async fn settings(&self, settings: &[String], policies: &[ShippedPolicy]) -> Option<String> {
        let mut assignments: Vec<Assignment> = Vec::new();
        for text in settings {
            match text.parse() {
                Ok(assignment) => assignments.push(assignment),
                Err(error) => return Some(format!("the setting {text} cannot be used: {error}")),
            }
        }
        let policies = policies.iter().map(|shipped| shipped.policy.clone());
        let checked = policies::check_settings(&self.engine, policies, &assignments).await;
        checked.err().map(|error| error.to_string())
    }
}
