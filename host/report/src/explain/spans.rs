//! What a run did, as a tree.

use std::time::Duration;

use serde::Serialize;

use super::decision;
use crate::Tree;
use crate::units::{Bytes, Time};
use refkit::{Answer, Call, Event, Observation, Span, Trace};
use refkit_content::WithOrigin;

/// The most bytes of an error that an entry shows: a screen full.
const TEXT: usize = 4 << 10;

/// One entry of a trace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SpanReport {
    /// The place in the list of the span that this one is part of.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent: Option<usize>,
    /// Microseconds from the start of the run.
    pub at: u64,
    /// Microseconds that it took; nothing where it did not end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub took: Option<u64>,
    /// What happened.
    #[serde(flatten)]
    pub event: EventReport,
}

/// What it is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum EventReport {
    /// A policy decided.
    Policy {
        /// Its name.
        name: String,
        /// The reference that it was asked for.
        reference: String,
        /// What it decided; nothing where it has not.
        #[serde(skip_serializing_if = "Option::is_none")]
        decision: Option<String>,
        /// Microseconds in the policy itself.
        cpu: u64,
        /// Bytes of its memory.
        memory: u64,
    },
    /// A question.
    Call {
        /// The contract's function.
        question: &'static str,
        /// The reference, repository or digest.
        subject: String,
        /// The repository that a copy reads.
        #[serde(skip_serializing_if = "Option::is_none")]
        source: Option<String>,
        /// The artifact types of the referrers that a copy brings along.
        #[serde(skip_serializing_if = "Vec::is_empty")]
        referrers: Vec<String>,
        /// The digest, or how many there are.
        #[serde(skip_serializing_if = "Option::is_none")]
        answer: Option<String>,
        /// Who answered: a host, a cache, a layout, this run itself.
        #[serde(skip_serializing_if = "Option::is_none")]
        from: Option<String>,
        /// Bytes of content.
        bytes: u64,
        /// The failure, where there is no answer.
        #[serde(skip_serializing_if = "Option::is_none")]
        error: Option<String>,
    },
    /// A message of a policy.
    Message {
        /// How much it matters.
        level: &'static str,
        /// The message.
        message: String,
        /// Its fields.
        fields: Vec<(String, String)>,
    },
}

/// Returns the entries of a trace.
pub fn reports(trace: &Trace) -> Vec<SpanReport> {
    trace.spans.iter().map(report).collect()
}

fn report(span: &Span) -> SpanReport {
    let event = match &span.event {
        Event::Policy { name, reference, decision, usage } => EventReport::Policy {
            name: name.to_string(),
            reference: reference.to_string(),
            decision: decision.as_ref().map(|decision| decision::text(name, decision)),
            cpu: micros(usage.cpu),
            memory: usage.memory,
        },
        Event::Call(observation) => call(observation),
        Event::Message { level, message, fields } => {
            EventReport::Message { level: level.as_str(), message: message.clone(), fields: fields.clone() }
        }
    };
    SpanReport { parent: span.parent, at: micros(span.at), took: span.took.map(micros), event }
}

fn call(Observation { call, result, .. }: &Observation) -> EventReport {
    let (answer, from, bytes, error) = match result {
        Some(Ok(WithOrigin { value, origin })) => {
            let (from, bytes) = match value {
                // The run itself has the bytes that it writes.
                Answer::Pushed(descriptor) | Answer::Copied(descriptor) => (None, descriptor.size),
                read => (Some(origin.to_string()), read.bytes()),
            };
            (Some(decision::answer(value)), from, bytes, None)
        }
        Some(Err(error)) => (None, None, 0, Some(shortened(&error.to_string()))),
        None => (None, None, 0, None),
    };
    let (source, referrers) = match call {
        Call::Copy(source, _, _, referrers) => (Some(source.to_string()), referrers.clone()),
        _ => (None, Vec::new()),
    };
    let (question, subject) = (call.function(), call.to_string());
    EventReport::Call { question, subject, source, referrers, answer, from, bytes, error }
}

/// Returns a text of at most [`TEXT`] bytes; one that was cut says so.
fn shortened(text: &str) -> String {
    match text.len() > TEXT {
        true => format!("{}…", &text[..text.floor_char_boundary(TEXT)]),
        false => text.to_owned(),
    }
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}

