//! The policies that the project ships, as components: the tables that also run natively, and what a component is.
#![forbid(unsafe_code)]

#[path = "policies/adapter.rs"]
mod adapter;
#[path = "policies/component.rs"]
mod component;
#[path = "policies/tables.rs"]
mod tables;
