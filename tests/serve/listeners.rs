//! Where the server listens, and who may connect.

use std::io::{Read as _, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;

use crate::request::{connect, grpc_status, request, status};
use crate::served::Place;

const GRPC: &str = "/refkit.v1.Nothing/Nothing";

#[test]
fn metrics_and_health() {
    let place = Place::new();
    let served = place.serve("[server]\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n");
    let (grpc, metrics) = (served.address("grpc"), served.address("metrics"));
    let _open = connect(&grpc);
    for (method, path, wanted) in [
        ("GET", "/healthz", 200),
        ("HEAD", "/healthz", 200),
        ("GET", "/readyz", 200),
        ("GET", "/metrics", 200),
        ("POST", "/metrics", 405),
        ("GET", "/", 404),
    ] {
        assert_eq!(status(&request(&metrics, method, path, &[])), wanted, "{method} {path}");
    }
    let text = request(&metrics, "GET", "/metrics", &[]);
    assert!(text.contains("application/openmetrics-text; version=1.0.0"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");
    assert!(text.contains("refkit_connections{listener=\"metrics\"} 1\n"), "{text}");
}

#[test]
fn a_unix_socket_has_its_mode_and_goes_at_the_end() {
    let place = Place::new();
    let path = place.path("refkit.sock");
    // One that a process has left behind: it listens no more.
    drop(UnixListener::bind(&path).unwrap());
    let settings = |keys: &str| format!("[server]\ngrpc = {{ address = \"unix://{}\"{keys} }}\n", path.display());
    let mut served = place.serve(&settings(""));
    let address = served.address("grpc");
    assert_eq!(address, path.display().to_string());
    let mode = || std::fs::metadata(&path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(), 0o600);
    assert_eq!(grpc_status(&request(&address, "POST", GRPC, &[])), 12);

    // While one server listens, another one does not take its place.
    let other = place.command(&[]).output().unwrap();
    let said = place.strip(&String::from_utf8(other.stderr).unwrap());
    assert_eq!(other.status.code(), Some(1), "{said}");
    assert!(said.contains("cannot listen on unix://refkit.sock: another process listens on it"), "{said}");
    assert_eq!(grpc_status(&request(&address, "POST", GRPC, &[])), 12);

    served.signal("TERM");
    assert_eq!(served.ended(), Some(0));
    assert!(!path.exists());
    let served = place.serve(&settings(", mode = \"0660\", group = \"0\""));
    served.address("grpc");
    assert_eq!(mode(), 0o660);
}

#[test]
fn a_file_that_is_no_socket_stays() {
    let place = Place::new();
    place.write("file", "mine");
    place.write("refkit.toml", format!("[server]\ngrpc = \"unix://{}\"\n", place.path("file").display()));
    let ran = place.command(&[]).output().unwrap();
    let said = place.strip(&String::from_utf8(ran.stderr).unwrap());
    assert!(said.contains("cannot listen on unix://file: there is a file that is no socket"), "{said}");
    assert_eq!(std::fs::read(place.path("file")).unwrap(), b"mine");
}

#[test]
fn clients_show_who_they_are() {
    let place = Place::new();
    place.write("tokens", "ci sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9\n");
    let socket = place.path("s");
    let keys = format!("grpc = [\"127.0.0.1:0\", \"unix://{}\"]\ntokens = \"tokens\"\n", socket.display());
    let served = place.serve(&format!("[server]\n{keys}"));
    let address = served.address("grpc");
    served.address("grpc");
    let socket = socket.display().to_string();
    for (address, header, wanted) in [
        // On loopback anyone may ask, and wrong credentials are wrong all the same.
        (&address, None, 12),
        (&address, Some("Bearer bar"), 12),
        (&address, Some("Bearer baz"), 16),
        (&address, Some("Nothing"), 16),
        (&socket, None, 12),
        (&socket, Some("Bearer baz"), 16),
    ] {
        let headers: Vec<_> = header.iter().map(|value| ("authorization", *value)).collect();
        assert_eq!(grpc_status(&request(address, "POST", GRPC, &headers)), wanted, "{address} {header:?}");
    }
}

/// A client that sends nothing, or not all of a request, does not keep its connection.
#[test]
fn a_silent_connection_ends() {
    let place = Place::new();
    let settings = "[server]\ngrpc = \"127.0.0.1:0\"\nheader_timeout = \"100ms\"\nidle_timeout = \"200ms\"\n";
    let served = place.serve(settings);
    let address = served.address("grpc");
    let after_a_request = format!("POST {GRPC} HTTP/1.1\r\nhost: t\r\ncontent-length: 0\r\n\r\n");
    for start in ["", "POST / HT", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", &after_a_request] {
        let mut connection = connect(&address);
        connection.write_all(start.as_bytes()).unwrap();
        let mut end = Vec::new();
        // The read ends: the server has closed the connection.
        connection.read_to_end(&mut end).unwrap();
        assert_eq!(end.starts_with(b"HTTP/1.1 200"), start == after_a_request, "{start:?} {end:?}");
    }
}

#[test]
fn connections_beyond_the_limit_wait() {
    let place = Place::new();
    let served = place.serve("[server]\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\nconnections = 2\n");
    let (grpc, metrics) = (served.address("grpc"), served.address("metrics"));
    let open = [connect(&grpc), connect(&grpc)];
    served.message("no more connections");
    let mut waiting = connect(&grpc);
    write!(waiting, "POST {GRPC} HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n").unwrap();
    // The limit of one listener is not that of another one.
    let text = request(&metrics, "GET", "/metrics", &[]);
    assert!(text.contains("refkit_connections{listener=\"grpc\"} 2\n"), "{text}");
    assert!(text.contains("refkit_limits_reached_total{limit=\"connections\"} 1\n"), "{text}");
    drop(open);
    let mut response = String::new();
    waiting.read_to_string(&mut response).unwrap();
    assert_eq!(grpc_status(&response), 12);
}
