//! Advisories of other clients, one test a row: credentials and packets that reach the wrong host. Rows about content
//! are in `advisories_content`.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::sync::Arc;
use std::time::Duration;

use refkit_content::{Body, Discover, ErrorCode, ErrorKind, Memory, Origin, Push, Resolve, copy, fetch};
use refkit_oci::Descriptor;
use refkit_registry::{Client, Credentials, DockerConfig, Helpers};
use refkit_support::{Access, Authority, Fault, FaultRegistry, Nginx, Rule, TokenServer, digest};
use serde_json::json;

use crate::ask::{USER, anonymous, client, error_of, image, reference, repository, user};
use crate::nginx::secure;

const BYTES: &str = "0123456789";

/// Returns a registry with an image that needs a password.
async fn filled() -> FaultRegistry {
    let registry = FaultRegistry::start().unwrap();
    image().push(&anonymous(), &reference(&registry.host(), ":latest")).await.unwrap();
    registry.require(Access::basic(USER.0, USER.1));
    registry.clear();
    registry
}

/// Returns whether no request carried credentials.
fn no_credentials_sent(registry: &FaultRegistry) -> bool {
    registry.requests().iter().all(|request| request.authorization().is_none())
}

fn blob() -> Descriptor {
    Descriptor::new("application/octet-stream", digest(BYTES.as_bytes()), BYTES.len() as u64)
}

#[tokio::test]
async fn cve_2020_15157_and_ghsa_qvqc_4c52_x6qp_foreign_layer_urls_get_no_credentials() {
    let (registry, foreign) = (filled().await, FaultRegistry::start().unwrap());
    foreign.put_blob("app", BYTES);
    let what = blob();
    let config = registry.put_blob("app", "{}");
    let ordinary = "application/vnd.oci.image.layer.v1.tar";
    // Layers that no registry has: the client follows no `urls`, whatever they are.
    for (kind, copied) in [
        ("application/vnd.oci.image.layer.nondistributable.v1.tar", true),
        ("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip", true),
        (ordinary, false),
    ] {
        let url = format!("http://{}/v2/app/blobs/{}", foreign.host(), what.digest);
        let layer = json!({"mediaType": kind, "digest": what.digest.as_str(), "size": what.size, "urls": [url]});
        let config =
            json!({"mediaType": "application/vnd.oci.image.config.v1+json", "digest": config.as_str(), "size": 2});
        let manifest = json!({"schemaVersion": 2, "config": config, "layers": [layer]}).to_string();
        registry.put_manifest("app", Some("foreign"), "application/vnd.oci.image.manifest.v1+json", manifest);
        let asking = client(user());
        let layer = Descriptor { media_type: kind.to_owned(), urls: vec![url], ..what.clone() };
        let found = error_of(fetch(&asking, &repository(&registry.host()), &layer, 100).await);
        assert!(matches!(found, ErrorKind::NotFound), "{kind}: {found}");
        let name = reference(&registry.host(), ":foreign");
        assert_eq!(copy(&asking, &name, &Memory::new(), &name).await.is_ok(), copied, "{kind}");
    }
    assert_eq!((foreign.count("*"), foreign.connections()), (0, 0), "nobody follows `urls`");

    // A request that one host redirects away and another back again carries no credentials any more.
    let back = format!("http://{}/v2/app/blobs/back", registry.host());
    let there = format!("http://{}/v2/app/blobs/{}", foreign.host(), what.digest);
    registry.add(Rule::on(&format!("GET */blobs/{}", what.digest), Fault::redirect(307, &there)).admitted());
    foreign.add(Rule::on("GET *", Fault::redirect(307, &back)));
    registry.clear();
    error_of(fetch(&client(user()), &repository(&registry.host()), &what, 100).await);
    assert!(foreign.count("GET *") > 0 && no_credentials_sent(&foreign));
    let returned = registry.requests().into_iter().filter(|request| request.path() == "/v2/app/blobs/back");
    let returned: Vec<_> = returned.map(|request| request.authorization().map(str::to_owned)).collect();
    assert!(!returned.is_empty() && returned.iter().all(Option::is_none), "{returned:?}");
}

