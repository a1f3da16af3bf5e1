//! A guest that never returns from `cabi_realloc`.

use std::time::Duration;

use refkit::{Error, RunError};
use refkit_tests::components::REALLOC;
use refkit_tests::stage::{self, Stage};

#[tokio::test]
async fn the_guests_allocator_is_on_the_clock_too() {
    let stage = Stage::new().policy(REALLOC, &[("anything", "some text")]);
    let resolver = stage.budget(|budget| budget.cpu = Duration::from_millis(200)).resolver().await;
    match resolver.resolve(stage::request("registry.test/app:1")).await {
        Err(Error::Policy { error: RunError::Cpu { .. }, .. }) => {}
        other => panic!("{other:?}"),
    }
}
