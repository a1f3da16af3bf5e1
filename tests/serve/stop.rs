//! SIGTERM and SIGINT.

use std::net::TcpStream;

use crate::request::connect;
use crate::served::Place;

#[test]
fn a_signal_ends_idle_connections_and_the_process() {
    for signal in ["TERM", "INT"] {
        let place = Place::new();
        let mut served = place.serve("[server]\ngrpc = \"127.0.0.1:0\"\nheader_timeout = \"100ms\"\n");
        let address = served.address("grpc");
        let _idle = connect(&address);
        served.signal(signal);
        served.message("draining");
        served.message("ended");
        assert_eq!(served.ended(), Some(0));
        assert!(TcpStream::connect(&address).is_err());
    }
}
