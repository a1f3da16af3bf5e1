//! RefKit and containerd read every index in the same way, so that BuildKit builds the manifest that a policy has
//! judged. Thousands of indexes, well-formed and unusual, against containerd's own library and Go's JSON.
#![expect(clippy::disallowed_methods, reason = "it waits for another program")]

mod generated;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{BufRead, BufReader, BufWriter, Write};
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, bail, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use generated::Generator;
use refkit_default::Default;
use refkit_policy::testing::Registry;
use refkit_policy::{Absence, Outcome, Parts, Platform, Policy, Request, Selection, testing};
use serde_json::{Value, json};

const CASES: u64 = 8_000;

/// The seed of the first case; each case has its own, which a failure prints.
const SEED: u64 = 2_944;

/// The timeout of the Go program, which needs less than a second.
const PATIENCE: Duration = Duration::from_secs(120);

const REPOSITORY: &str = "registry.test/app";

/// An index, the documents below it, and the requested platform.
pub struct Case {
    wanted: Platform,
    root: Blob,
    /// Manifests and indexes below the root.
    documents: Vec<Blob>,
    configs: Vec<Blob>,
}

/// Content with its media type and digest.
pub struct Blob {
    media_type: String,
    digest: String,
    bytes: Vec<u8>,
}

/// The result of a case.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Choice {
    Manifest(String),
    Absent,
    Refused(String),
}

/// Runs the default policy.
fn own(case: &Case) -> Choice {
    let mut registry = Registry::new();
    for document in &case.documents {
        registry.manifest(REPOSITORY, None, &document.media_type, &document.bytes);
    }
    for config in &case.configs {
        registry.blob(REPOSITORY, &config.bytes);
    }
    registry.manifest(REPOSITORY, Some("latest"), &case.root.media_type, &case.root.bytes);
    let reference = testing::reference(&format!("{REPOSITORY}:latest")).expect("a reference");
    let selection = Selection::Platforms(vec![case.wanted.clone()]);
    match Default::resolve(&registry, Request { reference, selection, parts: Parts::IMAGES }) {
        Ok(Outcome::Resolved(mut resolved)) => match resolved.images.remove(0) {
            Ok(image) => Choice::Manifest(image.manifest.digest),
            Err(Absence::NoMatch) => Choice::Absent,
            Err(Absence::Failed(error)) => Choice::Refused(error.message),
            Err(Absence::Denied(_)) => panic!("the default policy denies nothing"),
        },
        Ok(_) => panic!("the default policy resolves"),
        Err(error) => Choice::Refused(error.message),
    }
}

/// Runs containerd's library on all cases.
fn containerd(cases: &[Case]) -> anyhow::Result<Vec<Choice>> {
    let program = refkit_support::tool("containerd-platforms")?;
    let directory = tempfile::tempdir()?;
    let (questions, answers) = (directory.path().join("questions"), directory.path().join("answers"));
    let mut to = BufWriter::new(File::create(&questions)?);
    for case in cases {
        writeln!(to, "{}", question(case))?;
    }
    to.into_inner()?.sync_all()?;
    run(&program, File::open(&questions)?, File::create(&answers)?)?;
    let lines = BufReader::new(File::open(&answers)?).lines();
    let choices: Vec<Choice> = lines.map(|line| answer(&line?)).collect::<Result<_, _>>()?;
    ensure!(choices.len() == cases.len(), "{} answers to {} questions", choices.len(), cases.len());
    Ok(choices)
}

fn question(case: &Case) -> Value {
    let blobs = case.documents.iter().chain(&case.configs).chain([&case.root]);
    let blobs: BTreeMap<_, _> = blobs.map(|blob| (&blob.digest, STANDARD.encode(&blob.bytes))).collect();
    let Platform { os, architecture, variant, os_version, os_features } = &case.wanted;
    json!({
        "wanted": {
            "os": os, "architecture": architecture, "variant": variant,
            "os.version": os_version, "os.features": os_features,
        },
        "root": { "mediaType": case.root.media_type, "digest": case.root.digest, "size": case.root.bytes.len() },
        "blobs": blobs,
    })
}

fn answer(line: &str) -> anyhow::Result<Choice> {
    let answer: Value = serde_json::from_str(line)?;
    let member = |name: &str| answer[name].as_str().map(str::to_owned);
    if let Some(digest) = member("manifest") {
        return Ok(Choice::Manifest(digest));
    }
    match (member("absent"), member("refused")) {
        (Some(_), None) => Ok(Choice::Absent),
        (None, Some(why)) => Ok(Choice::Refused(why)),
        _ => bail!("{line} is no answer"),
    }
}

fn run(program: &Path, from: File, to: File) -> anyhow::Result<()> {
    let name = program.display();
    let mut child = Command::new(program).stdin(from).stdout(to).spawn().with_context(|| format!("{name}"))?;
    let start = Instant::now();
    loop {
        if let Some(status) = child.try_wait()? {
            ensure!(status.success(), "{name} ended with {status}");
            return Ok(());
        }
        if start.elapsed() > PATIENCE {
            child.kill()?;
            child.wait()?;
            bail!("{name} has not ended after {PATIENCE:?}");
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

#[test]
fn what_is_accepted_is_read_as_containerd_reads_it() {
    let cases: Vec<Case> = (SEED..SEED + CASES).map(|seed| Generator::new(seed).case()).collect();
    let theirs = containerd(&cases).unwrap_or_else(|error| panic!("{error:#}"));
    let (mut chosen, mut absent, mut refused) = (0, 0, BTreeMap::<String, u64>::new());
    let mut failures = Vec::new();
    for ((seed, case), theirs) in (SEED..).zip(&cases).zip(theirs) {
        let own = own(case);
        match &own {
            Choice::Manifest(_) => chosen += 1,
            Choice::Absent => absent += 1,
            Choice::Refused(why) => {
                *refused.entry(kind(why)).or_default() += 1;
                continue;
            }
        }
        if own != theirs {
            let text = String::from_utf8_lossy(&case.root.bytes);
            failures.push(format!("seed {seed}: {own:?}, containerd {theirs:?}\n  for {:?}\n  {text}", case.wanted));
        }
    }
    let shown = failures.iter().take(5).cloned().collect::<Vec<_>>().join("\n");
    assert!(failures.is_empty(), "{} of {CASES} are read in another way:\n{shown}", failures.len());
    println!("{chosen} chosen, {absent} absent, {} refused", refused.values().sum::<u64>());
    assert!(chosen * 5 > CASES * 2, "only {chosen} of {CASES} indexes lead to a manifest");
    assert!((chosen + absent) * 4 > CASES * 3, "only {} of {CASES} indexes are accepted", chosen + absent);
    // The cases have to contain every kind of ambiguous document.
    for reason in generated::REFUSED {
        assert!(refused.keys().any(|kind| kind.contains(reason)), "nothing was refused because {reason}: {refused:#?}");
    }
}

/// Returns the message of a refusal without digests and other details.
fn kind(message: &str) -> String {
    let words = message.split_once(": ").map_or(message, |(_, reason)| reason).split(' ');
    words.map(|word| if word.contains("sha256:") { "DIGEST" } else { word }).collect::<Vec<_>>().join(" ")
}
