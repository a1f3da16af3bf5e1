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
        ("[zzz]\n", "1:2: zzz is not known here; what is known: registry, server, rule, policy, cache"),
        ("zzz = 1\n[registry]\n", "1:1: zzz is not known here; what is known: registry, server, rule, policy, cache"),
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
fn a_table_of_a_list_has_double_brackets_and_others_have_single_ones() {
    let rows = [
        (Table::Rule, "[rule]\n", Err("1:2: rule is one of a list; write [[rule]]")),
        (Table::Server, "[[server]]\n", Err("1:3: server is a single table; write [server]")),
        (Table::Rule, "[[rule]]\n[[rule]]\n", Ok(2)),
        (Table::Server, "[server]\n", Ok(0)),
    ];
    for (table, text, wanted) in rows {
        let document = document(text).unwrap();
        let found = table.find(&document).map(|entry| entry.unwrap().list().map_or(0, |list| list.len()));
        let found = found.map_err(|error| error.to_string());
        assert_eq!(found, wanted.map_err(|error| format!("/etc/refkit/refkit.toml:{error}")), "{text}");
    }
}

/// An element of a list of tables has the position of its own header.
#[test]
fn a_position_outlives_the_document() {
    let text = "[[rule]]\na = 1\n\n[[rule]]\na = 2\n".to_owned();
    let positions = {
        let document = document(&text).unwrap();
        let list = Table::Rule.find(&document).unwrap().unwrap().list().unwrap();
        list.iter().map(|rule| (rule.position(), rule.entries().unwrap()[0].position())).collect::<Vec<_>>()
    };
    drop(text);
    let shown: Vec<_> = positions.iter().map(|(rule, key)| (rule.to_string(), key.to_string())).collect();
    let at = |line: usize| format!("/etc/refkit/refkit.toml:{line}");
    assert_eq!(shown, [(at(1), at(2)), (at(4), at(5))]);
    let error = positions[1].1.unknown("names no policy", "alow", &["allow"]).to_string();
    assert_eq!(error, "/etc/refkit/refkit.toml:5:1: rule.a names no policy; is allow meant?");
}

#[test]
fn durations_and_sizes() {
    assert_eq!(first("a = \"30s\"", |entry| entry.duration()), Ok(std::time::Duration::from_secs(30)));
    assert_eq!(first("a = \"0s\"", |entry| entry.duration()), Ok(std::time::Duration::ZERO));
    let wanted = "1:1: a is no length of time; write it as 3s, 500ms or 1m30s";
    assert_eq!(first("a = \"30\"", |entry| entry.duration()), Err(wanted.into()));
    assert_eq!(first("a = \"20GiB\"", |entry| entry.size()), Ok(20 << 30));
    assert_eq!(
        first("a = \"20GB\"", |entry| entry.size()),
        Err("1:1: a is no size; write it as 64KiB, 512MiB or 20GiB".into())
    );
    assert_eq!(first("a = 20", |entry| entry.size()), Err("1:1: a is an integer, and has to be a string".into()));
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
