//! The same tables, answered by BuildKit's own Dockerfile frontend, which `tests/e2e/go/buildkit-images` asks.

use std::io::Write;
use std::process::{Command, Stdio};

use refkit_oci::Reference;
use serde_json::{Value, json};

use crate::rows::{ROWS, Row};
use crate::words;

/// Returns an answer for each question.
fn ask(questions: &[Value]) -> Vec<Value> {
    let program = refkit_support::tool("buildkit-images").unwrap();
    let mut process = Command::new(program).stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let mut stdin = process.stdin.take().unwrap();
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    let writer = std::thread::spawn(move || stdin.write_all(text.as_bytes()).unwrap());
    let output = process.wait_with_output().unwrap();
    writer.join().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn question(row: &Row) -> Value {
    let args: serde_json::Map<String, Value> =
        row.args.iter().map(|(name, value)| ((*name).to_owned(), json!(value))).collect();
    let (build, target) = row.platforms;
    json!({
        "dockerfile": row.text, "args": args, "build": build, "target": target,
        "stage": row.stages.unwrap_or_default(), "all": row.stages.is_none(),
    })
}

#[test]
fn buildkit_reads_the_same_images() {
    let answers = ask(&ROWS.iter().map(question).collect::<Vec<_>>());
    assert_eq!(answers.len(), ROWS.len());
    let mut wrong = Vec::new();
    for (row, answer) in ROWS.iter().zip(answers) {
        let Some(images) = row.images else {
            if answer.get("error").is_none() {
                wrong.push(format!("{:?}: refused here, and BuildKit reads {answer}", row.text));
            }
            continue;
        };
        // The frontend itself is read by BuildKit, not by the frontend.
        let syntax = answer["syntax"].as_str();
        let full = |image: &&str| {
            let (name, platform) = image.split_once(' ').unwrap();
            (Some(name) != syntax).then(|| format!("{} {platform}", name.parse::<Reference>().unwrap()))
        };
        let mut wanted: Vec<String> = images.iter().filter_map(full).collect();
        wanted.sort();
        wanted.dedup();
        let read: Vec<String> = serde_json::from_value(answer["images"].clone()).unwrap_or_default();
        if answer.get("error").is_some() || read != wanted {
            wrong.push(format!("{:?}: {wanted:?} here, and BuildKit reads {answer}", row.text));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn buildkit_replaces_the_same_variables() {
    let values: Vec<String> = words::VALUES.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let questions: Vec<Value> =
        words::ROWS.iter().map(|(word, _)| json!({"word": word, "escape": "\\", "env": values})).collect();
    for ((word, wanted), answer) in words::ROWS.iter().zip(ask(&questions)) {
        assert_eq!((answer["text"].as_str().unwrap_or_default(), answer.get("error")), (*wanted, None), "{word}");
    }
}
