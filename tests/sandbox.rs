//! Components that misbehave: each ends with its own typed error, and the process stays healthy.
#![forbid(unsafe_code)]

#[path = "sandbox/cache.rs"]
mod cache;
#[path = "sandbox/compiling.rs"]
mod compiling;
#[path = "sandbox/delegate.rs"]
mod delegate;
#[path = "sandbox/documents.rs"]
mod documents;
#[path = "sandbox/evader.rs"]
mod evader;
#[path = "sandbox/fuel.rs"]
mod fuel;
#[path = "sandbox/hoard.rs"]
mod hoard;
#[path = "sandbox/hostile.rs"]
mod hostile;
#[path = "sandbox/initialize.rs"]
mod initialize;
#[path = "sandbox/loading.rs"]
mod loading;
#[path = "sandbox/memory.rs"]
mod memory;
#[path = "sandbox/names.rs"]
mod names;
#[path = "sandbox/observations.rs"]
mod observations;
#[path = "sandbox/outcomes.rs"]
mod outcomes;
#[path = "sandbox/overrule.rs"]
mod overrule;
#[path = "sandbox/publish.rs"]
mod publish;
#[path = "sandbox/publish_annotations.rs"]
mod publish_annotations;
#[path = "sandbox/publish_copy.rs"]
mod publish_copy;
#[path = "sandbox/publish_lost.rs"]
mod publish_lost;
#[path = "sandbox/publish_options.rs"]
mod publish_options;
#[path = "sandbox/pusher.rs"]
mod pusher;
#[path = "sandbox/realloc.rs"]
mod realloc;
#[path = "sandbox/recording.rs"]
mod recording;
#[path = "sandbox/shipped.rs"]
mod shipped;
#[path = "sandbox/variant.rs"]
mod variant;

refkit_tests::each_guest_has_a_test!();
