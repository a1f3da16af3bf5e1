//! Tests of the client against fake registries that follow rules, and against real ones.
#![forbid(unsafe_code)]

#[path = "registry/access.rs"]
mod access;
#[path = "registry/advisories.rs"]
mod advisories;
#[path = "registry/advisories_bounds.rs"]
mod advisories_bounds;
#[path = "registry/advisories_content.rs"]
mod advisories_content;
#[path = "registry/answers.rs"]
mod answers;
#[path = "registry/ask.rs"]
mod ask;
#[path = "registry/certificates.rs"]
mod certificates;
#[path = "registry/challenges.rs"]
mod challenges;
#[path = "registry/docker.rs"]
mod docker;
#[path = "registry/hostile.rs"]
mod hostile;
#[path = "registry/hosts.rs"]
mod hosts;
#[path = "registry/interop.rs"]
mod interop;
#[path = "registry/layers.rs"]
mod layers;
#[path = "registry/lists.rs"]
mod lists;
#[path = "registry/mirrors.rs"]
mod mirrors;
#[path = "registry/nginx.rs"]
mod nginx;
#[path = "registry/private.rs"]
mod private;
#[path = "registry/proxies.rs"]
mod proxies;
#[path = "registry/push.rs"]
mod push;
#[path = "registry/push_chunks.rs"]
mod push_chunks;
#[path = "registry/push_copy.rs"]
mod push_copy;
#[path = "registry/push_dropped.rs"]
mod push_dropped;
#[path = "registry/push_errors.rs"]
mod push_errors;
#[path = "registry/push_fails.rs"]
mod push_fails;
#[path = "registry/push_lacks.rs"]
mod push_lacks;
#[path = "registry/push_lists.rs"]
mod push_lists;
#[path = "registry/push_mount.rs"]
mod push_mount;
#[path = "registry/push_mount_hosts.rs"]
mod push_mount_hosts;
#[path = "registry/push_resume.rs"]
mod push_resume;
#[path = "registry/real.rs"]
mod real;
#[path = "registry/renewal.rs"]
mod renewal;
#[path = "registry/requests.rs"]
mod requests;
#[path = "registry/retries.rs"]
mod retries;
#[path = "registry/turns.rs"]
mod turns;
#[path = "registry/waits.rs"]
mod waits;
