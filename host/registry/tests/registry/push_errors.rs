//! What each request of a push may be answered with: the error says what the registry said, and about what, and no upload
//! stays open.

use refkit_content::{ErrorCode, Push as _};
use refkit_support::image::{Image, ImageBuilder};
use refkit_support::{Access, Fault, FaultRegistry, Rule, Scope, TokenServer};

use crate::ask::{USER, anonymous, client, reference, repository, user};
use crate::push_chunks::{asked, blob, body, small};

/// The body of an error, with code, message and detail.
fn said(status: u16) -> Fault {
    let body = r#"{"errors":[{"code":"NO","message":"the registry's words","detail":{"reason":"full","left":0}}]}"#;
    Fault::status(status).header("content-type", "application/json").body(body)
}

/// The message of such an error.
const SAID: &str = r#"NO, the registry's words, full, {"left":0}"#;

/// A fault; and for each request of a push the requests that follow, the code of the error and its text.
struct Row {
    name: &'static str,
    fault: Fault,
    asked: &'static str,
    error: Option<(ErrorCode, String)>,
}

fn row(name: &'static str, fault: Fault, asked: &'static str, code: ErrorCode, error: &str) -> Row {
    Row { name, fault, asked, error: Some((code, error.to_owned())) }
}

fn fine(name: &'static str, fault: Fault, asked: &'static str) -> Row {
    Row { name, fault, asked, error: None }
}

use ErrorCode::{Invalid, NotFound, RateLimited, Unauthorized, Unavailable, Unsupported};

/// Pushes a blob of so many bytes for each row, and compares the requests and the error.
async fn check(pattern: &'static str, size: usize, rows: Vec<Row>) {
    for Row { name, fault, asked: wanted, error } in rows {
        let (registry, asking) = (FaultRegistry::start().unwrap(), small());
        registry.add(Rule::on(pattern, fault));
        let (what, bytes) = blob(size);
        let to = repository(&registry.host());
        let pushed = asking.push_blob(&to, &what, body(&bytes)).await;
        assert_eq!(asked(&registry), wanted, "{pattern}, {name}: {pushed:?}");
        match (pushed, error) {
            (Ok(()), None) => {}
            (Err(found), Some((code, error))) => {
                let text = found.to_string();
                assert!(text.contains(&error), "{pattern}, {name}: {text}");
                assert!(text.contains(&format!("{to}@{}", what.digest)), "{pattern}, {name}: {text}");
                assert_eq!(found.code(), code, "{pattern}, {name}: {text}");
                assert_eq!(registry.blob("app", what.digest.as_str()), None, "{pattern}, {name}");
            }
            (pushed, _) => panic!("{pattern}, {name}: {pushed:?}"),
        }
        assert_eq!(registry.uploads(), 0, "{pattern}, {name}");
    }
}

#[tokio::test]
async fn the_request_whether_a_blob_is_there() {
    // A response to HEAD has no body.
    let rows = vec![
        row("429", said(429), "HEAD 429", RateLimited, "the registry limits requests"),
        row("429, wait", said(429).header("retry-after", "3600"), "HEAD 429", RateLimited, "it asks to wait 3600 s"),
        row("500", said(500), "HEAD 500", Unavailable, "unavailable: status 500"),
        row("a cut", Fault::hang_up(), "HEAD -", Unavailable, "unavailable: the connection broke"),
        row("401", said(401), "HEAD 401", Unauthorized, "it does not say which credentials it wants"),
        row("413", said(413), "HEAD 413", Invalid, "status 413"),
        fine("403", said(403), "HEAD 403, POST 202, PUT 201"),
        fine("404", said(404), "HEAD 404, POST 202, PUT 201"),
        fine("405", said(405), "HEAD 405, POST 202, PUT 201"),
    ];
    check("HEAD *", 100, rows).await;
}

