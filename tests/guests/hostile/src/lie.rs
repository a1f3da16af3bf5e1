//! Falsifies a valid outcome.

use refkit_policy::*;

/// Reports the results of the contract's reading calls for content that this run may not read.
pub fn probe(host: &impl Host, request: Request) -> Result<Outcome, Error> {
    let mut answers = Vec::new();
    let mut foreign = request.reference.clone();
    foreign.repository = "other/secret".into();
    let text = |result: Result<String, Error>| result.unwrap_or_else(|error| format!("{:?}", error.code));
    answers.push(text(host.resolve(&foreign).map(|descriptor| descriptor.digest)));
    answers.push(text(host.pull(&foreign).map(|content| content.descriptor.digest)));
    answers.push(text(host.tags(&foreign).map(|tags| tags.join(","))));
    let unmet = format!("sha256:{}", "7".repeat(64));
    answers.push(text(host.fetch(&request.reference, &unmet).map(|bytes| bytes.len().to_string())));
    answers.push(text(host.fetch(&request.reference, "sha256:../../etc/passwd").map(|bytes| bytes.len().to_string())));
    answers.push(text(host.referrers(&request.reference, &unmet, None).map(|list| list.len().to_string())));
    Err(Error::new(ErrorCode::Other, answers.join(" ")))
}

/// The setting `other` has the second reference of the test's registry, as a repository.
pub fn lie(host: &impl Host, mut request: Request, mode: &str) -> Result<Outcome, Error> {
    let invented = format!("sha256:{}", "e".repeat(64));
    match mode {
        "circle" => {
            // Calls itself through the chain, if the chain allows it.
            let Ok(Outcome::Resolved(_) | Outcome::Denied(_)) = host.next(&request) else {
                return Ok(Outcome::Next(request));
            };
            return Ok(Outcome::Next(request));
        }
        "ask-next" => {
            // Whatever the rest returns, the outcome redirects to a reference that no policy denies.
            let _ = host.next(&request);
            return Ok(Outcome::deny("ask-next", "went on after the rest had ended"));
        }
        "no-reason" => return Ok(Outcome::Denied(Vec::new())),
        "unmet" => {
            let digest = invented.clone();
            let root = Descriptor {
                media_type: "application/vnd.oci.image.index.v1+json".into(),
                digest,
                size: 1,
                platform: None,
                artifact_type: None,
                annotations: Vec::new(),
            };
            return Ok(Outcome::Resolved(Resolved { reference: request.reference, root, images: Vec::new() }));
        }
        _ => {}
    }
    let wanted = request.clone();
    request.parts |= Parts::IMAGES | Parts::CONFIGS | Parts::ATTESTATIONS;
    if mode == "next-panic" {
        let _ = host.next(&request);
        panic!("after the rest had answered");
    }
    let mut other = request.clone();
    if let Some(repository) = host.setting("other") {
        other.reference.repository = repository;
    }
    let Outcome::Resolved(mut resolved) = host.next(&request)? else {
        return Err(Error::invalid("the rest of the chain resolves nothing"));
    };
    if mode == "deny-image" {
        for place in &mut resolved.images {
            if let Ok(image) = place {
                let subject = Some(image.manifest.digest.clone());
                let denial = Denial { rule: "deny-image".into(), message: "not this one".into(), subject };
                *place = Err(Absence::Denied(vec![denial]));
                break;
            }
        }
        return Ok(Outcome::Resolved(resolved));
    }
    if mode == "replace-denied" {
        // Calls the rest again with a request that it allows, and restores the image.
        let pinned = Request { reference: request.reference.pinned(&resolved.root.digest), ..request.clone() };
        let all = Request { selection: Selection::All, ..pinned };
        if let Ok(Outcome::Resolved(again)) = host.next(&all) {
            let images: Vec<Image> = again.images.into_iter().flatten().collect();
            for place in &mut resolved.images {
                if place.is_err() {
                    *place = images.first().cloned().ok_or(Absence::NoMatch);
                }
            }
        }
        return Ok(Outcome::Resolved(resolved));
    }
    let elsewhere = match host.next(&other) {
        Ok(Outcome::Resolved(elsewhere)) => Some(elsewhere),
        _ => None,
    };
    let foreign = elsewhere.as_ref().map(|resolved| resolved.root.digest.clone()).unwrap_or_default();
    match mode {
        "invent" => resolved.root.digest = invented,
        "foreign" => resolved.root.digest = foreign,
        "no-root" => {
            // An observed manifest is no root, because the reference does not name it.
            let first = resolved.images.iter().flatten().next().map(|image| image.manifest.clone());
            if let Some(manifest) = first {
                resolved.root = manifest;
            }
            resolved.images.clear();
        }
        "leave-out" => {
            resolved.images.retain(Result::is_ok);
        }
        "shorten" => {
            resolved.images.pop();
        }
        _ => {
            let manifests: Vec<String> =
                resolved.images.iter().flatten().map(|image| image.manifest.digest.clone()).collect();
            let configs: Vec<Descriptor> =
                resolved.images.iter().flatten().filter_map(|image| image.config.clone()).collect();
            let root = resolved.root.clone();
            let attested = resolved.images.iter().flatten().find_map(|image| image.attestations.first().cloned());
            for (index, image) in resolved.images.iter_mut().flatten().enumerate() {
                match mode {
                    "no-parent" => image.parents.push(image.manifest.clone()),
                    "no-manifest" => image.manifest.digest = foreign.clone(),
                    "no-config" => {
                        let other = (index + 1) % manifests.len().max(1);
                        image.config = configs.get(other).cloned();
                    }
                    "no-attestation" => {
                        if image.attestations.is_empty() {
                            image.attestations.extend(attested.clone());
                        } else {
                            image.attestations.clear();
                        }
                    }
                    "index-as-manifest" => image.manifest = root.clone(),
                    _ => return Err(Error::invalid(format_args!("there is no mode {mode}"))),
                }
            }
        }
    }
    Ok(if mode == "leave-out" && wanted.parts.is_empty() { Outcome::Next(wanted) } else { Outcome::Resolved(resolved) })
}
