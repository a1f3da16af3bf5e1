//! Looks at one image: which program and which policies its layers have where its entrypoint says.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use refkit::Engine;
use refkit::settings::Assignment;
use refkit_content::{Source, verify};
use refkit_images::frontend::entrypoint::Entrypoint;
use refkit_images::frontend::label::{self, Listed};
use refkit_images::frontend::{DEFAULT_CODE, NETWORK_NONE, PROGRAM, elf};
use refkit_images::layers::{File, Layers};
use refkit_oci::document::{Config, Manifest};
use refkit_oci::{Algorithm, Digest, Platform, Repository};

use super::binary;
use super::carried::{self, Carried, Code, Compiled, Component};
use super::policies::{self, LIMIT};

/// What one image ships.
#[derive(Debug, Default)]
pub struct Look {
    /// The program, if it is there.
    pub program: Option<Program>,
    /// What lies where the program looks for its default policy's code.
    pub default_code: Code,
    /// The policies that the entrypoint names, in its order; one that is not there is an error.
    pub policies: Vec<Carried>,
    /// What the entrypoint says.
    pub entrypoint: Entrypoint,
    /// Whether BuildKit is told to give it no network.
    pub network_none: bool,
    /// Why it cannot run.
    pub errors: Vec<String>,
    /// Where it is not what it says.
    pub warnings: Vec<String>,
}

/// The program in an image.
#[derive(Debug)]
pub struct Program {
    pub digest: Digest,
    pub size: u64,
    pub platform: Option<Platform>,
    pub version: Option<String>,
}

/// What looks at several images, and reads nothing twice.
pub struct Looking {
    layers: Layers,
    engine: Engine,
    components: HashMap<Digest, Result<Component, String>>,
    /// The default policy's code, by target.
    default: Compiled,
}

/// The most bytes of components that are kept from one image for the next.
const SHARED_LIMIT: usize = 64 << 20;

/// Returns whether a program holds a component, byte for byte.
fn holds(program: &[u8], component: &[u8]) -> bool {
    let Some(first) = component.get(..16) else { return false };
    let starts = program.windows(first.len()).enumerate().filter(|(_, window)| *window == first);
    starts.map(|(start, _)| start).any(|start| program[start..].starts_with(component))
}

impl Looking {
    /// Returns what has not looked at anything yet.
    pub fn new(source: Arc<dyn Source>, repository: Repository, engine: Engine) -> Self {
        Self { layers: Layers::new(source, repository), engine, components: HashMap::new(), default: Compiled::new() }
    }

    /// Looks at an image whose entrypoint is this program's.
    pub async fn look(
        &mut self,
        manifest: &Manifest,
        config: &Config,
        entrypoint: Entrypoint,
        platform: Option<&Platform>,
    ) -> Look {
        let mut look = Look { entrypoint, ..Look::default() };
        look.network_none = config.labels().any(|(name, value)| name == NETWORK_NONE && value == "true");
        if !look.network_none {
            look.warnings.push(format!("the label {NETWORK_NONE} is not \"true\", so BuildKit may give it a network"));
        }
        if look.entrypoint.policies.len() > LIMIT {
            look.errors.push(format!("its entrypoint names more than {LIMIT} policies"));
            return look;
        }
        for other in &look.entrypoint.others {
            look.warnings.push(format!("its entrypoint has the argument {other}, which this refkit does not know"));
        }
        if look.entrypoint.policies.is_empty() && look.entrypoint.allowed.is_empty() {
            look.warnings.push("its entrypoint names no policy, so RefKit's default policy decides alone".to_owned());
        }
        if look.entrypoint.child.is_empty() {
            look.errors.push("its entrypoint names no frontend to run behind the policies".to_owned());
        }
        // As the program does.
        let code = |path: &String| Path::new(path).with_extension("cwasm").display().to_string();
        let policies = look.entrypoint.policies.clone();
        let wanted: Vec<String> = [PROGRAM, DEFAULT_CODE]
            .into_iter()
            .map(str::to_owned)
            .chain(policies.iter().flat_map(|path| [path.clone(), code(path)]))
            .collect();
        if self.components.values().flatten().map(Component::size).sum::<usize>() > SHARED_LIMIT {
            self.components.clear();
        }
        let found = self.layers.find(manifest, config, &wanted).await;
        look.errors.extend(found.errors);
        look.warnings.extend(found.warnings);
        let (files, unknown) = (found.files, found.unknown);
        let program = files.get(PROGRAM);
        let machine = if program.is_none() && unknown { None } else { self.program(program, platform, &mut look) };
        let code_of_default = files.get(DEFAULT_CODE).map(|file| &file.content);
        look.default_code = self.default_code(code_of_default, program, machine).await;
        look.warnings.extend(carried::warning(DEFAULT_CODE, look.default_code));
        for path in &policies {
            // Another spelling is another file where the working directory or a link says so.
            if !path.starts_with("/refkit/") {
                look.errors.push(format!("{path} is not in /refkit, and nothing else is looked into"));
                continue;
            }
            let Some(file) = files.get(path) else {
                if !unknown {
                    look.errors.push(format!("{path} is not there"));
                }
                continue;
            };
            let code = files.get(&code(path)).map(|file| &file.content);
            self.policy(path, &file.content, code, machine, &mut look).await;
        }
        self.settings(&mut look).await;
        if !unknown {
            let own: Vec<&Listed> = look.policies.iter().map(|carried| &carried.listed).collect();
            look.warnings.extend(label::contradictions(config, &own));
        }
        look
    }

