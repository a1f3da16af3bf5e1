//! Tags and referrers.

use refkit_content::{Discover, Problem};
use refkit_support::image::{ImageBuilder, attestation};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::ask::{anonymous, image, problem, reference, repository};

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
    assert!(matches!(problem(anonymous().tags(&from_other(&registry)).await), Problem::NotFound));
}

fn from_other(registry: &FaultRegistry) -> refkit_oci::Repository {
    refkit_oci::Repository::new(registry.host(), "other").expect("a repository")
}

#[tokio::test]
async fn pages_elsewhere_are_not_asked() {
    let (registry, other) = (FaultRegistry::start().unwrap(), FaultRegistry::start().unwrap());
    registry.put_manifest("app", Some("t"), "application/vnd.oci.image.index.v1+json", "{}");
    let from = repository(&registry.host());
    let rows = [
        (format!("<http://{}/v2/app/tags/list>; rel=\"next\"", other.host()), "another place"),
        ("<https://169.254.169.254/x>; rel=next".to_owned(), "another place"),
        (format!("<http://a:b@{}/v2/app/tags/list>; rel=next", registry.host()), "another place"),
        ("<http://[>; rel=\"next\"".to_owned(), "no URL"),
        ("</v2/app/tags/list>; rel=\"next\"".to_owned(), "back to an earlier page"),
    ];
    for (link, said) in rows {
        registry.clear_rules();
        registry.add(Rule::on("*", Fault::normal().header("link", &link)));
        let found = problem(anonymous().tags(&from).await).to_string();
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
            // Twice: what is listed already is not listed again.
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

#[tokio::test]
async fn lists_of_referrers_that_are_none() {
    let registry = FaultRegistry::start().unwrap();
    let from = repository(&registry.host());
    let subject = attestation(&image().children()[0]);
    for (body, said) in [("{}", "malformed"), ("<html>", "malformed"), ("{\"schemaVersion\":2}", "malformed")] {
        registry.clear_rules();
        registry.add(Rule::on("GET */referrers/*", Fault::status(200).body(body)));
        let found = problem(anonymous().referrers(&from, subject.digest(), None).await).to_string();
        assert!(found.contains(said), "{body}: {found}");
    }
}
