//! RefKit's commands beside other clients of registries: crane, regctl, oras and skopeo do the same at the same real
//! registry, and what is then there is compared. `tests/peers` has what needs buildx or cosign, whose builds take minutes.
#![forbid(unsafe_code)]

#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/compare.rs"]
mod compare;
#[path = "parity/copy.rs"]
mod copy;
#[path = "parity/copy_rows.rs"]
mod copy_rows;
#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/count_jobs.rs"]
mod count_jobs;
#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/counts.rs"]
mod counts;
#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/fixtures.rs"]
mod fixtures;
#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/place.rs"]
mod place;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/places.rs"]
mod places;
#[allow(dead_code)] // The other target uses the rest.
#[path = "parity/programs.rs"]
mod programs;
#[path = "parity/read_back.rs"]
mod read_back;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/run.rs"]
mod run;

use programs::Client;

#[test]
fn no_client_needs_fewer_requests() {
    counts::check(&counts::count_all(|client| client != Client::Buildx));
}
