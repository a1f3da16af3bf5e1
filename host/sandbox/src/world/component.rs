//! The imports and exports of a component, checked against the contract before any of its code runs.

use wasmparser::{BinaryReaderError, Parser, Payload};
use wasmtime::component::Component;
use wasmtime::component::types::ComponentItem;

use super::parts::Parts;
use crate::LoadError;

/// What the contract says of a world: which interfaces a component of it may import, and has to export. Their names have
/// neither package nor version.
#[derive(Debug)]
pub struct Rules {
    pub(super) name: &'static str,
    pub(super) imports: &'static [&'static str],
    /// The host ignores other exports: componentize-py adds one.
    pub(super) exports: [&'static str; 2],
}

const PACKAGE: &str = "refkit:policy/";

/// Checks the bytes of a component: that it is one, imports nothing outside of the contract, exports what a policy
/// has, and has no more parts than may be compiled. The check compiles nothing and keeps nothing.
pub(crate) fn check(rules: &Rules, bytes: &[u8]) -> Result<(), LoadError> {
    if !bytes.starts_with(b"\0asm") {
        return Err(LoadError::Malformed("it does not begin with the four bytes of WebAssembly".into()));
    }
    if Parser::is_core_wasm(bytes) {
        return Err(LoadError::CoreModule);
    }
    let malformed = |error: BinaryReaderError| LoadError::Malformed(error.to_string());
    let mut parts = Parts::default();
    let mut exported = [false; 2];
    let mut depth = 0_usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let payload = payload.map_err(malformed)?;
        parts.add(&payload)?;
        match payload {
            Payload::Version { .. } => depth += 1,
            Payload::End(_) => depth = depth.saturating_sub(1),
            // What is deeper is of components within.
            Payload::ComponentImportSection(imports) if depth == 1 => {
                for import in imports {
                    allowed(rules, import.map_err(malformed)?.name.name, bytes)?;
                }
            }
            Payload::ComponentExportSection(exports) if depth == 1 => {
                for export in exports {
                    let name = export.map_err(malformed)?.name.name;
                    let at = rules.exports.iter().position(|wanted| interface(name) == Some(wanted));
                    at.into_iter().for_each(|at| exported[at] = true);
                }
            }
            _ => {}
        }
    }
    match exported.iter().position(|there| !there) {
        Some(missing) => Err(LoadError::MissingExport {
            export: format!("{PACKAGE}{}@0.1.0", rules.exports[missing]),
            world: rules.name,
        }),
        None => Ok(()),
    }
}

fn allowed(rules: &Rules, import: &str, bytes: &[u8]) -> Result<(), LoadError> {
    if import.starts_with("wasi:") {
        return Err(LoadError::Wasi { import: import.to_owned(), remedy: remedy(bytes) });
    }
    match interface(import) {
        Some(interface) if rules.imports.contains(&interface) => Ok(()),
        _ => Err(LoadError::UnknownImport { import: import.to_owned(), world: rules.name }),
    }
}

/// Returns the names of the contract's interfaces with functions that a component imports, without package and
/// version: what it asks for. Its bytes passed [`check`].
pub(crate) fn asked(component: &Component) -> Vec<String> {
    let engine = component.engine();
    let ty = component.component_type();
    let with_functions = ty.imports(engine).filter(|(_, item)| functions(engine, &item.ty));
    with_functions.filter_map(|(name, _)| interface(name).map(str::to_owned)).collect()
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
