//! The sources: images and indexes as builders write them, and what refers to them.

use std::collections::BTreeMap;

use refkit_support::RealRegistry;
use refkit_support::image::{Image, ImageBuilder, IndexBuilder, attestation};

use crate::places::put;

/// The artifact type of BuildKit's attestations that are referrers.
pub const ATTESTATION: &str = "application/vnd.docker.attestation.manifest.v1+json";

/// The artifact type of cosign's signatures that are referrers.
pub const COSIGN: &str = "application/vnd.dev.cosign.artifact.sig.v1+json";

/// The artifact type of Sigstore's bundles.
pub const BUNDLE: &str = "application/vnd.dev.sigstore.bundle.v0.3+json";

/// An artifact type that no client knows.
pub const SBOM: &str = "application/vnd.example.sbom.v1";

/// Layers of Windows that were not to be distributed.
const FOREIGN: &str = "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip";

/// A source.
#[derive(Clone)]
pub struct Fixture {
    /// The image or the index.
    pub image: Image,
    /// What refers to it or to one of its manifests: the subject and the referrer.
    referrers: Vec<(Image, Image)>,
    /// Images under the tags that cosign makes of a digest, by the end of the tag.
    signatures: Vec<(&'static str, Image)>,
}

impl From<Image> for Fixture {
    fn from(image: Image) -> Self {
        Self { image, referrers: Vec::new(), signatures: Vec::new() }
    }
}

impl Fixture {
    /// Adds a referrer of the image itself.
    fn referred(self, artifact_type: &str) -> Self {
        let subject = self.image.clone();
        self.referred_of(subject, artifact_type)
    }

    /// Adds a referrer of one of its manifests.
    fn referred_of(mut self, subject: Image, artifact_type: &str) -> Self {
        let referrer = ImageBuilder::artifact(artifact_type, &subject)
            .annotation("x.note", "late")
            .layer("application/vnd.example.note", format!("about {}", subject.digest()))
            .build();
        self.referrers.push((subject, referrer.listed_with("x.note", "late")));
        self
    }

    /// Adds an image under a tag of cosign's.
    fn signed(mut self, end: &'static str) -> Self {
        let layer = format!("{end} of {}", self.image.digest());
        let image = ImageBuilder::new("").layer("application/vnd.dev.cosign.simplesigning.v1+json", layer).build();
        self.signatures.push((end, image));
        self
    }

