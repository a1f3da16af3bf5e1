//! RefKit's commands beside other clients of registries: buildx, crane, regctl, oras and skopeo do the same at the same
//! real registry, and what is then there is compared.
//!
//! `make test-parity` runs everything. `make test` leaves out what needs buildx or cosign, whose builds take minutes.
#![forbid(unsafe_code)]

#[path = "parity/compare.rs"]
mod compare;
#[path = "parity/copy.rs"]
mod copy;
#[path = "parity/copy_rows.rs"]
mod copy_rows;
#[path = "parity/cosign.rs"]
mod cosign;
#[path = "parity/count_jobs.rs"]
mod count_jobs;
#[path = "parity/counts.rs"]
mod counts;
#[path = "parity/create.rs"]
mod create;
#[path = "parity/create_differences.rs"]
mod create_differences;
#[path = "parity/create_row.rs"]
mod create_row;
#[path = "parity/create_rows.rs"]
mod create_rows;
#[path = "parity/fixtures.rs"]
mod fixtures;
#[path = "parity/place.rs"]
mod place;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/places.rs"]
mod places;
#[path = "parity/programs.rs"]
mod programs;
#[path = "parity/read_back.rs"]
mod read_back;
#[allow(dead_code)] // The tests of the command use the rest.
#[path = "cli/run.rs"]
mod run;
