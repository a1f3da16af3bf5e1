//! Runs the table of cases natively.

use policy_redirect::Redirect;
use refkit_policy::testing::{End, check};

#[test]
fn cases() {
    check::<Redirect, End>(include_str!("../../../../tests/fixtures/policy_cases/redirect.json"));
}
