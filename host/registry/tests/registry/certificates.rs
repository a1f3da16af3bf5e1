//! Refused certificates, and a certificate that is itself trusted.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use refkit_content::{Distrust, ErrorKind, Resolve};
use refkit_registry::{Client, ClientBuilder, Credentials, Hosts, Retries};
use refkit_support::authority::Issued;
use refkit_support::{Authority, Nginx};

use crate::ask::{Fixed, error_of, filled, image, reference};

/// Returns the settings of a client that trusts only these certificates, uses TLS, and retries at once.
fn trusting(roots: &str) -> ClientBuilder {
    let hosts = Hosts::default().refkit(Path::new("refkit.toml"), "[registry.\"*\"]\nhttp = false\n").unwrap();
    let retries = Retries::default().limit(3).first(Duration::from_millis(1)).longest(Duration::from_millis(1));
    let builder = Client::builder().credentials(Arc::new(Fixed(Credentials::Anonymous))).roots(roots);
    builder.system_roots(false).hosts(hosts).retries(retries)
}

/// Returns how often a client has aborted the handshake.
fn refusals(front: &Nginx) -> usize {
    front.messages().lines().filter(|line| line.contains(" alert ")).count()
}

/// Such a certificate comes from `openssl req -x509` and is the `ca.crt` of `certs.d`; every client written in Go
/// accepts it.
#[tokio::test]
async fn a_certificate_may_itself_be_a_root() {
    let (registry, authority) = (filled().await, Authority::new().unwrap());
    let alone = Issued::alone(2020..2100).unwrap();
    let pem = alone.certificate.clone();
    let front = Nginx::before(&registry.host()).tls(&authority).certificate(alone).start().unwrap();
    let name = reference(&front.host(), ":latest");
    let both = format!("{}{pem}", authority.pem());
    for roots in [&pem, &both] {
        let found = trusting(roots).build().resolve(&name).await.unwrap();
        assert_eq!(found.value.digest, *image().digest());
    }
    let directory = tempfile::tempdir().unwrap();
    let place = directory.path().join(front.host());
    std::fs::create_dir(&place).unwrap();
    std::fs::write(place.join("ca.crt"), &pem).unwrap();
    let certs_d = vec![refkit_registry::hosts::ConfigFile::Named(directory.path().to_owned())];
    let hosts = Hosts::read(&refkit_registry::hosts::Files::default().certs_d(certs_d)).unwrap();
    trusting(&authority.pem()).hosts(hosts).build().resolve(&name).await.unwrap();
}

#[tokio::test]
async fn a_refused_certificate_is_named_and_not_retried() {
    let (registry, authority, other) = (filled().await, Authority::new().unwrap(), Authority::new().unwrap());
    let alone = Issued::alone(2020..2100).unwrap();
    let twin = Issued::alone(2020..2100).unwrap().certificate;
    let (ended, ahead) = (Issued::alone(2001..2002).unwrap(), Issued::alone(2150..2160).unwrap());
    let named = Issued::alone_named(["reg.test", "10.0.0.7"], 2020..2100).unwrap();
    let signed = authority.server_named(["reg.test"]).unwrap();
    // the certificate, the trusted certificates, the reason, the error
    let rows = [
        (
            authority.server().unwrap(),
            other.pem(),
            Distrust::Issuer,
            "no trusted authority has signed it, only one of the same name",
        ),
        (authority.server().unwrap(), twin.clone(), Distrust::Issuer, "no trusted authority has signed it"),
        (alone, twin, Distrust::Issuer, "it is an authority's own, and not itself trusted"),
        (ended, String::new(), Distrust::Time, "it ended on 2002-01-01 00:00 UTC"),
        (ahead, String::new(), Distrust::Time, "it begins on 2150-01-01 00:00 UTC"),
        (named, String::new(), Distrust::Name, "it is for reg.test, 10.0.0.7, and not for 127.0.0.1"),
        (signed, authority.pem(), Distrust::Name, "it is for reg.test, and not for 127.0.0.1"),
    ];
    for (shown, trusted, wanted, words) in rows {
        let roots = if trusted.is_empty() { shown.certificate.clone() } else { trusted };
        let front = Nginx::before(&registry.host()).tls(&authority).certificate(shown).start().unwrap();
        registry.clear();
        let found = error_of(trusting(&roots).build().resolve(&reference(&front.host(), ":latest")).await);
        let ErrorKind::Certificate { reason, said } = &found else { panic!("{words}: {found:?}") };
        assert_eq!(*reason, wanted, "{said}");
        assert_eq!(*said, format!("the certificate of {} is refused: {words}", front.host()));
        front.requests().unwrap();
        assert_eq!((refusals(&front), registry.count("*")), (1, 0), "{words}: {}", front.messages());
    }
}

/// A host that speaks TLS unexpectedly, or does not speak it, causes an error of its own kind.
#[tokio::test]
async fn an_error_names_the_wrong_protocol() {
    let (registry, authority) = (filled().await, Authority::new().unwrap());
    let front = Nginx::before(&registry.host()).tls(&authority).start().unwrap();
    let plain = trusting(&authority.pem()).hosts(Hosts::default()).retries(Retries::NONE).build();
    for name in [front.host(), front.host().replace("127.0.0.1", "localhost")] {
        let found = error_of(plain.resolve(&reference(&name, ":latest")).await);
        assert!(matches!(found, ErrorKind::Protocol { tls: true }), "{found:?}");
        let found = error_of(plain.pull(&reference(&name, ":latest")).await);
        assert!(matches!(found, ErrorKind::Protocol { tls: true }), "{found:?}");
    }
    registry.clear();
    let found = error_of(trusting(&authority.pem()).build().pull(&reference(&registry.host(), ":latest")).await);
    assert!(matches!(found, ErrorKind::Protocol { tls: false }), "{found:?}");
    // Servers that answer with an alert, as rustls and OpenSSL do, and servers that send malformed HTTP without TLS.
    let many = ["HTTP/1.1 200 OK\r\n".to_owned(), "x: y\r\n".repeat(20_000)].concat();
    let rows: [(&[u8], bool); 5] = [
        (b"\x15\x03\x01\0\x02\x02\x46", true),
        (b"HTTP/1.1 200 OK\r\ncontent-length: 99999999999999999999\r\n\r\n", false),
        (b"HTTP/1.1 200 OK\r\ncontent\x1btype: a/b\r\n\r\n", false),
        (b"HTTP/1.1 2x0 OK\r\n\r\n", false),
        (many.as_bytes(), false),
    ];
    for (bytes, tls) in rows {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let host = listener.local_addr().unwrap().to_string();
        let bytes = bytes.to_owned();
        let answer = tokio::spawn(async move {
            let (mut stream, _) = listener.accept().await.unwrap();
            tokio::io::AsyncReadExt::read(&mut stream, &mut [0; 5]).await.unwrap();
            // The client may close the connection before it has read everything.
            _ = tokio::io::AsyncWriteExt::write_all(&mut stream, &bytes).await;
            // Waits until the client has read it.
            _ = tokio::io::AsyncReadExt::read_to_end(&mut stream, &mut Vec::new()).await;
        });
        let found = error_of(plain.pull(&reference(&host, ":latest")).await);
        match &found {
            ErrorKind::Protocol { tls: true } => assert!(tls, "{found:?}"),
            ErrorKind::Malformed(text) => assert!(!tls && text.contains("its response is not HTTP"), "{found:?}"),
            _ => panic!("{found:?}"),
        }
        answer.await.unwrap();
    }
}
