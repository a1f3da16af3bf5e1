//! Fuzzes image layouts in tar archives: all content that can be read matches its digest.
#![no_main]

use std::io::Write as _;

use libfuzzer_sys::fuzz_target;
use refkit_content::{Discover as _, Layout, Resolve as _, fetch, verify};
use refkit_oci::Reference;
use refkit_oci::document::{self, Document, Limits};

fuzz_target!(|data: &[u8]| {
    let mut file = tempfile::Builder::new().suffix(".tar").tempfile().expect("there is room");
    file.write_all(data).expect("there is room");
    let runtime = tokio::runtime::Builder::new_current_thread().build().expect("there is a thread");
    runtime.block_on(read(file.path()));
});

async fn read(path: &std::path::Path) {
    let Ok(layout) = Layout::open(path).await else { return };
    let repository = layout.repository().clone();
    let Ok(tags) = layout.tags(&repository).await else { return };
    for tag in tags.value {
        let Ok(reference) = Reference::new(repository.clone(), Some(tag), None) else { continue };
        let Ok(content) = layout.pull(&reference).await else { continue };
        let content = content.value;
        verify::check(&content.descriptor, &content.bytes).expect("what is handed out is verified");
        let _ = layout.referrers(&repository, &content.descriptor.digest, None).await;
        let below = match document::read(Some(&content.descriptor.media_type), &content.bytes, &Limits::default()) {
            Ok(Document::Index(index)) => index.manifests,
            Ok(Document::Manifest(manifest)) => manifest.layers.into_iter().chain([manifest.config]).collect(),
            Err(_) => continue,
        };
        for descriptor in below {
            if let Ok(bytes) = fetch(&layout, &repository, &descriptor, 1 << 20).await {
                verify::check(&descriptor, &bytes.value).expect("what is handed out is verified");
            }
        }
    }
}
