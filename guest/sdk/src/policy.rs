//! The trait that a policy implements, and the macro that makes a component of it.

use crate::{Description, Error, Host, Outcome, Request};

/// A resolution policy: decides what a reference resolves to, or wraps the policies after it.
pub trait Policy {
    /// Returns who the policy is and which settings it reads. Called once, when it is loaded.
    fn about() -> Description;

    /// Returns the policy's decision.
    ///
    /// # Errors
    /// When there is no decision: what was asked could not be read. A refusal is an outcome, not an error.
    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error>;
}

/// Makes a component of a [`Policy`]: exports `about` and `resolver` of the contract where the target is wasm32, and
/// nothing elsewhere.
#[macro_export]
macro_rules! export {
    ($policy:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            struct Component;

            impl $crate::bindings::exports::refkit::policy::about::Guest for Component {
                fn describe() -> $crate::Description {
                    <$policy as $crate::Policy>::about()
                }
            }

            impl $crate::bindings::exports::refkit::policy::resolver::Guest for Component {
                fn resolve(request: $crate::Request) -> ::core::result::Result<$crate::Outcome, $crate::Error> {
                    <$policy as $crate::Policy>::resolve(&$crate::Imports, request)
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
