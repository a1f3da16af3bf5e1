//! Generates `src/grpc/pb/*` from `proto/`, and fails where a checked-in file differs.

use std::path::{Path, PathBuf};

use prost_build::{Config, Module};
use protox::Compiler;

/// Returns the compiler with all `.proto` files of this crate.
fn compiler() -> Compiler {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("proto");
    let files = std::fs::read_dir(root.join("refkit/v1")).unwrap().map(|entry| entry.unwrap().path());
    let mut files: Vec<_> = files.collect();
    files.sort();
    let mut compiler = Compiler::new([&root]).unwrap();
    compiler.include_imports(true).include_source_info(true).open_files(files).unwrap();
    compiler
}

/// Returns the generated messages.
fn code() -> String {
    let mut config = Config::new();
    // Maps in a fixed order, so that equal messages have equal encodings; byte fields without copies.
    config.btree_map(["."]).bytes(["."]).enable_type_names();
    let module = |file: &prost_types::FileDescriptorProto| Module::from_protobuf_package_name(file.package());
    let requests = compiler().file_descriptor_set().file.into_iter().map(|file| (module(&file), file)).collect();
    // The types of `google.protobuf` are those of `prost-types`.
    let code = config.generate(requests).unwrap().remove(&Module::from_protobuf_package_name("refkit.v1")).unwrap();
    format!("// Generated from `proto/refkit/v1`; tests/proto/generate.rs checks that it is current.\n{code}")
}

/// Returns the descriptors without comments, for reflection.
fn descriptors() -> Vec<u8> {
    let mut compiler = compiler();
    compiler.include_source_info(false).encode_file_descriptor_set()
}

/// Where a file differs, the generated one lies in cargo's directory for the files of tests, to be copied from there.
#[test]
fn the_checked_in_code_is_current() {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/grpc/pb");
    let mut differing = Vec::new();
    for (name, content) in [("refkit.v1.rs", code().into_bytes()), ("refkit.v1.binpb", descriptors())] {
        let path: PathBuf = directory.join(name);
        if std::fs::read(&path).unwrap_or_default() != content {
            let renewed = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
            std::fs::write(&renewed, content).unwrap();
            differing.push(format!("cp {} {}", renewed.display(), path.display()));
        }
    }
    assert!(differing.is_empty(), "`proto/` generates other code; renew it by:\n{}", differing.join("\n"));
}
