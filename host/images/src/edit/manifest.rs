//! Image manifests.

use refkit_content::Content;
use refkit_oci::Descriptor;
use refkit_oci::edit::{EditError, Object};

use super::{content, retarget, set_within};

/// A manifest that is being edited.
#[derive(Debug, Clone)]
pub struct Manifest(Object);

impl Manifest {
    /// Reads a manifest.
    ///
    /// # Errors
    /// [`EditError`] if the bytes are no object.
    pub fn read(bytes: &[u8]) -> Result<Self, EditError> {
        Object::read(bytes).map(Self)
    }

    /// Sets another config of the same media type.
    ///
    /// # Errors
    /// [`EditError`] if the member `config` is no object.
    pub fn set_config(&mut self, config: &Descriptor) -> Result<(), EditError> {
        let mut descriptor = self.0.object("config")?;
        retarget(&mut descriptor, config)?;
        self.0.set("config", &descriptor)
    }

    /// Adds a layer on top of the others.
    ///
    /// # Errors
    /// [`EditError`] if the member `layers` is no list.
    pub fn push_layer(&mut self, layer: &Descriptor) -> Result<(), EditError> {
        let mut layers = self.0.list("layers")?;
        layers.push(layer)?;
        self.0.set("layers", &layers)
    }

    /// Sets an annotation.
    ///
    /// # Errors
    /// [`EditError`] if the member `annotations` is no object.
    pub fn set_annotation(&mut self, key: &str, value: &str) -> Result<(), EditError> {
        set_within(&mut self.0, "annotations", key, value)
    }

    /// Returns the manifest with the descriptor of its bytes.
    pub fn into_content(self, media_type: &str) -> Content {
        content(media_type, self.0)
    }
}

#[cfg(test)]
mod tests {
    use refkit_content::verify::digest;
    use refkit_oci::Algorithm;

    use super::*;

    #[test]
    fn a_config_takes_the_place_of_the_old_one() {
        let text =
            r#"{"layers": [ {"size":1} ], "config": {"data":"e30=","x":1,"size":2,"digest":"old","urls":["u"]}}"#;
        let mut manifest = Manifest::read(text.as_bytes()).unwrap();
        let new = Descriptor::new("a/b", digest(Algorithm::Sha256, b"new"), 3);
        manifest.set_config(&new).unwrap();
        manifest.push_layer(&new).unwrap();
        manifest.set_annotation("k", "v").unwrap();
        let (bytes, new) = (manifest.into_content("a/b").bytes, new.digest);
        let wanted = format!(
            r#"{{"layers": [ {{"size":1}}, {{"mediaType":"a/b","digest":"{new}","size":3}} ], "config": {{"x":1,"size":3,"digest":"{new}"}}, "annotations": {{"k":"v"}}}}"#
        );
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), wanted);
    }
}
