//! A publishing policy that does what the setting `do` says, a step on each line, and then what `then` says. It reports
//! the result of each step as an event.
#![cfg_attr(not(target_arch = "wasm32"), forbid(unsafe_code))]

use refkit_publishing::*;

/// The policy.
pub struct Pusher;

impl Publisher for Pusher {
    fn about() -> Description {
        Description::new("pusher", "0.0.0", "Writes where it should not")
            .optional("do", "steps, one on each line", None)
            .optional("then", "published DIGEST, denied, failed, next or next-then-published DIGEST", Some("next"))
    }

    fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error> {
        let (mut root, mut failed) = (String::new(), None);
        for line in host.setting("do").unwrap_or_default().lines() {
            let words: Vec<&str> = line.split(' ').collect();
            let done = step(host, &request, &words);
            let text = match &done {
                Ok(digest) => format!("ok {digest}"),
                Err(error) => format!("{:?}: {}", error.code, error.message),
            };
            host.event(Level::Info, &format!("{line}: {text}"), &[]);
            match done {
                Ok(digest) => root = digest,
                Err(error) => failed = Some(error),
            }
        }
        if let Some(error) = failed.filter(|_| host.setting("then").as_deref() == Some("failed")) {
            return Err(error);
        }
        match host.setting("then").unwrap_or_default().split_once(' ') {
            Some(("published", digest)) => Ok(Published::Published(of(digest))),
            None if host.setting("then").as_deref() == Some("published") => Ok(Published::Published(of(&root))),
            None if host.setting("then").as_deref() == Some("denied") => Ok(Published::deny("no", "not today")),
            _ => host.publish(&request),
        }
    }
}

/// Returns a descriptor of which the host reads the digest.
fn of(digest: &str) -> Descriptor {
    Descriptor {
        media_type: "a/b".into(),
        digest: digest.into(),
        size: 0,
        platform: None,
        artifact_type: None,
        annotations: Vec::new(),
    }
}

/// Returns a reference as it is written, without a check.
fn reference(text: &str) -> Reference {
    let (name, digest) = text.split_once('@').map_or((text, None), |(name, digest)| (name, Some(digest.to_owned())));
    let (registry, rest) = name.split_once('/').unwrap_or(("", name));
    let (repository, tag) = rest.split_once(':').map_or((rest, None), |(path, tag)| (path, Some(tag.to_owned())));
    Reference { registry: registry.into(), repository: repository.into(), tag, digest }
}

fn step(host: &impl PublishingHost, request: &Publication, words: &[&str]) -> Result<String, Error> {
    let source = request.sources.first().map(|source| source.reference.clone());
    let source = source.ok_or_else(|| Error::invalid("no source"))?;
    let pulled = || host.pull(&source);
    match words {
        ["tag", to] => {
            let content = pulled()?;
            let (media_type, bytes) = (&content.descriptor.media_type, &content.bytes);
            Ok(host.push_manifest(&reference(to), media_type, bytes)?.digest)
        }
        ["push", to, media_type, text @ ..] => {
            Ok(host.push_manifest(&reference(to), media_type, text.join(" ").as_bytes())?.digest)
        }
        ["blob", to, media_type, text @ ..] => {
            Ok(host.push_blob(&reference(to), media_type, text.join(" ").as_bytes())?.digest)
        }
        ["copy", from, digest, to] => {
            host.copy(&reference(from), &[(*digest).to_owned()], &reference(to), &[]).map(|()| (*digest).to_owned())
        }
        ["copy", to] => {
            let digest = pulled()?.descriptor.digest;
            host.copy(&source, std::slice::from_ref(&digest), &reference(to), &[]).map(|()| digest)
        }
        ["resolve", of] => Ok(host.resolve(&reference(of))?.digest),
        ["tags", of] => Ok(host.tags(&reference(of))?.join(",")),
        ["next"] => match host.publish(request)? {
            Published::Published(root) => Ok(root.digest),
            Published::Denied(_) => Ok("denied".into()),
        },
        ["chain", of] => {
            let request = Request { reference: reference(of), selection: Selection::All, parts: Parts::IMAGES };
            match host.next(&request)? {
                Outcome::Resolved(resolved) => Ok(resolved.root.digest),
                _ => Ok("denied".into()),
            }
        }
        _ => Err(Error::invalid("an unknown step")),
    }
}

refkit_publishing::export!(Pusher);
