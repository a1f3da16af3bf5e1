//! Tags and referrers.

use refkit_content::{Discover, ErrorKind};
use refkit_oci::document::media_type::INDEX;
use refkit_support::image::{ImageBuilder, IndexBuilder, attestation};
use refkit_support::{Fault, FaultRegistry, Rule, digest};

use crate::ask::{anonymous, error_of, image, reference, repository};

#[tokio::test]
async fn tags_come_page_by_page() {
    let registry = FaultRegistry::start().unwrap();
    for tag in 0..25 {
        registry.put_manifest("app", Some(&format!("t{tag:02}")), "application/vnd.oci.image.index.v1+json", "{}");
    }
    let all: Vec<String> = (0..25).map(|tag| format!("t{tag:02}")).collect();
    let from = repository(&registry.host());
    for (size, requests) in [(None, 1), (Some(10), 3), (Some(1), 25)] {
        registry.set_page_size(size);
        registry.clear();
        assert_eq!(anonymous().tags(&from).await.unwrap().value, all);
        assert!((requests..=requests + 1).contains(&registry.count("*")), "{size:?}: {}", registry.count("*"));
    }
    assert!(matches!(error_of(anonymous().tags(&from_other(&registry)).await), ErrorKind::NotFound));
}

fn from_other(registry: &FaultRegistry) -> refkit_oci::Repository {
    refkit_oci::Repository::new(registry.host(), "other").expect("a repository")
}

#[tokio::test]
async fn pages_at_other_hosts_are_not_requested() {
    let (registry, other) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    registry.put_manifest("app", Some("t"), "application/vnd.oci.image.index.v1+json", "{}");
    let from = repository(&registry.host());
    let rows = [
        (format!("<http://{}/v2/app/tags/list>; rel=\"next\"", other.host()), "another host"),
        ("<https://169.254.169.254/x>; rel=next".to_owned(), "another host"),
        (format!("<http://a:b@{}/v2/app/tags/list>; rel=next", registry.host()), "another host"),
        ("<http://[>; rel=\"next\"".to_owned(), "no URL"),
        ("</v2/app/tags/list>; rel=\"next\"".to_owned(), "back to an earlier page"),
    ];
    for (link, said) in rows {
        registry.clear_rules();
        registry.add(Rule::on("*", Fault::normal().header("link", &link)));
        let found = error_of(anonymous().tags(&from).await).to_string();
        assert!(found.contains(said), "{link}: {found}");
    }
    assert_eq!(other.count("*"), 0);
    for (body, wanted) in [("{\"tags\":null}", true), ("{\"name\":\"app\"}", true), ("[]", false), ("", false)] {
        registry.clear_rules();
        registry.add(Rule::on("*", Fault::normal().body(body)));
        assert_eq!(anonymous().tags(&from).await.is_ok(), wanted, "{body}");
    }
    registry.clear_rules();
    registry.add(Rule::on("*", Fault::normal().header("link", "</v2/app/tags/list>; rel=\"prev\"")));
    assert_eq!(anonymous().tags(&from).await.unwrap().value, ["t"]);
}

#[tokio::test]
async fn referrers_with_the_api_and_without() {
    for api in [true, false] {
        let registry = FaultRegistry::start().unwrap();
        registry.set_referrers(api);
        let (asking, image) = (anonymous(), image());
        image.push(&asking, &reference(&registry.host(), ":latest")).await.unwrap();
        let from = repository(&registry.host());
        assert_eq!(asking.referrers(&from, image.digest(), None).await.unwrap().value, []);

        let kinds = ["application/vnd.example.one", "application/vnd.example.two"];
        for kind in kinds {
            let artifact = ImageBuilder::artifact(kind, &image).annotation("a", kind).build();
            let name = reference(&registry.host(), &format!("@{}", artifact.digest()));
            // A second push does not list the artifact again.
            artifact.push(&asking, &name).await.unwrap();
            artifact.push(&asking, &name).await.unwrap();
        }
        let all = asking.referrers(&from, image.digest(), None).await.unwrap().value;
        let mut found: Vec<_> = all.iter().filter_map(|one| one.artifact_type.as_deref()).collect();
        found.sort_unstable();
        assert_eq!(found, kinds, "API {api}");
        assert!(all.iter().all(|one| one.annotation("a") == one.artifact_type.as_deref()));
        let two = asking.referrers(&from, image.digest(), Some(kinds[1])).await.unwrap().value;
        assert_eq!(two.len(), 1);
        assert_eq!(two[0].artifact_type.as_deref(), Some(kinds[1]));
    }
}

