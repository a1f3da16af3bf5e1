//! What one run may use in all, and what it used.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use refkit_content::ErrorKind;

/// How long a publication may take by default: it copies layers of many gigabytes. The registry client bounds each request
/// by itself.
const WALL: Duration = Duration::from_secs(6 * 60 * 60);

/// How many questions a publication may ask by default, as many as one copy may have manifests and blobs: each manifest of an
/// index is one to three.
const CALLS: u64 = 64 << 10;

/// The limits of one run, all policies of its chain together. Each is data, has a default, and is reported as
/// used/limit.
///
/// ```
/// let mut budget = refkit::Budget::default();
/// budget.calls = 50;
/// assert!(budget.bytes > budget.content);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Budget {
    /// Questions of the policies, to a source or to the rest of the chain: refused and repeated ones count, and an `-all`
    /// counts as the questions that it asks. Of the host's own, those that go to a source.
    pub calls: u64,
    /// Bytes of content and of lists that come from the source.
    pub bytes: u64,
    /// Bytes of one content.
    pub content: u64,
    /// Wall-clock time.
    pub wall: Duration,
    /// Processor time of each policy.
    pub cpu: Duration,
    /// Bytes of memory of each policy.
    pub memory: u64,
    /// Bytes of memory that the host holds for the run: contents, what they name, lists, the record of questions, answers,
    /// failures and messages, and what is on its way. It counts what is kept; documents that are just being read and the
    /// answer's way to standard output come on top.
    pub held: u64,
    /// How far below a root an index may be: 0 is the root itself.
    pub depth: u64,
    /// Messages of the policies that the trace keeps; of more it says how many.
    pub events: u64,
}

impl Default for Budget {
    fn default() -> Self {
        Self {
            // 100 platforms with configs and attestations.
            calls: 1_000,
            bytes: 256 << 20,
            // The size up to which registries take manifests; configs are smaller.
            content: 4 << 20,
            wall: Duration::from_secs(120),
            cpu: Duration::from_secs(2),
            memory: 64 << 20,
            // With this, with as much for a policy, and with what a process needs by itself, it stays under 200 MB. An
            // index of 1,000 images, read with all manifests and configs, takes 16 MiB.
            held: 64 << 20,
            // Images with one nested index exist; none with two is known.
            depth: 8,
            events: 1_000,
        }
    }
}

impl Budget {
    /// Returns the default limits of a publication: more time and more questions than a resolution has.
    pub fn for_publication() -> Self {
        Self { wall: WALL, calls: CALLS, ..Self::default() }
    }
}

/// What a run has used of its budget.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Spent {
    /// Questions, as [`Budget::calls`] counts them.
    pub calls: u64,
    /// Bytes of content and of lists that came.
    pub bytes: u64,
    /// Bytes of the largest content.
    pub content: u64,
    /// Wall-clock time.
    pub wall: Duration,
    /// Processor time of all policies together.
    pub cpu: Duration,
    /// Bytes of memory of the policy that had most.
    pub memory: u64,
    /// The most bytes of memory that the host held at any time.
    pub held: u64,
    /// The deepest index.
    pub depth: u64,
    /// Messages of the policies, dropped ones included.
    pub events: u64,
}

/// The counters of a run.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    calls: AtomicU64,
    bytes: AtomicU64,
    content: AtomicU64,
    cpu: AtomicU64,
    memory: AtomicU64,
    depth: AtomicU64,
    events: AtomicU64,
}

impl Counters {
    /// Takes one call.
    pub(crate) fn call(&self, budget: &Budget) -> Result<(), ErrorKind> {
        take(&self.calls, 1, budget.calls, "calls")
    }

    /// Takes bytes that are about to be read, or were.
    pub(crate) fn content(&self, budget: &Budget, bytes: u64) -> Result<(), ErrorKind> {
        self.content.fetch_max(bytes, Ordering::Relaxed);
        take(&self.bytes, bytes, budget.bytes, "bytes of content")
    }

    /// Takes bytes of a list that came.
    pub(crate) fn list(&self, budget: &Budget, bytes: u64) -> Result<(), ErrorKind> {
        take(&self.bytes, bytes, budget.bytes, "bytes of content")
    }

    /// Notes an index at a depth.
    pub(crate) fn depth(&self, budget: &Budget, depth: u64) -> Result<(), ErrorKind> {
        if depth > budget.depth {
            let text = format!("indexes are nested deeper than {} levels, the limit of this run", budget.depth);
            return Err(ErrorKind::BudgetExhausted(text));
        }
        self.depth.fetch_max(depth, Ordering::Relaxed);
        Ok(())
    }

    /// Takes one message; returns whether the trace still keeps it.
    pub(crate) fn event(&self, budget: &Budget) -> bool {
        self.events.fetch_add(1, Ordering::Relaxed) < budget.events
    }

    /// Adds what a policy used.
    pub(crate) fn policy(&self, cpu: Duration, memory: u64) {
        self.cpu.fetch_add(u64::try_from(cpu.as_nanos()).unwrap_or(u64::MAX), Ordering::Relaxed);
        self.memory.fetch_max(memory, Ordering::Relaxed);
    }

    pub(crate) fn spent(&self, wall: Duration, held: u64) -> Spent {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Spent {
            calls: read(&self.calls),
            bytes: read(&self.bytes),
            content: read(&self.content),
            wall,
            cpu: Duration::from_nanos(read(&self.cpu)),
            memory: read(&self.memory),
            held,
            depth: read(&self.depth),
            events: read(&self.events),
        }
    }
}

fn take(counter: &AtomicU64, amount: u64, limit: u64, what: &str) -> Result<(), ErrorKind> {
    let within = |used: u64| used.checked_add(amount).filter(|&sum| sum <= limit);
    match counter.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
        Ok(_) => Ok(()),
        Err(used) => {
            Err(ErrorKind::BudgetExhausted(format!("this run's limit of {limit} {what} is used up ({used} used)")))
        }
    }
}
