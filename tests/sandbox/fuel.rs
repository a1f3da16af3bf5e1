//! Engines that count what a policy executes: a limit is met at the same point in every run.

use std::time::Duration;

use refkit::{Chain, Engine, EngineOptions, Error, Outcome, RunError};
use refkit_tests::components::HOSTILE;
use refkit_tests::stage::{self, ENGINE, Stage, component};

fn engine() -> Engine {
    Engine::new(EngineOptions { runs: 4, fuel: true, ..EngineOptions::default() }).unwrap()
}

#[tokio::test]
async fn a_limit_is_met_at_the_same_point() {
    let chain = async |engine: &Engine, settings: &[(&str, &str)]| {
        Chain::load(engine, [component(HOSTILE, settings)].into_iter().collect(), &[]).await.unwrap()
    };
    let fuel = engine();
    let events = chain(&fuel, &[("mode", "events")]).await;
    let mut counts = Vec::new();
    for _ in 0..3 {
        let mut budget = refkit::Budget::default();
        budget.cpu = Duration::from_millis(2);
        let resolver = events.resolver(std::sync::Arc::new(Stage::new().memory)).budget(budget);
        let session = resolver.session(stage::request("registry.test/app:1"));
        let ended = session.resolve().await;
        let Err(Error::Policy { error: RunError::Cpu { limit }, .. }) = ended else { panic!("{ended:?}") };
        assert_eq!(limit, Duration::from_millis(2));
        counts.push(session.spent().events);
    }
    assert!(counts[0] > 10 && counts.iter().all(|count| *count == counts[0]), "{counts:?}");

    // What ends in time decides as it does by time.
    let decided = async |engine: &Engine| {
        let chain = chain(engine, &[("mode", "events"), ("count", "3")]).await;
        let resolver = chain.resolver(std::sync::Arc::new(Stage::new().memory));
        let Ok(Outcome::Resolved(resolution)) = resolver.resolve(stage::request("registry.test/app:1")).await else {
            panic!("it resolves")
        };
        (resolution.pinned(), resolution.images)
    };
    assert_eq!(decided(&fuel).await, decided(&ENGINE).await);
}
