//! The table of images.

use refkit_dockerfile::{Dockerfile, UsedBy};

use crate::rows::ROWS;

#[test]
fn a_build_reads_these_images() {
    for row in ROWS {
        let read = Dockerfile::parse(row.text).and_then(|dockerfile| dockerfile.images(&row.build()));
        let read = read.map(|images| {
            let name = |image: &refkit_dockerfile::ImageUse| format!("{} {}", image.name, image.platform);
            images.iter().map(name).collect::<Vec<_>>()
        });
        let read = read.as_deref().map_err(ToString::to_string);
        match row.images {
            Some(images) => assert_eq!(
                read,
                Ok(&images.iter().map(|&image| image.to_owned()).collect::<Vec<_>>()[..]),
                "{:?}",
                row.text
            ),
            None => assert!(read.is_err(), "{:?}: {read:?}", row.text),
        }
    }
}

#[test]
fn each_has_its_line_and_its_instruction() {
    let text = "# syntax=s\nFROM \\\n  a\nRUN --mount=from=m x\n\nCOPY --from=c / /\n";
    let dockerfile = Dockerfile::parse(text).unwrap();
    assert_eq!(dockerfile.syntax(), Some("s"));
    let mut build = refkit_dockerfile::Build::for_platform("linux/amd64".parse().unwrap());
    let images = |build: &refkit_dockerfile::Build| {
        let images = dockerfile.images(build).unwrap();
        images.into_iter().map(|image| (image.line, image.instruction, image.name)).collect::<Vec<_>>()
    };
    let wanted = [(1, UsedBy::Syntax, "s"), (2, UsedBy::From, "a"), (4, UsedBy::Mount, "m"), (6, UsedBy::Copy, "c")];
    assert_eq!(images(&build), wanted.map(|(line, by, name)| (line, by, name.to_owned())));
    build.args.insert("BUILDKIT_SYNTAX".to_owned(), "t words".to_owned());
    assert_eq!(images(&build)[0], (0, UsedBy::Syntax, "t".to_owned()));
}

#[test]
fn triggers_of_an_image_are_read() {
    let triggers = ["COPY --from=a / /", "RUN --mount=from=b <<E\nFROM x\nE", "WORKDIR /"].map(str::to_owned);
    assert_eq!(refkit_dockerfile::triggers(&triggers).unwrap(), ["a", "b"]);
    assert!(refkit_dockerfile::triggers(&["COPY --from=$A / /".to_owned()]).is_err());
}
