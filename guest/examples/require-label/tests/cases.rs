//! Runs the table of cases natively.

use policy_require_label::RequireLabel;
use refkit_default::Default;
use refkit_policy::testing::check;

#[test]
fn cases() {
    check::<RequireLabel, Default>(include_str!("../../../../tests/fixtures/policy_cases/require-label.json"));
}
