//! Finds files in the layers of an image as a container sees them: for each path the file in the topmost layer. The
//! files are below one directory of the root, so layers are read only as long as they can change this directory.

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

use contents::{Contents, Found, Left, Wanted};
use links::Links;

pub use contents::File;

/// The largest compressed layer, in bytes: twice the size of the largest policies.
const LAYER_LIMIT: u64 = 256 << 20;

/// The bytes of files that are kept for the next image, which has the same files if it has the same layers.
const SHARED_LIMIT: u64 = 64 << 20;

/// The most layers that are read, from the top: the kernel cannot mount more.
const LAYERS_LIMIT: usize = 128;

/// Reads the layers of one repository, each once.
pub struct Layers {
    source: Arc<dyn Source>,
    repository: Repository,
    /// The directory's name, without a slash.
    directory: String,
    /// The most bytes that the wanted files of one image may have.
    limit: u64,
    /// The contents by the digest of the layer and what was wanted of it.
    read: HashMap<(Digest, Rc<Wanted>), Rc<Contents>>,
}

/// The files that were found.
#[derive(Debug, Default)]
pub struct Files {
    /// Files by their path.
    pub files: HashMap<String, File>,
    /// The reasons why files cannot be found.
    pub errors: Vec<String>,
    /// The other files below the directory, for each layer with any, from the top.
    pub others: Vec<Vec<String>>,
    /// How many of the layers that were read have files in the directory.
    pub layers: usize,
    /// Whether a layer could not be followed, so that a file that was not found may exist.
    pub unknown: bool,
}

impl Layers {
    /// Returns layers of which none has been read. They are looked into below one directory of the root, `/NAME`, and
    /// the wanted files of one image may have no more bytes than the limit.
    pub fn new(source: Arc<dyn Source>, repository: Repository, directory: &str, limit: u64) -> Self {
        let directory = directory.trim_matches('/').to_owned();
        Self { source, repository, directory, limit, read: HashMap::new() }
    }

    /// Finds the files at absolute paths below the directory.
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
        let root = self.directory.clone();
        let wanted = Rc::new(Wanted { directory: root.clone(), paths: paths.to_vec() });
        let mut open: Vec<&String> = paths.iter().collect();
        let (mut left, mut links, mut made) = (Left::new(self.limit), Links::default(), true);
        let layers = manifest.layers.iter().zip(&config.diff_ids).rev();
        for (place, (layer, diff_id)) in layers.enumerate() {
            // A link in the layers below could redirect files that this layer writes outside of the directory, and the
            // directory itself if no layer above creates it.
            if open.is_empty() && made && links.are_within(&root) {
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
            found.layers += usize::from(!contents.is_empty());
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
            let others: Vec<String> = contents.files().filter(|path| !paths.contains(path)).collect();
            if !others.is_empty() {
                found.others.push(others);
            }
        }
        found.follow(&links, &root, paths);
        found
    }

    async fn read(
        &mut self,
        layer: &Descriptor,
        diff_id: &str,
        wanted: &Rc<Wanted>,
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
    fn follow(&mut self, links: &Links, root: &str, paths: &[String]) {
        match links.leads_into(root) {
            Err(why) => self.fail(why),
            Ok(Some(directory)) => self.fail(format!(
                "its layers write into /{directory}, which links of them lead into /{root}: what is there depends on \
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
