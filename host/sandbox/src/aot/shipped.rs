//! Code that lies beside its component, as an image ships it.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use bytes::Bytes;
use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::{open_own, read};
use crate::Engine;

/// What a shipped entry begins with: the format, its version.
const SHIPPED: &[u8; 16] = b"refkit shipped 1";

/// Code that was compiled ahead of time and lies beside its component: the format, the component's digest (SHA-256),
/// the code's, the code. So damage, and code of another component, are seen before anything of it is loaded; code for
/// another machine or of another wasmtime is seen by wasmtime.
#[derive(Debug, Clone)]
pub struct Shipped(Bytes);

impl Shipped {
    /// Returns the entry for a component and its code, the output of [`Engine::precompile_for`].
    pub fn encode(component: &[u8], code: &[u8]) -> Vec<u8> {
        let digests = [Sha256::digest(component), Sha256::digest(code)];
        [&SHIPPED[..], &digests[0], &digests[1], code].concat()
    }

    /// Returns the code in an entry, if the entry is whole and belongs to the component. This only looks; whether the
    /// code is what the component says is another question.
    pub fn code<'a>(entry: &'a [u8], component: &[u8]) -> Option<&'a [u8]> {
        let rest = entry.strip_prefix(SHIPPED)?.strip_prefix(&Sha256::digest(component)[..])?;
        let (digest, code) = rest.split_at_checked(32)?;
        (Sha256::digest(code)[..] == *digest).then_some(code)
    }

    /// Returns an entry that may be loaded.
    ///
    /// # Safety
    /// Everyone who can have written the bytes may run any code in this process: loading them is running them.
    pub unsafe fn new(entry: Bytes) -> Self {
        Self(entry)
    }

    /// Returns the entry beside a component that this program was shipped with: the file of the same name that ends in
    /// `.cwasm`. None where there is no such file, and where somebody could have written it who cannot replace the
    /// program: it has to lie below the program's own directory, and it and all directories between the two have to
    /// belong to whom the program's file belongs to, who alone may write to them.
    pub fn beside_program(component: &Path) -> Option<Self> {
        Self::below(&std::env::current_exe().ok()?.canonicalize().ok()?, component)
    }

    fn below(program: &Path, component: &Path) -> Option<Self> {
        let path = component.with_extension("cwasm").canonicalize().ok()?;
        let owner = std::fs::metadata(program).ok()?.uid();
        let own = |metadata: &std::fs::Metadata| metadata.uid() == owner && metadata.mode() & 0o022 == 0;
        let between = path.strip_prefix(program.parent()?).ok()?.ancestors().skip(1);
        for directory in between.filter(|directory| !directory.as_os_str().is_empty()) {
            let metadata = std::fs::symlink_metadata(program.parent()?.join(directory)).ok()?;
            if !metadata.is_dir() || !own(&metadata) {
                return None;
            }
        }
        read(&open_own(&path, own)?).map(|bytes| Self(bytes.into()))
    }

    /// Returns the component, or nothing where the code is damaged, another component's, or for another machine or
    /// version.
    pub(crate) fn load(&self, engine: &Engine, component: &[u8]) -> Option<Component> {
        let code = Self::code(&self.0, component)?;
        // SAFETY: the maker of `self` vouched for the bytes.
        unsafe { Component::deserialize(&engine.wasmtime, code) }.ok()
    }
}
