//! What a run did, for a person: a tree of policies, questions and messages.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use refkit_content::Origin;
use refkit_contract::Level;
use refkit_oci::Footprint;
use refkit_sandbox::Usage;

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
pub struct Trace {
    /// The entries; a span's parent stands before it.
    pub spans: Vec<Span>,
}

/// One entry.
#[derive(Debug, Clone)]
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
        name: String,
        /// The reference that it was asked for.
        reference: String,
        /// What it decided, in a few words; nothing where it has not.
        decision: Option<String>,
        /// What it used.
        usage: Usage,
    },
    /// A question to a source.
    Call {
        /// What was asked.
        question: Question,
        /// The reference, repository or digest.
        subject: String,
        /// What came of it; nothing where nothing has.
        answer: Option<Answered>,
    },
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

/// The kinds of question.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Question {
    Resolve,
    Pull,
    Fetch,
    FetchRange,
    Referrers,
    Tags,
}

impl Question {
    /// Returns the name of the contract's function.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Resolve => "resolve",
            Self::Pull => "pull",
            Self::Fetch => "fetch",
            Self::FetchRange => "fetch-range",
            Self::Referrers => "referrers",
            Self::Tags => "tags",
        }
    }
}

/// What came of a question.
#[derive(Debug, Clone)]
pub enum Answered {
    /// An answer.
    From {
        /// Who gave it; nothing where this run's own record did.
        origin: Option<Origin>,
        /// The digest, or how many there are.
        what: String,
        /// Bytes of content.
        bytes: u64,
    },
    /// A failure, for a person.
    Failed(String),
}

impl Footprint for Answered {
    fn footprint(&self) -> usize {
        let text = match self {
            Self::From { what, .. } => what,
            Self::Failed(text) => text,
        };
        text.as_str().footprint()
    }
}

impl Footprint for Event {
    fn footprint(&self) -> usize {
        let texts = match self {
            Self::Policy { name, reference, decision, .. } => {
                name.as_str().footprint() + reference.as_str().footprint() + decision.footprint()
            }
            Self::Call { subject, answer, .. } => {
                subject.as_str().footprint() + answer.as_ref().map_or(0, Footprint::footprint)
            }
            Self::Message { message, fields, .. } => message.as_str().footprint() + fields.as_slice().footprint(),
        };
        size_of::<Span>() + texts
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

    pub(crate) fn trace(&self) -> Trace {
        Trace { spans: self.spans().clone() }
    }

    fn spans(&self) -> std::sync::MutexGuard<'_, Vec<Span>> {
        self.spans.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}
