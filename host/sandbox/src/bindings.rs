//! What wasmtime makes of the contract: once for the whole host.
#![allow(missing_docs, clippy::all)]

wasmtime::component::bindgen!({
    path: "../../wit",
    world: "policy",
    imports: {
        "refkit:policy/settings.get": trappable,
        "refkit:policy/settings.all": trappable,
        "refkit:policy/clock.now": trappable,
        "refkit:policy/trace.event": trappable,
        default: async | trappable,
    },
    exports: { default: async },
});

/// The other world. It shares the interfaces of the first, so that each import is implemented once.
pub(crate) mod publishing {
    wasmtime::component::bindgen!({
        path: "../../wit",
        world: "publishing-policy",
        with: {
            "refkit:policy/types": crate::bindings::refkit::policy::types,
            "refkit:policy/registry": crate::bindings::refkit::policy::registry,
            "refkit:policy/resolution": crate::bindings::refkit::policy::resolution,
            "refkit:policy/chain": crate::bindings::refkit::policy::chain,
            "refkit:policy/settings": crate::bindings::refkit::policy::settings,
            "refkit:policy/clock": crate::bindings::refkit::policy::clock,
            "refkit:policy/trace": crate::bindings::refkit::policy::trace,
        },
        imports: { default: async | trappable },
        exports: { default: async },
    });
}
