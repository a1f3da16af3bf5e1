//! Malformed messages: each is `INVALID_ARGUMENT` and names the field.

use prost::Message;
use refkit_content::Memory;
use refkit_server::grpc::pb::push_request::Part;
use refkit_server::grpc::wire::Details;
use refkit_server::grpc::{PIECE, path, pb};
use refkit_support::image::MANIFEST;
use tonic::{Code, Status};

use crate::rules::TestRules;
use crate::stand::Stand;

const HEX: &str = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

fn digest() -> String {
    format!("sha256:{HEX}")
}

fn descriptor(change: impl FnOnce(&mut pb::Descriptor)) -> pb::Descriptor {
    let media_type = "application/octet-stream".to_owned();
    let mut descriptor = pb::Descriptor { media_type, digest: digest(), size: 3, ..Default::default() };
    change(&mut descriptor);
    descriptor
}

fn invalid(field: &str, status: &Status) {
    assert_eq!(status.code(), Code::InvalidArgument, "{field}: {status:?}");
    let [violation] = &Details::of(status).violations[..] else { panic!("{field}: {status:?}") };
    assert_eq!((violation.field.as_str(), violation.description.is_empty()), (field, false), "{status:?}");
    assert_eq!(status.message(), format!("{field}: {}", violation.description));
}

async fn unary<Q: Message + 'static, A: Message + Default + 'static>(
    stand: &Stand,
    path: &str,
    message: Q,
    field: &str,
) {
    invalid(field, &stand.call::<Q, A>(path, message).await.map(drop).expect_err(field));
}

/// References, repositories and digests that are none.
fn texts() -> Vec<String> {
    let mut texts: Vec<String> =
        ["", " ", "a b", "r.test/App:1", "r.test/app:", "r.test/app@sha256:0", "r.test/../app", "UPPER", "-"]
            .map(str::to_owned)
            .into();
    texts.push("a/".repeat(600));
    texts.push(format!("r.test/{}", "a".repeat(300)));
    texts.push(format!("r.test/app@sha256:{}", HEX.to_uppercase()));
    texts
}

fn digests() -> Vec<String> {
    let upper = HEX.to_uppercase();
    [
        HEX,
        "",
        "sha256:",
        "md5:00",
        "sha256:../../x",
        &format!("sha256:{upper}"),
        &format!("sha256:{HEX}0"),
        &format!("SHA256:{HEX}"),
    ]
    .map(str::to_owned)
    .into()
}

#[tokio::test]
async fn references_and_repositories() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    for text in texts() {
        let reference = pb::ResolveRequest { reference: text.clone(), with_content: false };
        unary::<_, pb::ResolveResponse>(&stand, path::RESOLVE, reference, "reference").await;
        for text in [text, "r.test/app:1".to_owned(), format!("r.test/app@{}", digest())] {
            let request = pb::ListTagsRequest { repository: text.clone() };
            unary::<_, pb::ListTagsResponse>(&stand, path::LIST_TAGS, request, "repository").await;
            let request =
                pb::ListReferrersRequest { repository: text.clone(), subject: digest(), ..Default::default() };
            unary::<_, pb::ListReferrersResponse>(&stand, path::LIST_REFERRERS, request, "repository").await;
            let request = pb::ExistsRequest { repository: text.clone(), descriptor: Some(descriptor(|_| {})) };
            unary::<_, pb::ExistsResponse>(&stand, path::EXISTS, request, "repository").await;
            let (repository, from) = ("r.test/app".to_owned(), text.clone());
            let request = pb::MountRequest { repository, blob: Some(descriptor(|_| {})), from };
            unary::<_, pb::MountResponse>(&stand, path::MOUNT, request, "from").await;
            let request =
                pb::FetchRequest { repository: text, descriptor: Some(descriptor(|_| {})), ..Default::default() };
            unary::<_, pb::FetchResponse>(&stand, path::FETCH, request, "repository").await;
        }
    }
}

#[tokio::test]
async fn descriptors() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    let mut rows = vec![(None, "")];
    for digest in digests() {
        rows.push((Some(descriptor(|one| one.digest = digest)), ".digest"));
    }
    for media_type in ["", "text", "text/", "a b/c", "/", "text/plain/x\n"] {
        rows.push((Some(descriptor(|one| one.media_type = media_type.to_owned())), ".media_type"));
    }
    let repository = || "r.test/app".to_owned();
    for (descriptor, below) in rows {
        let field = |name: &str| format!("{name}{below}");
        let request =
            pb::FetchRequest { repository: repository(), descriptor: descriptor.clone(), ..Default::default() };
        unary::<_, pb::FetchResponse>(&stand, path::FETCH, request, &field("descriptor")).await;
        let request = pb::ExistsRequest { repository: repository(), descriptor: descriptor.clone() };
        unary::<_, pb::ExistsResponse>(&stand, path::EXISTS, request, &field("descriptor")).await;
        let request = pb::MountRequest { repository: repository(), blob: descriptor.clone(), from: repository() };
        unary::<_, pb::MountResponse>(&stand, path::MOUNT, request, &field("blob")).await;
        let target = pb::PushTarget { destination: repository(), descriptor };
        let sent = stand.send::<_, pb::PushResponse>(path::PUSH, "one", vec![part(Part::Target(target))]).await;
        invalid(&field("target.descriptor"), &sent.unwrap_err());
    }
    for subject in digests() {
        let request = pb::ListReferrersRequest { repository: repository(), subject, ..Default::default() };
        unary::<_, pb::ListReferrersResponse>(&stand, path::LIST_REFERRERS, request, "subject").await;
    }
    // offset, length
    for (offset, length, field) in
        [(4, 0, "offset"), (u64::MAX, 1, "offset"), (0, 4, "length"), (3, 1, "length"), (1, u64::MAX, "length")]
    {
        let descriptor = Some(descriptor(|_| {}));
        let request = pb::FetchRequest { repository: repository(), descriptor, offset, length };
        unary::<_, pb::FetchResponse>(&stand, path::FETCH, request, field).await;
    }
}

