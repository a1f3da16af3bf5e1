//! Interoperability with skopeo and crane: RefKit reads the images that they push to real registries, and they read
//! RefKit's, byte for byte.

use std::path::Path;
use std::process::{Output, Stdio};
use std::time::Duration;

use refkit_content::{Discover, Fetch, Layout, LayoutWriter, Memory, Resolve, copy};
use refkit_oci::{Reference, Repository};
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};
use refkit_support::{Auth, RealRegistry, tool};
use tempfile::TempDir;
use tokio::process::Command;

use crate::ask::{anonymous, read, reference, repository};

/// The timeout of one program: a minute, for a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Returns both real registries, without access control.
fn registries() -> [RealRegistry; 2] {
    let access = Auth::Anonymous;
    [RealRegistry::distribution_v3(access).unwrap(), RealRegistry::debian_v2(access).unwrap()]
}

/// Returns images of every kind in use, each with a name.
fn images() -> Vec<(&'static str, Image)> {
    let platform = |name: &str| ImageBuilder::new(name).label("built", "here").file("hello", name.as_bytes());
    let (amd64, arm64) = (platform("linux/amd64").build(), platform("linux/arm64/v8").build());
    let index = IndexBuilder::new().add(amd64.clone()).add(arm64.clone()).annotation("team", "blue").build();
    let attested = IndexBuilder::new().add(amd64.clone()).add(attestation(&amd64)).build();
    let docker = platform("linux/amd64").docker().build();
    let list = IndexBuilder::new().docker().add(docker.clone()).add(platform("linux/arm/v7").docker().build()).build();
    vec![("single", amd64), ("index", index), ("attested", attested), ("docker", docker), ("list", list)]
}

/// Runs one of the programs, with an empty home and without this process's environment.
async fn run(program: &str, arguments: &[&str], home: &Path) -> Output {
    let mut command = Command::new(tool(program).unwrap());
    command.args(arguments).env_clear().env("HOME", home).env("XDG_RUNTIME_DIR", home).env("TMPDIR", home);
    command.stdin(Stdio::null()).kill_on_drop(true);
    let output = tokio::time::timeout(PATIENCE, command.output()).await;
    let output = output.unwrap_or_else(|_| panic!("{program} {arguments:?} takes more than a minute")).unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{program} {arguments:?}: {}\n{said}", output.status);
    output
}

async fn crane(arguments: &[&str], home: &Path) -> Vec<u8> {
    run("crane", arguments, home).await.stdout
}

async fn skopeo(arguments: &[&str], home: &Path) -> Vec<u8> {
    run("skopeo", &[&["--insecure-policy"], arguments].concat(), home).await.stdout
}

/// Writes an image into a layout of its own.
async fn layout(directory: &TempDir, name: &str, image: &Image) -> String {
    let path = directory.path().join(name);
    let writer = LayoutWriter::open(&path).await.unwrap();
    image
        .push(&writer, &Reference::new(writer.repository().clone(), Some(name.to_owned()), None).unwrap())
        .await
        .unwrap();
    path.to_str().unwrap().to_owned()
}

/// Removes all but the first entry of a layout's index, such as the list of referrers: crane pushes one image.
fn leave_first(layout: &str) {
    let file = Path::new(layout).join("index.json");
    let mut index: serde_json::Value = serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap();
    index["manifests"].as_array_mut().unwrap().truncate(1);
    std::fs::write(file, index.to_string()).unwrap();
}

/// Checks that a source has the whole image, byte for byte.
async fn same(source: &(impl Resolve + Fetch), of: &Repository, tag: Option<&str>, image: &Image) {
    let digest = tag.is_none().then(|| image.digest().clone());
    let name = Reference::new(of.clone(), tag.map(str::to_owned), digest).unwrap();
    let root = source.pull(&name).await.unwrap().value;
    assert_eq!((&root.descriptor.digest, &root.bytes), (image.digest(), &image.bytes), "{name}");
    assert_eq!(root.descriptor.media_type, image.descriptor.media_type, "{name}");
    for (descriptor, bytes) in image.blobs() {
        assert_eq!(&read(source, of, descriptor).await.unwrap(), bytes, "{name}: {descriptor:?}");
    }
    for child in image.children() {
        Box::pin(same(source, of, None, child)).await;
    }
}

/// Checks that a directory of skopeo has the whole image: manifests as `DIGITS.manifest.json`, blobs by their digits.
fn holds(directory: &Path, name: &str, image: &Image) {
    assert_eq!(std::fs::read(directory.join(name)).unwrap(), image.bytes, "{name}");
    for (descriptor, bytes) in image.blobs() {
        assert_eq!(std::fs::read(directory.join(descriptor.digest.hex())).unwrap(), *bytes, "{descriptor:?}");
    }
    for child in image.children() {
        holds(directory, &format!("{}.manifest.json", child.digest().hex()), child);
    }
}

