//! Errors name the line.

use refkit_dockerfile::{Build, Dockerfile};

#[test]
fn an_error_has_its_line() {
    // the Dockerfile, the error
    let rows = [
        ("", "line 1: the file has no FROM"),
        ("# a\n\nARG a\n", "line 3: the file has no FROM"),
        ("\nRUN x\n", "line 2: RUN stands before the first FROM"),
        ("FROM a\n\nFORM b\n", "line 3: FORM is no instruction of the Dockerfile reference"),
        ("FROM a \\\n b", "line 1: FROM has one name, or one name, AS, and the name of the stage"),
        (
            "FROM a AS 1",
            "line 1: 1 is no name of a stage: it begins with a letter, and has letters, digits, `-`, `_` and `.`",
        ),
        ("ARG =x\nFROM a", "line 1: ARG has NAME or NAME=VALUE"),
        ("FROM a\nRUN <<E\nx", "line 2: the heredoc E has no end"),
        ("FROM a:$T", "line 1: \"a:\" is not an image reference"),
        ("\nFROM $T", "line 2: $T is empty once its variables are replaced"),
        ("FROM a:${T", "line 1: cannot replace the variables of a:${T: { is not closed"),
        ("FROM a:${T:?gone}", "line 1: cannot replace the variables of a:${T:?gone}: T: gone"),
        (
            "FROM a\nCOPY --from=$T / /",
            "line 2: $T has a variable, which BuildKit does not replace here: name the image in a FROM",
        ),
        ("FROM a\nCOPY --from=3 / /", "line 2: there is no stage 3"),
        ("FROM a\nONBUILD FROM b", "line 2: ONBUILD FROM is not allowed"),
        ("FROM --platform a", "line 1: the flag --platform has no value"),
        ("FROM --platform=a --platform=b a", "line 1: the flag --platform may stand only once"),
    ];
    let build = Build::for_platform("linux/amd64".parse().unwrap());
    for (text, wanted) in rows {
        let error = Dockerfile::parse(text).and_then(|dockerfile| dockerfile.images(&build)).unwrap_err().to_string();
        assert!(error.starts_with(wanted), "{text:?}\n  {error}\n  {wanted}");
    }
}