/// Returns the entries below a title, for a person.
pub fn tree(title: &str, spans: &[SpanReport]) -> Tree {
    // A span stands after its parent, so from the last one on each is complete when it is taken.
    let mut trees: Vec<Vec<Tree>> = vec![Vec::new(); spans.len() + 1];
    for (place, span) in spans.iter().enumerate().rev() {
        let mut tree = node(span);
        std::mem::take(&mut trees[place + 1]).into_iter().rev().for_each(|child| tree.add(child));
        let parent = span.parent.filter(|&parent| parent < place).map_or(0, |parent| parent + 1);
        trees[parent].push(tree);
    }
    let mut root = Tree::new(title);
    std::mem::take(&mut trees[0]).into_iter().rev().for_each(|child| root.add(child));
    root
}

fn node(span: &SpanReport) -> Tree {
    let took = match span.took {
        Some(took) => format!("  {}", Time(Duration::from_micros(took))),
        None => "  not ended".to_owned(),
    };
    match &span.event {
        EventReport::Policy { name, reference, decision, .. } => {
            let decision = decision.as_deref().unwrap_or("no decision");
            let mut tree = Tree::new(format!("policy {name}: {reference}{took}"));
            tree.line(format!("→ {decision}"));
            tree
        }
        EventReport::Call { question, subject, source, referrers, answer, from, bytes, error } => {
            let source = source.as_ref().map(|source| format!(" from {source}")).unwrap_or_default();
            let mut tree = Tree::new(format!("{question} {subject}{source}{took}"));
            if !referrers.is_empty() {
                tree.line(format!("with referrers {}", referrers.join(", ")));
            }
            if let Some(error) = error {
                tree.line(format!("→ {error}"));
            } else if let Some(answer) = answer {
                let size = if *bytes > 0 { format!("  {}", Bytes(*bytes)) } else { String::new() };
                let from = from.as_ref().map(|from| format!("  from {from}")).unwrap_or_default();
                tree.line(format!("→ {answer}{size}{from}"));
            }
            tree
        }
        EventReport::Message { level, message, fields } => {
            let mut text = format!("{level}: {message}");
            fields.iter().for_each(|(name, value)| text.push_str(&format!("  {name}={value}")));
            Tree::new(text)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn span(parent: Option<usize>, event: EventReport) -> SpanReport {
        SpanReport { parent, at: 0, took: Some(1_500), event }
    }

    fn call(parent: Option<usize>, answer: Option<&str>, error: Option<&str>) -> SpanReport {
        let event = EventReport::Call {
            question: "pull",
            subject: "r/a:1".into(),
            source: None,
            referrers: Vec::new(),
            answer: answer.map(Into::into),
            from: answer.map(|_| "cache".into()),
            bytes: 2_000,
            error: error.map(Into::into),
        };
        span(parent, event)
    }

    #[test]
    fn a_run_is_a_tree() {
        let policy = |name: &str, parent| {
            let event = EventReport::Policy {
                name: name.into(),
                reference: "r/a:1".into(),
                decision: Some("resolved sha256:0".into()),
                cpu: 1,
                memory: 2,
            };
            span(parent, event)
        };
        let message =
            EventReport::Message { level: "warn", message: "m".into(), fields: vec![("k".into(), "v".into())] };
        let mut open = call(Some(0), None, None);
        open.took = None;
        let mut copy = call(None, Some("sha256:3"), None);
        if let EventReport::Call { question, source, referrers, from, .. } = &mut copy.event {
            (*question, *source, *from) = ("copy", Some("r/b".into()), None);
            *referrers = vec!["a/b".into(), "c/d".into()];
        }
        let spans = [
            policy("outer", None),
            policy("default", Some(0)),
            call(Some(1), Some("sha256:0"), None),
            call(Some(1), None, Some("not found")),
            SpanReport { took: Some(0), ..span(Some(0), message) },
            open,
            call(None, Some("sha256:1"), None),
            // What cannot be is shown all the same.
            call(Some(7), Some("sha256:2"), None),
            copy,
        ];
        let wanted = [
            "run",
            "├─ policy outer: r/a:1  1.5 ms",
            "│  │  → resolved sha256:0",
            "│  ├─ policy default: r/a:1  1.5 ms",
            "│  │  │  → resolved sha256:0",
            "│  │  ├─ pull r/a:1  1.5 ms",
            "│  │  │     → sha256:0  2 kB  from cache",
            "│  │  └─ pull r/a:1  1.5 ms",
            "│  │        → not found",
            "│  ├─ warn: m  k=v",
            "│  └─ pull r/a:1  not ended",
            "├─ pull r/a:1  1.5 ms",
            "│     → sha256:1  2 kB  from cache",
            "├─ pull r/a:1  1.5 ms",
            "│     → sha256:2  2 kB  from cache",
            "└─ copy r/a:1 from r/b  1.5 ms",
            "      with referrers a/b, c/d",
            "      → sha256:3  2 kB",
        ];
        assert_eq!(tree("run", &spans).lines(), wanted);
    }
}