#[tokio::test]
async fn images_of_other_clients_are_read_unchanged() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    for registry in registries() {
        let (host, from) = (registry.host(), repository(registry.host()));
        for (name, image) in images() {
            let path = layout(&directory, name, &image).await;
            crane(&["push", &path, &format!("{host}/app:crane-{name}")], home).await;
            // skopeo supports only OCI images in layouts, so it copies Docker images between repositories of a
            // registry.
            let source = if matches!(name, "docker" | "list") {
                format!("docker://{host}/app:crane-{name}")
            } else {
                format!("oci:{path}:{name}")
            };
            let other = format!("docker://{host}/app:skopeo-{name}");
            let arguments =
                ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", "--dest-tls-verify=false"];
            skopeo(&[&arguments[..], &[&source, &other]].concat(), home).await;
            for writer in ["crane", "skopeo"] {
                let tag = format!("{writer}-{name}");
                same(&anonymous(), &from, Some(&tag), &image).await;
                let whole = Memory::new();
                let reference = reference(host, &format!(":{tag}"));
                copy(&anonymous(), &reference, &whole, &reference).await.unwrap();
                same(&whole, &from, Some(&tag), &image).await;
            }
        }
        let mut tags = anonymous().tags(&from).await.unwrap().value;
        tags.retain(|tag| !tag.starts_with("sha256-"));
        assert_eq!(tags.len(), 2 * images().len());
    }
}

#[tokio::test]
async fn other_clients_read_pushed_images() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    for (number, registry) in registries().into_iter().enumerate() {
        let host = registry.host();
        for (name, image) in images() {
            let tagged = reference(host, &format!(":{name}"));
            image.push(&anonymous(), &tagged).await.unwrap();
            let (plain, remote) = (tagged.to_string(), format!("docker://{tagged}"));
            assert_eq!(crane(&["manifest", &plain], home).await, image.bytes, "{name}");
            let digest = crane(&["digest", &plain], home).await;
            assert_eq!(String::from_utf8_lossy(&digest).trim(), image.digest().as_str(), "{name}");
            // crane does not treat an attestation's statements as layers, and reports them as missing.
            if name != "attested" {
                crane(&["validate", "--remote", &plain], home).await;
            }
            let raw = skopeo(&["inspect", "--raw", "--tls-verify=false", &remote], home).await;
            assert_eq!(raw, image.bytes, "{name}");
            let copied = ["copy", "--all", "--preserve-digests", "--src-tls-verify=false", &remote];
            if matches!(name, "docker" | "list") {
                let path = home.join(format!("{number}-{name}"));
                skopeo(&[&copied[..], &[&format!("dir:{}", path.display())]].concat(), home).await;
                holds(&path, "manifest.json", &image);
                continue;
            }
            let path = home.join(format!("{number}-{name}"));
            let target = format!("oci:{}:{name}", path.display());
            skopeo(&[&copied[..], &[&target]].concat(), home).await;
            let copied = Layout::open(&path).await.unwrap();
            same(&copied, copied.repository(), Some(name), &image).await;
        }
    }
}

#[tokio::test]
async fn referrers_are_found_on_both_sides() {
    let directory = tempfile::tempdir().unwrap();
    let home = directory.path();
    let image = images().remove(0).1;
    let artifact = |kind: &str| ImageBuilder::artifact(kind, &image).annotation("made", "here").build();
    let (own, theirs) = (artifact("application/vnd.example.own"), artifact("application/vnd.example.crane"));
    for (number, registry) in registries().into_iter().enumerate() {
        let (host, from, asking) = (registry.host(), repository(registry.host()), anonymous());
        image.push(&asking, &reference(host, ":1")).await.unwrap();
        own.push(&asking, &reference(host, &format!("@{}", own.digest()))).await.unwrap();
        let path = layout(&directory, &format!("artifact-{number}"), &theirs).await;
        leave_first(&path);
        crane(&["push", &path, &format!("{host}/app:artifact")], home).await;

        let mut listed = asking.referrers(&from, image.digest(), None).await.unwrap().value;
        listed.sort_by(|one, other| one.artifact_type.cmp(&other.artifact_type));
        let found: Vec<_> = listed.iter().map(|one| (&one.digest, one.annotation("made"))).collect();
        assert_eq!(found, [(theirs.digest(), Some("here")), (own.digest(), Some("here"))]);
        // Without the referrers API the list is an image index under a tag, which other clients can read.
        let tag = image.digest().as_str().replace(':', "-");
        let list = crane(&["manifest", &format!("{host}/app:{tag}")], home).await;
        let list: serde_json::Value = serde_json::from_slice(&list).unwrap();
        assert_eq!(list["manifests"].as_array().map(Vec::len), Some(2), "{list}");
        same(&asking, &from, Some("artifact"), &theirs).await;
    }
}
