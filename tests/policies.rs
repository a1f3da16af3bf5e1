//! The project's policies as components: the tables that also run natively, and the components' imports and exports.
#![forbid(unsafe_code)]

#[path = "policies/adapter.rs"]
mod adapter;
#[allow(dead_code)] // The other rows and functions are for buildx.
#[path = "../guest/publish/tests/compose/asked.rs"]
mod asked;
#[path = "policies/component.rs"]
mod component;
#[allow(dead_code)]
#[path = "../guest/publish/tests/compose/content.rs"]
mod content;
#[path = "policies/publishing/immutable_tags.rs"]
mod immutable_tags;
#[path = "policies/publishing/publication.rs"]
mod publication;
#[path = "policies/publishing/publisher.rs"]
mod publisher;
#[path = "policies/publishing/tables.rs"]
mod publishing_tables;
#[path = "policies/publishing/require_annotations.rs"]
mod require_annotations;
#[allow(dead_code)]
#[path = "../guest/publish/tests/compose/rows.rs"]
mod rows;
#[path = "policies/publishing/table.rs"]
mod table;
#[path = "policies/tables.rs"]
mod tables;
