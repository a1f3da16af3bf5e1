//! Keeps what a layout had, in the one that replaces it.

use std::collections::HashSet;

use futures_util::future::{BoxFuture, FutureExt as _};
use refkit_oci::{Descriptor, Digest, Reference};

use super::LayoutWriter;
use crate::layout::Layout;
use crate::links::{self, Links};
use crate::verify::{self, MANIFEST_LIMIT};
use crate::{Content, Discover as _, Error, ErrorCode, ErrorKind, Fetch as _, Operation, Push as _, Resolve as _};

/// How deep indexes may be nested, as in a copy.
const DEPTH_LIMIT: usize = 8;

impl LayoutWriter {
    /// Copies all that another layout has: its tags, the images without one, and referrers. An index keeps its bytes, and a
    /// manifest that `before` lacks of it stays absent.
    ///
    /// # Errors
    /// The error of either layout, such as content that `before` has not as its digest says.
    pub async fn keep(&self, before: &Layout) -> Result<(), Error> {
        let mut keeping = Keeping { before, writer: &self.clone().sparse(true), met: HashSet::new() };
        for entry in before.entries() {
            let digest = &entry.descriptor.digest;
            for tag in &entry.tags {
                if let Some(subject) = subject(tag) {
                    // The writer makes the list of the referrers that it gets.
                    for referrer in before.referrers(before.repository(), &subject, None).await?.value {
                        keeping.child(&referrer, 0).await?;
                    }
                } else if let Ok(to) = Reference::new(self.repository.clone(), Some(tag.clone()), None) {
                    keeping.root(digest, &to).await?;
                }
            }
            if entry.tags.is_empty() {
                keeping.root(digest, &Reference::to_digest(self.repository.clone(), digest.clone())).await?;
            }
        }
        Ok(())
    }
}

struct Keeping<'a> {
    before: &'a Layout,
    writer: &'a LayoutWriter,
    /// The manifests and indexes that are copied.
    met: HashSet<Digest>,
}

impl Keeping<'_> {
    async fn root(&mut self, digest: &Digest, to: &Reference) -> Result<(), Error> {
        let from = Reference::to_digest(self.before.repository().clone(), digest.clone());
        let content = self.before.pull(&from).await?.value;
        self.below(&content, 0).await?;
        self.writer.push_manifest(to, &content.descriptor.media_type, content.bytes).await.map(drop)
    }

    /// Copies a manifest or an index, unless the layout lacks it.
    async fn child(&mut self, child: &Descriptor, depth: usize) -> Result<(), Error> {
        let fetched = verify::fetch(self.before, self.before.repository(), child, MANIFEST_LIMIT).await;
        let bytes = match fetched {
            Ok(found) => found.value,
            Err(error) if error.code() == ErrorCode::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        let content = Content { descriptor: child.clone(), bytes };
        self.below(&content, depth).await?;
        let to = Reference::to_digest(self.writer.repository.clone(), child.digest.clone());
        self.writer.push_manifest(&to, &child.media_type, content.bytes).await.map(drop)
    }

    /// Copies what a manifest or an index refers to.
    fn below<'f>(&'f mut self, content: &'f Content, depth: usize) -> BoxFuture<'f, Result<(), Error>> {
        async move {
            let Content { descriptor, bytes } = content;
            let fail = |kind| {
                let subject = format_args!("{}@{}", self.before.repository(), descriptor.digest).to_string();
                Error::new(Operation::Fetch, subject, kind).at(self.before.origin())
            };
            if depth > DEPTH_LIMIT {
                let what = format!("the indexes lie more than {DEPTH_LIMIT} deep within each other");
                return Err(fail(ErrorKind::Malformed(what)));
            }
            let links = Links::read(&descriptor.media_type, bytes).map_err(fail)?;
            if !self.met.insert(descriptor.digest.clone()) {
                return Ok(());
            }
            for blob in &links.blobs {
                match self.before.open(self.before.repository(), blob).await {
                    Ok(body) => self.writer.push_blob(&self.writer.repository, blob, body).await?,
                    Err(error) if links::stays_elsewhere(blob) && error.code() == ErrorCode::NotFound => {}
                    Err(error) => return Err(error),
                }
            }
            for child in &links.manifests {
                self.child(child, depth + 1).await?;
            }
            Ok(())
        }
        .boxed()
    }
}

/// Returns the digest whose list of referrers has a tag (OCI distribution 1.1, section "Referrers Tag Schema").
fn subject(tag: &str) -> Option<Digest> {
    let (algorithm, hex) = tag.split_once('-')?;
    format!("{algorithm}:{hex}").parse().ok()
}