    fn program(&self, file: Option<&File>, platform: Option<&Platform>, look: &mut Look) -> Option<elf::Machine> {
        let Some(File { mode, content }) = file else {
            look.errors.push(format!("{PROGRAM} is not there"));
            return None;
        };
        if mode & 0o111 != 0o111 {
            look.errors.push(format!("{PROGRAM} is not executable for everybody: its mode is {mode:o}"));
        }
        let machine =
            elf::read(content).inspect_err(|why| look.errors.push(format!("{PROGRAM} cannot run: {why}"))).ok();
        if let (Some(machine), Some(platform)) = (machine, platform)
            && !binary::suits(machine, platform)
        {
            look.errors.push(format!("{PROGRAM} is for {}, not for {platform}", machine.platform()));
        }
        let version = binary::version(content).map(str::to_owned);
        if machine.is_some() && version.is_none() {
            look.errors.push(format!("{PROGRAM} is no refkit-frontend: it names no version of it"));
        }
        look.program = Some(Program {
            digest: verify::digest(Algorithm::Sha256, content),
            size: content.len() as u64,
            platform: machine.map(|machine| machine.platform()),
            version,
        });
        machine
    }

    /// Says what lies where the program looks for its default policy's code. Which component it has is known where it
    /// has the same as this refkit.
    async fn default_code(
        &mut self,
        code: Option<&Bytes>,
        program: Option<&File>,
        machine: Option<elf::Machine>,
    ) -> Code {
        let component = Bytes::from_static(refkit::DEFAULT_COMPONENT);
        match Code::of(&self.engine, &component, code, machine, &mut self.default).await {
            Code::Unfit if !program.is_some_and(|program| holds(&program.content, &component)) => Code::Foreign,
            code => code,
        }
    }

    async fn policy(
        &mut self,
        path: &str,
        bytes: &Bytes,
        code: Option<&Bytes>,
        machine: Option<elf::Machine>,
        look: &mut Look,
    ) {
        let digest = verify::digest(Algorithm::Sha256, bytes);
        if !self.components.contains_key(&digest) {
            let component = Component::load(&self.engine, bytes.clone()).await;
            self.components.insert(digest.clone(), component);
        }
        match self.components.get_mut(&digest) {
            Some(Ok(component)) => {
                let carried = Carried::new(path, component, code, machine).await;
                look.warnings.extend(carried::warning(path, carried.code));
                look.policies.push(carried);
            }
            Some(Err(error)) => look.errors.push(format!("{path} cannot be used: {error}")),
            None => {}
        }
    }

    /// Checks the settings by the rule of the program.
    async fn settings(&self, look: &mut Look) {
        let mut assignments: Vec<Assignment> = Vec::new();
        for text in &look.entrypoint.settings {
            match text.parse() {
                Ok(assignment) => assignments.push(assignment),
                Err(error) => return look.errors.push(format!("the setting {text} cannot be used: {error}")),
            }
        }
        // A policy that is missing is told already, and its settings are nobody's.
        if look.policies.len() < look.entrypoint.policies.len() {
            return;
        }
        let policies: Vec<refkit::Policy> = look.policies.iter().map(|carried| carried.policy.clone()).collect();
        let checked = policies::check_settings(&self.engine, policies.into_iter(), &assignments).await;
        look.errors.extend(checked.err().map(|failure| failure.to_string()));
    }
}
