//! The metadata file, as `docker buildx imagetools create --metadata-file` writes it.

use std::io::Write as _;
use std::path::Path;

use anyhow::Context as _;
use refkit::Published;
use serde_json::json;

use crate::prepared_publish::PreparedPublish;
/// Writes the metadata of a result. The file appears whole or not at all.
///
/// # Errors
/// The error of a file that cannot be written.
pub fn write(path: &Path, published: &Published, prepared: &PreparedPublish) -> anyhow::Result<()> {
    let context = || format!("the image was pushed, and {} cannot be written", path.display());
    let mut text = serde_json::to_vec_pretty(&metadata(published, prepared)).with_context(context)?;
    text.push(b'\n');
    let directory = path.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(directory).with_context(context)?;
    file.write_all(&text).with_context(context)?;
    file.persist(path).map_err(|error| error.error).with_context(context)?;
    Ok(())
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
