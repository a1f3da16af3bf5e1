//! Files that are absent, too large, or damaged.

use std::fs;
use std::path::{Path, PathBuf};

use refkit_registry::hosts::{ConfigFile, Files, Hosts};

use super::{fixture, repository};

fn every(file: impl Fn() -> ConfigFile) -> [(&'static str, Files); 3] {
    [
        ("refkit", Files::default().refkit(vec![file()])),
        ("certs.d", Files::default().certs_d(vec![file()])),
        ("buildkitd", Files::default().buildkitd(vec![file()])),
    ]
}

#[test]
fn a_usual_file_may_be_absent_and_a_named_one_may_not() {
    let missing = PathBuf::from("/nowhere/at/all");
    for (kind, files) in every(|| ConfigFile::Usual(missing.clone())) {
        assert!(Hosts::read(&files).is_ok(), "{kind}");
    }
    for (kind, files) in every(|| ConfigFile::Named(missing.clone())) {
        let error = Hosts::read(&files).map(|_| ()).map_err(|error| error.to_string());
        let wanted = "cannot read /nowhere/at/all: No such file or directory (os error 2)";
        assert_eq!(error, Err(wanted.to_owned()), "{kind}");
    }
}

#[test]
fn an_unreadable_usual_file_is_an_error() {
    let root = tempfile::tempdir().expect("a directory");
    let write = |name: &str, bytes: &[u8]| {
        fs::write(root.path().join(name), bytes).expect("a file");
        root.path().join(name)
    };
    let comment = |length: usize| [b"#".repeat(length), b"\n".to_vec()].concat();
    assert!(error(&write("largest", &comment((1 << 20) - 1))).is_none());
    let rows = [
        (write("large", &comment(1 << 20)), "it has more than 1 MiB, so it is no file of settings"),
        (write("binary", b"\xff"), "it is not UTF-8 text"),
        (root.path().to_owned(), "it is not a file"),
        (PathBuf::from("/dev/zero"), "it is not a file"),
    ];
    for (path, wanted) in rows {
        assert_eq!(error(&path), Some(format!("cannot read {}: {wanted}", path.display())));
    }
}

fn error(path: &Path) -> Option<String> {
    let files = Files::default().refkit(vec![ConfigFile::Usual(path.to_owned())]);
    Hosts::read(&files).err().map(|error| error.to_string())
}

#[test]
fn a_large_directory_is_an_error() {
    let root = tempfile::tempdir().expect("a directory");
    for number in 0..4097 {
        fs::create_dir(root.path().join(number.to_string())).expect("a directory");
    }
    let files = || Files::default().certs_d(vec![ConfigFile::Named(root.path().to_owned())]);
    let error = Hosts::read(&files()).map(|_| ()).map_err(|error| error.to_string());
    assert_eq!(error, Err(format!("cannot read {}: it has more than 4096 entries", root.path().display())));
    fs::remove_dir(root.path().join("0")).expect("a directory");
    assert!(Hosts::read(&files()).is_ok());
}

/// A damaged file is read or is an error. Every registry then has hosts or an error.
#[test]
fn damaged_files_are_read_or_are_errors() {
    let root = tempfile::tempdir().expect("a directory");
    let (directory, file) = (root.path().join("docker.io"), root.path().join("file.toml"));
    fs::create_dir(&directory).expect("a directory");
    let named = |path: &Path| vec![ConfigFile::Named(path.to_owned())];
    let kinds = [
        (fixture("refkit.toml"), &file, Files::default().refkit(named(&file))),
        (fixture("buildkitd.toml"), &file, Files::default().buildkitd(named(&file))),
        (
            fixture("certs.d/docker.io/hosts.toml"),
            &directory.join("hosts.toml"),
            Files::default().certs_d(named(root.path())),
        ),
    ];
    let (mut answers, mut errors) = (0, 0);
    for (whole, file, files) in kinds {
        let whole = fs::read_to_string(whole).expect("a fixture");
        for at in (0..whole.len()).step_by(11) {
            let (before, after) = (&whole[..at], &whole[at + 1..]);
            for text in [before.to_owned(), format!("{before}{after}"), format!("{before}\u{e9}\"]{after}")] {
                fs::write(file, &text).expect("a file");
                let hosts = Hosts::read(&files);
                for registry in ["docker.io", "a.corp.example:5000", "mirror.example:5000", "localhost:5002"] {
                    match hosts.as_ref().map_err(Clone::clone).and_then(|hosts| hosts.of(&repository(registry))) {
                        Ok(hosts) => answers += usize::from(!hosts.is_empty()),
                        Err(error) => errors += usize::from(!error.to_string().is_empty()),
                    }
                }
            }
        }
        fs::remove_file(file).expect("a file");
    }
    assert!(answers > 500 && errors > 500, "{answers} and {errors}");
}
