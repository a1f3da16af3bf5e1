//! nginx stands in front of registries: with TLS, client certificates, HTTP/2, and URLs that lead back to it.

use std::net::TcpStream;

use refkit_support::{Auth, Authority, Nginx, RealRegistry, Served, TokenServer, basic, digest, plain, secure};
use serde_json::Value;

fn lines(nginx: &Nginx) -> Vec<String> {
    nginx.requests().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn a_registry_behind_it_knows_what_it_is_called() {
    let registries = [RealRegistry::distribution_v3(Auth::Anonymous), RealRegistry::debian_v2(Auth::Anonymous)];
    for registry in registries {
        let registry = registry.unwrap();
        let nginx = Nginx::before(registry.host()).start().unwrap();
        assert_eq!(nginx.url(), format!("http://{}", nginx.host()));
        let uploads = "/v2/app/blobs/uploads/";
        let reply = plain::send(&nginx.host(), "POST", uploads, &[], b"").unwrap();
        let location = reply.header("location").unwrap();
        assert!(location.starts_with(&format!("{}{uploads}", nginx.url())), "{location}");
        assert_eq!(lines(&nginx), [format!("POST {uploads} 202")]);
        assert_eq!(nginx.requests().unwrap()[0].protocol, "HTTP/1.1");
    }
}

#[test]
fn what_is_asked_is_logged_without_what_is_secret() {
    let authority = Authority::new().unwrap();
    let registry = RealRegistry::debian_v2(Auth::Anonymous).unwrap();
    let blob = registry.put_blob("app", b"0123456789").unwrap();
    let nginx = Nginx::before(registry.host()).tls(&authority).start().unwrap();
    assert_eq!(nginx.url(), format!("https://{}", nginx.host()));
    let target = format!("/v2/app/blobs/{blob}?a=\"b\"");
    let headers = [("Range", "bytes=4-"), ("Authorization", "Basic YTpi")];
    let reply = secure::get(&nginx.host(), &authority.pem(), None, &target, &headers).unwrap();
    assert_eq!((reply.status, reply.text().as_str()), (206, "456789"));
    secure::get(&nginx.host(), &authority.pem(), None, "/v2/", &[]).unwrap();
    let asked = nginx.requests().unwrap();
    let first = Served {
        method: "GET".to_owned(),
        target,
        status: 206,
        protocol: "HTTP/1.1".to_owned(),
        authorized: true,
        range: "bytes=4-".to_owned(),
        bytes_sent: 6,
        client: String::new(),
        connection: asked[0].connection,
    };
    assert_eq!(asked[0], first);
    assert_eq!((asked[1].path(), asked[1].authorized, asked.len()), ("/v2/", false, 2));
    assert_ne!(asked[0].connection, asked[1].connection);
    assert_eq!(nginx.count("GET */blobs/*").unwrap(), 1);
    nginx.clear().unwrap();
    assert_eq!(nginx.count("*").unwrap(), 0);
}

#[test]
fn who_shows_no_certificate_is_refused() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let registry = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
    let nginx = Nginx::before(registry.host()).tls(&authority).client_certificates().start().unwrap();
    let (own, foreign) = (authority.client("builder").unwrap(), other.client("builder").unwrap());
    for (name, shown, status) in [("none", None, 400), ("another's", Some(&foreign), 400), ("its own", Some(&own), 200)]
    {
        let reply = secure::get(&nginx.host(), &authority.pem(), shown, "/v2/", &[]).unwrap();
        assert_eq!(reply.status, status, "{name}: {}", reply.text());
    }
    assert_eq!(registry.count("*").unwrap(), 1, "who is refused reaches nobody");
    let asked = nginx.requests().unwrap();
    assert_eq!((asked[0].client.as_str(), asked[2].client.as_str()), ("", "CN=builder"));
    // Nobody trusts a server that somebody else signed for.
    let problem = secure::get(&nginx.host(), &other.pem(), Some(&own), "/v2/", &[]).unwrap_err();
    assert!(format!("{problem:#}").contains("certificate"), "{problem:#}");
    let elsewhere = authority.server_named(["registry.test", "10.0.0.1"]).unwrap();
    let misnamed = Nginx::before(registry.host()).tls(&authority).certificate(elsewhere).start().unwrap();
    let problem = secure::get(&misnamed.host(), &authority.pem(), None, "/v2/", &[]).unwrap_err();
    assert!(format!("{problem:#}").contains("not valid for name"), "{problem:#}");
    let problem = Nginx::before(registry.host()).client_certificates().start().err().unwrap();
    assert_eq!(problem.to_string(), "client certificates need TLS");
}

#[test]
fn a_token_server_behind_it_is_asked_over_tls() {
    let authority = Authority::new().unwrap();
    let tokens = TokenServer::signed().unwrap().with_realm("/token");
    tokens.require("user", "secret");
    let registry = RealRegistry::distribution_v3(Auth::Bearer(&tokens)).unwrap();
    let nginx = Nginx::before(registry.host()).tls(&authority).place("/token", &tokens.host()).start().unwrap();
    let ask = |target: &str, headers: &[(&str, &str)]| {
        secure::get(&nginx.host(), &authority.pem(), None, target, headers).unwrap()
    };
    let refused = ask("/v2/app/tags/list", &[]);
    let challenge = refused.header("www-authenticate").unwrap();
    assert!(refused.status == 401 && challenge.starts_with("Bearer realm=\"/token\",service="), "{challenge}");
    let target = format!("/token?service={}&scope=repository:app:pull", tokens.service());
    let answer: Value =
        serde_json::from_slice(&ask(&target, &[("Authorization", &basic("user", "secret"))]).body).unwrap();
    let token = format!("Bearer {}", answer["token"].as_str().unwrap());
    assert_eq!(ask("/v2/app/tags/list", &[("Authorization", &token)]).status, 404);
    assert_eq!((tokens.count("GET /token"), registry.count("*").unwrap()), (1, 2));
    let authorized: Vec<bool> = nginx.requests().unwrap().iter().map(|served| served.authorized).collect();
    assert_eq!(authorized, [false, true, true]);
}

#[test]
fn digests_of_what_comes_through_are_those_of_what_went_in() {
    let registry = RealRegistry::debian_v2(Auth::Anonymous).unwrap();
    let nginx = Nginx::before(registry.host()).start().unwrap();
    let large = vec![7; 3 << 20];
    let blob = registry.put_blob("app", &large).unwrap();
    let reply = plain::get(&nginx.host(), &format!("/v2/app/blobs/{blob}"), &[]).unwrap();
    assert_eq!((reply.status, digest(&reply.body)), (200, blob));
}

#[test]
fn it_ends_with_its_value() {
    let registry = RealRegistry::debian_v2(Auth::Anonymous).unwrap();
    let nginx = Nginx::before(registry.host()).start().unwrap();
    let host = nginx.host();
    assert_eq!(plain::get(&host, "/v2/", &[]).unwrap().status, 200);
    drop(nginx);
    assert!(TcpStream::connect(&host).is_err());
}
