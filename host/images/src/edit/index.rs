//! Image indexes.

use refkit_content::Content;
use refkit_oci::Descriptor;
use refkit_oci::edit::{EditError, List, Object};

use super::{content, retarget, set_within};

/// An index that is being edited.
#[derive(Debug, Clone)]
pub struct Index {
    document: Object,
    manifests: List,
}

impl Index {
    /// Reads an index.
    ///
    /// # Errors
    /// [`EditError`] if the bytes are no object, or the member `manifests` is no list.
    pub fn read(bytes: &[u8]) -> Result<Self, EditError> {
        let document = Object::read(bytes)?;
        Ok(Self { manifests: document.list("manifests")?, document })
    }

    /// Changes the manifest of the entry at an index to another one of the same media type; its platform and
    /// annotations stay. An index beyond the list changes nothing.
    ///
    /// # Errors
    /// [`EditError`] if the entry is no object.
    pub fn set_manifest(&mut self, place: usize, manifest: &Descriptor) -> Result<(), EditError> {
        let Some(mut entry) = self.manifests.object(place)? else { return Ok(()) };
        retarget(&mut entry, manifest)?;
        self.manifests.set(place, &entry)
    }

    /// Appends an entry.
    ///
    /// # Errors
    /// [`EditError`] if the entry cannot be written as JSON.
    pub fn push_manifest(&mut self, entry: &Descriptor) -> Result<(), EditError> {
        self.manifests.push(entry)
    }

    /// Removes the entries for whose index a function returns false.
    pub fn retain(&mut self, keep: impl FnMut(usize) -> bool) {
        self.manifests.retain(keep);
    }

    /// Sets an annotation of the index.
    ///
    /// # Errors
    /// [`EditError`] if the member `annotations` is no object.
    pub fn set_annotation(&mut self, key: &str, value: &str) -> Result<(), EditError> {
        set_within(&mut self.document, "annotations", key, value)
    }

    /// Returns the index with the descriptor of its bytes.
    ///
    /// # Errors
    /// [`EditError`] if the entries cannot be written as JSON.
    pub fn into_content(mut self, media_type: &str) -> Result<Content, EditError> {
        self.document.set("manifests", &self.manifests)?;
        Ok(content(media_type, self.document))
    }
}

#[cfg(test)]
mod tests {
    use refkit_content::verify::digest;
    use refkit_oci::Algorithm;

    use super::*;

    #[test]
    fn entries_keep_what_is_theirs() {
        let text = r#"{"manifests": [ {"size":1,"x":[1.0]}, {"size":2}, {"platform": {},"size":3} ],"y":1e1}"#;
        let mut index = Index::read(text.as_bytes()).unwrap();
        let new = Descriptor::new("a/b", digest(Algorithm::Sha256, b"new"), 9);
        index.set_manifest(2, &new).unwrap();
        index.set_manifest(3, &new).unwrap();
        index.retain(|place| place != 1);
        index.push_manifest(&new).unwrap();
        index.set_annotation("k", "v").unwrap();
        let (bytes, new) = (index.into_content("a/b").unwrap().bytes, new.digest);
        let wanted = format!(
            r#"{{"manifests": [ {{"size":1,"x":[1.0]}}, {{"platform": {{}},"size":9,"digest":"{new}"}}, {{"mediaType":"a/b","digest":"{new}","size":9}} ],"y":1e1,"annotations":{{"k":"v"}}}}"#
        );
        assert_eq!(std::str::from_utf8(&bytes).unwrap(), wanted);
    }
}
