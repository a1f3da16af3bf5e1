//! The project's policies as components: the tables that also run natively, and the components' imports and exports.
#![forbid(unsafe_code)]

#[path = "policies/adapter.rs"]
mod adapter;
#[path = "policies/component.rs"]
mod component;
#[path = "policies/tables.rs"]
mod tables;
