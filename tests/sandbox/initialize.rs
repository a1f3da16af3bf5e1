//! A guest that never returns from its start function.

use refkit::{LoadError, Policy, RunError};
use refkit_tests::components::INITIALIZE;
use refkit_tests::stage::ENGINE;

#[tokio::test]
async fn a_start_function_is_on_the_clock() {
    match Policy::load(&ENGINE, INITIALIZE).await {
        Err(LoadError::Describe(RunError::Cpu { .. })) => {}
        Err(other) => panic!("{other:?}"),
        Ok(_) => panic!("it loaded"),
    }
}
