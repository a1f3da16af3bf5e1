//! A fault-injecting registry without faults is a registry.

use refkit_support::{Access, FaultRegistry, TokenServer, basic, digest, plain};
use serde_json::{Value, json};

const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";

fn json(reply: &plain::Reply) -> Value {
    serde_json::from_slice(&reply.body).unwrap_or_else(|problem| panic!("{problem}: {reply:?}"))
}

#[test]
fn manifests_and_blobs_are_read_by_tag_and_digest() {
    let registry = FaultRegistry::start().unwrap();
    let manifest = registry.put_manifest("team/app", Some("latest"), MEDIA_TYPE, "{}");
    let blob = registry.put_blob("team/app", "content");
    assert_eq!(manifest.as_str(), "sha256:44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");
    let none = digest(b"none");
    let rows = [
        ("GET", "/v2/".to_owned(), 200, "{}", None),
        ("GET", "/v2".to_owned(), 200, "{}", None),
        ("GET", "/v2/team/app/manifests/latest".to_owned(), 200, "{}", Some(&manifest)),
        ("HEAD", "/v2/team/app/manifests/latest".to_owned(), 200, "", Some(&manifest)),
        ("GET", format!("/v2/team/app/manifests/{manifest}"), 200, "{}", Some(&manifest)),
        ("GET", format!("/v2/team/app/blobs/{blob}"), 200, "content", Some(&blob)),
        ("HEAD", format!("/v2/team/app/blobs/{blob}"), 200, "", Some(&blob)),
    ];
    for (method, target, status, body, digest) in rows {
        let reply = plain::send(&registry.host(), method, &target, &[], b"").unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (status, body), "{method} {target}");
        assert_eq!(reply.header("docker-content-digest"), digest.map(|digest| digest.as_str()), "{method} {target}");
    }
    let missing = [
        ("GET", "/v2/team/app/manifests/other".to_owned(), 404, "MANIFEST_UNKNOWN"),
        ("GET", "/v2/other/manifests/latest".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", "/v2/other/tags/list".to_owned(), 404, "NAME_UNKNOWN"),
        ("GET", format!("/v2/team/app/blobs/{none}"), 404, "BLOB_UNKNOWN"),
        ("GET", format!("/v2/team/app/blobs/{manifest}"), 404, "BLOB_UNKNOWN"),
        ("GET", "/elsewhere".to_owned(), 404, "NOT_FOUND"),
        ("GET", "/v2/latest".to_owned(), 404, "NOT_FOUND"),
        ("PATCH", "/v2/team/app/manifests/latest".to_owned(), 405, "UNSUPPORTED"),
        ("GET", "/v2/team/app/referrers/sha256:00".to_owned(), 400, "DIGEST_INVALID"),
    ];
    for (method, target, status, code) in missing {
        let reply = plain::send(&registry.host(), method, &target, &[], b"").unwrap();
        assert_eq!((reply.status, &json(&reply)["errors"][0]["code"]), (status, &json!(code)), "{method} {target}");
    }
    let length = plain::send(&registry.host(), "HEAD", &format!("/v2/team/app/blobs/{blob}"), &[], b"").unwrap();
    assert_eq!(length.header("content-length"), Some("7"));
}

