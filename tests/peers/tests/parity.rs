//! RefKit's commands beside buildx and cosign, at the same real registry: what is then there is compared, and the requests
//! of all clients are counted.
#![forbid(unsafe_code)]

#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/compare.rs"]
mod compare;
#[path = "../../parity/cosign.rs"]
mod cosign;
#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/count_jobs.rs"]
mod count_jobs;
#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/counts.rs"]
mod counts;
#[path = "../../parity/create.rs"]
mod create;
#[path = "../../parity/create_differences.rs"]
mod create_differences;
#[path = "../../parity/create_row.rs"]
mod create_row;
#[path = "../../parity/create_rows.rs"]
mod create_rows;
#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/fixtures.rs"]
mod fixtures;
#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/place.rs"]
mod place;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "../../cli/places.rs"]
mod places;
#[allow(dead_code)] // The other target uses the rest.
#[path = "../../parity/programs.rs"]
mod programs;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "../../cli/run.rs"]
mod run;

#[test]
fn no_client_needs_fewer_requests_nor_does_buildx() {
    let counted = counts::count_all(|_| true);
    counts::print(&counted);
    counts::check(&counted);
}
