//! The table of cases, natively.

use refkit_default::Default;
use refkit_policy::testing::{End, check};

#[test]
fn cases() {
    check::<Default, End>(include_str!("../../../tests/fixtures/policy_cases/default.json"));
}
