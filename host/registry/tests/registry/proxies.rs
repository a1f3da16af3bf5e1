//! Proxies, and requests without one.

use std::net::TcpListener;

use refkit_content::{ErrorKind, Resolve};
use refkit_registry::{Credentials, Hosts, Proxies};
use refkit_support::{Access, Authority, Fault, Rule, basic};

use crate::ask::{builder, error_of, filled, image, reference};

/// The fake registry is the proxy: it responds to requests for any name.
#[tokio::test]
async fn a_proxy_is_asked_unless_the_list_names_the_host() {
    let proxy = filled().await;
    let resolve = async |none: &str| {
        proxy.clear();
        let url = format!("http://user:p%40ss@{}", proxy.host());
        let proxies = Proxies::default().http(Some(url)).https(None).none(none.to_owned());
        let hosts = Hosts::default().plain_http("reg.corp.invalid:5000");
        let asking = builder(Credentials::Anonymous).hosts(hosts).proxies(proxies).build();
        asking.resolve(&reference("reg.corp.invalid:5000", ":latest")).await
    };
    for none in ["", "reg.corp.invalid:5001", "corp.invalid:5001", "10.0.0.0/8", ".reg.corp.invalid"] {
        assert_eq!(resolve(none).await.unwrap().value.digest, *image().digest(), "{none:?}");
        let asked = proxy.requests();
        assert_eq!(asked.len(), 1, "{none:?}: {asked:?}");
        assert_eq!(asked[0].header("proxy-authorization"), Some(basic("user", "p@ss").as_str()));
    }
    // The name does not resolve, so a direct request fails.
    for none in ["reg.corp.invalid:5000", "*.corp.invalid", ".corp.invalid:5000", "REG.corp.invalid", "a.test,*"] {
        let found = error_of(resolve(none).await);
        assert!(matches!(found, ErrorKind::Unreachable(_)), "{none:?}: {found}");
        assert_eq!(proxy.count("*"), 0, "{none:?}");
    }
}

/// Returns the address of a port at which nothing listens.
fn nobody() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|listener| listener.local_addr()).expect("a free port").to_string()
}

/// Returns the error for an unreachable host on the way, and whether it is a proxy.
fn detour(error: ErrorKind) -> (String, bool) {
    match error {
        ErrorKind::Detour { said, proxy } => (said, proxy),
        other => panic!("{other}"),
    }
}

#[tokio::test]
async fn a_proxy_that_cannot_be_reached_is_named() {
    // whether the registry is asked with TLS
    for secure in [false, true] {
        let proxy = nobody();
        let url = Some(format!("http://user:secret@{proxy}"));
        let proxies = Proxies::default().http(url.clone()).https(url);
        let hosts = if secure { Hosts::default() } else { Hosts::default().plain_http("reg.corp.invalid") };
        let roots = Authority::new().unwrap().pem();
        let asking = builder(Credentials::Anonymous).hosts(hosts).proxies(proxies).roots(roots).build();
        let found = error_of(asking.resolve(&reference("reg.corp.invalid", ":latest")).await);
        let (said, is_proxy) = detour(found);
        assert!(said.starts_with(&format!("no connection through the proxy {proxy}: ")) && is_proxy, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }
}

/// A proxy that connects to no host: the name is right, and the proxy forbids it.
#[tokio::test]
async fn a_proxy_that_refuses_a_connection_is_named() {
    let proxy = filled().await;
    proxy.add(Rule::on("CONNECT *", Fault::status(403)));
    let proxies = Proxies::default().https(Some(format!("http://{}", proxy.host())));
    let roots = Authority::new().unwrap().pem();
    let asking = builder(Credentials::Anonymous).proxies(proxies).roots(roots).build();
    let (said, is_proxy) = detour(error_of(asking.resolve(&reference("reg.corp.invalid", ":latest")).await));
    assert!(said.starts_with(&format!("no connection through the proxy {}: ", proxy.host())) && is_proxy, "{said}");
}

#[tokio::test]
async fn a_target_that_cannot_be_reached_is_named() {
    let registry = filled().await;
    let target = nobody();
    registry.add(Rule::on("* */manifests/*", Fault::redirect(307, &format!("http://{target}/content"))));
    let asking = builder(Credentials::Anonymous).build();
    let (said, is_proxy) = detour(error_of(asking.resolve(&reference(&registry.host(), ":latest")).await));
    assert!(said.starts_with(&format!("it redirects to {target}: no connection: ")) && !is_proxy, "{said}");
    // So is a token server.
    registry.clear_rules();
    registry.require(Access::token("x", &format!("Bearer realm=\"http://{target}/token\"")));
    let (said, is_proxy) = detour(error_of(asking.resolve(&reference(&registry.host(), ":latest")).await));
    assert!(said.starts_with(&format!("the token server {target}: no connection: ")) && !is_proxy, "{said}");
}
