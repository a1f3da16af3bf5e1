//! The trait that a policy implements, and the macro that makes a component of it.

use crate::{Description, Error, Host, Outcome, Request};

/// A resolution policy: decides what a reference resolves to, or wraps the policies after it.
pub trait Policy {
    /// Returns the policy's name, version and settings. The host calls it once, when it loads the policy.
    fn about() -> Description;

    /// Returns the policy's decision.
    ///
    /// # Errors
    /// An error if there is no decision, because the policy could not read something. A refusal is an outcome, not an
    /// error.
    fn resolve(host: &impl Host, request: Request) -> Result<Outcome, Error>;
}

/// Makes a component of a [`Policy`]: exports `about` and `resolver` of the contract if the target is wasm32, and
/// nothing otherwise.
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
