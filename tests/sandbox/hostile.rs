//! Policies that use too much: each limit ends in its own error, and the next run succeeds.

use std::sync::Arc;
use std::time::Duration;

use refkit::{Budget, Error, Outcome, Policy, RunError};
use refkit_tests::components::HOSTILE;
use refkit_tests::stage::{self, ENGINE, Stage};

use crate::memory::{alone, resident};

/// A mode of the hostile policy, a change of the budget, and whether an error is the expected one.
type Row = (&'static str, fn(&mut Budget), fn(&RunError) -> bool);

/// The modes of this file's tests; `outcomes.rs` and `hoard.rs` have the others.
const ROWS: &[Row] = &[
    ("loop", short, |error| matches!(error, RunError::Cpu { limit } if limit.as_millis() == 200)),
    ("grow", |_| (), |error| matches!(error, RunError::Memory { limit: 0x400_0000, .. })),
    ("recurse", |_| (), |error| matches!(error, RunError::Stack { .. } | RunError::Trap(_))),
    ("transfer", large, |error| matches!(error, RunError::Transfer { limit: 0x10_0000 })),
    ("calls", |_| (), |error| matches!(error, RunError::HostCalls { limit: 100_000 })),
    ("events", |_| (), |error| matches!(error, RunError::HostCalls { limit: 100_000 })),
    ("hoard-questions", patient, |error| matches!(error, RunError::HostCalls { limit: 100_000 })),
    ("outcome", large, |error| matches!(error, RunError::Transfer { limit: 0x10_0000 })),
    ("panic", |_| (), |error| matches!(error, RunError::Trap(_))),
    ("next-panic", |_| (), |error| matches!(error, RunError::Trap(_))),
];

fn short(budget: &mut Budget) {
    budget.cpu = Duration::from_millis(200);
}

fn patient(budget: &mut Budget) {
    budget.cpu = Duration::from_secs(100);
}

fn large(budget: &mut Budget) {
    budget.memory = 1 << 30;
}

async fn run(mode: &str, change: fn(&mut Budget)) -> Result<Outcome, Error> {
    let stage = Stage::new().policy(HOSTILE, &[("mode", mode)]).budget(change);
    stage.resolver().await.resolve(stage::request("registry.test/app:1")).await
}

#[tokio::test]
async fn each_limit_ends_in_its_own_error() {
    for (mode, change, expected) in ROWS {
        match run(mode, *change).await {
            Err(Error::Policy { policy, error }) => {
                assert_eq!(policy, "hostile");
                assert!(expected(&error), "{mode}: {error:?}");
                assert!(error.to_string().lines().count() == 1, "{mode}: {error}");
            }
            other => panic!("{mode}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn every_mode_has_a_row() {
    let policy = Policy::load(&ENGINE, HOSTILE).await.unwrap();
    let elsewhere = super::outcomes::MODES.iter().chain(super::hoard::MODES).copied();
    let tested: Vec<&str> = ROWS.iter().map(|row| row.0).chain(elsewhere).collect();
    let names = policy.description().settings.iter().map(|setting| setting.name.as_str());
    let known: Vec<&str> = names.filter(|name| !["mode", "other", "count"].contains(name)).collect();
    for mode in &known {
        assert!(tested.contains(mode), "the mode {mode} of the hostile guest has no test");
    }
    for mode in &tested {
        assert!(known.contains(mode), "the hostile guest has no mode {mode}");
    }
}

#[tokio::test]
async fn memory_stays_flat() {
    if !alone("hostile::memory_stays_flat") {
        return;
    }
    for (mode, change, _) in ROWS {
        let _ = run(mode, *change).await;
    }
    let before = resident();
    for _ in 0..5 {
        for (mode, change, _) in ROWS.iter().filter(|row| row.0 != "loop") {
            let _ = run(mode, *change).await;
        }
    }
    let after = resident();
    // The largest guest uses 1 GiB: half of that left behind once would show.
    assert!(after < before + (64 << 20), "{before} bytes before, {after} after");
}

#[tokio::test]
async fn a_good_run_follows_a_bad_one() {
    for (mode, change, _) in ROWS {
        let _ = run(mode, *change).await;
        let good = Stage::new().resolver().await.resolve(stage::request("registry.test/app:1")).await;
        assert!(matches!(good, Ok(Outcome::Resolved(_))), "after {mode}: {good:?}");
    }
}

/// Messages beyond the limit are counted and dropped; the run continues.
#[tokio::test]
async fn a_trace_keeps_so_many_messages() {
    let stage = Stage::new().policy(HOSTILE, &[("mode", "events"), ("count", "2500")]);
    let resolver = stage.resolver().await;
    let session = resolver.session(stage::request("registry.test/app:1"));
    assert!(matches!(session.resolve().await, Ok(Outcome::Resolved(_))));
    let kept = session.trace().spans.iter().filter(|span| matches!(span.event, refkit::Event::Message { .. })).count();
    assert_eq!((kept as u64, session.spent().events), (session.budget().events, 2500));
}

#[tokio::test]
async fn the_next_instance_does_not_see_a_secret() {
    // As many runs as the pool has slots, so that the reader gets the one that held the secret.
    for _ in 0..16 {
        assert!(matches!(run("secret-write", |_| ()).await, Ok(Outcome::Resolved(_))));
    }
    for _ in 0..16 {
        match run("secret-read", |_| ()).await {
            Err(Error::Failed { failure, .. }) => assert_eq!(failure.message, "nothing is there"),
            other => panic!("{other:?}"),
        }
    }
}

/// A registry that never responds: the wall clock ends the run.
#[tokio::test]
async fn a_stalled_registry_meets_the_wall_clock() {
    let stage = Stage::new().budget(|budget| budget.wall = Duration::from_millis(300));
    let resolver = stage.resolver_over(Arc::new(Stalled)).await;
    match resolver.resolve(stage::request("registry.test/app:1")).await {
        Err(Error::Timeout { limit }) => assert_eq!(limit, Duration::from_millis(300)),
        other => panic!("{other:?}"),
    }
}

/// The host's work for a policy counts as the policy's processor time.
#[tokio::test]
async fn the_hosts_work_is_processor_time() {
    let stage = Stage::new().budget(|budget| budget.cpu = Duration::from_millis(50));
    let memory = stage.memory.clone();
    let resolver = stage.resolver_over(Arc::new(Slow { memory, busy: true })).await;
    match resolver.resolve(stage::request("registry.test/app:1")).await {
        Err(Error::Policy { error: RunError::Cpu { limit }, .. }) => assert_eq!(limit, Duration::from_millis(50)),
        other => panic!("{other:?}"),
    }
}

/// Waiting does not count as processor time.
#[tokio::test]
async fn waiting_is_no_processor_time() {
    let stage = Stage::new().budget(|budget| budget.cpu = Duration::from_millis(50));
    let memory = stage.memory.clone();
    let resolver = stage.resolver_over(Arc::new(Slow { memory, busy: false })).await;
    let outcome = resolver.resolve(stage::request("registry.test/app:1")).await;
    assert!(matches!(outcome, Ok(Outcome::Resolved(_))), "{outcome:?}");
}

use async_trait::async_trait;
use refkit_content::{Body, Content, Discover, Fetch, Memory, Resolve, WithOrigin};
use refkit_oci::{Descriptor, Digest, Reference, Repository};

type Answered<T> = Result<T, refkit_content::Error>;

struct Stalled;

#[async_trait]
impl Resolve for Stalled {
    async fn resolve(&self, _: &Reference) -> Answered<WithOrigin<Descriptor>> {
        std::future::pending().await
    }
    async fn pull(&self, _: &Reference) -> Answered<WithOrigin<Content>> {
        std::future::pending().await
    }
}

#[async_trait]
impl Fetch for Stalled {
    async fn open(&self, _: &Repository, _: &Descriptor) -> Answered<Body> {
        std::future::pending().await
    }
}

#[async_trait]
impl Discover for Stalled {
    async fn tags(&self, _: &Repository) -> Answered<WithOrigin<Vec<String>>> {
        std::future::pending().await
    }
    async fn referrers(&self, _: &Repository, _: &Digest, _: Option<&str>) -> Answered<WithOrigin<Vec<Descriptor>>> {
        std::future::pending().await
    }
}

/// A source that waits, or computes.
struct Slow {
    memory: Memory,
    busy: bool,
}

impl Slow {
    async fn take_time(&self) {
        let time = Duration::from_millis(200);
        match self.busy {
            true => compute(time),
            false => tokio::time::sleep(time).await,
        }
    }
}

/// Computes for so long by the thread's own time, because other processes use the machine as well.
pub fn compute(time: Duration) {
    let computed = || {
        let text = std::fs::read_to_string("/proc/thread-self/schedstat").expect("Linux");
        let time = text.split(' ').next().and_then(|text| text.parse().ok());
        Duration::from_nanos(time.expect("nanoseconds"))
    };
    let start = computed();
    while computed() - start < time {
        std::hint::spin_loop();
    }
}

#[async_trait]
impl Resolve for Slow {
    async fn resolve(&self, reference: &Reference) -> Answered<WithOrigin<Descriptor>> {
        self.take_time().await;
        self.memory.resolve(reference).await
    }
    async fn pull(&self, reference: &Reference) -> Answered<WithOrigin<Content>> {
        self.take_time().await;
        self.memory.pull(reference).await
    }
}

#[async_trait]
impl Fetch for Slow {
    async fn open(&self, repository: &Repository, descriptor: &Descriptor) -> Answered<Body> {
        self.memory.open(repository, descriptor).await
    }
}

#[async_trait]
impl Discover for Slow {
    async fn tags(&self, repository: &Repository) -> Answered<WithOrigin<Vec<String>>> {
        self.memory.tags(repository).await
    }
    async fn referrers(
        &self,
        repository: &Repository,
        subject: &Digest,
        artifact_type: Option<&str>,
    ) -> Answered<WithOrigin<Vec<Descriptor>>> {
        self.memory.referrers(repository, subject, artifact_type).await
    }
}
