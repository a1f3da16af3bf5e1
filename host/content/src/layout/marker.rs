//! The file `oci-layout`, as OCI image-spec 1.1, section "oci-layout file".

use oci_spec::image::{OciLayout, OciLayoutBuilder};

use super::store::Store;
use crate::ErrorKind;

/// The file's name.
pub(super) const NAME: &str = "oci-layout";

/// The only version.
const VERSION: &str = "1.0.0";

/// The largest file, in bytes; 30 are enough.
const LIMIT: u64 = 4 << 10;

/// Returns the file's content.
///
/// # Errors
/// [`ErrorKind::Other`] if the version cannot be written as JSON.
pub(super) fn content() -> Result<Vec<u8>, ErrorKind> {
    let marker = OciLayoutBuilder::default().image_layout_version(VERSION).build();
    let content = marker.and_then(|marker| marker.to_string());
    content.map(String::into_bytes).map_err(|error| ErrorKind::Other(error.to_string()))
}

/// Checks that this is a layout of the supported version. Blocks.
pub(super) fn check(store: &Store) -> Result<(), ErrorKind> {
    let bytes = match store.file(NAME) {
        Ok(file) => file.read_all(LIMIT)?,
        Err(ErrorKind::NotFound) => return Err(missing(store)),
        Err(kind) => return Err(kind),
    };
    let marker: OciLayout = serde_json::from_slice(&bytes)
        .map_err(|error| ErrorKind::Malformed(format!("its file `{NAME}` is malformed: {error}")))?;
    if marker.image_layout_version() == VERSION {
        return Ok(());
    }
    let version: String = marker.image_layout_version().chars().take(40).collect();
    Err(ErrorKind::Unsupported(format!("it is an image layout of version {version:?}, and only {VERSION} is known")))
}

fn missing(store: &Store) -> ErrorKind {
    let what = if store.file("manifest.json").is_ok() {
        "it is what `docker save` wrote before Docker 25, not an OCI image layout; write one with \
         `docker buildx build --output type=oci`, or copy it with `skopeo copy docker-archive:… oci:…`"
            .to_owned()
    } else {
        format!("it is not an OCI image layout: there is no file `{NAME}`")
    };
    ErrorKind::Malformed(what)
}
