//! The metadata file, as `docker buildx imagetools create --metadata-file` writes it.

use std::fs::{self, File, Permissions};
use std::io::{self, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;
use refkit::Published;
use serde_json::json;
use tempfile::NamedTempFile;

use crate::prepared_publish::PreparedPublish;

/// A metadata file that is not yet written.
pub struct MetadataFile<'a> {
    path: &'a Path,
    /// Another file in its directory, which takes its place in the end; nothing where a device, a pipe or a link is
    /// written into.
    beside: Option<NamedTempFile>,
}

impl<'a> MetadataFile<'a> {
    /// Prepares a file, before anything is pushed. What the path names stays as it is until [`MetadataFile::write`].
    ///
    /// # Errors
    /// The error of a file that cannot be written.
    pub fn open(path: &'a Path) -> anyhow::Result<Self> {
        let open = || -> io::Result<Option<NamedTempFile>> {
            match path.symlink_metadata() {
                Ok(there) if there.is_file() => {}
                Ok(_) => return File::options().append(true).open(path).map(|_| None),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
            let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
            // Programs of other users may read the file, as far as the umask allows.
            let permissions = Permissions::from_mode(0o644);
            tempfile::Builder::new().permissions(permissions).tempfile_in(directory).map(Some)
        };
        let beside = open().with_context(|| format!("cannot write {}", path.display()))?;
        Ok(Self { path, beside })
    }

    /// Writes the metadata of a result. A regular file appears whole or not at all.
    ///
    /// # Errors
    /// The error of a file that cannot be written.
    pub fn write(self, published: &Published, prepared: &PreparedPublish) -> anyhow::Result<()> {
        let context = || format!("the image was pushed, and {} cannot be written", self.path.display());
        let mut text = serde_json::to_vec_pretty(&metadata(published, prepared)).with_context(context)?;
        text.push(b'\n');
        let Some(mut file) = self.beside else { return fs::write(self.path, &text).with_context(context) };
        file.write_all(&text).with_context(context)?;
        file.persist(self.path).map_err(|error| error.error).with_context(context)?;
        Ok(())
    }
}

fn metadata(published: &Published, prepared: &PreparedPublish) -> serde_json::Value {
    let mut names: Vec<String> =
        published.destinations.iter().map(|one| prepared.places.show_repository(one.repository())).collect();
    names.sort_unstable();
    names.dedup();
    let root = &published.root;
    json!({
        "containerimage.descriptor": {
            "mediaType": &*root.media_type,
            "digest": root.digest.as_str(),
            "size": root.size,
        },
        "image.name": names.join(","),
    })
}
