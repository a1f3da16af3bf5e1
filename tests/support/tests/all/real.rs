//! Real registries start with every kind of access, tell what they were asked, and end.

use std::io::{BufRead as _, BufReader};
use std::net::TcpStream;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use refkit_support::{Auth, RealRegistry, TokenServer, basic, plain};
use serde_json::json;

const MEDIA_TYPE: &str = "application/vnd.oci.image.manifest.v1+json";
const TARGET: &str = "/v2/team/app/manifests/latest";
const CHILD: &str = "REFKIT_SUPPORT_TEST_CHILD";

type Start = fn(Auth<'_>) -> anyhow::Result<RealRegistry>;

const REGISTRIES: [(&str, Start); 2] =
    [("distribution v3", RealRegistry::distribution_v3), ("debian v2", RealRegistry::debian_v2)];

/// Puts an image there and returns its manifest.
fn fill(registry: &RealRegistry) -> Vec<u8> {
    let config = br#"{"architecture":"amd64","os":"linux","rootfs":{"type":"layers","diff_ids":[]}}"#;
    let digest = registry.put_blob("team/app", config).unwrap();
    let manifest = json!({
        "schemaVersion": 2,
        "mediaType": MEDIA_TYPE,
        "config": {
            "mediaType": "application/vnd.oci.image.config.v1+json",
            "digest": digest.as_str(),
            "size": config.len(),
        },
        "layers": [],
    });
    let bytes = manifest.to_string().into_bytes();
    registry.put_manifest("team/app", Some("latest"), MEDIA_TYPE, &bytes).unwrap();
    bytes
}

fn ask(registry: &RealRegistry, authorization: Option<&str>) -> plain::Reply {
    let mut headers = vec![("Accept", MEDIA_TYPE)];
    headers.extend(authorization.map(|value| ("Authorization", value)));
    plain::get(registry.host(), TARGET, &headers).unwrap()
}

fn lines(registry: &RealRegistry) -> Vec<String> {
    registry.requests().unwrap().iter().map(ToString::to_string).collect()
}

#[test]
fn an_open_registry_answers_everybody() {
    for (name, start) in REGISTRIES {
        let registry = start(Auth::Anonymous).unwrap();
        let bytes = fill(&registry);
        assert_eq!(lines(&registry), [""; 0], "{name}: filling is no request of the test");
        let reply = ask(&registry, None);
        assert_eq!((reply.status, reply.body == bytes), (200, true), "{name}: {reply:?}");
        assert_eq!(plain::get(registry.host(), "/v2/none/tags/list?n=3", &[]).unwrap().status, 404, "{name}");
        let expected = [format!("GET {TARGET} 200"), "GET /v2/none/tags/list?n=3 404".to_owned()];
        assert_eq!(lines(&registry), expected, "{name}");
        assert_eq!(registry.count("GET */manifests/*").unwrap(), 1, "{name}");
        assert_eq!(registry.requests().unwrap()[0].bytes_sent, bytes.len() as u64, "{name}");
        registry.clear().unwrap();
        assert_eq!(registry.count("*").unwrap(), 0, "{name}");
        assert!(registry.messages().contains("listening on"), "{name}");
    }
}

#[test]
fn basic_access_wants_the_password() {
    for (name, start) in REGISTRIES {
        let registry = start(Auth::Basic { user: "user", password: "sec:ret" }).unwrap();
        let bytes = fill(&registry);
        let refused = ask(&registry, None);
        assert_eq!(refused.status, 401, "{name}");
        assert_eq!(refused.header("www-authenticate"), Some("Basic realm=\"refkit tests\""), "{name}");
        assert_eq!(ask(&registry, Some(&basic("user", "secret"))).status, 401, "{name}");
        let reply = ask(&registry, Some(&basic("user", "sec:ret")));
        assert_eq!((reply.status, reply.body == bytes), (200, true), "{name}: {reply:?}");
        let statuses: Vec<u16> = registry.requests().unwrap().iter().map(|logged| logged.status).collect();
        assert_eq!(statuses, [401, 401, 200], "{name}");
    }
}

#[test]
fn bearer_access_wants_a_token_of_the_server() {
    for (name, start) in REGISTRIES {
        let server = TokenServer::signed().unwrap();
        server.require("user", "secret");
        let registry = start(Auth::Bearer(&server)).unwrap();
        let bytes = fill(&registry);
        assert_eq!(server.count("*"), 0, "{name}: filling asks nobody for a token");
        let refused = ask(&registry, None);
        let scope = "repository:team/app:pull";
        let challenge =
            format!("Bearer realm=\"{}\",service=\"{}\",scope=\"{scope}\"", server.realm(), server.service());
        assert_eq!((refused.status, refused.header("www-authenticate")), (401, Some(challenge.as_str())), "{name}");

        let target = format!("/token?service={}&scope={scope}", server.service());
        let answer = plain::get(&server.host(), &target, &[("Authorization", &basic("user", "secret"))]).unwrap();
        let answer: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
        let token = answer["token"].as_str().unwrap();
        let reply = ask(&registry, Some(&format!("Bearer {token}")));
        assert_eq!((reply.status, reply.body == bytes), (200, true), "{name}: {reply:?}\n{}", registry.messages());

        let stranger = TokenServer::signed().unwrap();
        let rows = [
            ("other repository", server.issue(["repository:team/other:pull"]).unwrap()),
            ("other issuer's key", stranger.issue([scope]).unwrap()),
            ("changed", format!("{token}x")),
        ];
        for (row, token) in rows {
            assert_eq!(ask(&registry, Some(&format!("Bearer {token}"))).status, 401, "{name}: {row}");
        }
        assert_eq!(lines(&registry)[..2], [format!("GET {TARGET} 401"), format!("GET {TARGET} 200")], "{name}");
        assert_eq!(registry.count("*").unwrap(), 5, "{name}");
    }
}

#[test]
fn the_line_of_a_long_answer_is_waited_for() {
    for (name, start) in REGISTRIES {
        let registry = start(Auth::Anonymous).unwrap();
        let blob = vec![7; 4 << 20];
        let digest = registry.put_blob("app", &blob).unwrap();
        for _ in 0..5 {
            let reply = plain::get(registry.host(), &format!("/v2/app/blobs/{digest}"), &[]).unwrap();
            assert_eq!((reply.status, reply.body.len()), (200, blob.len()), "{name}");
            assert_eq!(lines(&registry), [format!("GET /v2/app/blobs/{digest} 200")], "{name}");
            registry.clear().unwrap();
        }
    }
}

#[test]
fn opaque_tokens_are_not_for_real_registries() {
    let server = TokenServer::opaque().unwrap();
    let problem = RealRegistry::distribution_v3(Auth::Bearer(&server)).err().unwrap();
    assert_eq!(problem.to_string(), "a real registry takes signed tokens only");
}

#[test]
fn a_registry_ends_with_its_value() {
    for (name, start) in REGISTRIES {
        let registry = start(Auth::Anonymous).unwrap();
        let host = registry.host().to_owned();
        drop(registry);
        assert!(TcpStream::connect(host).is_err(), "{name}");
    }
}

/// Runs itself in a process that aborts, where no value is ever dropped.
#[test]
fn a_registry_ends_with_the_process_that_started_it() {
    if std::env::var_os(CHILD).is_some() {
        let registry = RealRegistry::distribution_v3(Auth::Anonymous).unwrap();
        println!("host={}", registry.host());
        std::process::abort();
    }
    // Where the child leaves its registry's directory.
    let temporary = tempfile::tempdir().unwrap();
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "real::a_registry_ends_with_the_process_that_started_it", "--nocapture"])
        .env(CHILD, "1")
        .env("TMPDIR", temporary.path())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    // The name of the test may stand before it on the line.
    let host = output.lines().find_map(|line| line.unwrap().split_once("host=").map(|(_, host)| host.to_owned()));
    assert!(!child.wait().unwrap().success());
    let host = host.unwrap();
    let patience = Instant::now() + Duration::from_secs(10);
    while TcpStream::connect(&host).is_ok() {
        assert!(Instant::now() < patience, "{host} still answers");
        std::thread::sleep(Duration::from_millis(5));
    }
}
