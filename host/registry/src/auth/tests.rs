//! Authentication over a fake lower layer, which plays a registry and its token server.

use std::time::Duration;

use async_trait::async_trait;
use http::Method;
use http::header::WWW_AUTHENTICATE;
use parking_lot::Mutex;
use url::Url;
use zeroize::Zeroizing;

use super::*;
use crate::hosts::Host;

/// The challenge of a registry with a token server.
const BEARER: &str = r#"Bearer realm="https://auth.example/token",service="s",scope="repository:app:pull""#;

/// What the fake registry wants.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Wants {
    Nothing,
    /// The header of user `u` with this password.
    Password(&'static str),
    /// The token of the token server.
    Token,
    /// A password; without credentials it answers 404, without a challenge.
    Hidden,
}

/// Plays a registry and its token server, and notes each request as `METHOD HOST AUTHORIZATION`.
struct Fake {
    wants: Mutex<Wants>,
    seen: Mutex<Vec<String>>,
}

impl Transport for Fake {
    async fn send(&self, request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        tokio::time::sleep(Duration::from_millis(1)).await;
        let sent = request.authorization.as_ref().map(|value| value.to_str().unwrap().to_owned());
        let host = request.url.host_str().unwrap();
        let line = format!("{} {host} {}", request.method, sent.as_deref().unwrap_or("-"));
        self.seen.lock().push(line);
        let respond = |status, body| Ok(Response::fake(status, &request.url, body));
        if context.purpose == Purpose::Token {
            return respond(200, r#"{"token":"t","expires_in":300}"#);
        }
        let wanted = match *self.wants.lock() {
            Wants::Nothing => return respond(200, ""),
            Wants::Hidden if sent.is_none() => return respond(404, ""),
            Wants::Hidden => ("Basic", basic("p")),
            Wants::Password(password) => ("Basic", basic(password)),
            Wants::Token => (BEARER, "Bearer t".to_owned()),
        };
        if sent == Some(wanted.1) { respond(200, "") } else { Ok(respond(401, "")?.with(WWW_AUTHENTICATE, wanted.0)) }
    }
}

fn basic(password: &str) -> String {
    scheme::basic("u", password).unwrap().to_str().unwrap().to_owned()
}

/// Has one password after the other: the next one after each refusal.
struct Source(Mutex<Vec<&'static str>>);

#[async_trait]
impl CredentialSource for Source {
    async fn credentials(&self, _: &str) -> Result<Credentials, ErrorKind> {
        Ok(match self.0.lock().first() {
            Some(password) => {
                Credentials::Basic { username: "u".to_owned(), password: Zeroizing::new((*password).to_owned()) }
            }
            None => Credentials::Anonymous,
        })
    }

    async fn forget(&self, _: &str) {
        let mut passwords = self.0.lock();
        if passwords.len() > 1 {
            passwords.remove(0);
        }
    }
}

fn layer(wants: Wants, passwords: &[&'static str]) -> Auth<Fake> {
    let fake = Fake { wants: Mutex::new(wants), seen: Mutex::default() };
    Auth::new(fake, Arc::new(Source(Mutex::new(passwords.to_vec()))))
}

fn endpoint() -> Endpoint {
    Endpoint::new("r.example", Host::new(Url::parse("https://r.example/v2/").unwrap()), "app")
}

async fn get(layer: &Auth<Fake>) -> Result<u16, String> {
    let request = Request::new(Method::GET, Url::parse("https://r.example/v2/app/manifests/x").unwrap());
    let response = layer.send(&endpoint(), Actions::Pull, request).await;
    response.map(|response| response.status.as_u16()).map_err(|error| error.to_string())
}

fn seen(layer: &Auth<Fake>) -> Vec<String> {
    std::mem::take(&mut *layer.next.seen.lock())
}

#[tokio::test(start_paused = true)]
async fn which_requests_a_scheme_takes() {
    let first = || "GET r.example -".to_owned();
    let with = |password| format!("GET r.example {}", basic(password));
    let token = |password| format!("GET auth.example {}", basic(password));
    let bearer = || "GET r.example Bearer t".to_owned();
    // what the registry wants, the passwords, the status; the requests of the first GET, and of a second one
    type Row = (Wants, &'static [&'static str], Result<u16, &'static str>, Vec<String>, Vec<String>);
    let rows: [Row; 9] = [
        (Wants::Nothing, &["p"], Ok(200), vec![first()], vec![first()]),
        (Wants::Password("p"), &["p"], Ok(200), vec![first(), with("p")], vec![with("p")]),
        (Wants::Password("q"), &["p", "q"], Ok(200), vec![first(), with("p"), with("q")], vec![with("q")]),
        (
            Wants::Password("q"),
            &["p"],
            Err("u may not, or the password is wrong"),
            vec![first(), with("p")],
            vec![with("p")],
        ),
        (Wants::Password("q"), &[], Err("there are no credentials for r.example"), vec![first()], vec![first()]),
        (Wants::Token, &["p"], Ok(200), vec![first(), token("p"), bearer()], vec![bearer()]),
        (Wants::Token, &[], Ok(200), vec![first(), "GET auth.example -".to_owned(), bearer()], vec![bearer()]),
        (Wants::Hidden, &["p"], Ok(200), vec![first(), with("p")], vec![with("p")]),
        (Wants::Hidden, &["q"], Err("not found"), vec![first(), with("q")], vec![first()]),
    ];
    for (number, (wants, passwords, wanted, one, two)) in rows.into_iter().enumerate() {
        let layer = layer(wants, passwords);
        for requests in [one, two] {
            let found = get(&layer).await;
            match (&found, wanted) {
                (Ok(found), Ok(wanted)) => assert_eq!(*found, wanted, "row {number}"),
                (Err(found), Err(wanted)) => assert!(found.contains(wanted), "row {number}: {found}"),
                // After the first GET the client knows that credentials do not open the repository.
                (Ok(404), Err("not found")) => {}
                _ => panic!("row {number}: {found:?}, not {wanted:?}"),
            }
            assert_eq!(seen(&layer), requests, "row {number}");
        }
    }
}

#[tokio::test(start_paused = true)]
async fn first_requests_at_one_time_ask_once_what_a_host_wants() {
    let layer = layer(Wants::Token, &["p"]);
    let all = tokio::join!(get(&layer), get(&layer), get(&layer));
    assert_eq!(all, (Ok(200), Ok(200), Ok(200)));
    let all = seen(&layer);
    assert_eq!(all.iter().filter(|line| line.ends_with(" -")).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|line| line.contains("auth.example")).count(), 1, "{all:?}");
    assert_eq!(all.iter().filter(|line| line.ends_with("Bearer t")).count(), 3, "{all:?}");
}

#[tokio::test(start_paused = true)]
async fn an_expired_token_is_not_sent() {
    let layer = layer(Wants::Token, &["p"]);
    get(&layer).await.unwrap();
    seen(&layer);
    tokio::time::advance(Duration::from_secs(269)).await;
    get(&layer).await.unwrap();
    assert_eq!(seen(&layer).len(), 1, "it lives for nine tenths of its time");
    tokio::time::advance(Duration::from_secs(2)).await;
    get(&layer).await.unwrap();
    assert_eq!(seen(&layer).len(), 2, "a new token, and the request");
}

#[tokio::test(start_paused = true)]
async fn a_new_password_is_sent_after_the_refusal_of_the_old_one() {
    let layer = layer(Wants::Password("p"), &["p", "q"]);
    get(&layer).await.unwrap();
    seen(&layer);
    *layer.next.wants.lock() = Wants::Password("q");
    assert_eq!(get(&layer).await, Ok(200));
    assert_eq!(seen(&layer), [format!("GET r.example {}", basic("p")), format!("GET r.example {}", basic("q"))]);
}

/// A token says what its credentials may do, so other credentials get one of their own.
#[tokio::test(start_paused = true)]
async fn a_token_serves_only_the_credentials_that_got_it() {
    let bearer = || "GET r.example Bearer t".to_owned();
    let token = |sent: &str| format!("GET auth.example {sent}");
    // the password of the first request and of the second one, and the requests of the second one
    let rows: [(&[&'static str], &[&'static str], Vec<String>); 4] = [
        (&["p"], &["p"], vec![bearer()]),
        (&["p"], &["q"], vec![token(&basic("q")), bearer()]),
        (&["p"], &[], vec![token("-"), bearer()]),
        (&[], &["p"], vec![token(&basic("p")), bearer()]),
    ];
    for (first, second, wanted) in rows {
        let source = Arc::new(Source(Mutex::new(first.to_vec())));
        let fake = Fake { wants: Mutex::new(Wants::Token), seen: Mutex::default() };
        let layer = Auth::new(fake, source.clone());
        assert_eq!(get(&layer).await, Ok(200));
        seen(&layer);
        *source.0.lock() = second.to_vec();
        assert_eq!(get(&layer).await, Ok(200));
        assert_eq!(seen(&layer), wanted, "{first:?}, then {second:?}");
    }
}
