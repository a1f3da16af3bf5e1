//! The spans and events of requests and retries: what a subscriber receives, and secrets that it must never receive.
//! This test has a separate process, because `tracing` remembers process-wide which events no subscriber wants.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;
use refkit_content::Resolve as _;
use refkit_registry::Retries;
use refkit_support::{Access, Fault, Rule, TokenServer};
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

#[expect(dead_code, reason = "other tests use the rest")]
#[path = "registry/ask.rs"]
mod ask;

use ask::{USER, builder, filled, reference, user};

/// Writes a line for each span and event of RefKit: the target, and the fields.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.push_str(&format!(" {}={value:?}", field.name()));
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("refkit::")
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        let mut line = Line(span.metadata().target().to_owned());
        span.record(&mut line);
        self.0.lock().push(line.0);
        Id::from_u64(1)
    }

    fn event(&self, event: &Event<'_>) {
        let mut line = Line(event.metadata().target().to_owned());
        event.record(&mut line);
        self.0.lock().push(line.0);
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}
    fn record_follows_from(&self, _: &Id, _: &Id) {}
    fn enter(&self, _: &Id) {}
    fn exit(&self, _: &Id) {}
}

#[tokio::test]
async fn requests_and_retries_are_traced_without_secrets() {
    let registry = filled().await;
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    registry.require(Access::bearer(&tokens));
    registry.add(Rule::on("HEAD *", Fault::status(503)).first(1));
    let retries = Retries::default().limit(1).first(Duration::from_millis(1)).longest(Duration::from_secs(1));
    let client = builder(user()).retries(retries).build();
    let lines = Lines::default();
    let guard = tracing::subscriber::set_default(lines.clone());
    client.resolve(&reference(&registry.host(), ":latest")).await.unwrap();
    drop(guard);
    let lines = lines.0.lock().join("\n");
    let host = registry.host();
    for wanted in [
        &format!("refkit::request method=HEAD host={host} path=/v2/app/manifests/latest"),
        "refkit::request message=response status=503",
        &format!("refkit::retry message=waiting to repeat host={host} repetition=1"),
        "refkit::request message=response status=401",
        "refkit::request message=response status=200",
    ] {
        assert!(lines.contains(wanted), "{wanted} is not in:\n{lines}");
    }
    assert!(lines.contains("method=GET"), "the request for the token is traced:\n{lines}");
    for secret in [USER.1, "Bearer", "Basic", "scope=", "?"] {
        assert!(!lines.contains(secret), "{secret} is in:\n{lines}");
    }
}
