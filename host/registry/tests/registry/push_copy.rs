//! Copies between registries that fail.

use bytes::Bytes;
use futures_util::future::try_join_all;
use futures_util::stream::{self, StreamExt as _};
use refkit_content::copy::{Options, Referrers};
use refkit_content::{Body, Discover, Origin, Push as _, Resolve, copy, fetch};
use refkit_oci::Descriptor;
use refkit_registry::{Client, Uploads};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder};
use refkit_support::{Auth, Fault, FaultRegistry, RealRegistry, Rule, digest};

use crate::ask::{anonymous, reference, repository};

fn large() -> Image {
    ImageBuilder::new("linux/amd64").layer("a/b", vec![7; 300]).build()
}

fn small() -> Client {
    Client::builder().system_roots(false).uploads(Uploads::default().chunk(128).whole(200 << 10)).build()
}

#[tokio::test]
async fn a_copy_sends_a_broken_blob_again() {
    let layer = large().blobs()[1].0.digest.clone();
    let put = |fault| Rule::on(&format!("PUT */blobs/*?*{}", layer.hex()), fault);
    let limited = || Fault::status(429).header("retry-after", "0");
    // the faults of the destination, reads of the layer at the source, completed uploads
    let rows: Vec<(&str, Vec<Rule>, usize, usize)> = vec![
        ("nothing", vec![], 1, 2),
        ("it hangs up", vec![put(Fault::hang_up()).first(1)], 2, 2),
        // The second time at the end of an upload in chunks, which is all there.
        ("it hangs up twice", vec![put(Fault::hang_up()).first(2)], 2, 2),
        ("it hangs up after most of it", vec![put(Fault::hang_up().keep(250)).first(1)], 1, 2),
        ("it fails after all of it", vec![put(Fault::status(502).keep(300)).first(1)], 1, 2),
        ("it is overloaded", vec![put(Fault::status(503)).first(1)], 2, 2),
        ("it limits requests", vec![put(limited()).first(2)], 3, 2),
        ("it limits requests after all of it", vec![put(limited().keep(300)).first(1)], 1, 2),
        ("it limits bodies", vec![put(Fault::status(413)).first(1)], 2, 2),
        ("it took the blob and did not say so", vec![put(Fault::normal().with_status(500)).first(1)], 1, 2),
        (
            "it hangs up and takes no chunks",
            vec![put(Fault::hang_up()).first(1), Rule::on("PATCH *", Fault::status(400))],
            2,
            2,
        ),
    ];
    for (name, rules, reads, ended) in rows {
        let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
        large().push(&anonymous(), &reference(&from.host(), ":1")).await.unwrap();
        from.clear();
        rules.into_iter().for_each(|rule| to.add(rule));
        let asking = small();
        copy(&asking, &reference(&from.host(), ":1"), &asking, &reference(&to.host(), ":1")).await.expect(name);
        assert_eq!(from.count(&format!("GET */blobs/{layer}")), reads, "{name}");
        assert_eq!(to.count("POST *") - to.count("DELETE *"), ended, "{name}: the others are cancelled");
        asking.pull(&reference(&to.host(), ":1")).await.expect(name);
    }
    let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    large().push(&anonymous(), &reference(&from.host(), ":1")).await.unwrap();
    to.add(Rule::on("PUT */blobs/*", Fault::status(503)));
    to.add(Rule::on("PATCH *", Fault::status(503)));
    from.clear();
    let asking = anonymous();
    let error = copy(&asking, &reference(&from.host(), ":1"), &asking, &reference(&to.host(), ":1")).await;
    assert!(error.expect_err("it is broken").to_string().contains("503"));
    assert!(from.count(&format!("GET */blobs/{layer}")) <= 3, "and not for ever");
    assert_eq!(to.count("POST *"), to.count("DELETE *"));
}

