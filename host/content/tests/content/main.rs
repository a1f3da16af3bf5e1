//! Tests of the stores, the cache, copying, and layouts, hostile ones among them.

mod cache;
mod copy;
mod hostile;
mod layout;
mod memory;
mod reference;
mod support;
mod writer;
