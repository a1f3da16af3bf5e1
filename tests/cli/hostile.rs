//! Text of an image reaches a terminal without control sequences.

use refkit_support::image::{ImageBuilder, IndexBuilder};

use crate::places::layout;
use crate::run::{EVIL, is_plain, refkit};

#[test]
fn annotations_are_text() {
    let image = ImageBuilder::new("linux/amd64").annotation(EVIL, EVIL).build().listed_with(EVIL, EVIL);
    let directory = layout(&IndexBuilder::new().annotation(EVIL, EVIL).add(image).build());
    let reference = format!("oci-layout:{}", directory.path().display());
    for more in [&[][..], &["--layers", "--explain"], &["--format", "json"], &["--format", "json", "--explain"]] {
        let ran = refkit(["inspect", &reference].into_iter().chain(more.iter().copied()));
        assert!(ran.code == 0 && is_plain(ran.text()) && is_plain(&ran.stderr), "{more:?}: {}", ran.all());
    }
    // A program reads the original text.
    let json = refkit(["inspect", &reference, "--format", "json"]).json();
    assert_eq!(json["images"][0]["annotations"][EVIL], EVIL);
}

#[test]
fn an_index_that_lists_an_index_twice_is_drawn_once() {
    let mut image = ImageBuilder::new("linux/amd64").build();
    // 2^7 leaves; every level has a few hundred bytes.
    for _ in 0..7 {
        let twice = image.without_platform();
        image = IndexBuilder::new().add(twice.clone()).add(twice).build();
    }
    let directory = layout(&image);
    let reference = format!("oci-layout:{}", directory.path().display());
    let ran = refkit(["inspect", &reference, "--explain"]);
    assert!(ran.code == 0 && ran.text().contains("as above"), "{}", ran.all());
    assert!(ran.text().lines().count() < 100, "{}", ran.all());
    assert!(ran.stderr.lines().count() < 200, "{}", ran.all());
}
