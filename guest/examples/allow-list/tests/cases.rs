//! The table of cases, natively.

use policy_allow_list::AllowList;
use refkit_policy::testing::{End, check};

#[test]
fn cases() {
    check::<AllowList, End>(include_str!("../../../../tests/fixtures/policy_cases/allow-list.json"));
}
