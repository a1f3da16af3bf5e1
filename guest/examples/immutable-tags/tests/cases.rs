//! Runs the table natively.

#[path = "../../../../tests/policies/publishing/native.rs"]
mod native;
#[path = "../../../../tests/policies/publishing/immutable_tags.rs"]
mod rows;
#[path = "../../../../tests/policies/publishing/table.rs"]
mod table;

use policy_immutable_tags::ImmutableTags;

#[test]
fn cases() {
    native::check::<ImmutableTags>(rows::ROWS);
}