#[tokio::test]
async fn the_request_for_an_upload() {
    let asked = |status: u16| -> &'static str { format!("HEAD 404, POST {status}").leak() };
    let rows = vec![
        row("429", said(429), asked(429), RateLimited, &format!("the registry limits requests: {SAID}")),
        row("429, wait", said(429).header("retry-after", "3600"), asked(429), RateLimited, "it asks to wait 3600 s"),
        row(
            "429, until",
            said(429).header("retry-after", &refkit_support::fault::date_in(3600)),
            asked(429),
            RateLimited,
            "it asks to wait 3",
        ),
        row("408", said(408), asked(408), Unavailable, &format!("status 408 Request Timeout: {SAID}")),
        row("500", said(500), asked(500), Unavailable, &format!("status 500 Internal Server Error: {SAID}")),
        row("a cut", Fault::hang_up(), "HEAD 404, POST -", Unavailable, "unavailable: the connection broke"),
        row("401", said(401), asked(401), Unauthorized, "NO, the registry's words"),
        row("403", said(403), asked(403), Unauthorized, &format!("forbidden: 403: {SAID}")),
        row("404", said(404), asked(404), NotFound, &format!("not found: {SAID}")),
        row("405", said(405), asked(405), Unsupported, &format!("status 405 Method Not Allowed: {SAID}")),
        row("413", said(413), asked(413), Invalid, &format!("status 413 Payload Too Large: {SAID}")),
        row("503, wait", said(503).header("retry-after", "3600"), asked(503), Unavailable, "it asks to wait 3600 s"),
        row("202 without a place", Fault::status(202), asked(202), Invalid, "status 202 Accepted without Location"),
        row(
            "a redirect",
            Fault::redirect(307, "http://127.0.0.1:9/x"),
            asked(307),
            Invalid,
            "it redirects the request to http://127.0.0.1:9/x, and the client writes only to the host",
        ),
    ];
    check("POST *", 100, rows).await;
}

#[tokio::test]
async fn the_request_with_a_chunk() {
    const FIRST: &str = "HEAD 404, POST 202, 0-127";
    let asked = |rest: &str| -> &'static str { format!("{FIRST} {rest}").leak() };
    let whole = |status: u16| asked(&format!("{status}, DELETE 204, POST 202, PUT 201"));
    let rows = vec![
        row("429, wait", said(429).header("retry-after", "3600"), asked("429, DELETE 204"), RateLimited, SAID),
        row("503, wait", said(503).header("retry-after", "3600"), asked("503, DELETE 204"), Unavailable, SAID),
        row("401", said(401), asked("401, DELETE 204"), Unauthorized, "NO, the registry's words"),
        row("403", said(403), asked("403, DELETE 204"), Unauthorized, &format!("forbidden: 403: {SAID}")),
        fine("400", said(400), whole(400)),
        fine("404", said(404), whole(404)),
        fine("405", said(405), whole(405)),
    ];
    check("PATCH *", 600, rows).await;
}

#[tokio::test]
async fn the_request_with_a_blob() {
    let asked = |rest: &str| -> &'static str { format!("HEAD 404, POST 202, PUT {rest}").leak() };
    let rows = || {
        vec![
            row("429, wait", said(429).header("retry-after", "3600"), asked("429, DELETE 204"), RateLimited, SAID),
            row("503, wait", said(503).header("retry-after", "3600"), asked("503, DELETE 204"), Unavailable, SAID),
            row("400", said(400), asked("400, DELETE 204"), Invalid, &format!("status 400 Bad Request: {SAID}")),
            row("401", said(401), asked("401, DELETE 204"), Unauthorized, "NO, the registry's words"),
            row("403", said(403), asked("403, DELETE 204"), Unauthorized, &format!("forbidden: 403: {SAID}")),
            row("405", said(405), asked("405, DELETE 204"), Unsupported, SAID),
        ]
    };
    check("PUT *", 100, rows()).await;
    check("PUT *", 300, rows()).await;
    let repeated = |status| -> &'static str {
        asked(&format!("{status}, GET 204, 0-99 202, PUT {status}, GET 204, PUT {status}, DELETE 204"))
    };
    let rows = vec![
        row("429", said(429), repeated("429"), RateLimited, SAID),
        row("500", said(500), repeated("500"), Unavailable, SAID),
        row("a cut", Fault::hang_up(), repeated("-"), Unavailable, "the connection broke"),
        row("404", said(404), repeated("404"), Unavailable, "its upload is gone: not found: NO"),
    ];
    check("PUT *", 100, rows).await;
    let rows = vec![row(
        "413",
        said(413),
        asked("413, DELETE 204, POST 202, 0-49 202, 50-99 202, PUT 413, DELETE 204"),
        Unavailable,
        SAID,
    )];
    check("PUT *", 100, rows).await;
}

