//! Authentication: which credentials the client sends to which host, and the errors of refusals.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use refkit_content::{Discover, ErrorKind, Principal, Resolve};
use refkit_oci::Reference;
use refkit_registry::{CredentialSource, Credentials};
use refkit_support::{Access, Fault, Rule, TokenField, TokenServer};

use crate::ask::{USER, anonymous, builder, client, error_of, filled, image, reference, user, walk};

#[tokio::test]
async fn every_kind_of_credentials() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    for field in [TokenField::Both, TokenField::Token, TokenField::AccessToken] {
        tokens.set_field(field);
        client(Credentials::Anonymous).resolve(&name).await.unwrap();
    }
    assert!(tokens.requests().iter().all(|request| request.authorization().is_none()));

    tokens.require(USER.0, USER.1);
    tokens.clear();
    client(user()).resolve(&name).await.unwrap();
    let asked = tokens.requests();
    assert_eq!(asked[0].authorization(), Some(refkit_support::basic(USER.0, USER.1).as_str()));
    assert!(asked[0].query().is_some_and(|query| query.contains("scope=repository%3Aapp%3Apull")), "{}", asked[0]);

    tokens.set_refresh_token("refresh");
    tokens.clear();
    client(Credentials::IdentityToken("refresh".to_owned().into())).resolve(&name).await.unwrap();
    assert_eq!(tokens.count("POST /token"), 1);

    let token = tokens.issue(["repository:app:pull"]).unwrap();
    tokens.clear();
    client(Credentials::RegistryToken(token.into())).resolve(&name).await.unwrap();
    assert_eq!(tokens.count("*"), 0);
}

#[tokio::test]
async fn an_expired_token_is_replaced_once() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let asking = anonymous();
    asking.resolve(&name).await.unwrap();
    tokens.revoke();
    asking.resolve(&name).await.unwrap();
    assert_eq!((tokens.count("*"), registry.count("*")), (2, 4));
}

#[tokio::test]
async fn refusals_say_what_to_do() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    let login = format!("docker login {}", registry.host());
    for access in [Access::basic(USER.0, USER.1), Access::bearer(&tokens)] {
        registry.require(access);
        let wrong = Credentials::Basic { username: "eve".to_owned(), password: "guess\u{e9}".to_owned().into() };
        for (credentials, said) in [(Credentials::Anonymous, "there are no credentials"), (wrong, "eve may not")] {
            registry.clear();
            let ErrorKind::Unauthorized(text) = error_of(client(credentials).resolve(&name).await) else {
                panic!("it is refused");
            };
            assert!(text.contains(said) && text.contains(&login) && !text.contains("guess"), "{text}");
            assert!(registry.count("*") <= 2, "{:?}", registry.requests());
        }
    }
    registry.require(Access::custom(["Basic"], |_| false));
    assert!(matches!(error_of(anonymous().resolve(&name).await), ErrorKind::Unauthorized(_)));
    // A challenge that the client cannot answer.
    for challenge in ["Negotiate", "Bearer realm=\"", "Bearer service=\"x\"", "x\"y"] {
        registry.require(Access::custom([challenge], |_| false));
        assert!(matches!(error_of(anonymous().resolve(&name).await), ErrorKind::Challenge(_)), "{challenge}");
    }
}

