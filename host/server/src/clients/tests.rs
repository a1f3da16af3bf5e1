//! Who a request comes from.

use std::path::PathBuf;

use sha2::Digest as _;

use super::*;
use crate::settings::Settings;

/// The hash of `secret` at bcrypt's lowest cost, and the SHA-256 of `t0ken`.
fn files(directory: &std::path::Path) {
    let hash = bcrypt::hash("secret", 4).unwrap();
    std::fs::write(directory.join("htpasswd"), format!("# users\nanna:{hash}\n")).unwrap();
    let token: String = sha2::Sha256::digest(b"t0ken").iter().map(|byte| format!("{byte:02x}")).collect();
    std::fs::write(directory.join("tokens"), format!("\n# of the CI\nci sha256:{token}\n")).unwrap();
}

fn clients(directory: &std::path::Path, server: &str) -> Result<Clients, String> {
    let file: PathBuf = directory.join("refkit.toml");
    let text = format!("[server]\ngrpc = \"127.0.0.1:0\"\n{server}");
    let settings = Settings::parse(&file, &text).map_err(|error| error.to_string())?;
    let clients = Clients::read(&settings.server.credentials);
    clients.map_err(|error| error.to_string().replace(&format!("{}/", directory.display()), ""))
}

fn peer() -> Peer {
    Peer { address: "127.0.0.1:1".to_owned(), uid: None, certificate: None, anonymous: false }
}

fn headers(value: Option<&str>) -> HeaderMap {
    value.map(|value| (AUTHORIZATION, value.parse().unwrap())).into_iter().collect()
}

#[tokio::test]
async fn credentials_of_a_request() {
    let directory = tempfile::tempdir().unwrap();
    files(directory.path());
    let clients = clients(directory.path(), "tokens = \"tokens\"\nhtpasswd = \"htpasswd\"\n").unwrap();
    let basic = |text: &str| format!("Basic {}", STANDARD.encode(text));
    let rows = [
        (Some("Bearer t0ken".to_owned()), Ok("token:ci")),
        (Some("bearer  t0ken".to_owned()), Ok("token:ci")),
        (Some("Bearer other".to_owned()), Err(Unrecognized::Wrong)),
        (Some("Bearer ".to_owned()), Err(Unrecognized::Wrong)),
        (Some(basic("anna:secret")), Ok("user:anna")),
        // Once more: the second time from memory.
        (Some(basic("anna:secret")), Ok("user:anna")),
        (Some(basic("anna:wrong")), Err(Unrecognized::Wrong)),
        (Some(basic("berta:secret")), Err(Unrecognized::Wrong)),
        (Some(basic("anna")), Err(Unrecognized::Malformed)),
        (Some("Basic ???".to_owned()), Err(Unrecognized::Malformed)),
        (Some("Digest x".to_owned()), Err(Unrecognized::Malformed)),
        (Some("t0ken".to_owned()), Err(Unrecognized::Malformed)),
        (None, Err(Unrecognized::Missing)),
    ];
    for (header, wanted) in rows {
        let client = clients.recognize(&peer(), &headers(header.as_deref())).await;
        assert_eq!(client.map(|client| client.to_string()), wanted.map(str::to_owned), "{header:?}");
    }
}

#[tokio::test]
async fn the_connection_says_who_asks_where_the_request_does_not() {
    let directory = tempfile::tempdir().unwrap();
    let clients = clients(directory.path(), "").unwrap();
    let names: std::sync::Arc<[String]> = ["a.example".to_owned()].into();
    let rows = [
        (Peer { anonymous: true, ..peer() }, Ok("anonymous")),
        (Peer { uid: Some(7), anonymous: true, ..peer() }, Ok("uid:7")),
        (Peer { certificate: Some(names), ..peer() }, Ok("certificate:a.example")),
        (peer(), Err(Unrecognized::Missing)),
    ];
    for (peer, wanted) in rows {
        let client = clients.recognize(&peer, &HeaderMap::new()).await;
        assert_eq!(client.map(|client| client.to_string()), wanted.map(str::to_owned), "{peer:?}");
    }
    // Wrong credentials are never a reason to be anonymous.
    let open = Peer { anonymous: true, ..peer() };
    assert_eq!(clients.recognize(&open, &headers(Some("Bearer x"))).await, Err(Unrecognized::Wrong));
}

#[test]
fn files_that_are_wrong_name_the_line_and_no_secret() {
    let directory = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    write("tokens", "ci sha256:zz\nci\nc i sha256:00\n");
    write("htpasswd", "anna:$apr1$x\nanna\n");
    let both = clients(directory.path(), "tokens = \"tokens\"\nhtpasswd = \"htpasswd\"\n").unwrap_err();
    insta::assert_snapshot!(both, @r"
    tokens:1:1: this line is not NAME sha256:HEX
    tokens:2:1: this line is not NAME sha256:HEX
    tokens:3:1: this line is not NAME sha256:HEX
    htpasswd:1:1: this line has no hash of bcrypt; write it with htpasswd -B
    htpasswd:2:1: this line is not NAME:HASH, as htpasswd -B writes it
    ");
    let absent = clients(directory.path(), "tokens = \"nowhere\"\nhtpasswd = \"nobody\"\n").unwrap_err();
    insta::assert_snapshot!(absent, @r"
    refkit.toml:3:1: server.tokens names nowhere: No such file or directory (os error 2)
    refkit.toml:4:1: server.htpasswd names nobody: No such file or directory (os error 2)
    ");
}
