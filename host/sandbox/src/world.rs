//! What a component asks for and offers, held against the contract before anything of it runs.

use wasmtime::component::types::ComponentItem;

use crate::LoadError;

/// The interfaces that a policy may import, without their version.
const IMPORTS: [&str; 7] = ["types", "resolution", "registry", "chain", "settings", "clock", "trace"];

/// The interfaces that a policy has to export. What else it exports is not looked at: componentize-py adds an export.
const EXPORTS: [&str; 2] = ["about", "resolver"];

const PACKAGE: &str = "refkit:policy/";

/// Returns the names of the contract's interfaces with functions that the component imports, without package and
/// version: what it asks for.
pub(crate) fn check(component: &wasmtime::component::Component, bytes: &[u8]) -> Result<Vec<String>, LoadError> {
    let engine = component.engine();
    let ty = component.component_type();
    let mut asked = Vec::new();
    for (name, item) in ty.imports(engine) {
        if name.starts_with("wasi:") {
            return Err(LoadError::Wasi { import: name.to_owned(), remedy: remedy(bytes) });
        }
        match interface(name) {
            Some(interface) if IMPORTS.contains(&interface) => {
                if functions(engine, &item.ty) {
                    asked.push(interface.to_owned());
                }
            }
            _ => return Err(LoadError::UnknownImport(name.to_owned())),
        }
    }
    for wanted in EXPORTS {
        if !ty.exports(engine).any(|(name, _)| interface(name) == Some(wanted)) {
            return Err(LoadError::MissingExport(format!("{PACKAGE}{wanted}@0.1.0")));
        }
    }
    Ok(asked)
}

fn interface(name: &str) -> Option<&str> {
    let (interface, version) = name.strip_prefix(PACKAGE)?.split_once('@')?;
    version.starts_with("0.1.").then_some(interface)
}

fn functions(engine: &wasmtime::Engine, item: &ComponentItem) -> bool {
    match item {
        ComponentItem::ComponentInstance(instance) => {
            instance.exports(engine).any(|(_, item)| matches!(item.ty, ComponentItem::ComponentFunc(_)))
        }
        _ => false,
    }
}

/// Marks that the tools leave in what they build, and the line that builds it without WASI.
const REMEDIES: [(&[u8], &str); 4] = [
    (b"componentize-py", "build it with: componentize-py componentize --stub-wasi"),
    (b"StarlingMonkey", "build it with: disableFeatures: ['stdio', 'random', 'clocks', 'http', 'fetch-event']"),
    (
        b"Go cmd/compile",
        "build it with a stub adapter: wasm-tools component new --adapt wasi_snapshot_preview1=stub.wasm",
    ),
    (b"rustc", "build it with: cargo build --target wasm32-unknown-unknown"),
];

/// Returns the line that repairs the build of a component that wants WASI.
fn remedy(component: &[u8]) -> &'static str {
    let found = REMEDIES.iter().find(|(mark, _)| component.windows(mark.len()).any(|window| window == *mark));
    found.map_or("build it for a target without WASI, such as wasm32-unknown-unknown", |(_, line)| line)
}
