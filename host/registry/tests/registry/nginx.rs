//! A real registry behind nginx: TLS, HTTP/2, client certificates, a token server on the same host, a CDN for blobs.

use std::path::Path;
use std::sync::Arc;

use refkit_content::{Discover, ErrorKind, Resolve};
use refkit_registry::hosts::Files;
use refkit_registry::{Client, Credentials, Hosts, Retries};
use refkit_support::{Auth, Authority, Cdn, Nginx, RealRegistry, TokenServer};

use crate::ask::{Fixed, USER, client, error_of, image, reference, repository, user, walk};

/// Returns a client that trusts only this authority, and uses TLS with every host.
pub fn secure(authority: &Authority, credentials: Credentials) -> Client {
    let builder = Client::builder().credentials(Arc::new(Fixed(credentials))).roots(authority.pem());
    let hosts = Hosts::default().refkit(Path::new("refkit.toml"), "[registry.\"*\"]\nhttp = false\n").unwrap();
    builder.system_roots(false).hosts(hosts).retries(Retries::NONE).build()
}

#[tokio::test]
async fn tokens_and_all_over_tls_and_http2() {
    let authority = Authority::new().unwrap();
    for debian in [false, true] {
        // The token server at a path of the registry, and behind a host of its own.
        for apart in [false, true] {
            let tokens = TokenServer::signed().unwrap();
            tokens.require(USER.0, USER.1);
            let before_tokens = Nginx::before(&tokens.host()).tls(&authority).start().unwrap();
            let realm = if apart { format!("{}/token", before_tokens.url()) } else { "/token".to_owned() };
            let tokens = tokens.with_realm(&realm);
            let access = Auth::Bearer(&tokens);
            let registry = if debian { RealRegistry::debian_v2(access) } else { RealRegistry::distribution_v3(access) };
            let registry = registry.unwrap();
            let front = Nginx::before(registry.host()).tls(&authority).place("/token", &tokens.host()).start().unwrap();
            let (name, image) = (reference(&front.host(), ":1"), image());
            image.push(&secure(&authority, user()), &name).await.unwrap();
            front.clear().unwrap();
            before_tokens.clear().unwrap();
            tokens.clear();
            let asking = secure(&authority, user());
            let (root, ..) = walk(&asking, &name).await.unwrap();
            assert_eq!((&root.descriptor.digest, &root.bytes), (image.digest(), &image.bytes));
            let asked = front.requests().unwrap();
            assert_eq!(asked.len() - asked.iter().filter(|one| one.path() == "/token").count(), 4, "{asked:?}");
            assert!(asked.iter().all(|one| one.protocol == "HTTP/2.0" && one.path() != "/v2/"), "{asked:?}");
            assert_eq!((tokens.count("*"), before_tokens.requests().unwrap().len()), (1, usize::from(apart)));
            assert_eq!(asking.tags(&repository(&front.host())).await.unwrap().value, ["1"]);
        }
    }
}

#[tokio::test]
async fn untrusted_servers_receive_no_request() {
    let (authority, other) = (Authority::new().unwrap(), Authority::new().unwrap());
    let registry = RealRegistry::debian_v2(Auth::Basic { user: USER.0, password: USER.1 }).unwrap();
    let front = Nginx::before(registry.host()).tls(&authority).start().unwrap();
    let elsewhere = authority.server_named(["registry.test"]).unwrap();
    let misnamed = Nginx::before(registry.host()).tls(&authority).certificate(elsewhere).start().unwrap();
    let name = reference(&front.host(), ":1");
    for (trusted, host) in [(&other, front.host()), (&authority, misnamed.host())] {
        let found = error_of(secure(trusted, user()).pull(&reference(&host, ":1")).await);
        assert!(matches!(found, ErrorKind::Certificate { .. }), "{found}");
    }
    let asked = (front.count("*").unwrap(), misnamed.count("*").unwrap(), registry.count("*").unwrap());
    assert_eq!(asked, (0, 0, 0));
    assert!(matches!(error_of(secure(&authority, user()).pull(&name).await), ErrorKind::NotFound));
}

#[tokio::test]
async fn a_missing_client_certificate_is_an_error() {
    let authority = Authority::new().unwrap();
    let registry = RealRegistry::debian_v2(Auth::Anonymous).unwrap();
    let front = Nginx::before(registry.host()).tls(&authority).client_certificates().start().unwrap();
    error_of(secure(&authority, user()).pull(&reference(&front.host(), ":1")).await);
    assert_eq!(registry.count("*").unwrap(), 0);
    assert!(front.requests().unwrap().iter().all(|one| one.status == 400 && one.client.is_empty()));
}