#[tokio::test]
async fn concurrent_pushes_keep_all_referrers() {
    let image = large();
    let artifacts: Vec<Image> = (0..8)
        .map(|n| ImageBuilder::artifact("application/x.kind", &image).annotation("n", &n.to_string()).build())
        .collect();
    let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    let asking = anonymous();
    image.push(&asking, &reference(&from.host(), ":1")).await.unwrap();
    from.set_referrers(false);
    to.set_referrers(false);
    // All pushes are concurrent: each reads the list and writes it again.
    let names: Vec<_> = artifacts.iter().map(|of| reference(&from.host(), &format!("@{}", of.digest()))).collect();
    try_join_all(artifacts.iter().zip(&names).map(|(artifact, name)| artifact.push(&asking, name))).await.unwrap();
    let options = Options::default().referrers(Referrers::All);
    options.copy(&asking, &reference(&from.host(), ":1"), &asking, &reference(&to.host(), ":1")).await.unwrap();
    let mut lists = Vec::new();
    for host in [from.host(), to.host()] {
        lists.push(asking.referrers(&repository(&host), image.digest(), None).await.unwrap().value);
    }
    assert_eq!(lists[0].len(), 8);
    assert_eq!(lists[0], lists[1], "in the same order");
    let list = format!("PUT */manifests/sha256-{}", image.digest().hex());
    assert_eq!(to.count(&list), 1, "the copy writes the list once");
    // A copy that ended before it wrote the list has left referrers that are not in it: the next one lists them.
    let unlisted = FaultRegistry::start().unwrap();
    unlisted.set_referrers(false);
    for artifact in &artifacts {
        artifact.blobs().iter().for_each(|(_, blob)| _ = unlisted.put_blob("app", blob.clone()));
        unlisted.put_manifest("app", None, &artifact.descriptor.media_type, artifact.bytes.clone());
    }
    for writes in [1, 1] {
        let to = reference(&unlisted.host(), ":1");
        options.copy(&asking, &reference(&from.host(), ":1"), &asking, &to).await.unwrap();
        let listed = anonymous().referrers(&repository(&unlisted.host()), image.digest(), None).await.unwrap().value;
        assert_eq!((&listed, unlisted.count(&list)), (&lists[0], writes));
    }
}

/// The list of referrers is written after the referrer, which may be under a tag or in an index by then.
#[tokio::test]
async fn a_list_that_was_refused_is_written_by_the_next_copy() {
    let image = large();
    let artifact = ImageBuilder::artifact("application/x.kind", &image).build();
    let index = IndexBuilder::new().add(image.clone()).add(artifact.clone()).build();
    for copied in [&artifact, &index] {
        let (from, to) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
        from.set_referrers(false);
        to.set_referrers(false);
        copied.push(&anonymous(), &reference(&from.host(), ":1")).await.unwrap();
        let list = format!("PUT */manifests/sha256-{}", image.digest().hex());
        to.add(Rule::on(&list, Fault::status(403)).first(1));
        let options = Options::default().referrers(Referrers::All);
        let asking = anonymous();
        let copy = || async {
            options.copy(&asking, &reference(&from.host(), ":1"), &anonymous(), &reference(&to.host(), ":1")).await
        };
        assert!(copy().await.is_err(), "the list is refused");
        copy().await.unwrap();
        let listed = anonymous().referrers(&repository(&to.host()), image.digest(), None).await.unwrap().value;
        assert_eq!(listed.iter().map(|one| &one.digest).collect::<Vec<_>>(), [artifact.digest()]);
    }
}

/// Real registries accept chunks and report their progress.
#[tokio::test]
async fn real_registries_take_chunks() {
    let uploads = Uploads::default().chunk(64 << 10).whole(100 << 10);
    let asking = Client::builder().system_roots(false).uploads(uploads).build();
    let bytes: Vec<u8> = (0..300_000_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let image = ImageBuilder::new("linux/amd64").layer("a/b", bytes.clone()).build();
    for registry in
        [RealRegistry::distribution_v3(Auth::Anonymous).unwrap(), RealRegistry::debian_v2(Auth::Anonymous).unwrap()]
    {
        image.push(&asking, &reference(registry.host(), ":1")).await.unwrap();
        assert_eq!(registry.count("PATCH *").unwrap(), 5);
        let from = repository(registry.host());
        let read = fetch(&asking, &from, &image.blobs()[1].0, 1 << 20).await.unwrap().value;
        assert!(read == bytes);
        // An upload that ends early leaves nothing.
        registry.clear().unwrap();
        let (lie, _) = &image.blobs()[1];
        let lie = Descriptor::new("a/b", digest(b"other"), lie.size);
        let pieces: Vec<_> = bytes.chunks(9999).map(|piece| Ok(Bytes::copy_from_slice(piece))).collect();
        let body = Body { origin: Origin::Memory, stream: stream::iter(pieces).boxed() };
        asking.push_blob(&from, &lie, body).await.expect_err("another digest");
        let asked = registry.requests().unwrap();
        let cancelled = asked.iter().filter(|request| request.method == "DELETE" && request.status == 204).count();
        assert_eq!(cancelled, 1, "{asked:?}");
    }
}
