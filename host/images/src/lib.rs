//! Makes and edits container images: their documents, their layers, and the image of a BuildKit frontend that ships
//! policies.
#![forbid(unsafe_code)]

pub mod edit;
pub mod frontend;
pub mod layer;
pub mod layers;
pub mod object;
