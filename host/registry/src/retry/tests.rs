//! Retries over a fake lower layer, on a paused clock.

use bytes::Bytes;
use futures_util::stream::{self, StreamExt as _};
use http::Method;
use http::header::RETRY_AFTER;
use parking_lot::Mutex;
use refkit_content::Distrust;
use tokio::time::Instant;
use url::Url;

use super::*;
use crate::hosts::Host;
use crate::http::{Purpose, RequestBody};

fn endpoint() -> Endpoint {
    let host = Host::new(Url::parse("https://registry.example/v2/").expect("a URL"));
    Endpoint::new("registry.example", host, "app")
}

/// Responds with one status after the other, where 0 is a failed connection, and then with 200. Records when each
/// request came.
struct Fake {
    statuses: Mutex<Vec<u16>>,
    at: Mutex<Vec<Instant>>,
}

impl Transport for Fake {
    async fn send(&self, request: Request, _: &mut Context<'_>) -> Result<Response, ErrorKind> {
        self.at.lock().push(Instant::now());
        let mut statuses = self.statuses.lock();
        let status = if statuses.is_empty() { 200 } else { statuses.remove(0) };
        match status {
            0 => Err(ErrorKind::Unreachable("no connection".to_owned())),
            429 => Ok(Response::fake(429, &request.url, "").with(RETRY_AFTER, "5")),
            status => Ok(Response::fake(status, &request.url, "")),
        }
    }
}

fn layer(statuses: &[u16]) -> Retry<Fake> {
    let fake = Fake { statuses: Mutex::new(statuses.to_vec()), at: Mutex::default() };
    Retry::new(fake, Retries::default(), Arc::default())
}

fn request() -> Request {
    Request::new(Method::GET, Url::parse("https://registry.example/v2/app/blobs/x").expect("a URL"))
}

/// The statuses of the responses before a 200 (0 is a failed connection), the rule, the endpoint, the requests that
/// the layer sends, and its result.
type Row<'a> = (&'a [u16], Repeat, &'a Endpoint, usize, Result<u16, &'a str>);

