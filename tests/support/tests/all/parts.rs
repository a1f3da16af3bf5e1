//! A fault-injecting registry answers with parts of blobs, knows what a client has, and counts what it does at once.

use std::time::Duration;

use refkit_support::{Fault, FaultRegistry, Rule, TokenServer, fault, plain};

const BLOB: &str = "0123456789";

fn registry() -> (FaultRegistry, String) {
    let registry = FaultRegistry::start().unwrap();
    let blob = registry.put_blob("app", BLOB);
    (registry, format!("/v2/app/blobs/{blob}"))
}

#[test]
fn ranges_of_blobs() {
    let (registry, target) = registry();
    let etag = format!("\"{}\"", target.rsplit_once('/').unwrap().1);
    type Row<'a> = (&'a str, Option<Fault>, &'a [(&'a str, &'a str)], u16, &'a str, Option<&'a str>);
    let range = ("Range", "bytes=4-");
    let rows: [Row<'_>; 11] = [
        ("none", None, &[], 200, BLOB, None),
        ("the rest", None, &[range], 206, "456789", Some("bytes 4-9/10")),
        ("the middle", None, &[("Range", "bytes=4-6")], 206, "456", Some("bytes 4-6/10")),
        ("beyond the end", None, &[("Range", "bytes=10-")], 416, "", Some("bytes */10")),
        ("several", None, &[("Range", "bytes=1-2,4-5")], 200, BLOB, None),
        ("if it is the same", None, &[range, ("If-Range", &etag)], 206, "456789", Some("bytes 4-9/10")),
        ("if it were another", None, &[range, ("If-Range", "\"x\"")], 200, BLOB, None),
        ("ignored", Some(Fault::normal().ignore_range()), &[range], 200, BLOB, None),
        (
            "another range than was asked for",
            Some(Fault::normal().header("content-range", "bytes 0-5/10")),
            &[range],
            206,
            "456789",
            Some("bytes 0-5/10"),
        ),
        ("other bytes", Some(Fault::normal().body("abcdef")), &[range], 206, "abcdef", Some("bytes 4-9/10")),
        ("refused", Some(Fault::status(416)), &[range], 416, "", None),
    ];
    for (name, fault, headers, status, body, content_range) in rows {
        registry.clear_rules();
        fault.into_iter().for_each(|fault| registry.add(Rule::on("GET */blobs/*", fault)));
        let reply = plain::get(&registry.host(), &target, headers).unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (status, body), "{name}");
        assert_eq!(reply.header("content-range"), content_range, "{name}");
        assert!(reply.complete, "{name}");
    }
    registry.clear_rules();
    let missing = plain::get(&registry.host(), "/v2/app/blobs/sha256:00", &[range]).unwrap();
    assert_eq!(missing.status, 404);
    registry.add(Rule::on("GET *", Fault::normal().cut_after(3)));
    let cut = plain::get(&registry.host(), &target, &[range]).unwrap();
    assert_eq!((cut.text().as_str(), cut.complete), ("456", false));
}

#[test]
fn a_manifest_that_is_known_is_not_sent_again() {
    let registry = FaultRegistry::start().unwrap();
    registry.put_manifest("app", Some("latest"), "application/vnd.oci.image.index.v1+json", "{}");
    let ask = |method: &str, known: &str| {
        plain::send(&registry.host(), method, "/v2/app/manifests/latest", &[("If-None-Match", known)], b"").unwrap()
    };
    let first = ask("GET", "\"x\"");
    let etag = first.header("etag").unwrap();
    assert_eq!((first.status, first.text().as_str()), (200, "{}"));
    for method in ["GET", "HEAD"] {
        let known = ask(method, etag);
        assert_eq!((known.status, known.header("etag"), known.header("content-length")), (304, Some(etag), None));
    }
    registry.put_manifest("app", Some("latest"), "application/vnd.oci.image.index.v1+json", "[]");
    assert_eq!(ask("GET", etag).status, 200);
}

#[test]
fn a_time_to_come_back_is_a_date() {
    let (registry, target) = registry();
    registry.add(Rule::on("*", Fault::status(503).header("retry-after", &fault::date_in(120))));
    let reply = plain::get(&registry.host(), &target, &[]).unwrap();
    let date = reply.header("retry-after").unwrap();
    assert!(date.ends_with(" GMT") && date.len() == "Sun, 06 Nov 1994 08:49:37 GMT".len(), "{date}");
}

#[test]
fn what_is_answered_at_once_is_counted() {
    const CLIENTS: usize = 7;
    let (registry, target) = registry();
    let tokens = TokenServer::opaque().unwrap();
    assert_eq!((registry.most_at_once(), tokens.most_at_once()), (0, 0));
    // One after the other is one at once, whatever the answer is made of.
    for fault in [Fault::normal(), Fault::status(404), Fault::normal().cut_after(3), Fault::hang_up()] {
        registry.clear_rules();
        registry.add(Rule::on("*", fault));
        for method in ["GET", "HEAD", "GET"] {
            _ = plain::send(&registry.host(), method, &target, &[], b"");
        }
        assert_eq!(registry.most_at_once(), 1);
    }
    registry.clear_rules();
    // Long enough for all of them to be there.
    registry.add(Rule::on("*", Fault::normal().delay(Duration::from_millis(500))));
    std::thread::scope(|scope| {
        for _ in 0..CLIENTS {
            scope.spawn(|| plain::get(&registry.host(), &target, &[]).unwrap());
        }
    });
    assert_eq!((registry.most_at_once(), tokens.most_at_once()), (CLIENTS, 0));
    registry.clear();
    assert_eq!(registry.most_at_once(), 0);
    plain::get(&tokens.host(), "/token", &[]).unwrap();
    assert_eq!(tokens.most_at_once(), 1);
}
