//! Misbehaves as its setting `mode` says. The settings in its description are its modes, so that a test can check that
//! each has a row.
#![allow(unsafe_code)]

pub mod consume;
pub mod hoard;
pub mod lie;
pub mod memory;

use refkit_policy::*;

/// The modes.
pub const MODES: &[&str] = &[
    "loop",
    "grow",
    "recurse",
    "transfer",
    "calls",
    "events",
    "outcome",
    "panic",
    "secret-write",
    "secret-read",
    "invent",
    "foreign",
    "no-root",
    "no-parent",
    "no-manifest",
    "no-config",
    "no-attestation",
    "index-as-manifest",
    "leave-out",
    "replace-denied",
    "shorten",
    "no-reason",
    "unmet",
    "circle",
    "next-panic",
    "ask-next",
    "deny-image",
    "probe",
    "hoard-questions",
    "hoard-types",
    "hoard-referrers",
    "hoard-contents",
    "hoard-again",
    "hoard-messages",
    "hoard-refusals",
    "hoard-requests",
    "hoard-tags",
    "hoard-failure",
    "hoard-names",
];

/// The policy.
pub struct Hostile;

impl Policy for Hostile {
    fn about() -> Description {
        let about = Description::new("hostile", "0.0.0", "Misbehaves");
        let about = about.optional("mode", "which one", None).optional("other", "another repository", None);
        let about = about.optional("count", "how many messages", None);
        MODES.iter().fold(about, |about, mode| about.optional(mode, "a mode", None))
    }

    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error> {
        let mode = host.setting("mode").unwrap_or_default();
        match mode.as_str() {
            "loop" => consume::spin(),
            "grow" => consume::grow(),
            "recurse" => Err(Error::invalid(consume::recurse(0))),
            "transfer" => consume::transfer(host),
            "calls" => consume::calls(host),
            "events" => consume::events(host, request),
            "outcome" => Ok(consume::outcome(request)),
            "panic" => panic!("on purpose"),
            "secret-write" => memory::write(request),
            "secret-read" => memory::read(),
            "probe" => lie::probe(host, request),
            "hoard-questions" => hoard::questions(host, &request),
            "hoard-types" => hoard::referrers(host, &request, 500_000),
            "hoard-referrers" => hoard::referrers(host, &request, 255),
            "hoard-contents" => hoard::fetch_all(host, &request),
            "hoard-again" => hoard::fetch_again(host, &request),
            "hoard-messages" => hoard::shout(host, request),
            "hoard-refusals" => hoard::refused(host, &request),
            "hoard-requests" => hoard::next(host, &request),
            "hoard-tags" => hoard::next_tags(host, &request),
            "hoard-failure" => hoard::fail(),
            "hoard-names" => hoard::name_again(host, request),
            _ => lie::lie(host, request, &mode),
        }
    }
}

refkit_policy::export!(Hostile);
