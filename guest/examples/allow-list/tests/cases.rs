//! Runs the table of cases natively.

use policy_allow_list::AllowList;
use refkit_policy::testing::{Elsewhere, check};

#[test]
fn cases() {
    check::<AllowList, Elsewhere>(include_str!("../../../../tests/fixtures/policy_cases/allow-list.json"));
}