/// Without the API, however the registry says so, the list is under the subject's tag.
#[tokio::test]
async fn without_the_api_the_list_is_under_the_tag() {
    let registry = FaultRegistry::start().unwrap();
    registry.set_referrers(false);
    let (asking, image, from) = (anonymous(), image(), repository(&registry.host()));
    image.push(&asking, &reference(&registry.host(), ":latest")).await.unwrap();
    let artifact = ImageBuilder::artifact("application/vnd.example", &image).build();
    artifact.push(&asking, &reference(&registry.host(), &format!("@{}", artifact.digest()))).await.unwrap();
    let other = ImageBuilder::new("linux/s390x").build();
    let page = || Fault::status(200).header("content-type", "text/html").body("<html>");
    let faults = [400, 404, 405, 406, 501].map(Fault::status).into_iter().chain([
        page(),
        Fault::status(200).body("<html>"),
        Fault::status(200).body("{}"),
        Fault::status(200).body("{\"schemaVersion\":2}"),
        Fault::status(200).header("content-type", "application/json").body("{\"referrers\":[]}"),
        Fault::status(200).header("content-type", &artifact.descriptor.media_type).body(artifact.bytes.clone()),
    ]);
    for fault in faults {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("GET */referrers/*", fault.clone()));
        let asking = anonymous();
        let found = asking.referrers(&from, image.digest(), None).await.unwrap().value;
        assert_eq!(found.iter().map(|one| &one.digest).collect::<Vec<_>>(), [artifact.digest()], "{fault:?}");
        assert_eq!(registry.count("*"), 2, "{fault:?}");
        assert_eq!(asking.referrers(&from, other.digest(), None).await.unwrap().value, [], "{fault:?}");
        assert_eq!(registry.count("*"), 3, "{fault:?}");
    }
    // A malformed index and a failure are errors, because the API exists.
    let index = |body: &str| Fault::status(200).header("content-type", INDEX).body(body.to_owned());
    for (fault, said) in [
        (index("{}"), "malformed"),
        (index("<html>"), "malformed"),
        (index("{\"schemaVersion\":2}"), "malformed"),
        (Fault::status(403), "403"),
        (Fault::status(503), "503"),
    ] {
        registry.clear_rules();
        registry.add(Rule::on("GET */referrers/*", fault));
        let found = error_of(anonymous().referrers(&from, image.digest(), None).await).to_string();
        assert!(found.contains(said), "{said}: {found}");
    }
    // An HTML page in place of the list is an error, and so is a later page that is no list.
    registry.clear_rules();
    registry.add(Rule::on("GET */referrers/*", Fault::status(404)));
    registry.add(Rule::on("GET */manifests/*", page()));
    let found = error_of(anonymous().referrers(&from, image.digest(), None).await).to_string();
    assert!(found.contains("an HTML page instead of a list of referrers"), "{found}");
    registry.clear_rules();
    let first = index("{\"schemaVersion\":2,\"manifests\":[]}").header("link", "<?page=2>; rel=next");
    registry.add(Rule::on("GET */referrers/*", first).first(1));
    registry.add(Rule::on("GET */referrers/*", page()));
    let found = error_of(anonymous().referrers(&from, image.digest(), None).await).to_string();
    assert!(found.contains("a later page of its list is no list"), "{found}");
}

