//! Lists of referrers under the subject's tag, which several clients write at once.

use std::collections::BTreeSet;

use futures_util::future::try_join_all;
use refkit_content::Discover as _;
use refkit_registry::Client;
use refkit_support::image::{Image, ImageBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::ask::{anonymous, error_of, reference, repository};

fn apart() -> Client {
    Client::builder().system_roots(false).build()
}

fn subject() -> Image {
    ImageBuilder::new("linux/amd64").layer("a/b", "subject").build()
}

fn referrer(of: &Image, name: &str) -> Image {
    ImageBuilder::artifact("application/x.kind", of).annotation("name", name).build()
}

#[tokio::test]
async fn two_clients_lose_no_referrer() {
    const EACH: usize = 50;
    let (registry, image) = (FaultRegistry::start().unwrap(), subject());
    registry.set_referrers(false);
    let host = registry.host();
    image.push(&apart(), &reference(&host, ":1")).await.unwrap();
    let all: Vec<Image> = (0..2 * EACH).map(|n| referrer(&image, &n.to_string())).collect();
    // The clients share nothing, as two processes. Each pushes a few at once.
    let pushes = all.chunks(EACH).map(|half| {
        let host = host.clone();
        async move {
            let asking = apart();
            for few in half.chunks(10) {
                let names: Vec<_> = few.iter().map(|of| reference(&host, &format!("@{}", of.digest()))).collect();
                try_join_all(few.iter().zip(&names).map(|(one, name)| one.push(&asking, name))).await?;
            }
            Ok::<_, refkit_content::Error>(())
        }
    });
    try_join_all(pushes).await.unwrap();
    let listed = apart().referrers(&repository(&host), image.digest(), None).await.unwrap().value;
    let found: BTreeSet<_> = listed.iter().map(|one| one.digest.to_string()).collect();
    assert_eq!((listed.len(), found.len()), (2 * EACH, 2 * EACH));
    assert_eq!(found, all.iter().map(|one| one.digest().to_string()).collect());
}

#[tokio::test]
async fn an_overwritten_list_is_completed() {
    let (registry, image) = (FaultRegistry::start().unwrap(), subject());
    registry.set_referrers(false);
    let asking = anonymous();
    image.push(&asking, &reference(&registry.host(), ":1")).await.unwrap();
    let push = |name: &str| {
        let (one, asking, host) = (referrer(&image, name), asking.clone(), registry.host());
        async move { one.push(&asking, &reference(&host, &format!("@{}", one.digest()))).await.map(|pushed| pushed.digest) }
    };
    let tag = format!("sha256-{}", image.digest().hex());
    let first = push("one").await.unwrap();
    // Another client had read the list before, and writes it now.
    let empty = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.index.v1+json","manifests":[]}"#;
    registry.put_manifest("app", Some(&tag), "application/vnd.oci.image.index.v1+json", empty);
    let second = push("two").await.unwrap();
    let listed = asking.referrers(&repository(&registry.host()), image.digest(), None).await.unwrap().value;
    assert_eq!(listed.into_iter().map(|one| one.digest).collect::<Vec<_>>(), [first, second]);
    // A list that has the referrer is read once, and not written.
    registry.clear();
    push("two").await.unwrap();
    let count = |method: &str| registry.count(&format!("{method} */manifests/{tag}"));
    assert_eq!((count("GET"), count("PUT")), (1, 0));
    // A registry that says it took the list, and did not.
    registry.add(Rule::on(&format!("PUT */manifests/{tag}"), Fault::status(201)));
    registry.clear();
    let found = error_of(push("three").await).to_string();
    assert!(found.contains("list of referrers does not"), "{found}");
    assert_eq!(count("PUT"), 20);
}