/// Servers write invalid values for a token's lifetime; the token is valid all the same.
#[tokio::test]
async fn invalid_token_lifetimes_are_ignored() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    for lifetime in ["-1", "0", "null", "18446744073709551616", "\"3600\"", "\"\"", "{}"] {
        let token = tokens.issue(["repository:app:pull"]).unwrap();
        tokens.clear_rules();
        tokens.clear();
        tokens.add(Rule::on("*", Fault::normal().body(format!(r#"{{"token":"{token}","expires_in":{lifetime}}}"#))));
        let asking = anonymous();
        asking.resolve(&name).await.unwrap();
        asking.resolve(&name).await.unwrap();
        assert_eq!(tokens.count("*"), 1, "{lifetime}: one token is enough for both");
    }
}

/// Registries that hide private repositories answer 404 without a challenge. The client repeats such a request with
/// credentials once.
#[tokio::test]
async fn a_hidden_repository_is_requested_with_credentials() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let hide = |known: String| {
        let hidden = move |parts: &http::request::Parts| {
            parts.headers.get("authorization").is_none_or(|value| value.as_bytes() != known.as_bytes())
        };
        registry.clear_rules();
        registry.clear();
        registry.add(Rule::when(hidden, Fault::status(404)));
    };
    let token = Credentials::RegistryToken("t".to_owned().into());
    let rows = [(user(), refkit_support::basic(USER.0, USER.1)), (token, "Bearer t".to_owned())];
    for (credentials, known) in rows {
        hide(known);
        let asking = client(credentials);
        let found = asking.resolve(&name).await.unwrap().value;
        assert_eq!((&found.digest, registry.count("*")), (image().digest(), 2));
        // Now the client knows which credentials the host accepts.
        asking.pull(&name).await.unwrap();
        assert_eq!(registry.count("*"), 3);
    }
    // Each of several concurrent requests gets a response, at a host that is known already.
    hide("nobody".to_owned());
    let asking = client(user());
    asking.tags(name.repository()).await.unwrap_err();
    let other = Reference::parse(&format!("{}/other:1", registry.host())).unwrap();
    image().push(&anonymous(), &other).await.unwrap_err();
    registry.clear_rules();
    image().push(&anonymous(), &other).await.unwrap();
    hide(refkit_support::basic(USER.0, USER.1));
    let digest = Reference::parse(&format!("{}/other@{}", registry.host(), image().digest())).unwrap();
    let (one, two, three) = tokio::join!(asking.pull(&other), asking.resolve(&other), asking.pull(&digest));
    assert!(one.is_ok() && two.is_ok() && three.is_ok(), "{one:?} {two:?} {three:?}");
    // The client repeats a request for a missing tag once, and only the first time; without credentials never.
    for (credentials, first, later) in
        [(user(), 3, 2), (Credentials::Anonymous, 2, 2), (Credentials::IdentityToken("t".to_owned().into()), 2, 2)]
    {
        hide("nobody".to_owned());
        let asking = client(credentials);
        for requests in [first, later, later] {
            registry.clear();
            assert!(matches!(error_of(asking.resolve(&name).await), ErrorKind::NotFound));
            assert_eq!(registry.count("*"), requests, "{:?}", registry.requests());
        }
    }
    // A registry that shows the repository hides nothing in it, so a 404 to the password is no reason to try again.
    registry.clear_rules();
    registry.clear();
    let asking = client(user());
    asking.resolve(&name).await.unwrap();
    error_of(asking.pull(&reference(&registry.host(), ":missing")).await);
    assert!(registry.requests().iter().all(|request| request.authorization().is_none()));
    assert_eq!(registry.count("*"), 2);
    for status in [401, 403] {
        hide("nobody".to_owned());
        let told = |parts: &http::request::Parts| parts.headers.contains_key("authorization");
        registry.clear_rules();
        registry.add(Rule::when(told, Fault::status(status)));
        registry.add(Rule::on("*", Fault::status(404)));
        assert!(matches!(error_of(client(user()).pull(&name).await), ErrorKind::NotFound), "{status}");
        assert_eq!(registry.count("*"), 2, "{status}");
    }
}

/// A failed lookup of credentials is an error only if the registry asks for credentials.
#[tokio::test]
async fn credentials_are_looked_up_after_a_challenge() {
    struct Broken(AtomicUsize);
    #[async_trait]
    impl CredentialSource for Broken {
        async fn credentials(&self, _: &str) -> Result<Credentials, ErrorKind> {
            self.0.fetch_add(1, Ordering::Relaxed);
            Err(ErrorKind::Unauthorized("the helper is missing".to_owned()))
        }
    }
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let source = Arc::new(Broken(AtomicUsize::new(0)));
    let asking = builder(Credentials::Anonymous).credentials(Arc::clone(&source) as Arc<dyn CredentialSource>).build();
    walk(&asking, &name).await.unwrap();
    error_of(asking.pull(&reference(&registry.host(), ":missing")).await);
    assert_eq!(source.0.load(Ordering::Relaxed), 0);
    assert!(asking.is_anonymous(name.repository()));
    // The registry's 404 stands if the lookup fails.
    let other = Reference::parse(&format!("{}/other:1", registry.host())).unwrap();
    assert!(matches!(error_of(asking.pull(&other).await), ErrorKind::NotFound));
    assert_eq!(source.0.load(Ordering::Relaxed), 1);
    registry.require(Access::basic(USER.0, USER.1));
    let found = error_of(asking.pull(&name).await).to_string();
    assert!(found.contains("the helper is missing"), "{found}");
}

/// The cache shares responses to requests without credentials; the source reports which these are.
#[tokio::test]
async fn a_source_reports_whether_it_has_sent_credentials() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let repository = name.repository();
    let tokens = TokenServer::opaque().unwrap();
    let nobody = anonymous().principal(repository).await.unwrap();
    // access, credentials, whether the cache shares the response
    let rows = [
        (Access::open(), user(), true),
        (Access::bearer(&tokens), Credentials::Anonymous, true),
        (Access::bearer(&tokens), user(), false),
        (Access::basic(USER.0, USER.1), user(), false),
    ];
    for (access, credentials, anybody) in rows {
        registry.require(access);
        let asking = client(credentials.clone());
        assert!(asking.is_anonymous(repository));
        asking.pull(&name).await.unwrap();
        assert_eq!(asking.is_anonymous(repository), anybody);
        assert_eq!(asking.anonymous(repository).await, Some(nobody));
        let own = asking.principal(repository).await.unwrap();
        assert_eq!(own == nobody, matches!(credentials, Credentials::Anonymous));
    }
}

/// The client sends no packet to a realm that the registry may not name, and credentials only to the named one.
#[tokio::test]
async fn realms_are_checked_before_a_request() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let decoy = TokenServer::opaque().unwrap();
    for realm in [
        "http://169.254.169.254/token",
        "http://10.0.0.1/token",
        "http://0.0.0.0/token",
        "ftp://127.0.0.1/token",
        "http://user:password@127.0.0.1/token",
        "http://[fe80::1]/token",
        "file:///etc/passwd",
        "http://",
    ] {
        registry.require(Access::token("x", &format!("Bearer realm=\"{realm}\"")));
        let found = error_of(client(user()).resolve(&name).await);
        assert!(matches!(found, ErrorKind::Malformed(_) | ErrorKind::InsideNetwork { .. }), "{realm}: {found}");
    }
    // A redirect of a token server receives no password.
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    tokens.add(Rule::on("*", Fault::redirect(307, &decoy.realm())));
    _ = client(user()).resolve(&name).await;
    assert!(decoy.requests().iter().all(|request| request.authorization().is_none()), "{:?}", decoy.requests());
    tokens.clear_rules();
    tokens.add(Rule::on("*", Fault::redirect(307, "http://169.254.169.254/token")));
    let found = error_of(client(user()).resolve(&name).await);
    assert!(matches!(&found, ErrorKind::InsideNetwork { said, .. } if said.contains("the token server")), "{found}");
}

#[tokio::test]
async fn token_servers_that_answer_badly() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let rows = [
        (Fault::normal().body("{}"), "has no token"),
        (Fault::normal().body("{\"token\":\"\"}"), "has no token"),
        (Fault::normal().body("secret"), "not the JSON of a token"),
        (Fault::normal().body("{\"token\":\"a\\nb\"}"), "cannot be sent"),
        (Fault::status(404), "there is nothing"),
        (Fault::status(500).body("x"), "500"),
        (Fault::normal().body("{\"token\":\"").endless(), "larger than the limit"),
        (Fault::normal().claim_length(1 << 40), "larger than the limit"),
        (Fault::hang_up(), "the connection broke"),
    ];
    for (fault, said) in rows {
        tokens.clear_rules();
        tokens.add(Rule::on("*", fault));
        let found = error_of(anonymous().resolve(&name).await).to_string();
        assert!(found.contains(said) && found.contains("token server") && !found.contains("secret"), "{said}: {found}");
    }
}
