//! Docker's `config.json` and credential helpers.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::Duration;

use refkit_registry::{CredentialSource, Credentials, DockerConfig, Helpers};

/// A secret that no error or debug output may contain.
const SECRET: &str = "s3cr3t";

fn text(credentials: &Credentials) -> String {
    match credentials {
        Credentials::Anonymous => "anonymous".to_owned(),
        Credentials::Basic { username, password } => format!("{username}:{}", password.as_str()),
        Credentials::IdentityToken(token) => format!("identity {}", token.as_str()),
        Credentials::RegistryToken(token) => format!("registry {}", token.as_str()),
    }
}

fn helper(directory: &Path, name: &str, script: &str) {
    let path = directory.join(format!("docker-credential-{name}"));
    fs::write(&path, format!("#!/bin/sh\n{script}\n")).unwrap();
    fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).unwrap();
}

fn config(directory: &Path, json: &str) -> DockerConfig {
    let path = directory.join("config.json");
    fs::write(&path, json).unwrap();
    let environment = vec![("PATH".into(), "/usr/bin:/bin".into())];
    let directories = vec![".".into(), directory.to_owned()];
    DockerConfig::new(
        path,
        Helpers::default().directories(directories).environment(environment).patience(Duration::from_secs(2)),
    )
}

#[tokio::test]
async fn entries() {
    let rows = [
        ("{}", "ghcr.io", Ok("anonymous")),
        (r#"{"auths":{"ghcr.io":{"auth":"dXNlcjpzM2NyM3Q="}}}"#, "ghcr.io", Ok("user:s3cr3t")),
        (r#"{"auths":{"ghcr.io":{"auth":"dXNlcjpzM2NyM3Q"}}}"#, "ghcr.io", Ok("user:s3cr3t")),
        (r#"{"auths":{"https://ghcr.io/v1/":{"username":"u","password":"a:b"}}}"#, "ghcr.io", Ok("u:a:b")),
        (r#"{"auths":{"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#, "docker.io", Ok("u:p")),
        (
            r#"{"auths":{"docker.io":{"auth":"YTpi"},"https://index.docker.io/v1/":{"auth":"dTpw"}}}"#,
            "docker.io",
            Ok("u:p"),
        ),
        (r#"{"auths":{"ghcr.io":{"auth":"dTpw"}}}"#, "quay.io", Ok("anonymous")),
        (r#"{"auths":{"ghcr.io":{"auth":"dTpw","identitytoken":"t"}}}"#, "ghcr.io", Ok("identity t")),
        (r#"{"auths":{"ghcr.io":{"registrytoken":"t"}}}"#, "ghcr.io", Ok("registry t")),
        (r#"{"auths":{"ghcr.io":{}}}"#, "ghcr.io", Ok("anonymous")),
        (r#"{"auths":{"ghcr.io":{"auth":"s3cr3t!"}}}"#, "ghcr.io", Err("is not NAME:PASSWORD in base64")),
        (r#"{"auths":{"ghcr.io":{"auth":"czNjcjN0"}}}"#, "ghcr.io", Err("is not NAME:PASSWORD in base64")),
        // A `null` counts as absent in every position.
        ("null", "ghcr.io", Ok("anonymous")),
        (r#"{"auths":null,"credHelpers":null,"credsStore":null}"#, "ghcr.io", Ok("anonymous")),
        (r#"{"auths":{"ghcr.io":null}}"#, "ghcr.io", Ok("anonymous")),
        (r#"{"auths":{"ghcr.io":null,"quay.io":{"auth":"dTpw"}}}"#, "quay.io", Ok("u:p")),
        (r#"{"auths":{"ghcr.io":null,"https://ghcr.io":{"auth":"dTpw"}}}"#, "ghcr.io", Ok("u:p")),
        (r#"{"auths":{"ghcr.io":{"auth":"dTpw","identitytoken":null}}}"#, "ghcr.io", Ok("u:p")),
        (r#"{"auths":{"ghcr.io":{"auth":null,"username":"u","password":null}}}"#, "ghcr.io", Ok("u:")),
        (r#"{"credHelpers":{"ghcr.io":null},"auths":{"ghcr.io":{"auth":"dTpw"}}}"#, "ghcr.io", Ok("u:p")),
        // A helper with an empty name means this file, whichever helper the other registries have.
        (
            r#"{"credsStore":"missing","credHelpers":{"ghcr.io":""},"auths":{"ghcr.io":{"auth":"dTpw"}}}"#,
            "ghcr.io",
            Ok("u:p"),
        ),
        (r#"{"credsStore":"missing","credHelpers":{"ghcr.io":""}}"#, "ghcr.io", Ok("anonymous")),
        (r#"{"credsStore":"missing","credHelpers":{"ghcr.io":null}}"#, "ghcr.io", Err("docker-credential-missing")),
        (r#"{"auths":"s3cr3t"}"#, "ghcr.io", Err("it is no configuration of Docker, see line 1")),
        ("s3cr3t", "ghcr.io", Err("it is no configuration of Docker, see line 1")),
    ];
    let directory = tempfile::tempdir().unwrap();
    for (json, registry, wanted) in rows {
        let config = config(directory.path(), json);
        match (config.credentials(registry).await, wanted) {
            (Ok(found), Ok(wanted)) => {
                assert_eq!(text(&found), wanted, "{json}");
                assert!(!format!("{found:?} {config:?}").contains(SECRET));
            }
            (Err(found), Err(wanted)) => {
                let found = found.to_string();
                assert!(found.contains(wanted) && found.contains("config.json") && !found.contains(SECRET), "{found}");
            }
            (found, wanted) => panic!("{json}: {found:?}, but expected {wanted:?}"),
        }
    }
    let missing = DockerConfig::new(directory.path().join("none.json"), Helpers::default());
    assert_eq!(text(&missing.credentials("ghcr.io").await.unwrap()), "anonymous");
    let large = config(directory.path(), &" ".repeat((1 << 20) + 1));
    assert!(large.credentials("ghcr.io").await.unwrap_err().to_string().contains("larger than the limit"));
}

#[tokio::test]
async fn helpers() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path();
    helper(
        path,
        "good",
        "read server; echo x >> \"$0.asked\"; echo \"{\\\"Username\\\":\\\"$server\\\",\\\"Secret\\\":\\\"p\\\"}\"",
    );
    helper(path, "token", "echo '{\"Username\":\"<token>\",\"Secret\":\"t\"}'");
    helper(path, "nothing", "echo credentials not found in native keychain; exit 1");
    helper(path, "fails", "echo s3cr3t; echo s3cr3t >&2; exit 1");
    helper(path, "garbage", "echo s3cr3t");
    helper(path, "endless", "exec yes s3cr3t");
    helper(path, "sleeps", "sleep 60");
    helper(path, "environment", "echo \"{\\\"Username\\\":\\\"${HOME-none}\\\",\\\"Secret\\\":\\\"p\\\"}\"");
    let rows = [
        ("good", "ghcr.io", Ok("ghcr.io:p")),
        ("good", "docker.io", Ok("https://index.docker.io/v1/:p")),
        ("token", "ghcr.io", Ok("identity t")),
        ("nothing", "ghcr.io", Ok("anonymous")),
        ("environment", "ghcr.io", Ok("none:p")),
        ("missing", "ghcr.io", Err("there is no credential helper docker-credential-missing")),
        ("../../bin/sh", "ghcr.io", Err("is no name of a credential helper")),
        ("a b", "ghcr.io", Err("is no name of a credential helper")),
        ("fails", "ghcr.io", Err("docker-credential-fails failed")),
        ("garbage", "ghcr.io", Err("something other than credentials")),
        ("endless", "ghcr.io", Err("more than 65536 bytes")),
        ("sleeps", "ghcr.io", Err("did not respond within 2 s")),
    ];
    for (name, registry, wanted) in rows {
        let everywhere = format!(r#"{{"credsStore":"{name}","auths":{{"ghcr.io":{{"auth":"dTpw"}}}}}}"#);
        let found = config(path, &everywhere).credentials(registry).await;
        match (found, wanted) {
            (Ok(found), Ok(wanted)) => assert_eq!(text(&found), wanted, "{name}"),
            (Err(found), Err(wanted)) => {
                let found = found.to_string();
                assert!(found.contains(wanted) && found.contains("config.json") && !found.contains(SECRET), "{found}");
            }
            (found, wanted) => panic!("{name}: {found:?}, but expected {wanted:?}"),
        }
    }
    // The helper of a registry ranks before the general one, and is asked once for each registry.
    fs::remove_file(path.join("docker-credential-good.asked")).unwrap();
    let both = config(path, r#"{"credsStore":"fails","credHelpers":{"ghcr.io":"good"}}"#);
    let all = futures_util::future::join_all((0..10).map(|_| both.credentials("ghcr.io"))).await;
    assert!(all.iter().all(|found| found.as_ref().is_ok_and(|found| text(found) == "ghcr.io:p")));
    assert_eq!(fs::read_to_string(path.join("docker-credential-good.asked")).unwrap(), "x\n");
}