#[test]
fn blobs_and_manifests_are_pushed() {
    let registry = FaultRegistry::start().unwrap();
    let host = registry.host();
    let send = |method: &str, target: &str, headers: &[(&str, &str)], body: &[u8]| {
        plain::send(&host, method, target, headers, body).unwrap()
    };
    let blob = digest(b"content");

    // One POST, then one PUT.
    let started = send("POST", "/v2/app/blobs/uploads/", &[], b"");
    assert_eq!(started.status, 202);
    let location = started.header("location").unwrap();
    assert_eq!(send("PUT", &format!("{location}?digest={blob}"), &[], b"content").status, 201);
    assert_eq!(registry.blob("app", blob.as_str()).as_deref(), Some(&b"content"[..]));

    // In pieces, the second of them first out of order.
    let location = send("POST", "/v2/app/blobs/uploads/", &[], b"").header("location").unwrap().to_owned();
    assert_eq!(send("PATCH", &location, &[("Content-Range", "0-2")], b"two").header("range"), Some("0-2"));
    assert_eq!(send("PATCH", &location, &[("Content-Range", "9-11")], b" pieces").status, 416);
    assert_eq!(send("PATCH", &location, &[("Content-Range", "3-9")], b" pieces").status, 202);
    assert_eq!(send("GET", &location, &[], b"").header("range"), Some("0-9"));
    let pieces = digest(b"two pieces");
    assert_eq!(send("PUT", &format!("{location}?digest={pieces}"), &[], b"").status, 201);
    assert_eq!(registry.blob("app", pieces.as_str()).as_deref(), Some(&b"two pieces"[..]));

    // All at once, mounted, wrong, and given up.
    let once = digest(b"once");
    assert_eq!(send("POST", &format!("/v2/app/blobs/uploads/?digest={once}"), &[], b"once").status, 201);
    let mount = format!("/v2/other/blobs/uploads/?mount={once}&from=app");
    assert_eq!(send("POST", &mount, &[], b"").status, 201);
    assert!(registry.blob("other", once.as_str()).is_some());
    assert_eq!(send("POST", &format!("/v2/app/blobs/uploads/?digest={once}"), &[], b"twice").status, 400);
    let location = send("POST", "/v2/app/blobs/uploads/", &[], b"").header("location").unwrap().to_owned();
    assert_eq!(send("DELETE", &location, &[], b"").status, 204);
    assert_eq!(send("PATCH", &location, &[], b"late").status, 404);

    // Manifests: what they need has to be there.
    let manifest =
        json!({ "schemaVersion": 2, "mediaType": MEDIA_TYPE, "config": { "digest": blob.as_str() }, "layers": [] });
    let manifest = manifest.to_string().into_bytes();
    let target = format!("/v2/app/manifests/{}", digest(&manifest));
    let headers = [("Content-Type", MEDIA_TYPE)];
    assert_eq!(send("PUT", "/v2/app/manifests/v1", &headers, &manifest).status, 201);
    assert_eq!(send("PUT", &target, &headers, &manifest).status, 201);
    assert_eq!(send("PUT", "/v2/third/manifests/v1", &headers, &manifest).status, 404);
    assert_eq!(send("PUT", &target, &headers, b"{}").status, 400);
    assert_eq!(send("PUT", "/v2/app/manifests/v2", &headers, b"no JSON").status, 400);
    let (media_type, bytes) = registry.manifest("app", "v1").unwrap();
    assert_eq!((media_type.as_str(), &bytes[..]), (MEDIA_TYPE, &manifest[..]));
    assert_eq!(send("DELETE", &target, &[], b"").status, 202);
    assert_eq!(send("GET", "/v2/app/manifests/v1", &[], b"").status, 404);
}

#[test]
fn tags_come_in_pages() {
    let registry = FaultRegistry::start().unwrap();
    for tag in ["c", "a", "b", "d", "e"] {
        registry.put_manifest("app", Some(tag), MEDIA_TYPE, "{}");
    }
    let page = |target: &str| {
        let reply = plain::get(&registry.host(), target, &[]).unwrap();
        (json(&reply)["tags"].clone(), reply.header("link").map(str::to_owned))
    };
    let next = |rest: &str| Some(format!("</v2/app/tags/list?{rest}>; rel=\"next\""));
    assert_eq!(page("/v2/app/tags/list"), (json!(["a", "b", "c", "d", "e"]), None));
    assert_eq!(page("/v2/app/tags/list?n=2"), (json!(["a", "b"]), next("n=2&last=b")));
    assert_eq!(page("/v2/app/tags/list?n=2&last=d"), (json!(["e"]), None));
    assert_eq!(page("/v2/app/tags/list?n=0"), (json!([]), None));
    registry.set_page_size(Some(3));
    assert_eq!(page("/v2/app/tags/list?n=100"), (json!(["a", "b", "c"]), next("n=3&last=c")));
    assert_eq!(page("/v2/app/tags/list?last=c"), (json!(["d", "e"]), None));
}

