//! What `wit-bindgen` makes of the world of publishing policies. It shares the interfaces of the other world with
//! [`refkit_policy`]. The generated code calls the canonical ABI.
#![allow(unsafe_code, missing_docs, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "publishing-policy",
    pub_export_macro: true,
    additional_derives: [PartialEq, Eq, Hash],
    with: {
        "refkit:policy/types@0.1.0": refkit_policy::bindings::refkit::policy::types,
        "refkit:policy/registry@0.1.0": refkit_policy::bindings::refkit::policy::registry,
        "refkit:policy/resolution@0.1.0": refkit_policy::bindings::refkit::policy::resolution,
        "refkit:policy/chain@0.1.0": refkit_policy::bindings::refkit::policy::chain,
        "refkit:policy/settings@0.1.0": refkit_policy::bindings::refkit::policy::settings,
        "refkit:policy/clock@0.1.0": refkit_policy::bindings::refkit::policy::clock,
        "refkit:policy/trace@0.1.0": refkit_policy::bindings::refkit::policy::trace,
    },
});
