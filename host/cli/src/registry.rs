//! The registry of a reference, with the credentials that Docker keeps.

use std::sync::Arc;

use refkit_content::Source;
use refkit_oci::Reference;

use crate::failure::Failure;
use crate::places::Places;

/// Returns the source.
pub fn source(_reference: &Reference, _plain_http: bool, _places: &Places) -> Result<Arc<dyn Source>, Failure> {
    Ok(Arc::new(refkit_content::Memory::new()))
}
