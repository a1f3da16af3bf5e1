//! Tests of the stores, the caches, copying, and layouts, hostile ones among them.
#![expect(
    clippy::disallowed_methods,
    reason = "a test starts itself again as a child, and tells it by the environment what to do"
)]

mod advisories;
mod cache;
mod copy;
mod copy_cosign;
mod copy_destination;
mod copy_lost;
mod copy_options;
mod copy_present;
mod disk;
mod disk_damage;
mod disk_kill;
mod disk_large;
mod disk_limit;
mod disk_modes;
mod disk_open;
mod disk_principals;
mod hostile;
mod layout;
mod layout_peer;
mod memory;
mod pack;
mod reference;
mod registry;
mod support;
mod writer;
mod writer_processes;
mod writer_sparse;
