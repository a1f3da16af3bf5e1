//! Code that lies beside its component, as an image ships it.

use std::fs::File;
use std::os::unix::fs::{FileExt, MetadataExt};
use std::path::Path;
use std::sync::Arc;

use sha2::{Digest as _, Sha256};
use wasmtime::component::Component;

use super::{map, open_own};
use crate::Engine;

/// What a shipped entry ends with: the format, its version.
const SHIPPED: &[u8; 16] = b"refkit shipped 2";

/// Bytes of a SHA-256 digest.
const DIGEST: usize = 32;

/// Bytes of the checksum.
const CHECKSUM: usize = 4;

/// Bytes after the code: the component's digest, the checksum of the code, the format.
const TRAILER: usize = DIGEST + CHECKSUM + SHIPPED.len();

/// How much of a file is read at once, bytes.
const STEP: usize = 16 << 10;

/// Code that was compiled ahead of time and lies beside its component.
///
/// The file holds the code, the component's digest (SHA-256), a checksum of the code (CRC-32) and the format. The code
/// stands first, because wasmtime maps it from the file. The trailer shows code that is damaged or another component's
/// before wasmtime loads it; wasmtime itself refuses code for another machine or of another version. The trailer does
/// not protect from a person who can write the file, because that person can write the trailer as well: who owns the
/// file and the program decides whether it is opened at all, see [`Shipped::beside_program`].
#[derive(Debug, Clone)]
pub struct Shipped(Arc<File>);

impl Shipped {
    /// Returns the bytes of the file for a component and its code, the output of [`Engine::precompile_for`].
    pub fn encode(component: &[u8], code: &[u8]) -> Vec<u8> {
        let component = Sha256::digest(component);
        [code, &component, &crc32fast::hash(code).to_le_bytes(), SHIPPED].concat()
    }

    /// Returns the code in the bytes of such a file, if the file is whole and belongs to the component. The code is not
    /// compared with the component.
    pub fn code<'a>(entry: &'a [u8], component: &[u8]) -> Option<&'a [u8]> {
        let (code, trailer) = entry.split_last_chunk::<TRAILER>()?;
        let checksum = checksum_for(trailer, &Sha256::digest(component).into())?;
        (crc32fast::hash(code) == checksum).then_some(code)
    }

    /// Returns the file beside a component that this program was shipped with: the file of the same name that ends in
    /// `.cwasm`. Returns nothing where there is no such file, and where a user could have written it who cannot replace
    /// the program: the file has to lie below the program's own directory, and the file and all directories between
    /// the two have to belong to the owner of the program's file, and only that owner may write to them.
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
        Some(Self(Arc::new(open_own(&path, own)?)))
    }

    /// Returns the component with this digest (SHA-256), or nothing where the code is damaged, another component's, or
    /// for another machine or version. Blocks.
    pub(crate) fn load(&self, engine: &Engine, component: &[u8; DIGEST]) -> Option<Component> {
        self.is_whole(component)?.then_some(())?;
        // SAFETY: only the program's owner can have written the file, and that user can replace the program.
        unsafe { map(&engine.wasmtime, &self.0, TRAILER) }.ok()
    }

    /// Returns whether the file holds undamaged code of a component; nothing where it cannot be read.
    fn is_whole(&self, component: &[u8; DIGEST]) -> Option<bool> {
        let code = self.0.metadata().ok()?.len().checked_sub(TRAILER as u64)?;
        let mut trailer = [0; TRAILER];
        self.0.read_exact_at(&mut trailer, code).ok()?;
        let checksum = checksum_for(&trailer, component)?;
        let mut hasher = crc32fast::Hasher::new();
        let mut buffer = vec![0; STEP];
        let mut at = 0;
        while at < code {
            let step = usize::try_from(code - at).unwrap_or(STEP).min(STEP);
            self.0.read_exact_at(&mut buffer[..step], at).ok()?;
            hasher.update(&buffer[..step]);
            at += step as u64;
        }
        Some(hasher.finalize() == checksum)
    }
}

/// Returns the checksum that the code before a trailer must have, if the trailer is of this format and this component.
fn checksum_for(trailer: &[u8; TRAILER], component: &[u8; DIGEST]) -> Option<u32> {
    let rest = trailer.strip_prefix(component)?.strip_suffix(SHIPPED)?;
    rest.try_into().ok().map(u32::from_le_bytes)
}
