//! The answers of buildx's own code.

use std::fs::File;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use anyhow::{Context as _, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use refkit_oci::Digest;
use refkit_publish::compose::Composed;
use serde_json::Value;

use crate::content::Question;

/// The media type, the digest, the document, and what is copied: a digest and the place of its source.
type Answer = (String, String, Vec<u8>, Vec<(String, u64)>);

/// Asks buildx's code about all questions.
pub fn answers(questions: &[&Question]) -> anyhow::Result<Vec<Value>> {
    let directory = tempfile::tempdir()?;
    let path = directory.path().join("questions");
    let mut file = File::create(&path)?;
    for question in questions {
        writeln!(file, "{}", question.json())?;
    }
    let program = refkit_support::tool("buildx-imagetools")?;
    let mut child = Command::new(program).stdin(File::open(&path)?).stdout(Stdio::piped()).spawn()?;
    let lines = BufReader::new(child.stdout.take().context("it was piped")?).lines();
    let answers: Vec<Value> = lines.map(|line| Ok(serde_json::from_str(&line?)?)).collect::<anyhow::Result<_>>()?;
    ensure!(child.wait()?.success(), "it failed");
    ensure!(answers.len() == questions.len(), "{} answers to {} questions", answers.len(), questions.len());
    Ok(answers)
}

/// Returns what differs between a composition and buildx's answer.
pub fn difference(question: &Question, own: &Composed, theirs: &Value) -> Option<String> {
    let wanted = match read(theirs) {
        Ok(wanted) => wanted,
        Err(error) => return Some(format!("buildx: {error}")),
    };
    let descriptor = &own.content.descriptor;
    // buildx copies a single manifest without a list, and the referrers that it adds with what they are about.
    let needed = own.needed.iter().take(wanted.3.len());
    let needed = needed.map(|needed| (needed.descriptor.digest.to_string(), needed.source as u64)).collect();
    let mut added = own.needed.iter().skip(wanted.3.len().max(1)).map(|needed| &needed.descriptor.digest);
    if let Some(digest) = added.find(|digest| !is_referrer(question, digest)) {
        return Some(format!("it needs {digest}, which buildx does not copy"));
    }
    let own = (descriptor.media_type.clone(), descriptor.digest.to_string(), own.content.bytes.to_vec(), needed);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    (own != wanted).then(|| {
        format!("{:?} {}\nbuildx {:?} {}", (&own.0, &own.3), text(&own.2), (&wanted.0, &wanted.3), text(&wanted.2))
    })
}

fn is_referrer(question: &Question, digest: &Digest) -> bool {
    question.referrers.iter().any(|(_, referrer)| referrer.descriptor.digest == *digest)
}

fn read(answer: &Value) -> anyhow::Result<Answer> {
    ensure!(answer["refused"].is_null(), "{}", answer["refused"]);
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let copied = answer["manifests"].as_array().into_iter().flatten();
    Ok((
        text(&answer["descriptor"]["mediaType"]),
        text(&answer["descriptor"]["digest"]),
        STANDARD.decode(text(&answer["document"]))?,
        copied.map(|one| (text(&one["digest"]), one["source"].as_u64().unwrap_or_default())).collect(),
    ))
}
