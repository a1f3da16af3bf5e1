//! Generates `src/pb/*.rs` from `proto/*.proto`, and fails where a checked-in file differs.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use prost_build::{Config, Module};
use protox::Compiler;

/// Returns the compiler with all `.proto` files of this crate.
pub fn compiler() -> Compiler {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = std::fs::read_dir(&directory).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> =
        files.filter(|path| path.extension().is_some_and(|extension| extension == "proto")).collect();
    files.sort();
    let mut compiler = Compiler::new([&directory]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(files).unwrap();
    compiler
}

/// Returns the generated code, by path: one file for each package.
fn generated() -> BTreeMap<PathBuf, String> {
    let mut config = Config::new();
    // Maps in a fixed order, so that equal messages have equal encodings; byte fields without copies.
    config.btree_map(["."]).bytes(["."]).compile_well_known_types();
    config.type_attribute(".pb.Platform", "#[derive(PartialOrd, Ord)]");
    let files = compiler().file_descriptor_set().file;
    let requests = files.into_iter().map(|file| (Module::from_protobuf_package_name(file.package()), file)).collect();
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/pb");
    let generated = config.generate(requests).unwrap().into_iter();
    let header =
        "// Generated from the package's files in `proto/`; tests/proto/generate.rs checks that it is current.\n";
    let file =
        |(module, code): (Module, String)| (directory.join(module.to_file_name_or("")), format!("{header}{code}"));
    generated.map(file).collect()
}

/// Where a file differs, the generated one lies in cargo's directory for the files of tests, to be copied from there.
#[test]
fn the_checked_in_code_is_current() {
    let generated = generated();
    assert_eq!(generated.len(), 8, "one file for each package");
    let mut differing = Vec::new();
    for (path, code) in generated {
        if std::fs::read_to_string(&path).unwrap_or_default() != code {
            let renewed = Path::new(env!("CARGO_TARGET_TMPDIR")).join(path.file_name().unwrap());
            std::fs::write(&renewed, code).unwrap();
            differing.push(format!("cp {} {}", renewed.display(), path.display()));
        }
    }
    assert!(differing.is_empty(), "`proto/` generates other code; renew it by:\n{}", differing.join("\n"));
}
