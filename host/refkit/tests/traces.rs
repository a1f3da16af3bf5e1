//! The spans and events of a run: what a subscriber sees. This test has a process of its own, because `tracing` remembers
//! for the whole process which events no subscriber wants.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use refkit::{Chain, Components, Engine, EngineOptions, Request};
use refkit_content::Memory;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Writes a line for each span and event of RefKit, indented by the spans that are entered.
#[derive(Clone, Default)]
struct Lines(Arc<Written>);

#[derive(Default)]
struct Written {
    lines: Mutex<Vec<String>>,
    entered: AtomicU64,
    spans: AtomicU64,
}

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Lines {
    fn push(&self, target: &str, record: impl FnOnce(&mut Line)) {
        let entered = self.0.entered.load(Ordering::Relaxed) as usize;
        let mut line = Line(format!("{}{target}", "  ".repeat(entered)));
        record(&mut line);
        self.0.lines.lock().push(line.0);
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("refkit::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.push(span.metadata().target(), |line| span.record(line));
        Id::from_u64(self.0.spans.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn event(&self, event: &Event<'_>) {
        self.push(event.metadata().target(), |line| event.record(line));
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {
        self.0.entered.fetch_add(1, Ordering::Relaxed);
    }

    fn exit(&self, _: &Id) {
        self.0.entered.fetch_sub(1, Ordering::Relaxed);
    }
}

#[tokio::test]
async fn a_run_its_policies_and_its_calls_are_traced() {
    let memory = Memory::new();
    let manifest = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json","config":{"mediaType":"application/vnd.oci.empty.v1+json","digest":"sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a","size":2},"layers":[]}"#;
    let reference: refkit_oci::Reference = "registry.test/app:1".parse().unwrap();
    memory.insert(&reference, "application/vnd.oci.image.manifest.v1+json", manifest);
    let engine = Engine::new(EngineOptions::default()).unwrap();
    let chain = Chain::load(&engine, Components::none(), &[]).await.unwrap();
    let resolver = chain.resolver(Arc::new(memory));
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    resolver.resolve(Request::new(reference)).await.unwrap();
    resolver.resolve(Request::new("registry.test/app:2".parse().unwrap())).await.unwrap_err();
    drop(guard);
    let run = |tag: u8, end: &str| {
        [
            format!("refkit::run reference=registry.test/app:{tag} policies=default"),
            format!("  refkit::policy name=default reference=registry.test/app:{tag}"),
            format!("    refkit::call function=\"resolve\" subject=registry.test/app:{tag}"),
            format!("      refkit::call message={end}"),
        ]
    };
    let failed = "failed error=cannot resolve registry.test/app:2 at memory: not found";
    let wanted = [run(1, "answered origin=memory"), run(2, failed)].concat();
    assert_eq!(*lines.0.lines.lock(), wanted);
}