#[test]
fn referrers_are_listed_where_the_api_is_on() {
    let registry = FaultRegistry::start().unwrap();
    let subject = registry.put_manifest("app", Some("latest"), MEDIA_TYPE, "{}");
    let mut digests = Vec::new();
    for (artifact_type, config) in [(Some("a/sbom"), "a/config"), (None, "a/signature")] {
        let referrer = json!({
            "mediaType": MEDIA_TYPE,
            "artifactType": artifact_type,
            "config": { "mediaType": config },
            "subject": { "digest": subject.as_str() },
            "annotations": { "name": config },
        });
        digests.push(registry.put_manifest("app", None, MEDIA_TYPE, referrer.to_string()).into_string());
    }
    let target = format!("/v2/app/referrers/{subject}");
    let all = plain::get(&registry.host(), &target, &[]).unwrap();
    assert_eq!(all.header("content-type"), Some("application/vnd.oci.image.index.v1+json"));
    let mut found: Vec<Value> = json(&all)["manifests"].as_array().unwrap().clone();
    found.sort_by_key(|entry| entry["artifactType"].to_string());
    let summary: Vec<_> = found.iter().map(|entry| (&entry["digest"], &entry["artifactType"])).collect();
    assert_eq!(summary, [(&json!(digests[0]), &json!("a/sbom")), (&json!(digests[1]), &json!("a/signature"))]);
    let one = plain::get(&registry.host(), &format!("{target}?artifactType=a/sbom"), &[]).unwrap();
    assert_eq!(one.header("oci-filters-applied"), Some("artifactType"));
    assert_eq!(json(&one)["manifests"].as_array().unwrap().len(), 1);
    let none = plain::get(&registry.host(), &format!("/v2/app/referrers/{}", digest(b"none")), &[]).unwrap();
    assert_eq!((none.status, &json(&none)["manifests"]), (200, &json!([])));
    registry.set_referrers(false);
    assert_eq!(plain::get(&registry.host(), &target, &[]).unwrap().status, 404);
}

#[test]
fn only_who_may_is_let_in() {
    let opaque = TokenServer::opaque().unwrap();
    let signed = TokenServer::signed().unwrap();
    let bearer = |server: &TokenServer, scope: &str| Some(format!("Bearer {}", server.issue([scope]).unwrap()));
    let exact = Access::token("t0ken", "Bearer realm=\"http://127.0.0.1:1/token\"");
    let rows = [
        (Access::open(), None, 200),
        (Access::basic("user", "secret"), None, 401),
        (Access::basic("user", "secret"), Some(basic("user", "wrong")), 401),
        (Access::basic("user", "secret"), Some(basic("user", "secret")), 200),
        (exact.clone(), Some("Bearer t0ken".to_owned()), 200),
        (exact.clone(), Some("Basic t0ken".to_owned()), 401),
        (Access::bearer(&opaque), None, 401),
        (Access::bearer(&opaque), Some("Bearer opaque-0".to_owned()), 401),
        (Access::bearer(&opaque), bearer(&opaque, "repository:app:pull"), 200),
        (Access::bearer(&opaque), bearer(&opaque, "repository:app:pull,push"), 200),
        (Access::bearer(&opaque), bearer(&opaque, "repository:app:push"), 401),
        (Access::bearer(&opaque), bearer(&opaque, "repository:other:pull"), 401),
        (Access::bearer(&opaque), bearer(&signed, "repository:app:pull"), 401),
        (Access::bearer(&signed), bearer(&signed, "repository:app:pull"), 200),
    ];
    let registry = FaultRegistry::start().unwrap();
    registry.put_manifest("app", Some("latest"), MEDIA_TYPE, "{}");
    for (number, (access, authorization, status)) in rows.into_iter().enumerate() {
        registry.require(access);
        let headers: Vec<(&str, &str)> = authorization.iter().map(|value| ("Authorization", value.as_str())).collect();
        let reply = plain::get(&registry.host(), "/v2/app/manifests/latest", &headers).unwrap();
        assert_eq!(reply.status, status, "row {number}: {reply:?}");
        assert_eq!(reply.header("www-authenticate").is_some(), status == 401, "row {number}");
    }
    let token = bearer(&opaque, "repository:app:pull").unwrap();
    opaque.revoke();
    registry.require(Access::bearer(&opaque));
    let get = || plain::get(&registry.host(), "/v2/app/manifests/latest", &[("Authorization", &token)]).unwrap();
    let challenge = format!(
        "Bearer realm=\"http://{}/token\",service=\"registry.refkit.test\",scope=\"repository:app:pull\"",
        opaque.host()
    );
    assert_eq!(get().header("www-authenticate"), Some(challenge.as_str()));
    registry.require(Access::bearer(&opaque).challenged(["Negotiate", "Basic realm=\"x\""]));
    assert_eq!(get().headers.iter().filter(|(name, _)| name == "www-authenticate").count(), 2);
    let push = plain::send(&registry.host(), "POST", "/v2/app/blobs/uploads/", &[], b"").unwrap();
    assert_eq!(push.status, 401);
}
