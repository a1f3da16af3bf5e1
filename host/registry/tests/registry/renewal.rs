//! Credentials that change.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use refkit_content::{ErrorKind, Principal, Resolve};
use refkit_registry::hosts::Host;
use refkit_registry::{Client, CredentialSource, Credentials, Helpers, Hosts, Proxies};
use refkit_support::{Access, Fault, Rule, TokenServer};

use crate::ask::{USER, anonymous, builder, client, error_of, filled, image, later, reference, repository, user};

/// A source with a new password after each refusal.
#[derive(Default)]
struct Rotating {
    forgotten: AtomicUsize,
    asked: AtomicUsize,
}

#[async_trait]
impl CredentialSource for Rotating {
    async fn credentials(&self, _registry: &str) -> Result<Credentials, ErrorKind> {
        self.asked.fetch_add(1, Ordering::Relaxed);
        let password = self.forgotten.load(Ordering::Relaxed).to_string();
        Ok(Credentials::Basic { username: "AWS".to_owned(), password: password.into() })
    }

    async fn forget(&self, _registry: &str) {
        self.forgotten.fetch_add(1, Ordering::Relaxed);
    }
}

fn rotating() -> (Arc<Rotating>, Client) {
    let source = Arc::new(Rotating::default());
    let client = builder(Credentials::Anonymous).credentials(Arc::clone(&source) as Arc<dyn CredentialSource>).build();
    (source, client)
}

#[tokio::test]
async fn an_expired_password_is_renewed() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let (_, asking) = rotating();
    registry.require(Access::basic("AWS", "0"));
    asking.resolve(&name).await.unwrap();
    // The client answers a challenge, and ECR's 403, with the next password.
    registry.require(Access::basic("AWS", "1"));
    registry.clear();
    asking.resolve(&name).await.unwrap();
    assert_eq!(registry.count("*"), 2);
    registry.require(Access::basic("AWS", "2"));
    let ended = |parts: &http::request::Parts| {
        parts.headers.get("authorization").is_some_and(|value| value == &refkit_support::basic("AWS", "1"))
    };
    registry.add(Rule::when(ended, Fault::status(403).body("{\"errors\":[{\"code\":\"DENIED\"}]}")));
    registry.clear();
    asking.resolve(&name).await.unwrap();
    assert_eq!(registry.count("*"), 2);
}

#[tokio::test]
async fn a_lasting_refusal_costs_two_requests_at_most() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    registry.require(Access::basic("nobody", "ever"));
    // the source, requests: without credentials, with them, and with newer ones if there are any
    let (source, asking) = rotating();
    let rows = [(anonymous(), 1), (client(user()), 2), (asking, 3)];
    for (asking, requests) in rows {
        registry.clear();
        assert!(matches!(error_of(asking.resolve(&name).await), ErrorKind::Unauthorized(_)));
        assert_eq!(registry.count("*"), requests);
    }
    assert_eq!(source.forgotten.load(Ordering::Relaxed), 1);
    // A 403 to the same password is final.
    registry.require(Access::basic(USER.0, USER.1));
    let asking = client(user());
    asking.resolve(&name).await.unwrap();
    registry.add(Rule::on("*", Fault::status(403)));
    registry.clear();
    assert!(matches!(error_of(asking.pull(&name).await), ErrorKind::Forbidden(_)));
    assert_eq!(registry.count("*"), 1);
}

#[tokio::test]
async fn a_token_server_gets_the_newer_password_once() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    tokens.require("AWS", "1");
    registry.require(Access::bearer(&tokens));
    let (source, asking) = rotating();
    asking.resolve(&name).await.unwrap();
    assert_eq!((tokens.count("*"), registry.count("*")), (2, 2));
    assert_eq!(source.forgotten.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn principals_differ_as_credentials_do() {
    let (here, there) = (repository("a.example"), repository("b.example"));
    let other = Credentials::Basic { username: USER.0.to_owned(), password: "other".to_owned().into() };
    let token = Credentials::IdentityToken(USER.1.to_owned().into());
    let registry = Credentials::RegistryToken(USER.1.to_owned().into());
    let mut all = Vec::new();
    for credentials in [Credentials::Anonymous, user(), other, token, registry] {
        for repository in [&here, &there] {
            let one = client(credentials.clone()).principal(repository).await.unwrap();
            assert_eq!(client(credentials.clone()).principal(repository).await.unwrap(), one);
            all.push(one);
        }
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 10);
}

#[tokio::test]
async fn a_password_that_expires_after_the_first_request() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    tokens.set_lifetime(Some(1));
    tokens.require("AWS", "0");
    registry.require(Access::bearer(&tokens));
    let (source, asking) = rotating();
    asking.resolve(&name).await.unwrap();
    tokens.require("AWS", "1");
    later(Duration::from_millis(1100)).await;
    asking.resolve(&name).await.unwrap();
    assert_eq!(source.forgotten.load(Ordering::Relaxed), 1);
}

#[tokio::test]
async fn concurrent_requests_with_an_expired_password() {
    let registry = filled().await;
    image().push(&anonymous(), &reference(&registry.host(), ":other")).await.unwrap();
    registry.require(Access::basic("AWS", "0"));
    let (source, asking) = rotating();
    let (one, two) = (reference(&registry.host(), ":latest"), reference(&registry.host(), ":other"));
    asking.resolve(&one).await.unwrap();
    registry.require(Access::basic("AWS", "1"));
    let ended = |parts: &http::request::Parts| {
        parts.headers.get("authorization").is_some_and(|value| value == &refkit_support::basic("AWS", "0"))
    };
    registry.add(Rule::when(ended, Fault::status(403).delay(Duration::from_millis(50))));
    let (one, two) = tokio::join!(asking.pull(&one), asking.pull(&two));
    assert_eq!((one.is_ok(), two.is_ok()), (true, true));
    assert_eq!(source.forgotten.load(Ordering::Relaxed), 1, "the second found what the first had renewed");
}

#[tokio::test]
async fn a_token_serves_only_the_credentials_that_requested_it() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    tokens.require("AWS", "0");
    registry.require(Access::bearer(&tokens));
    let (source, asking) = rotating();
    asking.resolve(&name).await.unwrap();
    source.forgotten.fetch_add(1, Ordering::Relaxed);
    tokens.require("AWS", "1");
    tokens.clear();
    asking.resolve(&name).await.unwrap();
    assert_eq!(tokens.count("*"), 1);
}

#[tokio::test]
async fn headers_of_files_are_part_of_the_principal_and_nothing_shows_secrets() {
    let of = |token: &str| {
        let headers = vec![(http::header::AUTHORIZATION, token.parse().unwrap())];
        let host = Host::new("https://registry.example/v2/".parse().unwrap()).headers(headers);
        builder(Credentials::Anonymous).hosts(Hosts::default().with("registry.example", vec![host]).unwrap()).build()
    };
    let repository = repository("registry.example");
    let one = of("Bearer a").principal(&repository).await.unwrap();
    assert_eq!(of("Bearer a").principal(&repository).await.unwrap(), one);
    assert_ne!(of("Bearer b").principal(&repository).await.unwrap(), one);
    let proxies = Proxies::default().https(Some("http://u:secret@p".to_owned()));
    let helpers = Helpers::default().environment(vec![("NAME".into(), "secret".into())]);
    let shown = format!("{proxies:?} {helpers:?} {:?} {:?}", of("Bearer secret"), user());
    assert!(!shown.contains("secret") && !shown.contains(USER.1), "{shown}");
}
