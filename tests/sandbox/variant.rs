//! A policy that selects the image of one platform whatever platform is requested.

use refkit::{Event, Level, Outcome};
use refkit_tests::components::VARIANT;
use refkit_tests::stage::{self, Stage};

#[tokio::test]
async fn it_takes_the_image_that_it_names() {
    let stage = Stage::new().policy(VARIANT, &[("take", "linux/arm/v7")]);
    let session = stage.resolver().await.session(stage::request("registry.test/app:1"));
    let Ok(Outcome::Resolved(found)) = session.resolve().await else { panic!("it resolves") };
    for image in &found.images {
        let platform = image.as_ref().expect("an image").platform.as_ref().expect("the index says it");
        assert_eq!(platform.to_string(), "linux/arm/v7");
    }
    let warned = session.trace().spans.into_iter().any(
        |span| matches!(span.event, Event::Message { level: Level::Warn, message, .. } if message == "linux/arm/v7 is taken"),
    );
    assert!(warned);
}
