//! Dockerfiles, and the images that their builds read.

use refkit_dockerfile::{Build, Stages};

/// A Dockerfile and a build of it.
pub struct Row {
    pub text: &'static str,
    pub args: &'static [(&'static str, &'static str)],
    pub platforms: (&'static str, &'static str),
    pub stages: Option<&'static str>,
    /// `NAME PLATFORM`, in the order of the file; nothing where the Dockerfile is refused.
    pub images: Option<&'static [&'static str]>,
}

impl Row {
    pub fn build(&self) -> Build {
        let (build, target) = self.platforms;
        let mut options = Build::for_platform(target.parse().unwrap());
        options.build_platform = build.parse().unwrap();
        options.args = self.args.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        options.stages = match self.stages {
            None => Stages::All,
            Some("") => Stages::Target(None),
            Some(name) => Stages::Target(Some(name.to_owned())),
        };
        options
    }
}

/// Returns a build of all stages for one platform.
const fn all(text: &'static str, images: &'static [&'static str]) -> Row {
    Row { text, args: &[], platforms: ("linux/amd64", "linux/amd64"), stages: None, images: Some(images) }
}

/// Returns a build of all stages that is refused.
const fn refused(text: &'static str) -> Row {
    Row { images: None, ..all(text, &[]) }
}

const fn with(row: Row, args: &'static [(&'static str, &'static str)]) -> Row {
    Row { args, ..row }
}

const fn on(row: Row, build: &'static str, target: &'static str) -> Row {
    Row { platforms: (build, target), ..row }
}

/// Returns a build of the stages that one stage needs; the last one, if there is no name.
const fn target(row: Row, stage: &'static str) -> Row {
    Row { stages: Some(stage), ..row }
}

const STAGES: &str = "FROM a AS one\nFROM b AS two\nFROM one AS three\nCOPY --from=two / /\nFROM c\nCOPY --from=1 / /\n\
                      FROM d AS last\nRUN --mount=target=/x,from=three true\n";

pub const ROWS: &[Row] = &[
    // FROM
    all("FROM alpine", &["alpine linux/amd64"]),
    all("from alpine:3 as x", &["alpine:3 linux/amd64"]),
    all("FROM scratch", &[]),
    all("FROM scratch AS a\nFROM a", &[]),
    all(
        "FROM ghcr.io/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
        &["ghcr.io/a/b@sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa linux/amd64"],
    ),
    all("FROM a AS b\nFROM b AS c\nFROM c", &["a linux/amd64"]),
    all("FROM a AS B\nFROM b", &["a linux/amd64"]),
    all("FROM b AS c\nFROM c AS b\nFROM b", &["b linux/amd64"]),
    all("FROM a AS a\nFROM a", &["a linux/amd64"]),
    all("FROM a AS x\nFROM b AS x\nFROM x", &["a linux/amd64", "b linux/amd64"]),
    all("\u{feff}FROM a", &["a linux/amd64"]),
    all("# syntax=docker/dockerfile:1\nFROM a", &["docker/dockerfile:1 linux/amd64", "a linux/amd64"]),
    all("FROM\\\n a \\\n  # no\n\n AS\\\n b\nFROM b", &["a linux/amd64"]),
    all("# escape=`\nFROM a `\n AS b\nFROM b", &["a linux/amd64"]),
    all("FROM 'a'", &["a linux/amd64"]),
    all("FROM \"a\"", &["a linux/amd64"]),
    all("FROM a\nFROM localhost:5000/b:1", &["a linux/amd64", "localhost:5000/b:1 linux/amd64"]),
    // ARG
    all("ARG T=1\nFROM a:$T", &["a:1 linux/amd64"]),
    with(all("ARG T=1\nFROM a:$T", &["a:2 linux/amd64"]), &[("T", "2")]),
    with(all("ARG T\nFROM a:${T:-3}", &["a:2 linux/amd64"]), &[("T", "2")]),
    with(all("FROM a:${T:-3}", &["a:3 linux/amd64"]), &[("T", "2")]),
    all("ARG T\nFROM a:${T:-3}", &["a:3 linux/amd64"]),
    all("ARG T=1 U=$T V=\"$U.2\"\nFROM a:$V", &["a:1.2 linux/amd64"]),
    with(all("ARG T=1 U=$T V=\"$U.2\"\nFROM a:$V", &["a:9.2 linux/amd64"]), &[("T", "9")]),
    all("ARG T=1\nARG T=2\nFROM a:$T", &["a:2 linux/amd64"]),
    all("ARG I=b\nFROM a AS b\nFROM $I", &["a linux/amd64"]),
    all("ARG I=scratch\nFROM $I", &[]),
    all("ARG R=r.io/\nFROM ${R}a${T:+:$T}", &["r.io/a linux/amd64"]),
    with(all("ARG R=r.io/\nARG T\nFROM ${R}a${T:+:$T}", &["a:1 linux/amd64"]), &[("R", ""), ("T", "1")]),
    all(
        "ARG I=a:1-b\nFROM ${I%-*}\nFROM ${I##*:}\nFROM ${I/a/c}",
        &["a:1 linux/amd64", "1-b linux/amd64", "c:1-b linux/amd64"],
    ),
    // An ARG of a stage does not reach a FROM.
    all("ARG T=1\nFROM a\nARG T=2\nFROM b:$T", &["a linux/amd64", "b:1 linux/amd64"]),
    // Platforms
    on(all("FROM a", &["a linux/arm64"]), "linux/amd64", "linux/arm64"),
    on(
        all(
            "FROM --platform=$BUILDPLATFORM a AS b\nFROM --platform=$TARGETPLATFORM c\nFROM --platform=linux/s390x d",
            &["a linux/amd64", "c linux/arm/v7", "d linux/s390x"],
        ),
        "linux/amd64",
        "linux/arm/v7",
    ),
    on(
        all("FROM a:$TARGETARCH$TARGETVARIANT-$BUILDOS-$TARGETSTAGE", &["a:armv7-linux-default linux/arm/v7"]),
        "linux/amd64",
        "linux/arm/v7",
    ),
    with(all("FROM --platform=$BUILDPLATFORM a", &["a linux/386"]), &[("BUILDPLATFORM", "linux/386")]),
    all("FROM --platform=x86_64 a\nFROM --platform=aarch64 b", &["a linux/amd64", "b linux/arm64"]),
    all("FROM --platform=\"linux/arm64\" a", &["a linux/arm64"]),
    all("FROM a:$TARGETSTAGE AS x", &["a:x linux/amd64"]),
    // COPY --from
    all("FROM a\nCOPY --from=b:1 / /", &["a linux/amd64", "b:1 linux/amd64"]),
    all(
        "FROM a AS x\nFROM c\nCOPY --from=x / /\nCOPY --from=X / /\nCOPY --from=0 / /",
        &["a linux/amd64", "c linux/amd64"],
    ),
    all("FROM a\nCOPY --chown=1 --from=b --link / /", &["a linux/amd64", "b linux/amd64"]),
    all("FROM a\nCOPY --from=scratch / /", &["a linux/amd64"]),
    all("FROM a\nCOPY / /\nADD / /\nADD --chown=b / /", &["a linux/amd64"]),
    all("FROM a\nCOPY --from=\"b\" [\"/\", \"/\"]", &["a linux/amd64", "b linux/amd64"]),
    all("FROM --platform=linux/arm64 a\nCOPY --from=b / /", &["a linux/arm64", "b linux/amd64"]),
    // RUN --mount
    all("FROM a\nRUN --mount=from=b,target=/x true", &["a linux/amd64", "b linux/amd64"]),
    all(
        "FROM a\nRUN --mount=type=bind,target=/x,From=b --mount=type=cache,target=/y,from=c true",
        &["a linux/amd64", "b linux/amd64", "c linux/amd64"],
    ),
    all("FROM a AS x\nFROM b\nRUN --mount=target=/x,from=x true", &["a linux/amd64", "b linux/amd64"]),
    all("FROM a\nRUN --network=none \\\n  --mount=target=/x,from=b \\\n  true", &["a linux/amd64", "b linux/amd64"]),
    all("FROM a\nRUN true --mount=target=/x,from=b", &["a linux/amd64"]),
    all("FROM a\nRUN --mount=target=/x,from=0 true", &["a linux/amd64", "0 linux/amd64"]),
    all("FROM a\nRUN --mount=target=/x,from=scratch true", &["a linux/amd64"]),
    // Heredocs
    all(
        "FROM a\nRUN <<EOF\nFROM b\nEOF\nCOPY <<E <<F /\nFROM c\nE\nFROM d\nF\nCOPY --from=e / /",
        &["a linux/amd64", "e linux/amd64"],
    ),
    all("FROM a\nRUN cat <<-\"E\" >/x\nCOPY --from=b / /\n\tE\nRUN true", &["a linux/amd64"]),
    all("FROM a\nRUN --mount=target=/x,from=b <<E\nx\nE", &["a linux/amd64", "b linux/amd64"]),
    // ONBUILD: its images are those of stages that begin with it.
    all("FROM a\nONBUILD COPY --from=b / /", &["a linux/amd64"]),
    all("FROM a AS x\nONBUILD COPY --from=b / /\nFROM x", &["a linux/amd64", "b linux/amd64"]),
    all(
        "FROM a AS x\nONBUILD RUN --mount=target=/x,from=b <<E\nFROM c\nE\nFROM x AS y\nFROM y",
        &["a linux/amd64", "b linux/amd64"],
    ),
    // Which stages a target needs
    all(STAGES, &["a linux/amd64", "b linux/amd64", "c linux/amd64", "d linux/amd64"]),
    target(all(STAGES, &["a linux/amd64", "b linux/amd64", "d linux/amd64"]), ""),
    target(all(STAGES, &["a linux/amd64"]), "one"),
    target(all(STAGES, &["a linux/amd64", "b linux/amd64"]), "THREE"),
    target(Row { images: None, ..all(STAGES, &[]) }, "four"),
    // What is refused
    refused(""),
    refused("# only a comment\n"),
    refused("ARG a"),
    refused("RUN true\nFROM a"),
    refused("FROM"),
    refused("FROM a b"),
    refused("FROM a AS"),
    refused("FROM a AS 1"),
    refused("FROM a AS b c"),
    refused("FROM a AS b/c"),
    refused("FROM A"),
    refused("FROM a:$NONE"),
    refused("FROM $NONE"),
    refused("FROM a:${NONE"),
    refused("FROM a:${NONE:?}"),
    refused("FROM --platform=$NONE a"),
    refused("FROM --platform=a/b/c/d a"),
    refused("FROM --platform=linux/amd64 --platform=linux/arm64 a"),
    refused("FROM --platform a"),
    refused("ARG =1\nFROM a"),
    refused("ARG\nFROM a"),
    refused("FORM a"),
    refused("FROM a\nCOPY --from=$NONE / /"),
    refused("FROM a\nCOPY --from=1 / /"),
    refused("FROM a\nCOPY --from=-1 / /"),
    refused("FROM a\nCOPY --from=B / /"),
    refused("FROM a\nCOPY --from / /"),
    refused("FROM a\nRUN --mount=target=/x,from=$NONE true"),
    refused("FROM a\nRUN <<E\nF"),
    refused("FROM a\nONBUILD FROM b"),
    refused("FROM a\nONBUILD ONBUILD RUN b"),
    refused("# escape=x\nFROM a"),
    refused("# syntax=a\n# syntax=b\nFROM a"),
];
