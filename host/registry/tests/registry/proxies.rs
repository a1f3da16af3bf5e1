//! Proxies, and requests without one.

use refkit_content::{ErrorKind, Resolve};
use refkit_registry::{Credentials, Hosts, Proxies};
use refkit_support::basic;

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
