//! The bindings that `wit-bindgen` generates from the contract, once for all Rust policies. The generated code calls
//! the canonical ABI and is the only code in the guests with `unsafe`.
#![allow(unsafe_code, missing_docs, clippy::all)]

wit_bindgen::generate!({
    path: "../../wit",
    world: "policy",
    pub_export_macro: true,
    additional_derives: [PartialEq, Eq, Hash],
});
