//! Retries.

use std::time::Duration;

use refkit_content::{Discover, ErrorKind, Resolve, deadline};
use refkit_registry::{Client, Credentials, Retries};
use refkit_support::{Access, Fault, Rule, TokenServer};

use crate::ask::{builder, error_of, filled, image, reference, repository};

/// Three repetitions without a delay.
const QUICK: Retries = Retries::NONE.limit(3).first(Duration::from_millis(1)).longest(Duration::from_secs(5));

fn asking() -> Client {
    builder(Credentials::Anonymous).retries(QUICK).build()
}

#[tokio::test]
async fn passing_failures_are_retried() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    // the response, how often it comes, the requests of a pull, whether it succeeds
    let rows = [
        (Fault::status(408), 1, 2, true),
        (Fault::status(429), 1, 2, true),
        (Fault::status(429).header("retry-after", "0"), 3, 4, true),
        (Fault::status(429).header("retry-after", "60"), 1, 1, false),
        (Fault::status(429).header("retry-after", "Thu, 01 Jan 2026 00:00:00 GMT"), 1, 2, true),
        (Fault::status(429).header("retry-after", "Thu, 01 Jan 2099 00:00:00 GMT"), 1, 1, false),
        (Fault::status(500), 1, 2, true),
        (Fault::status(502), 1, 2, true),
        (Fault::status(503), 3, 4, true),
        (Fault::status(503), 4, 4, false),
        (Fault::status(503).header("retry-after", "60"), 1, 1, false),
        (Fault::status(504), 1, 2, true),
        (Fault::hang_up(), 2, 3, true),
        (Fault::normal().cut_after(7), 2, 3, true),
        (Fault::normal().cut_after(7), 4, 4, false),
        // The client does not repeat after a lasting error.
        (Fault::status(400), 1, 1, false),
        (Fault::status(403), 1, 1, false),
        (Fault::status(404), 1, 1, false),
        (Fault::status(501), 1, 1, false),
        (Fault::status(505), 1, 1, false),
        (Fault::normal().body("{}"), 1, 1, false),
    ];
    for (fault, times, requests, wanted) in rows {
        registry.clear_rules();
        registry.clear();
        let shown = format!("{fault:?} {times} times");
        registry.add(Rule::on("GET *", fault).first(times));
        let found = asking().pull(&name).await;
        assert_eq!((found.is_ok(), registry.count("*")), (wanted, requests), "{shown}: {found:?}");
    }
}

#[tokio::test]
async fn a_retry_must_fit_the_deadline() {
    let registry = filled().await;
    registry.add(Rule::on("*", Fault::status(429).header("retry-after", "3")));
    let name = reference(&registry.host(), ":latest");
    let soon = tokio::time::Instant::now() + Duration::from_secs(2);
    let asking = asking();
    let found = error_of(deadline::within(soon, asking.pull(&name)).await);
    assert!(matches!(found, ErrorKind::RateLimited { retry_after: Some(wait), .. } if wait.as_secs() == 3), "{found}");
    assert_eq!(registry.count("*"), 1);
    assert!(tokio::time::Instant::now() < soon, "it is known before that there is no time");
}

#[tokio::test]
async fn retries_cover_every_operation_and_the_token_server() {
    let registry = filled().await;
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let (name, repository) = (reference(&registry.host(), ":latest"), repository(&registry.host()));
    tokens.add(Rule::on("*", Fault::status(503)).first(2));
    asking().resolve(&name).await.unwrap();
    assert_eq!(tokens.count("*"), 3);
    registry.add(Rule::on("* */tags/list*", Fault::status(503)).first(1).admitted());
    assert_eq!(asking().tags(&repository).await.unwrap().value, ["latest"]);
    registry.add(Rule::on("* */referrers/*", Fault::status(503)).first(1).admitted());
    asking().referrers(&repository, image().digest(), None).await.unwrap();
    registry.add(Rule::on("PUT */manifests/*", Fault::status(503)).first(1).admitted());
    registry.add(Rule::on("POST */uploads/*", Fault::status(503)).first(1).admitted());
    image().push(&asking(), &reference(&registry.host(), ":other")).await.unwrap();
    // The client does not ask a failing token server again at each retry of the registry.
    tokens.clear();
    tokens.add(Rule::on("*", Fault::status(503)));
    let found = error_of(asking().resolve(&name).await);
    assert!(matches!(&found, ErrorKind::Overloaded { said, .. } if said.contains("token server")), "{found}");
    assert_eq!(tokens.count("*"), 4);
}