#[tokio::test(start_paused = true)]
async fn which_responses_stand() {
    let mirror = Endpoint { last: false, ..endpoint() };
    let rows: [Row<'_>; 14] = [
        (&[], Repeat::Always, &endpoint(), 1, Ok(200)),
        (&[404], Repeat::Always, &endpoint(), 1, Ok(404)),
        (&[401], Repeat::Always, &endpoint(), 1, Ok(401)),
        (&[0, 503, 500], Repeat::Always, &endpoint(), 4, Ok(200)),
        (&[503, 503, 503, 503], Repeat::Always, &endpoint(), 4, Err("unavailable: status 503")),
        (&[500], Repeat::Not500, &endpoint(), 1, Ok(500)),
        (&[503], Repeat::Not500, &endpoint(), 2, Ok(200)),
        (&[503], Repeat::IfUndone, &endpoint(), 2, Ok(200)),
        (&[502], Repeat::IfUndone, &endpoint(), 1, Err("unavailable: status 502")),
        (&[0], Repeat::IfUndone, &endpoint(), 1, Err("unavailable: no connection")),
        (&[503], Repeat::Never, &endpoint(), 1, Err("unavailable: status 503")),
        (&[0], Repeat::Always, &mirror, 2, Ok(200)),
        (&[0, 0], Repeat::Always, &mirror, 2, Err("unavailable: no connection")),
        (&[503], Repeat::Always, &mirror, 1, Err("unavailable: status 503")),
    ];
    for (statuses, repeat, endpoint, requests, wanted) in rows {
        let layer = layer(statuses);
        let mut context = Context::new(endpoint, Purpose::Repository);
        let found = layer.send(request().repeat(repeat), &mut context).await;
        let found = found.map(|response| response.status.as_u16()).map_err(|error| error.to_string());
        match (&found, wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(*found, wanted, "{statuses:?} {repeat:?}"),
            (Err(found), Err(wanted)) => assert!(found.starts_with(wanted), "{statuses:?} {repeat:?}: {found}"),
            _ => panic!("{statuses:?} {repeat:?}: {found:?}, not {wanted:?}"),
        }
        assert_eq!(layer.next.at.lock().len(), requests, "{statuses:?} {repeat:?}");
        assert_eq!(context.repetitions, requests - 1, "{statuses:?} {repeat:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn hops_share_the_repetitions() {
    let (layer, endpoint) = (layer(&[503, 503, 200, 503, 503]), endpoint());
    let mut context = Context::new(&endpoint, Purpose::Repository);
    assert!(layer.send(request(), &mut context).await.is_ok(), "two of three repetitions");
    assert!(layer.send(request(), &mut context).await.is_err(), "one is left");
    assert_eq!(layer.next.at.lock().len(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_429_holds_back_the_whole_host() {
    let (layer, endpoint, begin) = (layer(&[429]), endpoint(), Instant::now());
    let mut context = Context::new(&endpoint, Purpose::Repository);
    let limiter = layer.limiters.at(&endpoint, &request().url);
    let paused = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        limiter.pause_left()
    };
    let (response, paused) = tokio::join!(layer.send(request(), &mut context), paused);
    assert!(response.is_ok() && paused.is_some_and(|left| left > Duration::from_secs(3)), "{paused:?}");
    assert!(begin.elapsed() >= Duration::from_secs(5));
}

#[tokio::test(start_paused = true)]
async fn a_stream_is_sent_once() {
    let (layer, endpoint) = (layer(&[503]), endpoint());
    let body = stream::once(async { Ok(Bytes::from_static(b"a layer")) }).boxed();
    let request = request().body(RequestBody::Stream(Some(body)));
    assert!(layer.send(request, &mut Context::new(&endpoint, Purpose::Repository)).await.is_err());
    assert_eq!(layer.next.at.lock().len(), 1);
}

#[tokio::test]
async fn what_is_asked_again() {
    let limited =
        |seconds| ErrorKind::RateLimited { said: String::new(), retry_after: Some(Duration::from_secs(seconds)) };
    let overloaded = ErrorKind::Overloaded { said: String::new(), retry_after: None };
    let rows = [
        (ErrorKind::NotFound, None, false),
        (ErrorKind::Forbidden(String::new()), None, false),
        (ErrorKind::Unavailable(String::new()), None, false),
        (ErrorKind::Malformed(String::new()), None, false),
        (ErrorKind::Unreachable(String::new()), None, true),
        (overloaded, None, true),
        (ErrorKind::RateLimited { said: String::new(), retry_after: None }, None, true),
        (ErrorKind::Certificate { reason: Distrust::Issuer, said: String::new() }, None, false),
        (ErrorKind::Protocol { tls: true }, None, false),
        (limited(5), None, true),
        (limited(5), Some(6), true),
        (limited(5), Some(5), false),
        (limited(60), None, true),
        (limited(61), None, false),
    ];
    for (failure, deadline, wanted) in rows {
        let ask = async { Retries::default().waits(&endpoint()).after(&failure) };
        let wait = match deadline {
            Some(seconds) => deadline::within(Instant::now() + Duration::from_secs(seconds), ask).await,
            None => ask.await,
        };
        assert_eq!(wait.is_some(), wanted, "{failure:?} within {deadline:?} s");
    }
}

#[test]
fn waits_double_and_end() {
    let mut waits = Retries::default().waits(&endpoint());
    let failure = ErrorKind::Unreachable(String::new());
    for (least, most) in [(250, 500), (500, 1000), (1000, 2000)] {
        let wait = waits.after(&failure).map(|wait| wait.as_millis());
        assert!(wait.is_some_and(|wait| (least..=most).contains(&wait)), "{wait:?} for {least}");
    }
    assert_eq!(waits.after(&failure), None);
    assert_eq!(Retries::NONE.waits(&endpoint()).after(&failure), None);
}
