//! Finds files in the layers of an image as a container sees them: of each path the file in the topmost layer.

mod archive;
mod compressed;
mod contents;
mod links;

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use refkit_content::{Source, verify};
use refkit_oci::document::{Config, Manifest};
use refkit_oci::{Descriptor, Digest, Repository};

use crate::frontend::POLICIES;
use contents::{Contents, Found, Left, ROOT};
use links::Links;

pub use contents::File;

/// The most that one compressed layer may have, bytes: twice what the largest policies come to.
const LAYER_LIMIT: u64 = 256 << 20;

/// The bytes of files that are kept from one image for the next: another one with the same layers has the same files.
const SHARED_LIMIT: u64 = 64 << 20;

/// The most layers that are read, from the top: no more can be mounted on each other.
const LAYERS_LIMIT: usize = 128;

/// Reads the layers of one repository, none of them twice.
pub struct Layers {
    source: Arc<dyn Source>,
    repository: Repository,
    /// The contents by the digest of the layer and the wanted paths.
    read: HashMap<(Digest, Rc<[String]>), Rc<Contents>>,
}

/// The files that were found.
#[derive(Debug, Default)]
pub struct Files {
    /// Files by their path.
    pub files: HashMap<String, File>,
    /// The reasons why files cannot be found.
    pub errors: Vec<String>,
    /// What differs from an image that the recipe makes.
    pub warnings: Vec<String>,
    /// Whether a layer could not be followed, so that what was not found may be there.
    pub unknown: bool,
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
        if self.read.values().map(|contents| contents.kept()).sum::<u64>() > SHARED_LIMIT {
            self.read.clear();
        }
        let wanted: Rc<[String]> = paths.into();
        let mut open: Vec<&String> = paths.iter().collect();
        let (mut left, mut with_some, mut links, mut made) = (Left::new(), 0, Links::default(), true);
        let layers = manifest.layers.iter().zip(&config.diff_ids).rev();
        for (place, (layer, diff_id)) in layers.enumerate() {
            // A link of the layers below could lead elsewhere what is written outside of the directory, and the
            // directory itself where no layer above makes it.
            if open.is_empty() && made && links.are_within(ROOT) {
                break;
            }
            if place == LAYERS_LIMIT {
                found.fail(format!("it has more than {LAYERS_LIMIT} layers, and the others were not looked into"));
                return found;
            }
            let contents = match self.read(layer, diff_id, &wanted, &mut left).await {
                Ok(contents) => contents,
                Err(why) => {
                    let digest = &layer.digest;
                    found.fail(format!("what is in the layer {digest} is not known, it cannot be followed: {why}"));
                    return found;
                }
            };
            with_some += usize::from(!contents.is_empty());
            links.extend(contents.links());
            if links.are_too_many() {
                found.fail("its layers have too many links and directories to follow them all".to_owned());
                return found;
            }
            open.retain(|path| {
                let below = found.settle(path, contents.find(path));
                made &= below || contents.makes_directories_of(path);
                below
            });
            let is_policy = |path: &String| path.starts_with(POLICIES) && path.ends_with(".wasm");
            let unused: Vec<String> =
                contents.files().filter(|path| is_policy(path) && !paths.contains(path)).collect();
            if !unused.is_empty() {
                found
                    .warnings
                    .push(format!("it has policies that its entrypoint does not name: {}", unused.join(", ")));
            }
        }
        found.follow(&links, paths);
        if with_some > 1 {
            found.warnings.push(format!("{with_some} of its layers have something in /refkit, where refkit makes one"));
        }
        found
    }

    async fn read(
        &mut self,
        layer: &Descriptor,
        diff_id: &str,
        wanted: &Rc<[String]>,
        left: &mut Left,
    ) -> Result<Rc<Contents>, String> {
        let key = (layer.digest.clone(), wanted.clone());
        if let Some(contents) = self.read.get(&key) {
            left.keep(contents.kept()).map_err(|error| error.to_string())?;
            return Ok(contents.clone());
        }
        let diff_id: Digest = diff_id.parse().map_err(|error: refkit_oci::digest::DigestError| error.to_string())?;
        let bytes = verify::fetch(&self.source, &self.repository, layer, LAYER_LIMIT).await;
        let bytes = bytes.map_err(|error| error.kind.to_string())?.value;
        let contents = Rc::new(Contents::read(&bytes, &diff_id, wanted, left)?);
        self.read.insert(key, contents.clone());
        Ok(contents)
    }
}

impl Files {
    /// Records that a layer cannot be followed.
    fn fail(&mut self, why: String) {
        self.unknown = true;
        self.errors.push(why);
    }

    /// Checks that no link leads to the files, or away from them.
    fn follow(&mut self, links: &Links, paths: &[String]) {
        match links.leads_into(ROOT) {
            Err(why) => self.fail(why),
            Ok(Some(directory)) => self.fail(format!(
                "its layers write into /{directory}, which links of them lead into /{ROOT}: what is there depends on \
                 who unpacks it"
            )),
            Ok(None) => {}
        }
        for path in paths.iter().filter(|path| self.files.contains_key(*path)) {
            if links.pass(path.trim_start_matches('/')) {
                self.errors.push(format!(
                    "{path} is not a plain file in plain directories: one of its layers has a link there"
                ));
            }
        }
    }

    /// Records what a layer has at a path. Returns whether the layers below decide.
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
