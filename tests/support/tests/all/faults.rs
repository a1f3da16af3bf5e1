//! A fault-injecting registry does what its rules say, and notes it.

use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use refkit_support::{Cut, Fault, FaultRegistry, Request, Rule, plain};

const MANIFEST: &str = r#"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#;
const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const TARGET: &str = "/v2/app/manifests/latest";

fn registry(rule: Rule) -> FaultRegistry {
    let registry = FaultRegistry::start().unwrap();
    registry.put_manifest("app", Some("latest"), MEDIA_TYPE, MANIFEST);
    registry.add(rule);
    registry
}

fn lines(requests: &[Request]) -> Vec<String> {
    requests.iter().map(ToString::to_string).collect()
}

/// Waits until the only request so far is as wanted; bounded, so that a test that fails also ends.
fn wait_for(registry: &FaultRegistry, wanted: impl Fn(&Request) -> bool) -> Request {
    let patience = Instant::now() + Duration::from_secs(20);
    loop {
        let requests = registry.requests();
        if let Some(request) = requests.first().filter(|request| wanted(request)) {
            return request.clone();
        }
        assert!(Instant::now() < patience, "not as wanted within 20 s: {requests:?}");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[test]
fn answers_are_changed_as_the_fault_says() {
    let size = MANIFEST.len();
    let short = size as u64 - 5;
    let long = size as u64 + 5;
    // name, fault, status, bytes of the body, whether they are complete, headers (None: not there)
    type Row<'a> = (&'a str, Fault, u16, usize, bool, &'a [(&'a str, Option<&'a str>)]);
    let rows: [Row<'_>; 16] = [
        ("normal", Fault::normal(), 200, size, true, &[("content-type", Some(MEDIA_TYPE))]),
        ("late", Fault::normal().delay(Duration::from_millis(2)), 200, size, true, &[]),
        ("limited", Fault::status(429).header("retry-after", "7"), 429, 0, true, &[("retry-after", Some("7"))]),
        ("limited, no time", Fault::status(429), 429, 0, true, &[("retry-after", None)]),
        ("down", Fault::status(503).body("sorry"), 503, 5, true, &[("content-length", Some("5"))]),
        ("cut", Fault::normal().cut_after(10), 200, 10, false, &[]),
        ("cut at once", Fault::normal().cut_after(0), 200, 0, false, &[]),
        ("cut, chunked", Fault::normal().cut_after(10).without("content-length"), 200, 10, false, &[]),
        ("claims less", Fault::normal().claim_length(short), 200, size - 5, true, &[]),
        ("claims more", Fault::normal().claim_length(long), 200, size, false, &[]),
        ("no length", Fault::normal().without("content-length"), 200, size, true, &[("content-length", None)]),
        ("other body", Fault::normal().body("{}"), 200, 2, true, &[("content-type", Some(MEDIA_TYPE))]),
        (
            "other digest",
            Fault::normal().header("docker-content-digest", "sha256:00"),
            200,
            size,
            true,
            &[("docker-content-digest", Some("sha256:00"))],
        ),
        (
            "no digest, other type",
            Fault::normal().without("docker-content-digest").header("content-type", "text/plain"),
            200,
            size,
            true,
            &[("docker-content-digest", None), ("content-type", Some("text/plain"))],
        ),
        (
            "redirect",
            Fault::redirect(307, "http://192.0.2.1/elsewhere"),
            307,
            0,
            true,
            &[("location", Some("http://192.0.2.1/elsewhere"))],
        ),
        (
            "page elsewhere",
            Fault::normal().header("link", "<http://other.test/v2/app/tags/list>; rel=\"next\""),
            200,
            size,
            true,
            &[("link", Some("<http://other.test/v2/app/tags/list>; rel=\"next\""))],
        ),
    ];
    for (name, fault, status, bytes, complete, headers) in rows {
        let registry = registry(Rule::on("GET */manifests/*", fault));
        let reply = plain::get(&registry.host(), TARGET, &[]).unwrap();
        assert_eq!((reply.status, reply.body.len(), reply.complete), (status, bytes, complete), "{name}: {reply:?}");
        for (header, value) in headers {
            assert_eq!(reply.header(header), *value, "{name}: {header}");
        }
        assert_eq!(lines(&registry.requests()), [format!("GET {TARGET} {status}")], "{name}");
    }
}

#[test]
fn the_first_rule_that_matches_decides() {
    let registry = FaultRegistry::start().unwrap();
    registry.put_manifest("app", Some("latest"), MEDIA_TYPE, MANIFEST);
    registry.add(Rule::on("GET */manifests/*", Fault::status(503)).first(2));
    registry.add(Rule::when(|request| request.headers.contains_key("x-odd"), Fault::status(418)));
    registry.add(Rule::on("HEAD *", Fault::status(405)));
    let status = |method: &str, headers: &[(&str, &str)]| {
        plain::send(&registry.host(), method, TARGET, headers, b"").unwrap().status
    };
    assert_eq!(status("GET", &[("X-Odd", "1")]), 503);
    assert_eq!(status("HEAD", &[]), 405);
    assert_eq!(status("GET", &[]), 503);
    assert_eq!(status("GET", &[("X-Odd", "1")]), 418);
    assert_eq!(status("GET", &[]), 200);
    registry.clear_rules();
    assert_eq!(status("HEAD", &[]), 200);
}

#[test]
fn challenges_are_sent_as_given() {
    let challenges = ["Bearer realm=\"http://elsewhere.test/token\"", "Basic realm=\"a, b\", charset=\"UTF-8\""];
    let registry = registry(Rule::on("*", Fault::challenge(challenges)));
    let reply = plain::get(&registry.host(), TARGET, &[("Authorization", "Basic YTpi")]).unwrap();
    let sent = reply.headers.iter().filter(|(name, _)| name == "www-authenticate").map(|(_, value)| value.as_str());
    assert_eq!((reply.status, sent.collect::<Vec<_>>()), (401, challenges.to_vec()));
    assert_eq!(registry.requests()[0].authorization(), Some("Basic YTpi"));
}

#[test]
fn a_stalled_request_waits_until_the_registry_goes() {
    for fault in [Fault::stall(), Fault::normal().delay(Duration::from_secs(3600))] {
        let registry = registry(Rule::on("*", fault));
        let host = registry.host();
        let client = std::thread::spawn(move || plain::get(&host, TARGET, &[]));
        let request = wait_for(&registry, |_| true);
        assert_eq!((request.status, request.bytes_sent), (None, 0));
        drop(registry);
        assert!(client.join().unwrap().is_err());
    }
}

#[test]
fn a_body_stalls_where_it_is_told() {
    let registry = registry(Rule::on("*", Fault::normal().stall_after(12)));
    let host = registry.host();
    let client = std::thread::spawn(move || plain::get(&host, TARGET, &[]));
    let request = wait_for(&registry, |request| request.bytes_sent == 12);
    assert_eq!(request.status, Some(200));
    drop(registry);
    let reply = client.join().unwrap().unwrap();
    assert_eq!((reply.text().as_str(), reply.complete), (&MANIFEST[..12], false));
}

#[test]
fn a_connection_is_hung_up() {
    let registry = registry(Rule::on("*", Fault::hang_up()).first(1));
    assert!(plain::get(&registry.host(), TARGET, &[]).is_err());
    assert_eq!(plain::get(&registry.host(), TARGET, &[]).unwrap().status, 200);
    assert_eq!(lines(&registry.requests()), [format!("GET {TARGET} -"), format!("GET {TARGET} 200")]);
    assert_eq!(registry.connections(), 2);
}

#[test]
fn an_endless_body_ends_with_its_reader() {
    const READ: usize = 1 << 20;
    let registry = registry(Rule::on("*", Fault::normal().endless()));
    let mut stream = TcpStream::connect(registry.host()).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    write!(stream, "GET {TARGET} HTTP/1.1\r\nHost: {}\r\n\r\n", registry.host()).unwrap();
    let mut piece = vec![0; READ];
    stream.read_exact(&mut piece).unwrap();
    assert!(piece.starts_with(b"HTTP/1.1 200 OK\r\n"));
    drop(stream);
    let sent = wait_for(&registry, |request| request.bytes_sent > 0).bytes_sent;
    // What the kernel holds for a reader comes on top: at most 32 MiB where its limits are set high.
    assert!((READ as u64 / 2..READ as u64 + (32 << 20)).contains(&sent), "{sent}");
    // The server is as well as before.
    registry.clear_rules();
    assert_eq!(plain::get(&registry.host(), TARGET, &[]).unwrap().status, 200);
}

#[test]
fn requests_are_counted_and_forgotten() {
    let registry = registry(Rule::on("GET /nothing", Fault::normal()));
    for target in [TARGET, "/v2/", "/v2/app/tags/list?n=1"] {
        plain::get(&registry.host(), target, &[("X-Name", "value")]).unwrap();
    }
    let counts = ["*", "GET *", "HEAD *", "GET /v2/", "* */tags/list", "* */tags/list?n=1", "* */tags/list?n=2"];
    assert_eq!(counts.map(|pattern| registry.count(pattern)), [3, 3, 0, 1, 1, 1, 0]);
    let last = registry.requests().pop().unwrap();
    assert_eq!((last.path(), last.query(), last.header("x-name")), ("/v2/app/tags/list", Some("n=1"), Some("value")));
    registry.clear();
    assert_eq!(registry.count("*"), 0);
    assert_eq!(registry.connections(), 3);
}

#[tokio::test]
async fn it_answers_while_a_current_thread_runtime_waits() {
    let registry = registry(Rule::on("GET /nothing", Fault::normal()));
    // Blocks the only thread of this runtime on purpose.
    assert_eq!(plain::get(&registry.host(), TARGET, &[]).unwrap().status, 200);
}

#[test]
fn a_part_of_a_body_is_kept() {
    let body = [7; 100];
    // the fault, whether there is a response, what the upload has then
    let rows = [
        ("cut", Fault::hang_up().keep(40), None, "0-39"),
        ("refused", Fault::status(503).keep(40), Some(503), "0-39"),
        ("more than there is", Fault::status(503).keep(1000), Some(503), "0-99"),
    ];
    for (name, fault, status, wanted) in rows {
        let registry = registry(Rule::on("PATCH *", fault));
        let opened = plain::send(&registry.host(), "POST", "/v2/app/blobs/uploads/", &[], b"").unwrap();
        let upload = opened.header("location").unwrap().to_owned();
        let sent = plain::send(&registry.host(), "PATCH", &upload, &[], &body);
        assert_eq!(sent.ok().map(|reply| reply.status), status, "{name}");
        let reply = plain::get(&registry.host(), &upload, &[]).unwrap();
        assert_eq!((reply.header("range"), registry.uploads()), (Some(wanted), 1), "{name}");
    }
}

#[test]
fn a_connection_is_cut_once() {
    let registry = registry(Rule::on("GET */none", Fault::status(404)));
    let cut = Cut::start(&registry.host()).unwrap();
    let get = || plain::get(&cut.host(), TARGET, &[]).map(|reply| reply.text());
    assert_eq!((get().unwrap().as_str(), cut.cuts()), (MANIFEST, 0));
    cut.after(10);
    get().expect_err("it was cut");
    assert_eq!((get().unwrap().as_str(), cut.cuts()), (MANIFEST, 1));
    assert_eq!(registry.count("*"), 2, "ten bytes are no request");
}
