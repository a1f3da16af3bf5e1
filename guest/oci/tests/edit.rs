//! Edits of documents in place.

use refkit_oci::edit::{EditError, List, Object};

const PRETTY: &str =
    "\n{\n  \"z\": 1.50,\n  \"a\" : {\"y\": [1e3], \"b\": \"\\u00e9\"} ,\n\t\"m\": null,\n  \"q\": [ 1 , 2 ]\n}\n";

fn read(text: &str) -> Object {
    Object::read(text.as_bytes()).expect(text)
}

#[test]
fn a_document_without_an_edit_keeps_its_bytes() {
    for text in [PRETTY, "{}", " { } ", "{\"a\":1}", "{\"a,b\":\"c,d\" , \"e\":[1,2]}", "{\"\\u0061\":1}"] {
        assert_eq!(read(text).to_string(), text);
        assert_eq!(read(text).into_bytes(), text.as_bytes());
    }
}

#[test]
fn an_edit_changes_its_member_alone() {
    type Edit = fn(&mut Object) -> Result<(), EditError>;
    // the edit, the replaced text, the new text
    let rows: [(&str, Edit, &str, &str); 8] = [
        ("set", |o| o.set("m", "new"), "null", "\"new\""),
        ("append", |o| o.set("last", &1), " ]\n}", " ],\n  \"last\": 1\n}"),
        (
            "remove the first",
            |o| {
                o.remove("z");
                Ok(())
            },
            "\n  \"z\": 1.50,",
            "",
        ),
        (
            "remove one",
            |o| {
                o.remove("m");
                Ok(())
            },
            "\n\t\"m\": null,",
            "",
        ),
        (
            "remove the last",
            |o| {
                o.remove("q");
                Ok(())
            },
            ",\n  \"q\": [ 1 , 2 ]",
            "",
        ),
        (
            "remove nothing",
            |o| {
                o.remove("none");
                Ok(())
            },
            "",
            "",
        ),
        (
            "set within",
            |o| {
                let mut inner = o.object("a")?;
                inner.set("b", &[2])?;
                o.set("a", &inner)
            },
            "\"\\u00e9\"",
            "[2]",
        ),
        (
            "push",
            |o| {
                let mut list = o.list("q")?;
                list.push(&3)?;
                o.set("q", &list)
            },
            " 2 ]",
            " 2, 3 ]",
        ),
    ];
    for (name, edit, from, to) in rows {
        let mut object = read(PRETTY);
        edit(&mut object).expect(name);
        let wanted = PRETTY.replacen(from, to, 1);
        assert_eq!(object.to_string(), wanted, "{name}");
        // The written document is read again.
        assert_eq!(read(&wanted).to_string(), wanted, "{name}");
    }
}

#[test]
fn new_objects_are_compact() {
    let mut object = Object::new();
    object.set("a", &1).unwrap();
    object.set("b", &List::new()).unwrap();
    object.set("c", &Object::new()).unwrap();
    assert_eq!(object.to_string(), r#"{"a":1,"b":[],"c":{}}"#);
    object.retain(|name, value| name != "b" && value.get() != "1");
    assert_eq!(object.to_string(), r#"{"c":{}}"#);
    object.remove("c");
    assert!(object.is_empty());
    assert_eq!(object.to_string(), "{}");
}

#[test]
fn elements_of_a_list_are_objects_or_not() {
    let text = r#"{"list":[ {"a": 1},{"b":2} , 3]}"#;
    let mut object = read(text);
    let mut list = object.list("list").unwrap();
    assert_eq!((list.len(), list.object(1).unwrap().map(|one| one.to_string())), (3, Some(r#"{"b":2}"#.to_owned())));
    assert!(list.object(2).is_err() && list.object(3).unwrap().is_none());
    let mut first = list.object(0).unwrap().unwrap();
    first.set("a", "x").unwrap();
    list.set(0, &first).unwrap();
    list.set(9, "nowhere").unwrap();
    list.retain(|place| place != 1);
    object.set("list", &list).unwrap();
    assert_eq!(object.to_string(), r#"{"list":[ {"a": "x"}, 3]}"#);
}

#[test]
fn missing_members_are_empty() {
    let object = read(r#"{"null":null,"text":"a"}"#);
    assert_eq!(object.get::<String>("null").unwrap(), None);
    assert_eq!(object.get::<String>("text").unwrap().as_deref(), Some("a"));
    assert!(object.object("missing").unwrap().is_empty() && object.list("null").unwrap().is_empty());
    assert!(object.object("text").is_err() && object.list("text").is_err() && object.get::<u64>("text").is_err());
}

#[test]
fn documents_that_cannot_be_kept_are_refused() {
    for text in ["", "[]", "{}x", "{\"a\":1,}", "{\"a\":01}", "\"a\"", "{"] {
        assert!(matches!(Object::read(text.as_bytes()), Err(EditError::Malformed(_))), "{text}");
    }
    let twice = Err(EditError::Twice("a".to_owned()));
    assert_eq!(Object::read(br#"{"a":1,"\u0061":2}"#).map(drop), twice);
    assert!(Object::read(b"{\"\xff\":1}").is_err());
}

/// A document that is read without an error keeps its bytes, and can be edited.
#[test]
fn damaged_documents_are_errors_or_keep_their_bytes() {
    let (mut state, mut kept) = (0x5eed_u64, 0);
    for _ in 0..100_000 {
        let mut bytes = PRETTY.as_bytes().to_vec();
        for _ in 0..2 {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let at = state as usize % bytes.len();
            bytes[at] = b" ,:\"{}[]\\\n1az\xff"[(state >> 32) as usize % 14];
        }
        let Ok(mut object) = Object::read(&bytes) else { continue };
        kept += 1;
        assert_eq!(object.clone().into_bytes(), bytes, "{}", String::from_utf8_lossy(&bytes));
        object.remove("q");
        object.set("new", &List::new()).unwrap();
        let edited = object.to_string();
        let value: serde_json::Value = serde_json::from_str(&edited).expect(&edited);
        assert_eq!((value.get("q"), value["new"].as_array().map(Vec::len)), (None, Some(0)), "{edited}");
    }
    assert!(kept > 1000, "{kept} documents were read");
}
