//! SIGHUP.

use std::io::{Read as _, Write as _};

use crate::request::{connect, grpc_status, request, status};
use crate::served::Place;

const GRPC: &str = "/refkit.v1.Nothing/Nothing";

#[test]
fn wrong_settings_leave_the_old_ones() {
    let place = Place::new();
    let served = place.serve("[server]\ngrpc = \"127.0.0.1:0\"\nmetrics = \"127.0.0.1:0\"\n");
    let (grpc, metrics) = (served.address("grpc"), served.address("metrics"));
    place.write("refkit.toml", "[server]\ngrpc = \"127.0.0.1:0\"\ndefalt = \"deny\"\n");
    served.signal("HUP");
    let error = served.message("not reloaded: the old settings stay");
    let error = place.strip(error["error"].as_str().unwrap());
    assert_eq!(error, "refkit.toml:3:1: server.defalt is not known here; is default meant?");
    assert_eq!(grpc_status(&request(&grpc, "POST", GRPC, &[])), 12);
    assert_eq!(status(&request(&metrics, "GET", "/readyz", &[])), 200);
    let text = request(&metrics, "GET", "/metrics", &[]);
    assert!(text.contains("refkit_reloads_total{outcome=\"refused\"} 1\n"), "{text}");
}

/// A connection stays open over a reload that keeps its listener, and its requests see the new settings.
#[test]
fn tokens_are_read_again_on_open_connections() {
    let place = Place::new();
    // The hash of `bar`.
    let token = "ci sha256:fcde2b2edba56bf408601fb721fe9b5c338d10ee429ea04fae5511b68fbf8fb9\n";
    place.write("tokens", "");
    let served = place.serve("[server]\ngrpc = \"127.0.0.1:0\"\ntokens = \"tokens\"\n");
    let address = served.address("grpc");
    let mut connection = connect(&address);
    let mut ask = || {
        write!(connection, "POST {GRPC} HTTP/1.1\r\nhost: t\r\nauthorization: Bearer bar\r\n\r\n").unwrap();
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            let mut byte = [0];
            connection.read_exact(&mut byte).unwrap();
            head.push(byte[0]);
        }
        grpc_status(&String::from_utf8(head).unwrap())
    };
    assert_eq!(ask(), 16);
    place.write("tokens", token);
    served.signal("HUP");
    served.message("reloaded");
    assert_eq!(ask(), 12);
}

#[test]
fn listeners_come_and_go() {
    let place = Place::new();
    let (first, second) = (place.path("first"), place.path("second"));
    let settings = |paths: &[&std::path::Path]| {
        let paths: Vec<_> = paths.iter().map(|path| format!("\"unix://{}\"", path.display())).collect();
        format!("[server]\ngrpc = [{}]\n", paths.join(", "))
    };
    let served = place.serve(&settings(&[&first]));
    let address = served.address("grpc");
    place.write("refkit.toml", settings(&[&first, &second]));
    served.signal("HUP");
    let more = served.address("grpc");
    served.message("reloaded");
    assert_eq!(grpc_status(&request(&address, "POST", GRPC, &[])), 12);
    assert_eq!(grpc_status(&request(&more, "POST", GRPC, &[])), 12);
    // An address that cannot be had leaves everything as it is.
    place.write("file", "");
    place.write("refkit.toml", settings(&[&second, &place.path("file")]));
    served.signal("HUP");
    let error = served.message("not reloaded: the old settings stay");
    assert!(error["error"].as_str().unwrap().contains("there is a file that is no socket"), "{error}");
    assert_eq!(grpc_status(&request(&address, "POST", GRPC, &[])), 12);
    place.write("refkit.toml", settings(&[&second]));
    served.signal("HUP");
    served.message("reloaded");
    assert_eq!(grpc_status(&request(&more, "POST", GRPC, &[])), 12);
    served.signal("TERM");
    served.message("ended");
    assert!(!first.exists() && !second.exists());
}
