//! What differs between images: a table.

use refkit_content::Content;
use refkit_images::diff::{self, Diff, ImageDiff, Side, diff};
use refkit_oci::document::{self, Document, Limits};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};

fn read(image: &Image) -> diff::Image {
    let content = Content { descriptor: image.descriptor.clone(), bytes: image.bytes.clone() };
    diff::Image::read(&content, &image.blobs()[0].1).unwrap()
}

fn side(image: &Image) -> Side {
    match document::read(Some(&image.descriptor.media_type), &image.bytes, &Limits::default()).unwrap() {
        Document::Index(index) => Side::index(&index, image.children().iter().map(read).collect()),
        Document::Manifest(_) => Side::image(read(image)),
    }
}

fn shown(diff: &Diff) -> Vec<String> {
    let mut shown = Vec::new();
    shown.extend(diff.media_type.as_ref().map(|_| "media type".to_owned()));
    if !diff.annotations.is_empty() {
        shown.push(format!("annotations: {}", diff.annotations));
    }
    shown.extend(diff.removed.iter().map(|platform| format!("-{platform}")));
    shown.extend(diff.added.iter().map(|platform| format!("+{platform}")));
    for ImageDiff { platform, digest, annotations, config, shared, removed, added } in &diff.images {
        assert_ne!(digest.first, digest.second);
        if !annotations.is_empty() {
            shown.push(format!("{platform} annotations: {annotations}"));
        }
        shown.extend(config.iter().map(|field| format!("{platform} {field}")));
        if !(removed.is_empty() && added.is_empty()) {
            shown.push(format!("{platform} layers: {shared} shared, -{}, +{}", removed.len(), added.len()));
        }
    }
    shown
}

#[test]
fn two_sides_differ_in_what_the_table_says() {
    let amd64 = || ImageBuilder::new("linux/amd64").file("a", b"1").env("A", "1").label("l", "1").annotation("n", "1");
    let arm64 = || ImageBuilder::new("linux/arm64").file("a", b"1");
    let plain = amd64().build();
    let index = |images: &[&Image]| images.iter().fold(IndexBuilder::new(), |index, image| index.add((*image).clone()));
    let both = index(&[&plain, &arm64().build()]).build();
    let rows: Vec<(Image, Image, &[&str])> = vec![
        (plain.clone(), plain.clone(), &[]),
        (both.clone(), both.clone(), &[]),
        (
            plain.clone(),
            amd64().env("A", "2").label("l", "2").label("m", "3").annotation("n", "2").build(),
            &[
                "linux/amd64 annotations: n=1, then 2",
                "linux/amd64 environment: A=1, then 2",
                "linux/amd64 labels: +m=3; l=1, then 2",
            ],
        ),
        (
            amd64().env("B", "2").entrypoint(["/a", "b"]).build(),
            amd64().build(),
            &["linux/amd64 entrypoint: [\"/a\", \"b\"], then []", "linux/amd64 environment: -B=2"],
        ),
        (plain.clone(), amd64().file("b", b"2").build(), &["linux/amd64 layers: 1 shared, -0, +1"]),
        (
            amd64().file("b", b"2").file("c", b"3").build(),
            amd64().file("d", b"4").build(),
            &["linux/amd64 layers: 1 shared, -2, +1"],
        ),
        // The layers above another one are others, though their bytes may be the same.
        (
            ImageBuilder::new("linux/amd64").file("a", b"1").file("b", b"2").build(),
            ImageBuilder::new("linux/amd64").file("x", b"1").file("b", b"2").build(),
            &["linux/amd64 layers: 0 shared, -2, +2"],
        ),
        (both.clone(), index(&[&plain]).build(), &["-linux/arm64"]),
        (index(&[&plain]).build(), both.clone(), &["+linux/arm64"]),
        (
            both.clone(),
            index(&[&plain, &arm64().label("l", "1").build()]).annotation("t", "1").build(),
            &["annotations: +t=1", "linux/arm64 labels: +l=1"],
        ),
        (plain.clone(), both.clone(), &["media type", "+linux/arm64"]),
        (
            ImageBuilder::new("linux/amd64").file("a", b"1").build(),
            ImageBuilder::new("linux/arm64").file("a", b"1").build(),
            &["linux/amd64 platform: linux/amd64, then linux/arm64"],
        ),
        (index(&[&plain]).build(), index(&[&arm64().build()]).build(), &["-linux/amd64", "+linux/arm64"]),
        (ImageBuilder::new("linux/amd64").docker().build(), ImageBuilder::new("linux/amd64").build(), &["media type"]),
        (
            index(&[&ImageBuilder::new("windows/amd64").os_version("10.0.1").build()]).build(),
            index(&[&ImageBuilder::new("windows/amd64").os_version("10.0.2").build()]).build(),
            &["-windows(10.0.1)/amd64", "+windows(10.0.2)/amd64"],
        ),
    ];
    for (place, (first, second, wanted)) in rows.iter().enumerate() {
        let diff = diff(&side(first), &side(second));
        assert_eq!(shown(&diff), *wanted, "row {place}");
        assert_eq!(diff.is_empty(), first.digest() == second.digest(), "row {place}");
    }
}

#[test]
fn an_index_is_no_image() {
    let index = IndexBuilder::new().build();
    let content = Content { descriptor: index.descriptor.clone(), bytes: index.bytes.clone() };
    let error = diff::Image::read(&content, b"{}").unwrap_err().to_string();
    assert!(error.contains("it is an index"), "{error}");
    assert!(diff::Image::read(&content, b"[]").is_err());
}