#[tokio::test]
async fn cve_2026_48978_and_ghsa_28r5_37g7_p6mp_realms_are_checked_before_a_packet() {
    let registry = filled().await;
    let name = reference(&registry.host(), ":latest");
    let (decoy, tokens) = (TokenServer::opaque().unwrap(), TokenServer::opaque().unwrap());
    let (host, port) = (decoy.host(), decoy.host().rsplit_once(':').unwrap().1.to_owned());
    let places = [
        format!("http://0.0.0.0:{port}/token"),
        format!("http://[::]:{port}/token"),
        format!("http://user@{host}/token"),
        format!("http://user:password@{host}/token"),
        format!("ftp://{host}/token"),
        format!("ws://{host}/token"),
        "file:///etc/passwd".to_owned(),
        "http://169.254.169.254/token".to_owned(),
        "http://[::ffff:169.254.169.254]/token".to_owned(),
        "http://[fe80::1]/token".to_owned(),
        "http://10.0.0.1/token".to_owned(),
        "http://172.16.0.1/token".to_owned(),
        "http://192.168.0.1/token".to_owned(),
        "http://[fd00::1]/token".to_owned(),
        "http://[".to_owned(),
    ];
    for place in &places {
        registry.require(Access::token("x", &format!("Bearer realm=\"{place}\",service=\"s\"")));
        let found = error_of(client(user()).resolve(&name).await);
        let is_refused = |found: &ErrorKind| matches!(found, ErrorKind::Malformed(_) | ErrorKind::InsideNetwork { .. });
        assert!(is_refused(&found), "{place}: {found}");
        // The same one step later.
        tokens.clear_rules();
        tokens.add(Rule::on("*", Fault::redirect(307, place)));
        registry.require(Access::bearer(&tokens));
        let found = error_of(client(user()).resolve(&name).await);
        assert!(is_refused(&found), "from the token server to {place}: {found}");
    }
    // A registry with TLS must not name a token server without it.
    let authority = Authority::new().unwrap();
    let front = Nginx::before(&registry.host()).tls(&authority).start().unwrap();
    registry.require(Access::token("x", &format!("Bearer realm=\"{}\"", decoy.realm())));
    let found = error_of(secure(&authority, user()).resolve(&reference(&front.host(), ":latest")).await);
    assert!(matches!(found, ErrorKind::Malformed(_)), "{found}");
    assert_eq!((decoy.count("*"), decoy.connections()), (0, 0));
    // A registry on loopback may name it.
    registry.require(Access::bearer(&decoy));
    client(user()).resolve(&name).await.unwrap();
    assert_eq!(decoy.count("GET /token"), 1);
}

#[tokio::test]
async fn ghsa_vh4v_2xq2_g5cg_another_origin_gets_no_credentials() {
    let (registry, store) = (filled().await, FaultRegistry::start().unwrap());
    store.put_blob("app", BYTES);
    let (what, from) = (blob(), repository(&registry.host()));
    let authority = Authority::new().unwrap();
    let front = Nginx::before(&store.host()).tls(&authority).start().unwrap();
    let path = format!("/v2/app/blobs/{}", what.digest);
    let here = registry.host().replace("127.0.0.1", "localhost");
    let trusting = || {
        let source = Arc::new(crate::ask::Fixed(user()));
        Client::builder().credentials(source).roots(authority.pem()).system_roots(false).build()
    };
    for (name, origin) in [
        ("another host, the same machine", format!("http://{here}")),
        ("another port", format!("http://{}", store.host())),
        ("another scheme", front.url()),
    ] {
        registry.clear_rules();
        registry.clear();
        let at_other_name = |request: &http::request::Parts| {
            request.headers.get("host").is_some_and(|host| host.as_bytes().starts_with(b"localhost"))
        };
        registry.add(Rule::when(at_other_name, Fault::status(200).body(BYTES)));
        registry.add(Rule::on("GET */blobs/*", Fault::redirect(307, &format!("{origin}{path}"))).admitted());
        assert_eq!(fetch(&trusting(), &from, &what, 100).await.unwrap().value, BYTES, "{name}");
        let there = registry.requests().into_iter().filter(|one| one.header("host") == Some(here.as_str()));
        assert!(there.into_iter().all(|request| request.authorization().is_none()), "{name}");
    }
    assert_eq!(store.count("GET *"), 2);
    assert!(no_credentials_sent(&store) && front.requests().unwrap().iter().all(|served| !served.authorized));
}

#[tokio::test]
async fn ghsa_vh4v_2xq2_g5cg_a_challenge_from_elsewhere_changes_no_token() {
    let (registry, store) = (filled().await, FaultRegistry::start().unwrap());
    let (tokens, evil) = (TokenServer::opaque().unwrap(), TokenServer::opaque().unwrap());
    tokens.require(USER.0, USER.1);
    registry.require(Access::bearer(&tokens));
    store.require(Access::bearer(&evil));
    let there = format!("http://{}/v2/app/blobs/{}", store.host(), blob().digest);
    registry.add(Rule::on("GET */blobs/*", Fault::redirect(307, &there)).admitted());
    let (asking, name) = (client(user()), reference(&registry.host(), ":latest"));
    asking.resolve(&name).await.unwrap();
    let token = registry.requests().last().unwrap().authorization().map(str::to_owned);
    let found = error_of(fetch(&asking, &repository(&registry.host()), &blob(), 100).await);
    assert!(matches!(found, ErrorKind::Unauthorized(_)), "{found}");
    asking.resolve(&name).await.unwrap();
    assert_eq!(registry.requests().last().unwrap().authorization().map(str::to_owned), token);
    assert_eq!((evil.connections(), tokens.count("*"), no_credentials_sent(&store)), (0, 1, true));
}