fn manifest() -> Image {
    ImageBuilder::new("linux/amd64").layer("a/b", "the layer").build()
}

#[tokio::test]
async fn the_request_with_a_manifest() {
    let image = manifest();
    let rows = [
        row("429", said(429), "PUT 429", RateLimited, SAID),
        row("429, wait", said(429).header("retry-after", "3600"), "PUT 429", RateLimited, "it asks to wait 3600 s"),
        row("500", said(500), "PUT 500", Unavailable, SAID),
        row("a cut", Fault::hang_up(), "PUT -", Unavailable, "the connection broke"),
        row("400", said(400), "PUT 400", Invalid, SAID),
        row("401", said(401), "PUT 401", Unauthorized, "NO, the registry's words"),
        row("403", said(403), "PUT 403", Unauthorized, SAID),
        row("404", said(404), "PUT 404", NotFound, SAID),
        row("405", said(405), "PUT 405", Unsupported, SAID),
        row("413", said(413), "PUT 413", Invalid, SAID),
        row("413 of a proxy", Fault::status(413).body("<html>"), "PUT 413", Invalid, "status 413 Payload Too Large"),
        row(
            "quay's schema",
            Fault::status(400).body(
                r#"{"errors":[{"code":"MANIFEST_INVALID","message":"manifest invalid","detail":
                {"message":"failed to parse manifest: 'spdx+json' does not match\n\nOn instance['layers']"}}]}"#,
            ),
            "PUT 400",
            Invalid,
            "MANIFEST_INVALID, manifest invalid, failed to parse manifest: 'spdx+json' does not match On instance['layers']",
        ),
        row(
            "zot's media types (knative/func #2721)",
            Fault::status(400).body(format!(
                r#"{{"errors":[{{"code":"MANIFEST_INVALID","message":"manifest invalid","detail":{{"description":"{}",
                "reason":"changing manifest media-type from \"a/b\" to \"c/d\" is disallowed","reference":"2"}}}}]}}"#,
                "During upload, manifests undergo several checks. ".repeat(9)
            )),
            "PUT 400",
            Invalid,
            r#"changing manifest media-type from "a/b" to "c/d" is disallowed"#,
        ),
        row(
            "a text",
            Fault::status(507).header("content-type", "text/plain").body("the disk is full\n"),
            "PUT 507",
            Unavailable,
            "status 507 Insufficient Storage: the disk is full",
        ),
    ];
    for Row { name, fault, asked: wanted, error } in rows {
        let registry = FaultRegistry::start().unwrap();
        image.push(&anonymous(), &reference(&registry.host(), ":1")).await.unwrap();
        registry.add(Rule::on("PUT */manifests/*", fault));
        let (code, error) = error.expect("an error");
        for name_there in [":2".to_owned(), format!("@{}", image.digest())] {
            registry.clear();
            let to = reference(&registry.host(), &name_there);
            let pushed = anonymous().push_manifest(&to, &image.descriptor.media_type, image.bytes.clone()).await;
            let found = pushed.expect_err(name);
            let text = found.to_string();
            assert_eq!((asked(&registry).as_str(), found.code()), (wanted, code), "{name}: {text}");
            assert!(text.contains(&error) && text.contains(&to.to_string()), "{name}: {text}");
        }
        assert_eq!(registry.manifest("app", "2"), None, "{name}");
    }
}

/// The token server gives a token that allows reading alone: the repository is read-only for these credentials.
#[tokio::test]
async fn credentials_that_may_only_read() {
    let tokens = TokenServer::opaque().unwrap();
    tokens.require(USER.0, USER.1);
    tokens.set_grant(|scope| Some(Scope::repository(&scope.name, ["pull"])));
    let registry = FaultRegistry::start().unwrap();
    registry.require(Access::bearer(&tokens));
    let (what, bytes) = blob(100);
    let to = repository(&registry.host());
    let found = client(user()).push_blob(&to, &what, body(&bytes)).await.expect_err("it may not");
    let text = found.to_string();
    assert_eq!(found.code(), Unauthorized, "{text}");
    for wanted in [what.digest.as_str(), "user may not", "docker login"] {
        assert!(text.contains(wanted), "{wanted}: {text}");
    }
    assert_eq!((registry.uploads(), registry.count("PUT *")), (0, 0), "{}", asked(&registry));
}
