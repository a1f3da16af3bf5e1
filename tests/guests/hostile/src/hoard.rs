//! Makes the host keep data.

use refkit_policy::*;

/// Returns a digest that no content has.
fn invented(number: usize) -> String {
    format!("sha256:{number:064x}")
}

/// Returns the number of results of each kind: `4 ok, 496 ErrorCode::BudgetExhausted`.
fn tally<T>(answers: impl IntoIterator<Item = Result<T, Error>>) -> Error {
    let mut counts: Vec<(String, usize)> = Vec::new();
    for answer in answers {
        let kind = answer.map_or_else(|error| format!("{:?}", error.code), |_| "ok".into());
        match counts.iter_mut().find(|(known, _)| *known == kind) {
            Some((_, count)) => *count += 1,
            None => counts.push((kind, 1)),
        }
    }
    let counts = counts.iter().map(|(kind, count)| format!("{count} {kind}"));
    Error::new(ErrorCode::Other, counts.collect::<Vec<_>>().join(", "))
}

/// Requests the referrers of 4,000 digests, with an artifact type of so many bytes.
pub fn referrers(host: &impl Host, request: &Request, bytes: usize) -> Result<Outcome, Error> {
    let subjects: Vec<String> = (0..4_000).map(invented).collect();
    let artifact_type = "x".repeat(bytes);
    Err(tally(host.referrers_all(&request.reference, &subjects, Some(&artifact_type))))
}

/// Fetches one content 500 times in one call, by the digest in the setting `other`.
pub fn fetch_all(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let digest = host.setting("other").unwrap_or_default();
    host.pull(&request.reference)?;
    Err(tally(host.fetch_all(&request.reference, &vec![digest; 500])))
}

/// Fetches one content 2,000 times, one call after the other.
pub fn fetch_again(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let digest = host.setting("other").unwrap_or_default();
    host.pull(&request.reference)?;
    Err(tally((0..2_000).map(|_| host.fetch(&request.reference, &digest))))
}

/// Sends 1,000 messages of 260 kB, with characters that take six bytes in an explanation.
pub fn shout(host: &impl Host, request: Request) -> Result<Outcome, Error> {
    let text = "\u{1b}".repeat(4 << 10);
    let fields = vec![(text.clone(), text.clone()); 32];
    for _ in 0..1_000 {
        host.event(Level::Warn, &text, &fields);
    }
    Ok(Outcome::Next(request))
}

/// Makes 10,000 calls with digests that the run has not observed, repositories without a grant, or malformed names.
pub fn refused(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let mut foreign = request.reference.clone();
    let answers = (0..10_000).map(|number| match number % 4 {
        0 => host.fetch(&request.reference, &invented(number)).map(drop),
        1 => host.referrers(&request.reference, &invented(number), None).map(drop),
        2 => {
            foreign.repository = format!("foreign/{number}");
            host.tags(&foreign).map(drop)
        }
        _ => {
            foreign.registry = format!("{}.test", "x".repeat(1_000));
            let answer = host.resolve(&foreign).map(drop);
            foreign.registry.clone_from(&request.reference.registry);
            answer
        }
    });
    Err(tally(answers))
}

/// Calls the rest of the chain 900 times, each time with other platforms of 900 kB.
pub fn next(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let text = "x".repeat(120);
    let answers = (0..900).map(|number| {
        let platform = Platform {
            os: format!("{number}"),
            architecture: text.clone(),
            variant: Some(text.clone()),
            os_version: Some(text.clone()),
            os_features: vec![text.clone(); 2],
        };
        host.next(&Request { selection: Selection::Platforms(vec![platform; 900]), ..request.clone() })
    });
    Err(tally(answers))
}

/// Calls the rest of the chain with 900 tags.
pub fn next_tags(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let mut request = request.clone();
    let answers = (0..900).map(|number| {
        request.reference.tag = Some(format!("tag-{number}"));
        host.next(&request)
    });
    Err(tally(answers))
}

/// Fails with a message of 900 kB.
pub fn fail() -> Result<Outcome, Error> {
    Err(Error::invalid("x".repeat(900_000)))
}

/// Lists the first attestation of the outcome 1,000 times.
pub fn name_again(host: &impl Host, mut request: Request) -> Result<Outcome, Error> {
    request.parts |= Parts::IMAGES | Parts::ATTESTATIONS;
    let mut outcome = host.next(&request)?;
    if let Outcome::Resolved(resolved) = &mut outcome {
        for image in resolved.images.iter_mut().flatten() {
            let bare = image.attestations.first().map(|one| Descriptor { annotations: Vec::new(), ..one.clone() });
            image.attestations = bare.map(|one| vec![one; 1_000]).unwrap_or_default();
        }
    }
    Ok(outcome)
}

/// Passes 4,000 items in one call, 30 times.
pub fn questions(host: &impl Host, request: &Request) -> Result<Outcome, Error> {
    let subjects: Vec<String> = (0..4_000).map(invented).collect();
    let artifact_type = "x".repeat(256);
    Err(tally((0..30).flat_map(|_| host.referrers_all(&request.reference, &subjects, Some(&artifact_type)))))
}
