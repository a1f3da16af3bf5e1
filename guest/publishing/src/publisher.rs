//! The trait that a publishing policy implements, the host that it asks, and the macro that makes a component of it.

use refkit_policy::{Denial, Description, Descriptor, Error, Host, Reference};

use crate::{Publication, Published};

/// A publishing policy: composes and pushes, or wraps the publishers after it.
pub trait Publisher {
    /// Returns who the policy is and which settings it reads. Called once, when it is loaded.
    fn about() -> Description;

    /// Publishes, and returns the root, or a refusal.
    ///
    /// # Errors
    /// When the publication failed. A refusal is an outcome, not an error.
    fn publish(host: &impl PublishingHost, request: Publication) -> Result<Published, Error>;
}

impl Published {
    /// Returns a refusal of the publication, for one reason.
    pub fn deny(rule: impl Into<String>, message: impl Into<String>) -> Self {
        Self::Denied(vec![Denial { rule: rule.into(), message: message.into(), subject: None }])
    }
}

/// The imports of world `publishing-policy`: those of world `policy`, and those that write.
pub trait PublishingHost: Host {
    /// Pushes a manifest or an index under the destination's tag, or under its digest alone where there is no tag. What
    /// the manifest refers to must be in the destination already.
    ///
    /// # Errors
    /// The registry's or the host's; `not-granted` for a destination that this run may not write to.
    fn push_manifest(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error>;

    /// Pushes a blob.
    ///
    /// # Errors
    /// The registry's or the host's; `not-granted` for a destination that this run may not write to.
    fn push_blob(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error>;

    /// Copies manifests or indexes and all that they refer to from one repository into another, with referrers of these
    /// artifact types, or with all where one of them is `*`. No tag moves, but those of cosign where the operator wants
    /// them.
    ///
    /// # Errors
    /// The registry's or the host's; `not-granted` for a digest that this run has not met in the source, and for a
    /// destination that it may not write to.
    fn copy(
        &self,
        source: &Reference,
        digests: &[String],
        destination: &Reference,
        with_referrers: &[String],
    ) -> Result<(), Error>;

    /// Returns what the rest of the publishing chain answers: the policies after this one, the default publisher last.
    ///
    /// # Errors
    /// Those of the rest of the chain.
    fn publish(&self, request: &Publication) -> Result<Published, Error>;
}

#[cfg(target_arch = "wasm32")]
impl PublishingHost for refkit_policy::Imports {
    fn push_manifest(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        crate::bindings::refkit::policy::registry_write::push_manifest(destination, media_type, bytes)
    }

    fn push_blob(&self, destination: &Reference, media_type: &str, bytes: &[u8]) -> Result<Descriptor, Error> {
        crate::bindings::refkit::policy::registry_write::push_blob(destination, media_type, bytes)
    }

    fn copy(
        &self,
        source: &Reference,
        digests: &[String],
        destination: &Reference,
        with_referrers: &[String],
    ) -> Result<(), Error> {
        crate::bindings::refkit::policy::registry_write::copy(source, digests, destination, with_referrers)
    }

    fn publish(&self, request: &Publication) -> Result<Published, Error> {
        crate::bindings::refkit::policy::publishing_chain::next(request)
    }
}

/// Makes a component of a [`Publisher`]: exports `about` and `publisher` of the contract where the target is wasm32, and
/// nothing elsewhere.
#[macro_export]
macro_rules! export {
    ($publisher:ty) => {
        #[cfg(target_arch = "wasm32")]
        #[allow(unsafe_code)]
        const _: () = {
            use $crate::bindings::exports::refkit::policy::{about, publisher};

            struct Component;

            impl about::Guest for Component {
                fn describe() -> about::Description {
                    let d = <$publisher as $crate::Publisher>::about();
                    let settings = d.settings.into_iter().map(|s| about::Setting {
                        name: s.name,
                        summary: s.summary,
                        required: s.required,
                        default: s.default,
                    });
                    about::Description {
                        name: d.name,
                        version: d.version,
                        summary: d.summary,
                        settings: settings.collect(),
                    }
                }
            }

            impl publisher::Guest for Component {
                fn publish(request: $crate::Publication) -> ::core::result::Result<$crate::Published, $crate::Error> {
                    <$publisher as $crate::Publisher>::publish(&$crate::Imports, request)
                }
            }

    $crate::bindings::export!(Component with_types_in $crate::bindings);
        };
    };
}