/// Each repository is asked for the API once: by the first question, which the others wait for.
#[tokio::test]
async fn the_api_is_asked_for_once() {
    let registry = FaultRegistry::start().unwrap();
    let subjects: Vec<_> = (0..5).map(|number| digest(&[number])).collect();
    let code = |status: u16, code: &str| {
        Fault::status(status).body(format!(r#"{{"errors":[{{"code":"{code}","message":"no"}}]}}"#))
    };
    let one = || Fault::status(200).header("content-type", INDEX).body(r#"{"schemaVersion":2,"manifests":[]}"#);
    // the response; the questions to the API and to the tags
    for (fault, api, tags) in [
        (Fault::status(404), 1, 5),
        (code(404, "UNSUPPORTED"), 1, 5),
        (one(), 5, 0),
        // These are about the repository, which may come to be, or about this subject.
        (code(404, "NAME_UNKNOWN"), 5, 5),
        (code(404, "MANIFEST_UNKNOWN"), 5, 5),
        (code(400, "DIGEST_INVALID"), 5, 5),
    ] {
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::on("GET */referrers/*", fault.clone()));
        let (asking, from) = (anonymous(), repository(&registry.host()));
        let lists = subjects.iter().map(|subject| asking.referrers(&from, subject, None));
        for list in futures_util::future::join_all(lists).await {
            assert_eq!(list.unwrap().value, [], "{fault:?}");
        }
        let counts = (registry.count("GET */referrers/*"), registry.count("GET */manifests/sha256-*"));
        assert_eq!(counts, (api, tags), "{fault:?}");
        if api == 1 {
            let elsewhere = from_other(&registry);
            asking.referrers(&elsewhere, &subjects[0], None).await.unwrap();
            assert_eq!(registry.count("GET */referrers/*"), 2, "another repository");
            crate::ask::later(std::time::Duration::from_secs(601)).await;
            asking.referrers(&from, &subjects[0], None).await.unwrap();
            assert_eq!(registry.count("GET */referrers/*"), 3, "it may have been upgraded");
        }
    }
    // A failure shows nothing.
    registry.clear_rules();
    registry.clear();
    registry.add(Rule::on("GET */referrers/*", Fault::status(503)).first(1));
    registry.add(Rule::on("GET */referrers/*", Fault::status(404)));
    let (asking, from) = (anonymous(), repository(&registry.host()));
    assert!(asking.referrers(&from, &subjects[0], None).await.is_err());
    for subject in &subjects {
        assert!(asking.referrers(&from, subject, None).await.unwrap().value.is_empty());
    }
    assert_eq!(registry.count("GET */referrers/*"), 2);
}

/// GitLab's response for the subject's tag is the subject itself, whose platforms are no referrers.
#[tokio::test]
async fn an_image_is_no_list_of_referrers() {
    let registry = FaultRegistry::start().unwrap();
    registry.set_referrers(false);
    let (asking, from) = (anonymous(), repository(&registry.host()));
    let child = ImageBuilder::new("linux/arm64").build();
    let attested = attestation(&child);
    let index = IndexBuilder::new().add(child.clone()).add(attested).build();
    let other = IndexBuilder::new().add(child.clone()).add(ImageBuilder::new("linux/amd64").build()).build();
    let listed = ImageBuilder::artifact("application/vnd.example", &index).build();
    // the subject, the content of its tag, the referrers
    let rows = [
        (&index, &index, vec![]),
        (&child, &child, vec![]),
        // Another image under the fallback tag: neither its platforms nor its attestations are referrers.
        (&index, &other, vec![]),
        (&child, &index, vec![]),
        (&index, &IndexBuilder::new().add(child.clone()).add(listed.clone()).build(), vec![listed.digest()]),
    ];
    for (subject, named, wanted) in rows {
        let tag = subject.digest().as_str().replace(':', "-");
        registry.put_manifest("app", Some(&tag), &named.descriptor.media_type, named.bytes.clone());
        let found = asking.referrers(&from, subject.digest(), None).await.unwrap().value;
        assert_eq!(found.iter().map(|one| &one.digest).collect::<Vec<_>>(), wanted, "{tag} names {}", named.digest());
    }
    // A push starts a new list there.
    registry.put_manifest("app", Some(&index.digest().as_str().replace(':', "-")), INDEX, index.bytes.clone());
    index.push(&asking, &reference(&registry.host(), ":latest")).await.unwrap();
    listed.push(&asking, &reference(&registry.host(), &format!("@{}", listed.digest()))).await.unwrap();
    let found = asking.referrers(&from, index.digest(), None).await.unwrap().value;
    assert_eq!(found.iter().map(|one| &one.digest).collect::<Vec<_>>(), [listed.digest()]);
}

/// Responds with pages that each link to a next one.
fn endless(registry: &FaultRegistry, path: &'static str, page: &str) {
    for number in 0..30 {
        let this = move |parts: &http::request::Parts| {
            let query = parts.uri.query().unwrap_or_default();
            parts.uri.path().contains(path) && query.rsplit("page=").next() == Some(&number.to_string())
                || (number == 0 && parts.uri.path().contains(path) && !query.contains("page="))
        };
        let next = format!("<?page={}>; rel=\"next\"", number + 1);
        let fault = Fault::status(200).header("content-type", INDEX).header("link", &next);
        registry.add(Rule::when(this, fault.body(page.to_owned())));
    }
}

/// A list holds at most 16 MiB of tags or 8 MiB of referrers, however many entries the registry sends.
#[tokio::test]
async fn lists_are_bounded() {
    let registry = FaultRegistry::start().unwrap();
    let from = repository(&registry.host());
    let subject = digest(b"x");
    let entry = |note: &str| {
        format!(
            r#"{{"mediaType":"{INDEX}","digest":"{subject}","size":1,"artifactType":"a/b","annotations":{{"a":"{note}"}}}}"#
        )
    };
    let index = |entries: &str| format!(r#"{{"schemaVersion":2,"manifests":[{entries}]}}"#);
    let large = "x".repeat(3 << 20);
    let many = |count: usize| vec![entry(""); count].join(",");
    // 3 MiB a page: the sixth page of tags, or the third of referrers, exceeds the limit. If no entry is kept, the
    // client reads 64 MiB.
    let tags = format!("{{\"tags\":[\"{large}\"]}}");
    let short = format!("{{\"tags\":[{}]}}", vec!["\"x\""; 100_000].join(","));
    type Row<'a> = (&'a str, String, Option<&'a str>, &'a str, usize);
    let rows: [Row<'_>; 5] = [
        ("/tags/list", tags, None, "larger than the limit of 16777216 bytes", 6),
        ("/tags/list", short, None, "more than 250000 entries", 3),
        ("/referrers/", index(&entry(&large)), None, "larger than the limit of 8388608 bytes", 3),
        ("/referrers/", index(&entry(&large)), Some("c/d"), "larger than the limit of 67108864 bytes", 22),
        ("/referrers/", index(&many(4000)), None, "more than 10000 entries", 3),
    ];
    for (path, page, artifact_type, said, requests) in rows {
        registry.clear_rules();
        registry.clear();
        endless(&registry, path, &page);
        let found = match path {
            "/tags/list" => error_of(anonymous().tags(&from).await),
            _ => error_of(anonymous().referrers(&from, &subject, artifact_type).await),
        };
        assert!(matches!(found, ErrorKind::TooLarge { .. } | ErrorKind::TooMany { .. }), "{said}: {found:?}");
        assert!(found.to_string().contains(said), "{said}: {found}");
        assert_eq!(registry.count("*"), requests, "{said}");
    }
}
