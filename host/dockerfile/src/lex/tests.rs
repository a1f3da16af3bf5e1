#[path = "rows.rs"]
mod rows;

use super::*;

fn values(name: &str) -> Option<String> {
    if name == "LONG" {
        return Some("x".repeat(LENGTH / 2));
    }
    let (_, value) = rows::VALUES.into_iter().find(|(known, _)| *known == name)?;
    Some(value.to_owned())
}

#[test]
fn variables_are_replaced() {
    // the text, the result; each was compared with BuildKit 0.34.2
    for (text, wanted) in rows::ROWS {
        assert_eq!(replace(text, '\\', &values).as_deref(), Ok(wanted), "{text}");
    }
    assert_eq!(replace("`$A\\$A", '`', &values).as_deref(), Ok("$A\\a"));
}

#[test]
fn what_is_malformed_is_refused() {
    use SubstitutionError as E;
    let rows = [
        ("'a", E::Open('\'')),
        ("\"a", E::Open('"')),
        ("${", E::Open('{')),
        ("${A", E::Open('{')),
        ("${A:-", E::Open('{')),
        ("${A/b", E::Open('{')),
        ("${A/b/c", E::Open('{')),
        ("${}", E::NoName),
        ("${{A}}", E::NoName),
        ("${:-a}", E::NoName),
        ("${A:x}", E::Modifier(":x".to_owned())),
        ("${A:#b}", E::Modifier(":#".to_owned())),
        ("${A,b}", E::Modifier(",".to_owned())),
        ("${A:}", E::Modifier(":}".to_owned())),
        ("${A#\\x}", E::Pattern("\\x".to_owned())),
        ("${NONE?}", E::Required { name: "NONE".to_owned(), message: "it needs a value".to_owned() }),
        ("${EMPTY:?}", E::Required { name: "EMPTY".to_owned(), message: "it may not be empty".to_owned() }),
        ("${NONE:?give one}", E::Required { name: "NONE".to_owned(), message: "give one".to_owned() }),
        ("$LONG$LONG$LONG", E::TooLong { limit: LENGTH }),
        ("\"$LONG$LONG$LONG\"", E::TooLong { limit: LENGTH }),
        ("${LONG//x/$LONG}", E::TooLong { limit: LENGTH }),
    ];
    for (text, wanted) in rows {
        assert_eq!(replace(text, '\\', &values), Err(wanted), "{text}");
    }
    let deep = "${NONE:-".repeat(100_000);
    assert_eq!(replace(&deep, '\\', &values), Err(E::TooDeep { limit: DEPTH }));
}