#[tokio::test]
async fn cve_2026_50151_uploads_stay_at_the_registry() {
    let (registry, other) = (filled().await, FaultRegistry::start().unwrap());
    let (host, what) = (registry.host(), blob());
    let (name, port) = (host.replace("127.0.0.1", "localhost"), other.host());
    let authority = Authority::new().unwrap();
    let front = Nginx::before(&host).tls(&authority).start().unwrap();
    for place in [
        format!("http://{port}/v2/app/blobs/uploads/1"),
        format!("//{port}/v2/app/blobs/uploads/1"),
        format!("http://{name}/v2/app/blobs/uploads/1"),
        format!("{}/v2/app/blobs/uploads/1", front.url()),
        format!("http://a:b@{host}/v2/app/blobs/uploads/1"),
        format!("ftp://{host}/v2/app/blobs/uploads/1"),
    ] {
        for step in ["POST *", "PATCH *"] {
            registry.clear_rules();
            registry.clear();
            registry.add(Rule::on(step, Fault::status(202).header("location", &place)).admitted());
            let body = Body::from_bytes(Origin::Memory, BYTES.into());
            let pushed = client(user()).push_blob(&repository(&host), &what, body).await;
            // Not every push has this step.
            if registry.count(step) > 0 {
                let found = error_of(pushed);
                assert!(matches!(found, ErrorKind::Malformed(_)), "{step} {place}: {found}");
                assert_eq!(registry.count("PUT *"), 0, "{step} {place}");
            }
            let at_other_name = |one: &refkit_support::Request| one.header("host") == Some(name.as_str());
            assert!(!registry.requests().iter().any(at_other_name), "{step} {place}");
        }
    }
    assert_eq!((other.count("*"), other.connections(), front.count("*").unwrap()), (0, 0, 0));
}

#[tokio::test]
async fn go_containerregistry_2332_pages_stay_at_the_registry() {
    let (registry, other) = (filled().await, FaultRegistry::start().unwrap());
    let (host, from) = (registry.host(), repository(&registry.host()));
    let name = host.replace("127.0.0.1", "localhost");
    for place in [
        format!("http://{}/v2/app/tags/list", other.host()),
        format!("//{}/v2/app/tags/list", other.host()),
        format!("http://{name}/v2/app/tags/list"),
        format!("https://{host}/v2/app/tags/list"),
        format!("http://a:b@{host}/v2/app/tags/list"),
        "http://169.254.169.254/latest".to_owned(),
        "file:///etc/passwd".to_owned(),
    ] {
        registry.clear_rules();
        registry.clear();
        let link = format!("<{place}>; rel=\"next\"");
        registry.add(Rule::on("GET */tags/list", Fault::normal().header("link", &link)).admitted());
        registry.add(Rule::on("GET */referrers/*", Fault::normal().header("link", &link)).admitted());
        let asking = client(user());
        let lists =
            [asking.tags(&from).await.map(drop), asking.referrers(&from, image().digest(), None).await.map(drop)];
        for list in lists {
            let found = error_of(list);
            assert!(matches!(found, ErrorKind::Malformed(_)), "{place}: {found}");
        }
        assert!(registry.requests().iter().all(|request| request.header("host") == Some(host.as_str())), "{place}");
    }
    assert_eq!((other.count("*"), other.connections()), (0, 0));
}

#[tokio::test]
async fn cve_2021_41092_a_failed_helper_has_no_fallback() {
    let registry = filled().await;
    let directory = tempfile::tempdir().unwrap();
    let slow = directory.path().join("docker-credential-slow");
    fs::write(&slow, "#!/bin/sh\nexec sleep 60\n").unwrap();
    fs::set_permissions(&slow, fs::Permissions::from_mode(0o755)).unwrap();
    // This would be the right password, without any helper.
    let password = refkit_support::basic(USER.0, USER.1).replace("Basic ", "");
    for helper in ["missing", "slow", "../slow", "/bin/true", "a b", "sl\u{f6}w", "$(id)"] {
        for setting in ["credsStore", "credHelpers"] {
            let asked = if setting == "credsStore" { json!(helper) } else { json!({ registry.host(): helper }) };
            let path = directory.path().join("config.json");
            let auths = json!({ registry.host(): { "auth": password } });
            fs::write(&path, json!({ "auths": auths, setting: asked }).to_string()).unwrap();
            let helpers = Helpers::default()
                .directories(vec![directory.path().to_owned()])
                .environment(vec![("PATH".into(), "/usr/bin:/bin".into())])
                .patience(Duration::from_millis(300));
            let asking = Client::builder().credentials(Arc::new(DockerConfig::new(path, helpers))).build();
            let found = asking.resolve(&reference(&registry.host(), ":latest")).await.unwrap_err();
            assert!(
                matches!(found.code(), ErrorCode::Unauthorized | ErrorCode::Other | ErrorCode::Invalid),
                "{helper}: {found}"
            );
            assert!(no_credentials_sent(&registry), "{setting} {helper:?}");
        }
    }
    let fine = client(Credentials::Basic { username: USER.0.to_owned(), password: USER.1.to_owned().into() });
    fine.resolve(&reference(&registry.host(), ":latest")).await.unwrap();
}
