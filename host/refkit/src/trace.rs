//! What a run did: a tree of the decisions of policies, observations and messages.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use refkit_contract::{Denial, Failure, Level};
use refkit_oci::{Digest, Footprint, Reference};
use refkit_sandbox::Usage;

use crate::observation::Observation;

/// The most bytes of each text that the trace keeps, and of a policy's message with all its fields: a screen full. 1,000
/// of them, explained, have a few megabytes.
pub(crate) const MESSAGE: usize = 4 << 10;

/// Cuts a text at so many bytes, and marks that it goes on.
pub(crate) fn shorten(text: &mut String, limit: usize) {
    if text.len() > limit {
        text.truncate(text.floor_char_boundary(limit));
        text.push('…');
        text.shrink_to_fit();
    }
}

/// Everything that one run did, in the order in which it began.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct Trace {
    /// The entries; a span's parent stands before it.
    pub spans: Vec<Span>,
}

/// One entry.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Span {
    /// The index of the span that this one is part of.
    pub parent: Option<usize>,
    /// What it is.
    pub event: Event,
    /// When it began, from the start of the run.
    pub at: Duration,
    /// How long it took; nothing where it has not ended.
    pub took: Option<Duration>,
}

/// What a span is about.
#[derive(Debug, Clone)]
pub enum Event {
    /// A policy decided about a request.
    Policy {
        /// Its name.
        name: Arc<str>,
        /// The reference that it was asked for.
        reference: Reference,
        /// What it decided; nothing where it has not.
        decision: Option<PolicyDecision>,
        /// What it used.
        usage: Usage,
    },
    /// A host call.
    Call(Observation),
    /// A message of the policy.
    Message {
        /// How much it matters.
        level: Level,
        /// The message.
        message: String,
        /// Its fields.
        fields: Vec<(String, String)>,
    },
}

/// What a policy decided about a request.
#[derive(Debug, Clone)]
pub enum PolicyDecision {
    /// It passed this reference on to the rest of the chain.
    PassedOn(Reference),
    /// It resolved the reference.
    Resolved {
        /// The digest of the root.
        root: Digest,
        /// The images that are refused.
        refused: Vec<RefusedImage>,
    },
    /// It published the root with this digest.
    Published(Digest),
    /// The reference is refused.
    Denied(Option<Reason>),
    /// It failed.
    Failed(Failure),
}

/// A refused image of a decision.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct RefusedImage {
    /// Its place, counted from 0.
    pub place: usize,
    /// Its manifest, where that is known.
    pub manifest: Option<Digest>,
    /// The first reason.
    pub reason: Reason,
}

/// A reason of a refusal, in short.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Reason {
    /// The policy that gave it.
    pub policy: Option<Arc<str>>,
    /// The rule that was broken, cut to a screen full.
    pub rule: String,
}

impl Reason {
    pub(crate) fn of(denial: &Denial) -> Self {
        let mut rule = denial.rule.clone();
        shorten(&mut rule, MESSAGE);
        Self { policy: denial.policy.clone(), rule }
    }
}

impl Footprint for PolicyDecision {
    fn footprint(&self) -> usize {
        size_of::<Self>()
            + match self {
                Self::PassedOn(reference) => reference.footprint(),
                Self::Published(root) => root.footprint(),
                Self::Resolved { root, refused } => {
                    let each = |one: &RefusedImage| {
                        size_of::<RefusedImage>() + one.manifest.footprint() + one.reason.rule.footprint()
                    };
                    root.footprint() + refused.iter().map(each).sum::<usize>()
                }
                Self::Denied(reason) => reason.as_ref().map_or(0, |reason| reason.rule.footprint()),
                Self::Failed(failure) => failure.footprint(),
            }
    }
}

impl Footprint for Event {
    fn footprint(&self) -> usize {
        let owned = match self {
            Self::Policy { reference, decision, .. } => {
                reference.footprint() + decision.as_ref().map_or(0, Footprint::footprint)
            }
            Self::Call(observation) => observation.footprint(),
            Self::Message { message, fields, .. } => message.as_str().footprint() + fields.as_slice().footprint(),
        };
        size_of::<Span>() + owned
    }
}

/// Collects a run's spans.
#[derive(Debug)]
pub(crate) struct Recorder {
    started: Instant,
    spans: Mutex<Vec<Span>>,
}

impl Recorder {
    pub(crate) fn new(started: Instant) -> Self {
        Self { started, spans: Mutex::default() }
    }

    pub(crate) fn begin(&self, parent: Option<usize>, event: Event) -> usize {
        let at = self.started.elapsed();
        let mut spans = self.spans();
        spans.push(Span { parent, event, at, took: None });
        spans.len() - 1
    }

    /// Ends a span and lets its last facts be filled in.
    pub(crate) fn end(&self, span: usize, fill: impl FnOnce(&mut Event)) {
        let now = self.started.elapsed();
        if let Some(span) = self.spans().get_mut(span) {
            span.took = Some(now.saturating_sub(span.at));
            fill(&mut span.event);
        }
    }

    /// Returns the error of an observation.
    pub(crate) fn error(&self, observation: usize) -> Option<refkit_content::Error> {
        match &self.spans().get(observation)?.event {
            Event::Call(Observation { result: Some(Err(error)), .. }) => Some(error.clone()),
            _ => None,
        }
    }

    pub(crate) fn trace(&self) -> Trace {
        Trace { spans: self.spans().clone() }
    }

    fn spans(&self) -> parking_lot::MutexGuard<'_, Vec<Span>> {
        self.spans.lock()
    }
}
