//! Positions and errors of a document.

use std::path::Path;

use refkit_config::{ConfigError, Document, Entry, Table};

fn document(text: &str) -> Result<Document<'_>, ConfigError> {
    Document::parse(Path::new("/etc/refkit/refkit.toml"), text)
}

/// Returns what `read` says of the first entry of a text.
fn first<T>(text: &str, read: impl Fn(&Entry<'_>) -> Result<T, ConfigError>) -> Result<T, String> {
    let document = document(text).map_err(|error| error.to_string())?;
    let entries = document.root().entries().map_err(|error| error.to_string())?;
    let read = read(&entries[0]);
    read.map_err(|error| error.to_string().trim_start_matches("/etc/refkit/refkit.toml:").to_owned())
}

#[test]
fn an_unknown_table_names_the_file_the_line_and_the_known_tables() {
    let rows = [
        ("\n[registri.\"a\"]\n", "2:2: registri is not known here; is registry meant?"),
        ("[zzz]\n", "1:2: zzz is not known here; what is known: registry"),
        ("zzz = 1\n[registry]\n", "1:1: zzz is not known here; what is known: registry"),
    ];
    for (text, wanted) in rows {
        let document = document(text).unwrap();
        let error = Table::Registry.find(&document).unwrap_err().to_string();
        assert_eq!(error, format!("/etc/refkit/refkit.toml:{wanted}"), "{text}");
    }
    let empty = document("# nothing\n").unwrap();
    assert!(Table::Registry.find(&empty).unwrap().is_none());
    let table = document("[registry.\"a\"]\n").unwrap();
    assert_eq!(Table::Registry.find(&table).unwrap().unwrap().entries().unwrap()[0].name(), "registry.a");
}

#[test]
fn an_owner_refuses_the_keys_that_it_does_not_know() {
    let read = |entry: &Entry<'_>| {
        let mut seen = Vec::new();
        entry.keys(&["first", "second"], |key| {
            seen.push(key.key().to_owned());
            Ok(())
        })?;
        Ok(seen)
    };
    assert_eq!(first("[t]\nsecond = 1\nfirst = 2", read), Ok(vec!["second".to_owned(), "first".to_owned()]));
    assert_eq!(
        first("[t]\nfirst = 1\nsecnd = 2", read),
        Err("3:1: t.secnd is not known here; is second meant?".into())
    );
    assert_eq!(first("t = 1", read), Err("1:1: t is an integer, and has to be a table".into()));
}

#[test]
fn columns_count_characters() {
    let wanted = "1:8: a has to be a whole number from 1 to 4294967295";
    assert_eq!(first("a = [\"ä\", 0]", |entry| entry.list()?[1].count()), Err(wanted.replace("1:8", "1:11")));
    assert_eq!(first("a = [1, 0]", |entry| entry.list()?[1].count()), Err(wanted.replace("1:8", "1:9")));
}

#[test]
fn tables_in_a_list_have_lines_of_their_own() {
    let lines = first("[[rule]]\na = 1\n\n[[rule]]\na = 2\n", |rules| {
        let rules = rules.list()?;
        rules.iter().map(|rule| Ok((rule.line(), rule.entries()?[0].count()?))).collect::<Result<Vec<_>, _>>()
    });
    assert_eq!(lines, Ok(vec![(1, 1), (4, 2)]));
}

#[test]
fn a_list_and_a_table_have_a_limit() {
    let list = |count: usize| format!("a = [{}]", "1,".repeat(count));
    assert_eq!(first(&list(4096), |entry| entry.list().map(|list| list.len())), Ok(4096));
    assert!(first(&list(4097), |entry| entry.list().map(drop)).unwrap_err().contains("more than 4096 elements"));
    let table: String = (0..4097).map(|number| format!("k{number} = 1\n")).collect();
    assert!(first(&format!("[t]\n{table}"), |entry| entry.entries().map(drop)).unwrap_err().contains("4096 entries"));
}

#[test]
fn errors_are_data_and_have_no_value_of_the_file() {
    let document = document("[registry.\"a.example\"]\nhttp = \"secret\"").unwrap();
    let registry = Table::Registry.find(&document).unwrap().unwrap().entries().unwrap();
    let error = registry[0].entries().unwrap()[0].boolean().unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    let ConfigError::Malformed { line, column, key, .. } = error else { panic!("{error:?}") };
    assert_eq!((line, column, key.as_str()), (2, 1, "registry.\"a.example\".http"));
}
