//! Who the client is, to whom, and what becomes of a refusal.

use refkit_content::{Problem, Resolve};
use refkit_registry::Credentials;
use refkit_support::{Access, Fault, Rule, TokenField, TokenServer};

use crate::ask::{USER, anonymous, client, filled, problem, reference, user};

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
async fn a_token_that_has_ended_is_replaced_once() {
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
            let Problem::Unauthorized(text) = problem(client(credentials).resolve(&name).await) else {
                panic!("it is refused");
            };
            assert!(text.contains(said) && text.contains(&login) && !text.contains("guess"), "{text}");
            assert!(registry.count("*") <= 2, "{:?}", registry.requests());
        }
    }
    // One that asks for what cannot be had.
    for challenge in ["Negotiate", "Basic", "Bearer realm=\"", "Bearer service=\"x\"", "x\"y"] {
        registry.require(Access::custom([challenge], |_| false));
        assert!(matches!(problem(anonymous().resolve(&name).await), Problem::Unauthorized(_)), "{challenge}");
    }
}

/// Servers write odd things where a token's lifetime stands; the token is as good as any.
#[tokio::test]
async fn lifetimes_that_are_none() {
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

/// No packet goes to a realm that a registry may not name, and no credentials to another one than it named.
#[tokio::test]
async fn realms() {
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
        let found = problem(client(user()).resolve(&name).await);
        assert!(matches!(found, Problem::Malformed(_)), "{realm}: {found}");
    }
    // A token server that sends a client elsewhere gets nobody's password there.
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    tokens.add(Rule::on("*", Fault::redirect(307, &decoy.realm())));
    _ = client(user()).resolve(&name).await;
    assert!(decoy.requests().iter().all(|request| request.authorization().is_none()), "{:?}", decoy.requests());
    tokens.clear_rules();
    tokens.add(Rule::on("*", Fault::redirect(307, "http://169.254.169.254/token")));
    let found = problem(client(user()).resolve(&name).await);
    assert!(matches!(&found, Problem::Malformed(text) if text.contains("inside this network")), "{found}");
}

#[tokio::test]
async fn token_servers_that_answer_badly() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let tokens = TokenServer::opaque().unwrap();
    registry.require(Access::bearer(&tokens));
    let rows = [
        (Fault::normal().body("{}"), "there is no token"),
        (Fault::normal().body("{\"token\":\"\"}"), "there is no token"),
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
        let found = problem(anonymous().resolve(&name).await).to_string();
        assert!(found.contains(said) && found.contains("token server") && !found.contains("secret"), "{said}: {found}");
    }
}