#[tokio::test]
async fn a_cdn_receives_no_credentials() {
    let tokens = TokenServer::signed().unwrap();
    tokens.require(USER.0, USER.1);
    for access in [Auth::Anonymous, Auth::Basic { user: USER.0, password: USER.1 }, Auth::Bearer(&tokens)] {
        for debian in [false, true] {
            let cdn = Cdn::start(None).unwrap();
            let start = if debian { RealRegistry::debian_v2_with } else { RealRegistry::distribution_v3_with };
            let registry = start(access, &cdn).unwrap();
            let (name, image) = (reference(registry.host(), ":1"), image());
            image.push(&client(user()), &name).await.unwrap();
            cdn.clear().unwrap();
            registry.clear().unwrap();
            let (root, manifest, config) = walk(&client(user()), &name).await.unwrap();
            let child = &image.children()[0];
            assert_eq!((&root.bytes, &manifest, &config), (&image.bytes, &child.bytes, &child.blobs()[0].1));
            let served = cdn.requests().unwrap();
            assert_eq!(served.len(), 1, "{served:?}");
            assert!(!served[0].authorized && served[0].status == 200, "{served:?}");
            let redirects = registry.requests().unwrap().into_iter().filter(|one| one.status == 307).count();
            assert_eq!(redirects, 1);
        }
    }
}

#[tokio::test]
async fn a_registry_with_tls_may_not_redirect_to_plain_http() {
    let authority = Authority::new().unwrap();
    for secured in [false, true] {
        let cdn = Cdn::start(secured.then_some(&authority)).unwrap();
        let registry = RealRegistry::distribution_v3_with(Auth::Anonymous, &cdn).unwrap();
        let front = Nginx::before(registry.host()).tls(&authority).start().unwrap();
        let name = reference(&front.host(), ":1");
        image().push(&client(user()), &reference(registry.host(), ":1")).await.unwrap();
        cdn.clear().unwrap();
        let found = walk(&secure(&authority, user()), &name).await;
        assert_eq!(found.is_ok(), secured, "{:?}", found.err());
        assert_eq!(cdn.requests().unwrap().len(), usize::from(secured));
    }
}

#[tokio::test]
async fn a_file_names_the_client_certificate() {
    let authority = Authority::new().unwrap();
    let registry = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
    let front = Nginx::before(registry.host()).tls(&authority).client_certificates().start().unwrap();
    let other = Nginx::before(registry.host()).tls(&authority).start().unwrap();
    image().push(&client(Credentials::Anonymous), &reference(registry.host(), ":1")).await.unwrap();

    let directory = tempfile::tempdir().unwrap();
    let [certificate, key] = authority.client("builder").unwrap().write(directory.path(), "client").unwrap();
    let ca = directory.path().join("ca.pem");
    std::fs::write(&ca, authority.pem()).unwrap();
    let (certificate, key, ca) = (certificate.display(), key.display(), ca.display());
    let (host, elsewhere) = (front.host(), other.host());
    let tables = [
        format!("[registry.\"{host}\"]\nhttp = false\nca = [\"{ca}\"]"),
        format!("[[registry.\"{host}\".keypair]]\ncert = \"{certificate}\"\nkey = \"{key}\""),
        format!("[registry.\"{elsewhere}\"]\nhttp = false\nca = [\"{ca}\"]\n"),
    ];
    let file = directory.path().join("buildkitd.toml");
    let asking = |text: String| {
        std::fs::write(&file, text).unwrap();
        let buildkitd = vec![refkit_registry::hosts::ConfigFile::Named(file.clone())];
        let hosts = Hosts::read(&Files::default().buildkitd(buildkitd)).unwrap();
        Client::builder().system_roots(false).retries(Retries::NONE).hosts(hosts).build()
    };
    registry.clear().unwrap();
    let with = asking(tables.join("\n"));
    walk(&with, &reference(&host, ":1")).await.unwrap();
    walk(&with, &reference(&elsewhere, ":1")).await.unwrap();
    let shown = |front: &Nginx| -> Vec<(String, String)> {
        front.requests().unwrap().iter().map(|one| (one.client.clone(), one.protocol.clone())).collect()
    };
    assert_eq!(shown(&front), vec![("CN=builder".to_owned(), "HTTP/2.0".to_owned()); 3]);
    assert!(shown(&other).iter().all(|(client, _)| client != "CN=builder"), "{:?}", shown(&other));

    front.clear().unwrap();
    registry.clear().unwrap();
    let without = asking([&tables[0], &tables[2]].map(String::as_str).join("\n"));
    error_of(without.pull(&reference(&host, ":1")).await);
    assert_eq!(registry.count("*").unwrap(), 0);
    // Without the authority the client sends no request; with `insecure` it accepts any certificate.
    front.clear().unwrap();
    let alone = format!("[registry.\"{elsewhere}\"]\nhttp = false\n");
    let found = error_of(asking(alone.clone()).pull(&reference(&elsewhere, ":1")).await);
    assert!(matches!(found, ErrorKind::Certificate { .. } | ErrorKind::Other(_)), "{found}");
    walk(&asking(alone.replace("http = false", "insecure = true")), &reference(&elsewhere, ":1")).await.unwrap();
    // The error names a file that is absent.
    let lost = format!("[registry.\"{elsewhere}\"]\nhttp = false\nca = [\"/nowhere/ca.pem\"]\n");
    let found = error_of(asking(lost).pull(&reference(&elsewhere, ":1")).await).to_string();
    assert!(found.contains("/nowhere/ca.pem"), "{found}");
}
