//! Runs the table of cases natively.

use policy_newest_tag::NewestTag;
use refkit_policy::testing::{End, check};

#[test]
fn cases() {
    check::<NewestTag, End>(include_str!("../../../../tests/fixtures/policy_cases/newest-tag.json"));
}
