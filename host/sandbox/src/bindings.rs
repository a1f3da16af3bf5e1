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