fn part(part: Part) -> pb::PushRequest {
    pb::PushRequest { part: Some(part) }
}

#[tokio::test]
async fn pushes() {
    let memory = Memory::new();
    let stand = Stand::start(TestRules::over(&memory).await.push("one", "r.test/**")).await;
    let data = |length: usize| part(Part::Data(vec![b'x'; length].into()));
    let right = format!("sha256:{}", "5dde896887f6754c9b15bfe3a441ae4806df2fde94001311e08bf110622e0bbe");
    let target = |destination: &str, change: &dyn Fn(&mut pb::Descriptor)| {
        let descriptor = Some(descriptor(|one| {
            one.digest = right.clone();
            change(one);
        }));
        part(Part::Target(pb::PushTarget { destination: destination.to_owned(), descriptor }))
    };
    let blob = || target("r.test/app", &|one| one.size = 2);
    let manifest = |destination: &str| target(destination, &|one| one.media_type = MANIFEST.to_owned());
    let long = target("r.test/app:1", &|one| (one.media_type, one.size) = (MANIFEST.to_owned(), (4 << 20) + 1));
    let huge = |size: u64| target("r.test/app", &|one| one.size = size);
    let empty = pb::PushRequest { part: None };
    let rows = [
        (vec![], "target"),
        (vec![data(2)], "target"),
        (vec![empty.clone()], "target"),
        (vec![blob(), blob()], "target"),
        (vec![blob(), data(1), blob(), data(1)], "target"),
        (vec![blob(), empty], "data"),
        (vec![blob(), data(2), data(1)], "data"),
        (vec![blob(), data(3)], "data"),
        (vec![huge(4 << 20), data(PIECE + 1)], "data"),
        (vec![blob()], "target.descriptor.size"),
        (vec![blob(), data(1)], "target.descriptor.size"),
        (vec![huge(u64::MAX), data(1)], "target.descriptor.size"),
        (vec![blob(), part(Part::Data("xy".into()))], "target.descriptor.digest"),
        (vec![target("r.test/App", &|_| {})], "target.destination"),
        (vec![target("r.test/app:1", &|_| {})], "target.destination"),
        (vec![manifest("r.test/App:1")], "target.destination"),
        (vec![manifest("r.test/app")], "target.destination"),
        (vec![manifest(&format!("r.test/app:1@{}", digest()))], "target.destination"),
        (vec![long], "target.descriptor.size"),
        (vec![manifest("r.test/app:1"), data(2)], "target.descriptor.size"),
        (vec![manifest("r.test/app:1"), data(4)], "data"),
        (vec![manifest("r.test/app:1"), data(3)], "target.descriptor.digest"),
    ];
    for (number, (messages, field)) in rows.into_iter().enumerate() {
        let sent = stand.send::<_, pb::PushResponse>(path::PUSH, "one", messages).await;
        let status = sent.expect_err(&format!("row {number}: {field}"));
        invalid(field, &status);
    }
    let nothing = refkit_content::Discover::tags(&memory, &"r.test/app".parse().unwrap()).await;
    assert!(nothing.is_err(), "nothing is left behind: {nothing:?}");
}

/// What is no message at all, and what is no method.
#[tokio::test]
async fn other_calls() {
    let stand = Stand::start(TestRules::over(&Memory::new()).await).await;
    let unknown = stand
        .call::<_, pb::ResolveResponse>("/refkit.v1.RegistryService/Destroy", pb::ListTagsRequest::default())
        .await;
    let unknown = unknown.unwrap_err();
    assert_eq!(unknown.code(), Code::Unimplemented);
    assert_eq!(unknown.message(), "this server has no method /refkit.v1.RegistryService/Destroy");
    // Field 1 of the one is a number, of the other a text.
    let wrong = prost_types::Duration { seconds: 1, nanos: 1 };
    let wrong = stand.call::<_, pb::ResolveResponse>(path::RESOLVE, wrong).await.unwrap_err();
    assert!(matches!(wrong.code(), Code::Internal | Code::InvalidArgument), "{wrong:?}");
}
