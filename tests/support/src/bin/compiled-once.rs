//! `compiled-once < MESSAGES`: reads what cargo builds (`--message-format=json`, of one or more commands) and fails
//! where a library was compiled more than once for one target: with other features, or other settings.
#![forbid(unsafe_code)]

use std::collections::{BTreeMap, BTreeSet};
use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context, Result, ensure};
use serde::Deserialize;

#[derive(Deserialize)]
struct Message {
    reason: String,
    package_id: Option<String>,
    #[serde(default)]
    filenames: Vec<String>,
}

/// The files of a package by the directory that they are in: the directory is the target's.
type Libraries = BTreeMap<(String, String), BTreeSet<String>>;

fn libraries(messages: impl Read) -> Result<Libraries> {
    let mut libraries = Libraries::new();
    for line in BufReader::new(messages).lines() {
        let line = line?;
        let message: Message =
            serde_json::from_str(&line).with_context(|| format!("cargo does not say this: {line}"))?;
        let Some(package) = message.package_id.filter(|_| message.reason == "compiler-artifact") else { continue };
        for file in message.filenames {
            let path = Path::new(&file);
            if path.extension().is_some_and(|extension| extension == "rlib" || extension == "so") {
                let directory = path.parent().unwrap_or(path).display().to_string();
                libraries.entry((directory, package.clone())).or_default().insert(file);
            }
        }
    }
    Ok(libraries)
}

fn twice(libraries: &Libraries) -> Vec<String> {
    let twice = libraries.iter().filter(|(_, files)| files.len() > 1);
    twice
        .map(|((_, package), files)| format!("{package}\n  {}", Vec::from_iter(files.iter().cloned()).join("\n  ")))
        .collect()
}

fn main() -> Result<ExitCode> {
    let libraries = libraries(std::io::stdin().lock())?;
    // A check that has read nothing would pass whatever was built.
    ensure!(libraries.len() > 100, "cargo names only {} libraries; is that the whole build?", libraries.len());
    let twice = twice(&libraries);
    if twice.is_empty() {
        println!("{} libraries, each compiled once for its target", libraries.len());
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!("compiled more than once; give them equal features and settings:\n{}", twice.join("\n"));
    Ok(ExitCode::FAILURE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(package: &str, file: &str) -> String {
        format!(r#"{{"reason":"compiler-artifact","package_id":"{package}","filenames":["{file}"]}}"#)
    }

    #[test]
    fn a_second_file_for_one_target_is_found() {
        let rows = [
            (vec![("a@1", "/t/deps/liba-1.rlib"), ("a@1", "/t/deps/liba-1.rlib")], 0),
            (vec![("a@1", "/t/deps/liba-1.rlib"), ("a@1", "/t/deps/liba-2.rlib")], 1),
            (vec![("a@1", "/t/deps/liba-1.rlib"), ("a@2", "/t/deps/liba-2.rlib")], 0),
            (vec![("a@1", "/t/deps/liba-1.rlib"), ("a@1", "/host/deps/liba-2.rlib")], 0),
            (vec![("a@1", "/t/deps/liba-1.so"), ("a@1", "/t/deps/liba-2.so")], 1),
            (vec![("a@1", "/t/deps/liba-1.rmeta"), ("a@1", "/t/deps/liba-2.rmeta")], 0),
        ];
        for (files, wanted) in rows {
            let text: Vec<String> = files.iter().map(|(package, file)| message(package, file)).collect();
            let found = twice(&libraries(text.join("\n").as_bytes()).unwrap());
            assert_eq!(found.len(), wanted, "{files:?}: {found:?}");
        }
    }

    #[test]
    fn other_messages_are_passed_over_and_other_text_is_an_error() {
        assert!(libraries(&br#"{"reason":"build-finished","success":true}"#[..]).unwrap().is_empty());
        assert!(libraries(&b"warning: no JSON"[..]).is_err());
    }
}
