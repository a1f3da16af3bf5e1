//! `refkit inspect` of the repository's demo layout.

use refkit_support::digest;
use refkit_support::image::Image;

use crate::places::demo_image;
use crate::run::{DEMO, Ran, refkit};

fn inspect(tag: &str, more: &[&str]) -> Ran {
    let reference = format!("{DEMO}:{tag}");
    refkit(["inspect", &reference].into_iter().chain(more.iter().copied()))
}

fn child<'a>(image: &'a Image, platform: &str) -> &'a Image {
    let wanted = |child: &&Image| child.descriptor.platform.as_ref().is_some_and(|of| of.to_string() == platform);
    image.children().iter().find(wanted).expect("the demo has it")
}

#[test]
fn an_image_is_drawn() {
    insta::assert_snapshot!(inspect("1.2.3", &[]).all(), @r"
    exit 0
    --- stdout
    reference   oci-layout:tests/fixtures/demo:1.2.3
    digest      sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    media type  application/vnd.oci.image.index.v1+json
    size        4.25 kB

    index
    │  index: org.opencontainers.image.source = https://git.example/demo/app
    │  index: org.opencontainers.image.title = demo
    │  index: org.opencontainers.image.vendor = Example
    │  index: org.opencontainers.image.version = 1.2.3
    ├─ linux/amd64  sha256:f81b1570bcb3fdd37cc3d8f29690a06c2669d46669b612d6a7563df19b0ded53  972 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:3314c89070d93bae7ba336b48430c2a861cc3de8c71423fd265250fd615c524e  465 B
    ├─ linux/arm64  sha256:37170a085dacbe9e0484383c62cfbbac36678f34fc56606445671ff32d2b16d3  972 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:5939ee44db677fed5fd327502a0f960f8f617765685a80bb488b8fd87ad81679  465 B
    ├─ linux/arm/v7  sha256:4771a00fa5e603aca04a094330e61eef052f09df1d80827633ecf940558c229f  985 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:cf8252bf2cd7dd547daca78e814501bfc2307e5107ba357fe899229484b51dc5  465 B
    ├─ linux/arm/v6  sha256:2cb15098adc478049d69113d3e2c5cd2cb17ee52cd26fbfd8c9addd9858f907c  985 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:36d29f5fa6dc2ba4396460e815f2b5f6eb2cdac508a73fac437153f73b5eb979  465 B
    ├─ linux/386  sha256:0c5114b0879e40be578ac21eb999eac5db133b9a6ac53803bf15cd71fae2f936  970 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:cf9b8610cafac4a9a0e4a5533caab0b090b88c0d38a382c4ecda152bc00ee72c  465 B
    ├─ linux/s390x  sha256:4265693d9d1ec3235563330066052dc95f13a35fd4b33a59c4e0a9d86f61de60  972 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  └─ attestation  sha256:a8ab37a9eda0825b7fdbb4f890cfdcb0240e8c058556d71d70623ddf1d3b5c4c  465 B
    └─ index  sha256:fc973e283e494e26291c29c170223f132ab8d680d90e7c1261530eade242169b  625 B
       │  entry: example.tier = preview
       │  index: org.opencontainers.image.title = demo for Windows
       ├─ windows(10.0.20348.2700)/amd64  sha256:d81b0d826313b2c9d014a62860b77ac98a05949881bdc49d2399c90996bcd24f  1 kB  1 layer
       │     manifest: org.opencontainers.image.base.name = registry.example/base:12
       │     manifest: org.opencontainers.image.version = 1.2.3
       └─ windows(10.0.26100.2033)/amd64  sha256:4568e90d68329e41a8e6d2df07ae7319d727bf6d2fcadb2e06a43521216f1319  1 kB  1 layer
             manifest: org.opencontainers.image.base.name = registry.example/base:12
             manifest: org.opencontainers.image.version = 1.2.3
    --- stderr
    ");
    insta::assert_snapshot!(inspect("1.2.3", &["--platform", "linux/arm64", "--layers"]).all(), @r"
    exit 0
    --- stdout
    reference   oci-layout:tests/fixtures/demo:1.2.3
    digest      sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    media type  application/vnd.oci.image.index.v1+json
    size        4.25 kB

    index
    │  index: org.opencontainers.image.source = https://git.example/demo/app
    │  index: org.opencontainers.image.title = demo
    │  index: org.opencontainers.image.vendor = Example
    │  index: org.opencontainers.image.version = 1.2.3
    ├─ linux/arm64  sha256:37170a085dacbe9e0484383c62cfbbac36678f34fc56606445671ff32d2b16d3  972 B  1 layer
    │  │  entry: example.tier = production
    │  │  manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │  manifest: org.opencontainers.image.version = 1.2.3
    │  ├─ layer  sha256:241810b010adf9454c7d97be5c54cc6a27096c334336fc7cafa56a6f75a2bc37  112 B  application/vnd.oci.image.layer.v1.tar+gzip
    │  └─ attestation  sha256:5939ee44db677fed5fd327502a0f960f8f617765685a80bb488b8fd87ad81679  465 B
    └─ 11 more entries that are not part of the answer
    --- stderr
    ");
    insta::assert_snapshot!(inspect("1.2.3", &["--platform", "windows/amd64"]).all(), @r"
    exit 0
    --- stdout
    reference   oci-layout:tests/fixtures/demo:1.2.3
    digest      sha256:a9108e3f2e94ccec8d64e8ff6b9b9e2a587f5afa0dfe76f0809de857f48fd78d
    media type  application/vnd.oci.image.index.v1+json
    size        4.25 kB

    index
    │  index: org.opencontainers.image.source = https://git.example/demo/app
    │  index: org.opencontainers.image.title = demo
    │  index: org.opencontainers.image.vendor = Example
    │  index: org.opencontainers.image.version = 1.2.3
    ├─ index  sha256:fc973e283e494e26291c29c170223f132ab8d680d90e7c1261530eade242169b  625 B
    │  │  entry: example.tier = preview
    │  │  index: org.opencontainers.image.title = demo for Windows
    │  ├─ windows(10.0.20348.2700)/amd64  sha256:d81b0d826313b2c9d014a62860b77ac98a05949881bdc49d2399c90996bcd24f  1 kB  1 layer
    │  │     manifest: org.opencontainers.image.base.name = registry.example/base:12
    │  │     manifest: org.opencontainers.image.version = 1.2.3
    │  └─ 1 more entry that is not part of the answer
    └─ 12 more entries that are not part of the answer
    --- stderr
    ");
}

#[test]
fn a_single_manifest_is_drawn() {
    insta::assert_snapshot!(inspect("single", &[]).all(), @r"
    exit 0
    --- stdout
    reference   oci-layout:tests/fixtures/demo:single
    digest      sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b
    media type  application/vnd.oci.image.manifest.v1+json
    size        525 B

    linux/amd64  sha256:5b84384b82d422cbc5fba69913f7fd8dbfae46e13b2cec5827fcb35abca91a8b  976 B  1 layer
       manifest: org.opencontainers.image.base.name = registry.example/base:12
       manifest: org.opencontainers.image.version = single
    --- stderr
    ");
}

#[test]
fn dockers_media_types_are_drawn() {
    insta::assert_snapshot!(inspect("1.0.0", &[]).all(), @r"
    exit 0
    --- stdout
    reference   oci-layout:tests/fixtures/demo:1.0.0
    digest      sha256:19ee20a1e9885f4d5a2aa24b6204818576fa7361eba7222197d5abfdfd9964e7
    media type  application/vnd.docker.distribution.manifest.list.v2+json
    size        754 B

    index
    ├─ linux/amd64  sha256:779ca1067eaf7e820081a65f3d2986a9da838acc68a0a51155f04aa7aad417b1  871 B  1 layer
    ├─ linux/arm64  sha256:d63e3f8128f9de365ba60cde7ae00cf421045296bce704a7a723f548ef8e6a4b  871 B  1 layer
    └─ linux/arm/v7  sha256:acf13f3d5f74c8243ae14708d831d4d539e5d64af747daafe19634cd594e3455  884 B  1 layer
    --- stderr
    ");
}

#[test]
fn the_bytes_of_each_level_are_exact() {
    let image = demo_image("1.2.3");
    let arm64 = child(&image, "linux/arm64");
    let windows = image.children().last().expect("the index for Windows");
    let single = demo_image("single");
    // tag, arguments, bytes
    let rows: [(&str, &[&str], &[u8]); 10] = [
        ("1.2.3", &["--raw"], &image.bytes),
        ("1.2.3", &["--raw", "--platform", "linux/arm64"], &image.bytes),
        ("1.2.3", &["--raw", "--platform", "plan9/mips"], &image.bytes),
        ("1.2.3", &["--index", "--platform", "linux/arm64"], &image.bytes),
        ("1.2.3", &["--index", "--platform", "windows(10.0.20348.1)/amd64"], &windows.bytes),
        ("1.2.3", &["--manifest", "--platform", "linux/arm64"], &arm64.bytes),
        ("1.2.3", &["--config", "--platform", "linux/arm64"], &arm64.blobs()[0].1),
        ("single", &["--raw"], &single.bytes),
        ("single", &["--manifest"], &single.bytes),
        ("single", &["--config"], &single.blobs()[0].1),
    ];
    for (tag, more, bytes) in rows {
        let ran = inspect(tag, more);
        assert!(ran.code == 0 && ran.stderr.is_empty(), "{tag} {more:?}: {}", ran.stderr);
        assert_eq!(digest(&ran.stdout), digest(bytes), "{tag} {more:?}");
    }
}

#[test]
fn a_missing_level_is_a_failure() {
    insta::assert_snapshot!(inspect("single", &["--index"]).all(), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:tests/fixtures/demo:single is a manifest; there is no index
      its bytes are those of --raw or --manifest
    ");
    insta::assert_snapshot!(inspect("1.2.3", &["--config", "--platform", "plan9/mips"]).all(), @r"
    exit 1
    --- stdout
    --- stderr
    error: oci-layout:tests/fixtures/demo:1.2.3 has no image for plan9/mips
      it has linux/amd64, linux/arm64, linux/arm/v7, linux/arm/v6, linux/386, linux/s390x, windows(10.0.20348.2700)/amd64, windows(10.0.26100.2033)/amd64
    ");
    let ran = inspect("1.2.3", &["--config", "--platform", "linux/amd64", "--platform", "linux/arm64"]);
    assert!(ran.code == 2 && ran.stdout.is_empty(), "{}", ran.all());
}

#[test]
fn referrers_are_requested_only_with_the_option() {
    // The demo's signature refers to the index, and no image has a referrer beyond those in its index.
    let (without, with) = (inspect("1.2.3", &[]), inspect("1.2.3", &["--attestations"]));
    assert_eq!(without.all(), with.all());
}
