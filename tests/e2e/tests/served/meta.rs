//! What the server tells about images is what BuildKit tells.

use std::io::Write as _;
use std::process::Stdio;

use anyhow::{Context as _, ensure};
use refkit_e2e::{Stage, base};
use refkit_support::image::{ImageBuilder, IndexBuilder};
use serde_json::{Value, json};

use crate::server::Server;

const PLATFORMS: [&str; 3] = ["linux/amd64", "linux/arm64", "linux/arm/v7"];

/// Returns the answers of BuildKit and of the server.
fn ask(server: &Server, stage: &Stage, questions: &[Value]) -> anyhow::Result<Vec<[Value; 2]>> {
    let mut command = server.client("meta", stage)?;
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn()?;
    let text: String = questions.iter().map(|question| format!("{question}\n")).collect();
    child.stdin.take().context("it is piped")?.write_all(text.as_bytes())?;
    let output = child.wait_with_output()?;
    ensure!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    output
        .stdout
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| Ok(serde_json::from_slice(line)?))
        .collect()
}

/// Returns whether two answers are the same. The texts of errors differ: RefKit's names the image and the platform, and has
/// a code.
fn same([buildkit, refkit]: &[Value; 2]) -> bool {
    let error = |answer: &Value| answer["Error"].as_str().unwrap_or_default().to_owned();
    let not_found = error(buildkit).ends_with("not found") && error(refkit).contains("code = NotFound");
    buildkit == refkit || (not_found && buildkit["Meta"] == refkit["Meta"])
}

/// Every field of the response, for 28 questions: indexes and manifests, Docker's and OCI's, with and without
/// attestations, for platforms that are there, that are near, and that are not.
#[test]
fn both_tell_the_same() -> anyhow::Result<()> {
    let stage = Stage::new()?;
    let docker = ImageBuilder::new("linux/amd64").docker().label("of", "docker").build();
    let alone = ImageBuilder::new("linux/arm64").label("of", "alone").build();
    let images = [
        ("index", stage.put("index", &base::index("index", &PLATFORMS)?)?, true),
        ("attested", stage.put("attested", &base::attested("attested", &PLATFORMS[..2])?)?, true),
        ("docker-list", stage.put("docker-list", &IndexBuilder::new().docker().add(docker.clone()).build())?, false),
        ("docker", stage.put("docker", &docker)?, false),
        ("alone", stage.put("alone", &alone)?, false),
    ];
    let server = Server::start("")?;
    let mut questions = Vec::new();
    for (_, reference, chain) in &images {
        for platform in ["linux/amd64", "linux/arm64/v8", "linux/arm/v8", "windows/amd64"] {
            for (no_config, attested) in [(false, false), (true, true)] {
                // Asked for the attestations of other roots, this BuildKit crashes.
                if attested && !chain {
                    continue;
                }
                questions.push(json!({
                    "Identifier": format!("docker-image://{reference}"),
                    "Platform": platform,
                    "Image": { "NoConfig": no_config, "AttestationChain": attested },
                }));
            }
        }
    }
    let answers = ask(&server, &stage, &questions)?;
    assert_eq!(answers.len(), questions.len());
    let other = questions.iter().zip(&answers).filter(|(_, answers)| !same(answers));
    let other: Vec<String> = other
        .map(|(question, [buildkit, refkit])| format!("{question}\n  buildkit {buildkit}\n  refkit   {refkit}"))
        .collect();
    assert!(other.is_empty(), "{} of {}:\n{}", other.len(), answers.len(), other.join("\n"));
    Ok(())
}
