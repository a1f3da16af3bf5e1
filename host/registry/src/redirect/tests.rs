//! Redirects over a fake lower layer.

use http::header::LOCATION;
use http::{HeaderValue, Method};
use parking_lot::Mutex;
use url::Url;

use super::*;
use crate::endpoint::Endpoint;
use crate::hosts::Host;
use crate::http::{Purpose, RequestBody};

const ORIGIN: &str = "https://registry.example";

/// Redirects each path to the location in a table, and records each request: the URL, whether it had credentials, and
/// whether the context had left the origin.
struct Fake {
    redirects: Vec<(&'static str, &'static str)>,
    seen: Mutex<Vec<(String, bool, bool)>>,
}

impl Transport for Fake {
    async fn send(&self, request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        let url = request.url.as_str();
        self.seen.lock().push((url.to_owned(), request.authorization.is_some(), context.left_origin));
        Ok(match self.redirects.iter().find(|(from, _)| *from == url) {
            Some((_, to)) => Response::fake(307, &request.url, "").with(LOCATION, to),
            None => Response::fake(200, &request.url, "content"),
        })
    }
}

async fn send(method: Method, redirects: &[(&'static str, &'static str)]) -> (Result<Response, ErrorKind>, Fake) {
    let layer = Redirect::new(Fake { redirects: redirects.to_vec(), seen: Mutex::default() });
    let endpoint = Endpoint::new("registry.example", Host::new(Url::parse(&format!("{ORIGIN}/v2/")).unwrap()), "app");
    let request = Request::new(method, Url::parse(&format!("{ORIGIN}/a")).unwrap())
        .body(RequestBody::Empty)
        .authorization(Some(HeaderValue::from_static("Bearer secret")));
    let response = layer.send(request, &mut Context::new(&endpoint, Purpose::Repository)).await;
    (response, layer.next)
}

#[tokio::test]
async fn credentials_stay_at_the_origin_for_good() {
    let (response, fake) = send(
        Method::GET,
        &[
            ("https://registry.example/a", "/b"),
            ("https://registry.example/b", "https://cdn.example/c"),
            ("https://cdn.example/c", "https://registry.example/d"),
        ],
    )
    .await;
    let response = response.unwrap();
    assert!(!response.elsewhere, "the last hop is at the origin again");
    let seen: Vec<_> = fake.seen.into_inner();
    let seen: Vec<_> = seen.iter().map(|(url, credentials, left)| (url.as_str(), *credentials, *left)).collect();
    assert_eq!(
        seen,
        [
            ("https://registry.example/a", true, false),
            ("https://registry.example/b", true, false),
            ("https://cdn.example/c", false, true),
            ("https://registry.example/d", false, true),
        ]
    );
}

#[tokio::test]
async fn where_a_redirect_may_lead() {
    for (target, wanted) in [
        ("https://cdn.example/b", ""),
        ("http://cdn.example/b", "without TLS"),
        ("https://127.0.0.1/b", "inside this network"),
        ("ftp://cdn.example/b", "neither https nor http"),
        ("https://user@cdn.example/b", "a user name or a password"),
        ("https://[", "is no URL"),
    ] {
        let (response, fake) = send(Method::GET, &[("https://registry.example/a", target)]).await;
        match response {
            Ok(response) => assert!(wanted.is_empty() && response.elsewhere, "{target}"),
            Err(error) => {
                assert!(!wanted.is_empty() && error.to_string().contains(wanted), "{target}: {error}");
                assert_eq!(fake.seen.into_inner().len(), 1, "{target}");
            }
        }
    }
}

#[tokio::test]
async fn how_many_redirects_a_request_follows() {
    let (response, fake) = send(Method::HEAD, &[("https://registry.example/a", "/a")]).await;
    let error = response.err().map(|error| error.to_string());
    assert_eq!(error.as_deref(), Some("registry.example redirects more than 5 times"));
    assert_eq!(fake.seen.into_inner().len(), 1 + REDIRECTS);
}

#[tokio::test]
async fn what_writes_follows_none() {
    let (response, fake) = send(Method::POST, &[("https://registry.example/a", "/b")]).await;
    assert_eq!(response.unwrap().status.as_u16(), 307);
    assert_eq!(fake.seen.into_inner().len(), 1);
}

/// Redirects the origin to a host with which every request fails.
struct Failing(ErrorKind);

impl Transport for Failing {
    async fn send(&self, request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        match context.left_origin {
            false => Ok(Response::fake(307, &request.url, "").with(LOCATION, "https://cdn.example/b")),
            true => Err(self.0.clone()),
        }
    }
}

#[tokio::test]
async fn the_target_is_named_where_there_is_no_connection() {
    let detour = |said: &str| format!("unavailable: it redirects to cdn.example: {said}");
    // the error at the target, the error of the request
    let rows = [
        (ErrorKind::Unreachable("no connection: refused".to_owned()), detour("no connection: refused")),
        (ErrorKind::Timeout(std::time::Duration::from_secs(30)), detour("no answer within 30 s")),
        (ErrorKind::Protocol { tls: true }, detour("the request was without TLS, and it seems to require TLS")),
        (ErrorKind::NotFound, "not found".to_owned()),
        (ErrorKind::Detour { said: "a proxy".to_owned(), proxy: true }, "unavailable: a proxy".to_owned()),
    ];
    for (error, wanted) in rows {
        let layer = Redirect::new(Failing(error));
        let endpoint =
            Endpoint::new("registry.example", Host::new(Url::parse(&format!("{ORIGIN}/v2/")).unwrap()), "app");
        let request = Request::new(Method::GET, Url::parse(&format!("{ORIGIN}/a")).unwrap());
        let failed = layer.send(request, &mut Context::new(&endpoint, Purpose::Repository)).await.err();
        assert_eq!(failed.map(|error| error.to_string()), Some(wanted));
    }
}
