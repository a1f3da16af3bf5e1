//! Dockerfiles that want too much.

use std::fmt::Write as _;

use refkit_dockerfile::{Build, Dockerfile, DockerfileError};

fn images(text: &str) -> Result<usize, DockerfileError> {
    let build = Build::for_platform("linux/amd64".parse().unwrap());
    Ok(Dockerfile::parse(text)?.images(&build)?.len())
}

#[test]
fn variables_do_not_grow_without_end() {
    let mut doubling = "ARG A0=xxxxxxxx\n".to_owned();
    for place in 0..64 {
        writeln!(doubling, "ARG A{}=$A{place}$A{place}", place + 1).unwrap();
    }
    let error = images(&(doubling + "FROM a:$A64")).unwrap_err().to_string();
    assert!(error.starts_with("line 15: ") && error.ends_with("the result has more than 65536 bytes"), "{error}");
    let replacing = format!("ARG A={0}\nARG B=${{A//?/$A}}\nFROM $B", "x".repeat(60_000));
    assert!(images(&replacing).unwrap_err().to_string().ends_with("the result has more than 65536 bytes"));
}

#[test]
fn nothing_is_read_without_end() {
    let deep = format!("FROM {}", "${A:-".repeat(100_000));
    assert!(images(&deep).unwrap_err().to_string().ends_with("substitutions are nested more than 32 levels"));
    let stages: String = (0..5_000).map(|place| format!("FROM a AS s{place}\nCOPY --from=s{place} / /\n")).collect();
    assert_eq!(images(&stages), Ok(5_000));
    let heredocs = format!("FROM a\nRUN {}\n{}", "<<E ".repeat(5_000), "E\n".repeat(5_000));
    assert_eq!(images(&heredocs), Ok(1));
    let continued = format!("FROM a\nRUN x{}\n", "\\\n".repeat(200_000));
    assert_eq!(images(&continued), Ok(1));
    let pattern = format!("ARG A={}\nFROM ${{A%{}b}}", "a".repeat(30_000), "*a".repeat(200));
    assert!(images(&pattern).is_err());
}

/// Pieces that mean something, at random: no panic, and an answer within the length of what is read.
#[test]
fn random_pieces_are_read_or_refused() {
    const PIECES: [&str; 40] = [
        "FROM ",
        "ARG ",
        "COPY ",
        "RUN ",
        "ONBUILD ",
        "ADD ",
        "ENV ",
        "\n",
        "\n",
        "\n",
        "\r\n",
        " ",
        "\t",
        "\\",
        "\\\n",
        "`",
        "# escape=`\n",
        "# syntax=a\n",
        "#",
        "--from=",
        "--mount=from=",
        "--platform=",
        "<<E",
        "<<-",
        "E\n",
        "$",
        "${",
        "}",
        ":-",
        "%",
        "#*",
        "//",
        "'",
        "\"",
        "[",
        "]",
        "a",
        "=",
        "é",
        "\u{0}",
    ];
    let mut state = 7u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize
    };
    let mut read = 0;
    for _ in 0..20_000 {
        let mut text = "FROM a\n".repeat(next() % 2);
        for _ in 0..next() % 20 {
            text.push_str(PIECES[next() % PIECES.len()]);
        }
        match images(&text) {
            Ok(images) => {
                assert!(images <= text.len(), "{text:?}");
                read += 1;
            }
            Err(DockerfileError { line, .. }) => assert!(line as usize <= text.lines().count().max(1), "{text:?}"),
        }
    }
    assert!(read > 1_000, "{read}");
}
