//! Runs the table natively.

#[path = "../../../../tests/policies/publishing/native.rs"]
mod native;
#[path = "../../../../tests/policies/publishing/require_annotations.rs"]
mod rows;
#[path = "../../../../tests/policies/publishing/table.rs"]
mod table;

use policy_require_annotations::RequireAnnotations;

#[test]
fn cases() {
    native::check::<RequireAnnotations>(rows::ROWS);
}
