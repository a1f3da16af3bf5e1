//! Challenges over a connection, and the vectors about realms. The tests of `challenge` have a decision for every
//! header.

use refkit_content::{ErrorKind, Resolve};
use refkit_registry::Credentials;
use refkit_support::{Access, Authority, Nginx, TokenServer, basic};
use serde_json::Value;

use crate::ask::{USER, client, error_of, filled, reference, user};
use crate::nginx::secure;

const VECTORS: &str = include_str!("../../../../tests/fixtures/vectors/www_authenticate.json");

/// The client's reaction to a challenge.
#[derive(Debug, PartialEq, Eq)]
enum Answered {
    Nothing,
    Password,
    Token,
}

#[tokio::test]
async fn a_supported_challenge_is_answered_in_any_position() {
    use Answered::{Nothing, Password, Token};
    let registry = filled().await;
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    let bearer = format!("Bearer realm=\"{}\",service=\"{}\"", tokens.realm(), tokens.service());
    let both = format!("Negotiate, Basic realm=\"x\", {bearer}");
    let broken = format!("{bearer},scope=\"repository");
    let rows: [(&[&str], Answered); 9] = [
        (&["Basic realm=\"x\""], Password),
        (&["Basic realm=/"], Password),
        (&[&bearer], Token),
        (&[&both], Token),
        (&["Negotiate", "Basic realm=\"x\"", &bearer], Token),
        (&["Digest qop=\"auth\", nonce=\"x\"", "Basic"], Password),
        (&[&broken], Nothing),
        (&[&broken, "Basic realm=\"x\""], Password),
        (&["Negotiate"], Nothing),
    ];
    for (challenges, wanted) in rows {
        let accepted = Access::bearer(&tokens);
        let password = basic(USER.0, USER.1);
        // The registry accepts the first answer.
        let access = match wanted {
            Token => accepted.challenged(challenges.iter().copied()),
            _ => Access::custom(challenges.iter().copied(), move |one| one.authorization == Some(&password)),
        };
        registry.require(access);
        registry.clear();
        tokens.clear();
        let found = client(user()).resolve(&reference(&registry.host(), ":latest")).await;
        let sent = registry.requests().iter().find_map(|request| request.authorization().map(str::to_owned));
        let answered = match sent.as_deref() {
            None => Nothing,
            Some(value) if value.starts_with("Basic ") => Password,
            Some(_) => Token,
        };
        assert_eq!((answered, found.is_ok()), (wanted, sent.is_some()), "{challenges:?}");
        assert_eq!(tokens.count("*"), usize::from(sent.is_some_and(|value| value.starts_with("Bearer "))));
    }
}

/// Nothing is sent, so neither the password nor its absence is to blame.
#[tokio::test]
async fn a_challenge_that_cannot_be_answered_is_named() {
    let registry = filled().await;
    let supported = "and RefKit supports Basic and Bearer";
    // the challenges, the reason
    let rows: [(&[&str], String); 5] = [
        (&["Negotiate"], format!("it asks for Negotiate, {supported}")),
        (
            &["Digest qop=\"auth\", nonce=\"x\"", "NTLM, negotiate", "Negotiate"],
            format!("it asks for Digest, NTLM, negotiate, {supported}"),
        ),
        (&["Bearer realm=\"x\",scope=\"repository"], "its challenge cannot be read (Bearer)".to_owned()),
        (&["Bearer service=\"x\""], "its challenge cannot be read (Bearer)".to_owned()),
        (&[], "it does not say which credentials it wants".to_owned()),
    ];
    for (challenges, wanted) in rows {
        registry.require(Access::custom(challenges.iter().copied(), |_| false));
        for credentials in [user(), Credentials::Anonymous] {
            match error_of(client(credentials).resolve(&reference(&registry.host(), ":latest")).await) {
                ErrorKind::Challenge(said) => assert_eq!(said.split_once("; ").unwrap().1, wanted, "{challenges:?}"),
                other => panic!("{challenges:?}: {other}"),
            }
        }
    }
    // An answered challenge blames the credentials.
    registry.require(Access::custom(["Negotiate", "Basic"], |_| false));
    let found = error_of(client(user()).resolve(&reference(&registry.host(), ":latest")).await);
    assert!(matches!(&found, ErrorKind::Unauthorized(said) if said.contains("docker login")), "{found}");
}

/// Each row of `realm_policy`. An unknown row fails this test.
#[tokio::test]
async fn realms_of_the_vectors() {
    let file: Value = serde_json::from_str(VECTORS).expect("the vectors are JSON");
    let rows = file["realm_policy"].as_array().expect("rows");
    let (registry, authority) = (filled().await, Authority::new().unwrap());
    let tokens = TokenServer::opaque().unwrap();
    let front = Nginx::before(&registry.host()).tls(&authority).place("/token2", &tokens.host()).start().unwrap();
    for row in rows {
        let realm = row["realm"].as_str().expect("text");
        let expect = row["expect"].as_str().expect("text");
        match row["name"].as_str().expect("text") {
            // Refused. A test has no registry in the internet, and a registry on loopback may name loopback, so this
            // uses the address of a metadata service. A row of `endpoint` has the original case.
            "reject redirect to loopback" => {
                assert!(expect.starts_with("refuse") && realm.contains("//127.0.0.1/"));
                let realm = realm.replace("127.0.0.1", "169.254.169.254");
                registry.require(Access::token("x", &format!("Bearer realm=\"{realm}\"")));
                let found = error_of(client(user()).resolve(&reference(&registry.host(), ":latest")).await);
                assert!(matches!(found, ErrorKind::InsideNetwork { .. }), "{found}");
            }
            "reject http downgrade" => {
                assert!(expect.starts_with("refuse"));
                let realm = realm.replace("<same host>", &front.host());
                registry.require(Access::token("x", &format!("Bearer realm=\"{realm}\"")));
                let found = error_of(secure(&authority, user()).resolve(&reference(&front.host(), ":latest")).await);
                assert!(matches!(found, ErrorKind::Malformed(_)), "{found}");
            }
            // Accepted: the realm is at the registry itself, over the same connection.
            "bearer2 relative path" => {
                assert!(expect.ends_with("accept"));
                registry.require(Access::bearer(&tokens).challenged([format!("Bearer realm=\"{realm}\"").as_str()]));
                let name = reference(&front.host(), ":latest");
                // The token server answers at one path only; the row is about the request to it.
                error_of(secure(&authority, user()).resolve(&name).await);
                assert_eq!(tokens.count("GET /token2"), 1);
            }
            other => panic!("there is no decision on {other:?}"),
        }
    }
    assert_eq!((rows.len(), tokens.count("*"), registry.count("* /token*")), (3, 1, 0));
}
