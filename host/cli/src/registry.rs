//! Where the images of registries are read.

use std::sync::Arc;

use refkit::ErrorCode;
use refkit_content::Source;
use refkit_oci::Reference;

use crate::failure::Failure;
use crate::places::Places;

/// Returns the source of a reference's registry, with the credentials that Docker keeps.
///
/// # Errors
/// [`ErrorCode::Unsupported`], as long as refkit-registry has no client.
pub fn source(reference: &Reference, _plain_http: bool, _places: &Places) -> Result<Arc<dyn Source>, Failure> {
    let registry = reference.repository().registry();
    let failure =
        Failure::failed(ErrorCode::Unsupported, format_args!("cannot ask {registry}: there is no registry client yet"));
    Err(failure.hint("copy the image into a layout with another tool, and name it as oci-layout:PATH"))
}