    /// Pushes everything to a repository, the image under a tag. The registry has no referrers API, so an index under the
    /// tag of each subject lists its referrers.
    pub fn push(&self, registry: &RealRegistry, repository: &str, tag: &str) {
        put(registry, repository, Some(tag), &self.image);
        let mut lists: BTreeMap<String, IndexBuilder> = BTreeMap::new();
        for (subject, referrer) in &self.referrers {
            let list = lists.remove(&tag_of(subject)).unwrap_or_default();
            lists.insert(tag_of(subject), list.add(referrer.clone()));
        }
        for (tag, list) in lists {
            put(registry, repository, Some(&tag), &list.build());
        }
        for (end, image) in &self.signatures {
            put(registry, repository, Some(&format!("{}.{end}", tag_of(&self.image))), image);
        }
    }
}

/// Returns the tag that stands for a digest.
pub fn tag_of(image: &Image) -> String {
    image.digest().as_str().replace(':', "-")
}

/// Returns the sources by name.
///
/// | name | what it is |
/// |---|---|
/// | `amd64`, `arm64`, `armv6`, `armv7`, `arm64v8` | OCI manifests |
/// | `zstd` | one with layers of zstd |
/// | `docker`, `docker-arm64` | Docker's manifests |
/// | `windows`, `foreign` | for Windows, the second with a layer that is elsewhere |
/// | `bare`, `artifact` | without a platform in the config, and without a config |
/// | `index`, `twin` | OCI indexes with annotations, on entries too; the second one has other platforms |
/// | `attested`, `one-attested`, `docker-attested` | indexes with BuildKit's attestations, as BuildKit writes them |
/// | `shared` | an OCI index whose images have a layer in common |
/// | `list`, `mixed` | a Docker list, and an OCI index with a Docker manifest |
/// | `variants`, `unplaced`, `untyped` | platforms in variants; no platforms; no media type |
/// | `nested` | an index with an index |
/// | `referred`, `index-referred` | with an attestation, and more, as referrers |
/// | `signed` | with a signature under cosign's tags |
pub fn all() -> BTreeMap<&'static str, Fixture> {
    let image = |name: &str, platform: &str| {
        ImageBuilder::new(platform).label("of", name).annotation("x.name", name).file(name, name.as_bytes())
    };
    let plain = |name: &str, platform: &str| image(name, platform).build();
    let (amd64, arm64, armv7) =
        (plain("amd64", "linux/amd64"), plain("arm64", "linux/arm64"), plain("armv7", "linux/arm/v7"));
    let (armv6, arm64v8) = (plain("armv6", "linux/arm/v6"), plain("arm64v8", "linux/arm64/v8"));
    let zstd = image("zstd", "linux/riscv64").layer("application/vnd.oci.image.layer.v1.tar+zstd", compressed(b"zstd"));
    let docker = ImageBuilder::new("linux/amd64").docker().file("docker", b"docker").build();
    let docker_arm64 = ImageBuilder::new("linux/arm64").docker().file("docker", b"arm64").build();
    let windows = image("windows", "windows/amd64").os_version("10.0.20348.1").build();
    let foreign = ImageBuilder::new("windows/amd64").docker().file("own", b"own");
    let foreign = foreign.foreign_layer(FOREIGN, b"elsewhere", "http://127.0.0.1:9/layer").build();
    let shared = |platform: &str| ImageBuilder::new(platform).file("shared", b"layer").build();
    let index = IndexBuilder::new().add(amd64.clone()).add(arm64.clone().listed_with("x.k", "old")).add(armv7.clone());
    let (s390x, ppc64le) = (plain("s390x", "linux/s390x"), plain("ppc64le", "linux/ppc64le"));
    let twin = IndexBuilder::new().add(s390x.clone().listed_with("x.k", "twin")).add(arm64.clone()).add(ppc64le);
    let [one, two] = ["one", "two"].map(|name| plain(name, if name == "one" { "linux/amd64" } else { "linux/arm64" }));
    let attested = [&one, &two].map(attestation);
    let attested = [one.clone(), two].into_iter().chain(attested).fold(IndexBuilder::new(), IndexBuilder::add);
    let one_attested = IndexBuilder::new().add(s390x.clone()).add(attestation(&s390x));
    let docker_attested = IndexBuilder::new().docker().add(docker.clone()).add(attestation(&docker));
    let untyped = IndexBuilder::new().add(amd64.clone()).add(s390x).build();
    let inner = IndexBuilder::new().add(windows.clone()).annotation("x.inner", "yes").build();
    let referred = plain("referred", "linux/amd64");
    let index_referred = IndexBuilder::new().add(referred.clone()).add(arm64.clone()).build();
    let fixtures: Vec<(&'static str, Fixture)> = vec![
        ("amd64", amd64.clone().into()),
        ("arm64", arm64.clone().into()),
        ("armv6", armv6.clone().into()),
        ("armv7", armv7.clone().into()),
        ("arm64v8", arm64v8.clone().into()),
        ("zstd", zstd.build().into()),
        ("docker", docker.clone().into()),
        ("docker-arm64", docker_arm64.clone().into()),
        ("windows", windows.into()),
        ("foreign", foreign.into()),
        ("bare", plain("bare", "").into()),
        ("artifact", ImageBuilder::artifact_alone("application/vnd.example.model").build().into()),
        ("index", index.annotation("x.title", "demo").build().into()),
        ("twin", twin.annotation("x.title", "twin").build().into()),
        ("attested", attested.annotation("x.title", "built").indented().build().into()),
        ("one-attested", one_attested.indented().build().into()),
        ("docker-attested", docker_attested.indented().build().into()),
        ("shared", IndexBuilder::new().add(shared("linux/amd64")).add(shared("linux/arm64")).build().into()),
        ("list", IndexBuilder::new().docker().add(docker.clone()).add(docker_arm64).build().into()),
        ("mixed", IndexBuilder::new().add(docker).add(arm64.clone()).build().into()),
        ("variants", IndexBuilder::new().add(armv6.clone()).add(armv7.clone()).add(arm64v8).build().into()),
        ("unplaced", IndexBuilder::new().add(amd64.clone().without_platform()).add(arm64).build().into()),
        ("untyped", untyped.spelled(without_media_type).into()),
        ("nested", IndexBuilder::new().add(amd64).add(inner.listed_with("x.k", "inner")).build().into()),
        ("referred", Fixture::from(referred.clone()).referred(ATTESTATION).referred(SBOM)),
        (
            "index-referred",
            Fixture::from(index_referred).referred(BUNDLE).referred_of(referred, ATTESTATION).referred(SBOM),
        ),
        ("signed", Fixture::from(plain("signed", "linux/amd64")).referred(COSIGN).signed("sig").signed("att")),
    ];
    fixtures.into_iter().collect()
}

/// Returns an index without its own media type, which OCI image-spec 1.1 allows.
fn without_media_type(text: &str) -> String {
    text.replacen(&format!(r#""mediaType":"{}","#, refkit_support::image::INDEX), "", 1)
}

/// Returns bytes compressed by zstd.
fn compressed(bytes: &[u8]) -> Vec<u8> {
    ruzstd::encoding::compress_to_vec(bytes, ruzstd::encoding::CompressionLevel::Fastest)
}
