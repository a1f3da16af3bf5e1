//! Pushes.

use futures_util::StreamExt as _;
use refkit_content::{Body, ErrorKind, Origin, Push};
use refkit_oci::Descriptor;
use refkit_support::{Access, Fault, FaultRegistry, Rule, TokenServer, digest};

use crate::ask::{USER, anonymous, client, error_of, filled, image, reference, repository, user, walk};

#[tokio::test]
async fn a_pushed_image_is_read_back_unchanged() {
    let registry = FaultRegistry::start().unwrap();
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    for access in [Access::open(), Access::basic(USER.0, USER.1), Access::bearer(&tokens)] {
        registry.require(access);
        let asking = client(user());
        let name = reference(&registry.host(), ":new");
        image().push(&asking, &name).await.unwrap();
        let (root, manifest, config) = walk(&asking, &name).await.unwrap();
        let child = image().children()[0].clone();
        assert_eq!((root.bytes, manifest), (image().bytes, child.bytes.clone()));
        assert_eq!(config, child.blobs()[0].1);
    }
}

#[tokio::test]
async fn present_content_is_not_sent() {
    let registry = FaultRegistry::start().unwrap();
    registry.put_blob("app", "0123456789");
    let what = Descriptor::new("a/b", digest(b"0123456789"), 10);
    let body = Body::from_bytes(Origin::Memory, "never".into());
    anonymous().push_blob(&repository(&registry.host()), &what, body).await.unwrap();
    assert_eq!((registry.count("HEAD *"), registry.count("*")), (1, 1));
}

/// The host that receives writes says what a tag names; whatever it says else leaves that unknown.
#[tokio::test]
async fn what_a_tag_names_at_the_destination() {
    let registry = filled().await;
    let (tag, none) = (reference(&registry.host(), ":latest"), reference(&registry.host(), ":none"));
    let digest = image().digest().clone();
    assert_eq!(anonymous().tagged(&tag).await.unwrap(), Some(digest.clone()));
    assert_eq!(anonymous().tagged(&none).await.unwrap(), None);
    assert_eq!((registry.count("HEAD */manifests/*"), registry.count("*")), (2, 2));
    let pinned = reference(&registry.host(), &format!(":none@{digest}"));
    assert_eq!(anonymous().tagged(&pinned).await.unwrap(), None, "the tag is asked for");
    let pinned = reference(&registry.host(), &format!("@{digest}"));
    assert_eq!(anonymous().tagged(&pinned).await.unwrap(), None);
    assert_eq!(registry.count("*"), 3, "there is no tag to ask for");
    for fault in [403, 404, 405, 500].map(Fault::status).into_iter().chain([
        Fault::status(200),
        Fault::status(200).header("docker-content-digest", "sha256:x"),
        Fault::status(200).header("content-type", "text/html"),
    ]) {
        registry.clear_rules();
        registry.add(Rule::on("HEAD *", fault.clone()));
        assert_eq!(anonymous().tagged(&tag).await.unwrap(), None, "{fault:?}");
    }
    registry.clear_rules();
    registry.add(Rule::on("HEAD *", Fault::hang_up()));
    assert!(anonymous().tagged(&tag).await.is_err());
}

#[tokio::test]
async fn bodies_that_contradict_their_descriptor_leave_nothing() {
    let registry = FaultRegistry::start().unwrap();
    let to = repository(&registry.host());
    let what = Descriptor::new("a/b", digest(b"0123456789"), 10);
    let pieces = |pieces: &'static [&'static str]| {
        let stream = futures_util::stream::iter(pieces).map(|piece| Ok((*piece).into())).boxed();
        Body { origin: Origin::Memory, stream }
    };
    for body in [&["abcdefghij"][..], &["01234"], &["0123456789", "0"], &[]] {
        registry.clear();
        let found = error_of(anonymous().push_blob(&to, &what, pieces(body)).await);
        assert!(matches!(found, ErrorKind::WrongDigest { .. } | ErrorKind::WrongSize { .. }), "{body:?}: {found}");
        assert_eq!(registry.blob("app", what.digest.as_str()), None);
        assert_eq!((registry.count("HEAD *"), registry.count("*")), (1, 1), "no upload is opened at all");
    }
    anonymous().push_blob(&to, &what, pieces(&["01234", "56789"])).await.unwrap();
    assert_eq!(registry.blob("app", what.digest.as_str()).expect("it is there"), "0123456789");
    let empty = Descriptor::new("a/b", digest(b""), 0);
    anonymous().push_blob(&to, &empty, pieces(&[])).await.unwrap();
    assert_eq!(registry.blob("app", empty.digest.as_str()).expect("it is there"), "");
}

/// CVE-2026-50151: the client sends no data or credentials to another host that an upload's Location names.
#[tokio::test]
async fn uploads_at_other_hosts_are_refused() {
    let (registry, other) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    registry.require(Access::basic(USER.0, USER.1));
    let what = Descriptor::new("a/b", digest(b"0123456789"), 10);
    for location in [
        format!("http://{}/v2/app/blobs/uploads/1", other.host()),
        format!("https://{}/v2/app/blobs/uploads/1", registry.host()),
        format!("http://a:b@{}/v2/app/blobs/uploads/1", registry.host()),
    ] {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("POST *", Fault::status(202).header("location", &location)).admitted());
        let body = Body::from_bytes(Origin::Memory, "0123456789".into());
        let found = error_of(client(user()).push_blob(&repository(&registry.host()), &what, body).await);
        assert!(found.to_string().contains("another host"), "{location}: {found}");
        assert_eq!(registry.count("PUT *"), 0);
    }
    assert_eq!(other.count("*"), 0);
}

#[tokio::test]
async fn manifests() {
    let registry = FaultRegistry::start().unwrap();
    let asking = anonymous();
    let child = image().children()[0].clone();
    let kind = &child.descriptor.media_type;
    let other = reference(&registry.host(), &format!("@{}", image().digest()));
    let found = error_of(asking.push_manifest(&other, kind, child.bytes.clone()).await);
    assert!(matches!(found, ErrorKind::WrongDigest { .. }), "{found}");
    for (kind, bytes) in [(kind.as_str(), "{}"), ("text/plain", "{}"), ("a\nb", "{}")] {
        let to = reference(&registry.host(), ":x");
        error_of(asking.push_manifest(&to, kind, bytes.into()).await);
    }
    assert_eq!(registry.count("*"), 0, "what is no manifest is not sent");
    registry.add(Rule::on("PUT *", Fault::normal().header("docker-content-digest", image().digest().as_str())));
    let found = error_of(asking.push_manifest(&reference(&registry.host(), ":x"), kind, child.bytes.clone()).await);
    assert!(matches!(found, ErrorKind::Lacks { .. }), "{found}");
}
