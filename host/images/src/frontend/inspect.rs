//! Inspects a frontend image: the program and the policies in its layers, at the paths that its entrypoint names. It
//! loads no component and no code; the caller does that.

use std::sync::Arc;

use bytes::Bytes;
use refkit_content::{Source, verify};
use refkit_oci::document::{Config, Manifest};
use refkit_oci::{Algorithm, Digest, Platform, Repository};

use super::elf::{self, Machine};
use super::entrypoint::Entrypoint;
use super::policy::code_path;
use super::{DEFAULT_CODE, DIRECTORY, NETWORK_NONE, POLICIES, POLICIES_LIMIT, PROGRAM, PROGRAM_LIMIT, program};
use crate::layers::{File, Files, Layers};

/// What one image ships.
#[derive(Debug, Default)]
pub struct Shipped {
    /// The entrypoint.
    pub entrypoint: Entrypoint,
    /// The program, if the image has it.
    pub program: Option<ShippedProgram>,
    /// The file at [`DEFAULT_CODE`].
    pub default_code: Option<Bytes>,
    /// The policies that the entrypoint names, in its order; a missing one is an error.
    pub policies: Vec<ShippedPolicy>,
    /// Whether the label [`NETWORK_NONE`] is set.
    pub network_none: bool,
    /// Whether a layer could not be followed, so that a file that was not found may exist.
    pub unknown: bool,
    /// The reasons why the image cannot run.
    pub errors: Vec<String>,
    /// Differences from an image of this recipe.
    pub warnings: Vec<String>,
}

/// The program of an image.
#[derive(Debug)]
pub struct ShippedProgram {
    /// The digest of the file.
    pub digest: Digest,
    /// The file's content.
    pub bytes: Bytes,
    /// The machine of the program; `None` if the file is no static program.
    pub machine: Option<Machine>,
    /// The version that the program carries.
    pub version: Option<String>,
}

/// A policy of an image.
#[derive(Debug)]
pub struct ShippedPolicy {
    /// The component's path.
    pub path: String,
    /// The component.
    pub component: Bytes,
    /// The file at which the program looks for the component's code.
    pub code: Option<Bytes>,
}

/// Inspects the images of one repository, and reads each layer once.
pub struct Inspector {
    layers: Layers,
}

impl Inspector {
    /// Returns an inspector that has read nothing yet.
    pub fn new(source: Arc<dyn Source>, repository: Repository) -> Self {
        // All files together may have as many bytes as the largest program alone.
        Self { layers: Layers::new(source, repository, DIRECTORY, PROGRAM_LIMIT) }
    }

    /// Inspects an image that starts with this recipe's entrypoint.
    pub async fn inspect(
        &mut self,
        manifest: &Manifest,
        config: &Config,
        entrypoint: Entrypoint,
        platform: Option<&Platform>,
    ) -> Shipped {
        let mut shipped = Shipped { entrypoint, ..Shipped::default() };
        shipped.network_none = config.labels().any(|(name, value)| name == NETWORK_NONE && value == "true");
        if !shipped.network_none {
            let text = format!("the label {NETWORK_NONE} is not \"true\", so BuildKit may give it a network");
            shipped.warnings.push(text);
        }
        if shipped.entrypoint.policies.len() > POLICIES_LIMIT {
            shipped.errors.push(format!("its entrypoint names more than {POLICIES_LIMIT} policies"));
            shipped.unknown = true;
            return shipped;
        }
        shipped.judge_entrypoint();
        let policies = shipped.entrypoint.policies.clone();
        let mut wanted = vec![PROGRAM.to_owned(), DEFAULT_CODE.to_owned()];
        wanted.extend(policies.iter().flat_map(|path| [path.clone(), code_path(path)]));
        let mut found = self.layers.find(manifest, config, &wanted).await;
        shipped.errors.append(&mut found.errors);
        shipped.judge_layers(&found);
        shipped.unknown = found.unknown;
        let content = |path: &str| found.files.get(path).map(|file| file.content.clone());
        match found.files.get(PROGRAM) {
            Some(file) => shipped.judge_program(file, platform),
            None if shipped.unknown => {}
            None => shipped.errors.push(format!("{PROGRAM} is not there")),
        }
        shipped.default_code = content(DEFAULT_CODE);
        for path in policies {
            // Another spelling is another file where the working directory or a link says so.
            if !path.strip_prefix(DIRECTORY).is_some_and(|rest| rest.starts_with('/')) {
                shipped.errors.push(format!("{path} is not in {DIRECTORY}, and nothing else is looked into"));
                continue;
            }
            match content(&path) {
                Some(component) => {
                    let code = content(&code_path(&path));
                    shipped.policies.push(ShippedPolicy { path, component, code });
                }
                None if shipped.unknown => {}
                None => shipped.errors.push(format!("{path} is not there")),
            }
        }
        shipped
    }
}

impl Shipped {
    /// Returns the machine of the program.
    pub fn machine(&self) -> Option<Machine> {
        self.program.as_ref().and_then(|program| program.machine)
    }

    fn judge_entrypoint(&mut self) {
        let Entrypoint { policies, allowed, child, others, .. } = &self.entrypoint;
        for other in others {
            self.warnings.push(format!("its entrypoint has the argument {other}, which this refkit does not know"));
        }
        if policies.is_empty() && allowed.is_empty() {
            let text = "its entrypoint names no policy, so RefKit's default policy decides alone";
            self.warnings.push(text.to_owned());
        }
        if child.is_empty() {
            self.errors.push("its entrypoint names no frontend to run behind the policies".to_owned());
        }
    }

    fn judge_layers(&mut self, found: &Files) {
        for others in &found.others {
            let is_policy = |path: &&String| path.starts_with(POLICIES) && path.ends_with(".wasm");
            let unused: Vec<&str> = others.iter().filter(is_policy).map(String::as_str).collect();
            if !unused.is_empty() {
                let text = format!("it has policies that its entrypoint does not name: {}", unused.join(", "));
                self.warnings.push(text);
            }
        }
        let layers = found.layers;
        if layers > 1 {
            let text = format!("{layers} of its layers have something in {DIRECTORY}, where refkit makes one");
            self.warnings.push(text);
        }
    }

    fn judge_program(&mut self, file: &File, platform: Option<&Platform>) {
        let File { mode, content } = file;
        if mode & 0o111 != 0o111 {
            self.errors.push(format!("{PROGRAM} is not executable for everybody: its mode is {mode:o}"));
        }
        let machine = match elf::read(content) {
            Ok(machine) => Some(machine),
            Err(why) => {
                self.errors.push(format!("{PROGRAM} cannot run: {why}"));
                None
            }
        };
        if let (Some(machine), Some(platform)) = (machine, platform)
            && !program::suits(machine, platform)
        {
            self.errors.push(format!("{PROGRAM} is for {}, not for {platform}", machine.platform()));
        }
        let version = program::version(content).map(str::to_owned);
        if machine.is_some() && version.is_none() {
            self.errors.push(format!("{PROGRAM} is no refkit-frontend: it names no version of it"));
        }
        let digest = verify::digest(Algorithm::Sha256, content);
        self.program = Some(ShippedProgram { digest, bytes: content.clone(), machine, version });
    }
}
