//! Finds files in the layers of an image, as a container has them: of each path the topmost.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use refkit_content::{Source, verify};
use refkit_oci::document::{Config, Manifest};
use refkit_oci::{Descriptor, Digest, Repository};

use super::POLICIES;
use super::unpack::{Contents, File, Found, UNPACKED_LIMIT};

/// The most that one compressed layer may have, bytes: twice what the largest policies come to.
const LAYER_LIMIT: u64 = 256 << 20;

/// How many layers are looked into, from the top. The one with the policies is the topmost, where nobody has added to
/// the image.
const LAYERS_LIMIT: usize = 32;

/// The layers of one repository; none is read twice.
pub struct Layers {
    source: Arc<dyn Source>,
    repository: Repository,
    read: HashMap<Digest, Rc<Contents>>,
}

/// What was found.
#[derive(Debug, Default)]
pub struct Files {
    /// Files by their path.
    pub files: HashMap<String, File>,
    /// What is in the way.
    pub errors: Vec<String>,
    /// What is not as refkit makes it.
    pub warnings: Vec<String>,
}

impl Layers {
    /// Returns layers of which none has been read.
    pub fn new(source: Arc<dyn Source>, repository: Repository) -> Self {
        Self { source, repository, read: HashMap::new() }
    }

    /// Finds the files at paths.
    pub async fn find(&mut self, manifest: &Manifest, config: &Config, paths: &[String]) -> Files {
        let mut found = Files::default();
        if manifest.layers.len() != config.diff_ids.len() {
            let (layers, ids) = (manifest.layers.len(), config.diff_ids.len());
            found.errors.push(format!("it has {layers} layers, and its config knows of {ids}"));
            return found;
        }
        let mut open: Vec<&String> = paths.iter().collect();
        let (mut left, mut with_some) = (UNPACKED_LIMIT, 0);
        let layers = manifest.layers.iter().zip(&config.diff_ids).rev();
        for (layer, diff_id) in layers.take(LAYERS_LIMIT) {
            if open.is_empty() {
                break;
            }
            let contents = match self.read(layer, diff_id, &mut left).await {
                Ok(contents) => contents,
                Err(why) => {
                    let digest = &layer.digest;
                    found
                        .warnings
                        .push(format!("what is in the layer {digest} is not known, it cannot be read: {why}"));
                    continue;
                }
            };
            with_some += usize::from(!contents.is_empty());
            open.retain(|path| found.settle(path, contents.find(path)));
            let is_policy = |path: &String| path.starts_with(POLICIES) && path.ends_with(".wasm");
            let unused: Vec<String> =
                contents.files().filter(|path| is_policy(path) && !paths.contains(path)).collect();
            if !unused.is_empty() {
                found
                    .warnings
                    .push(format!("it has policies that its entrypoint does not name: {}", unused.join(", ")));
            }
        }
        if with_some > 1 {
            found.warnings.push(format!("{with_some} of its layers have something in /refkit, where refkit makes one"));
        }
        if !open.is_empty() && manifest.layers.len() > LAYERS_LIMIT {
            found.warnings.push(format!("no more than its topmost {LAYERS_LIMIT} layers were looked into"));
        }
        found
    }

    async fn read(&mut self, layer: &Descriptor, diff_id: &str, left: &mut u64) -> Result<Rc<Contents>, String> {
        if let Some(contents) = self.read.get(&layer.digest) {
            return Ok(contents.clone());
        }
        let diff_id: Digest = diff_id.parse().map_err(|error: refkit_oci::digest::DigestError| error.to_string())?;
        let bytes = verify::fetch(&self.source, &self.repository, layer, LAYER_LIMIT).await;
        let bytes = bytes.map_err(|error| error.problem.to_string())?.value;
        let contents = Rc::new(Contents::read(&bytes, &diff_id, left)?);
        self.read.insert(layer.digest.clone(), contents.clone());
        Ok(contents)
    }
}

impl Files {
    /// Takes in what a layer says of a path. Returns whether the layers below decide.
    fn settle(&mut self, path: &str, found: Found<'_>) -> bool {
        match found {
            Found::File(file) => drop(self.files.insert(path.to_owned(), file.clone())),
            Found::Other => self.errors.push(format!("{path} is not a plain file in plain directories")),
            Found::Hidden => {}
            Found::Below => return true,
        }
        false
    }
}
