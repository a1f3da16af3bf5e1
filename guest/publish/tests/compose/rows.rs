//! The table.

use std::collections::BTreeMap;

use refkit_oci::{Content, Descriptor, Digest};
use refkit_publish::compose::{ATTESTATION, Given};
use refkit_support::image::{DOCKER_LIST, INDEX, Image, ImageBuilder, IndexBuilder, MANIFEST, attestation};

use crate::content::{Question, fetched, raw, sha256};

/// The images of the table.
pub struct Fixtures {
    pub amd64: Image,
    pub arm64: Image,
    pub armv7: Image,
    pub armv6: Image,
    pub windows: Image,
    pub docker: Image,
    pub docker_arm: Image,
    pub attested: Image,
    /// What a registry lists as a referrer of amd64.
    pub referrer: Image,
    /// An index of amd64 with its attestation, arm64 and arm/v7.
    pub index: Image,
    /// An index of amd64 and arm64, without attestations.
    pub plain: Image,
    pub nested: Image,
    /// An index of amd64, which states no platform.
    pub unplaced: Image,
    /// An index of an index.
    pub around: Image,
    /// An index of amd64 and of an index that is nowhere.
    pub hollow: Image,
    pub list: Image,
    pub attested_arm64: Image,
    /// Indexes of one platform and its attestation, as a build for each platform pushes them, and an index of both.
    pub only_amd64: Image,
    pub only_arm64: Image,
    pub both: Image,
}

impl Fixtures {
    pub fn new() -> Self {
        let image = |platform: &str| ImageBuilder::new(platform).label("of", platform).build();
        let docker = |platform: &str| ImageBuilder::new(platform).docker().build();
        let [amd64, arm64, armv7, armv6] = ["linux/amd64", "linux/arm64", "linux/arm/v7", "linux/arm/v6"].map(image);
        let windows = ImageBuilder::new("windows/amd64").os_version("10.0.20348.1").build();
        let (attested, attested_arm64) = (attestation(&amd64), attestation(&arm64));
        let only = |image: &Image, about: &Image| IndexBuilder::new().add(image.clone()).add(about.clone()).build();
        let (only_amd64, only_arm64) = (only(&amd64, &attested), only(&arm64, &attested_arm64));
        let both = IndexBuilder::new().add(only_amd64.clone().without_platform());
        let (docker, docker_arm) = (docker("linux/amd64"), docker("linux/arm64"));
        let nowhere = IndexBuilder::new().add(armv6.clone()).build().without_platform();
        let index = IndexBuilder::new().add(amd64.clone()).add(arm64.clone().listed_with("x.k", "old"));
        let plain = IndexBuilder::new().add(amd64.clone()).add(arm64.clone()).annotation("x.title", "plain").build();
        Self {
            index: index.add(armv7.clone()).add(attested.clone()).annotation("x.title", "demo").build(),
            nested: IndexBuilder::new().add(windows.clone()).add(plain.clone().without_platform()).build(),
            hollow: IndexBuilder::new().add(amd64.clone()).add(nowhere).build(),
            around: IndexBuilder::new().add(plain.clone().without_platform()).build(),
            unplaced: IndexBuilder::new()
                .add(amd64.clone().without_platform())
                .annotation("x.title", "unplaced")
                .build(),
            list: IndexBuilder::new().docker().add(docker.clone()).add(docker_arm.clone()).build(),
            referrer: ImageBuilder::artifact(ATTESTATION, &amd64).annotation("x.note", "late").build(),
            both: both.add(only_arm64.clone().without_platform()).build(),
            attested_arm64,
            only_amd64,
            only_arm64,
            amd64,
            arm64,
            armv7,
            armv6,
            windows,
            docker,
            docker_arm,
            attested,
            plain,
        }
    }

    pub fn all(&self) -> [(&'static str, &Image); 20] {
        [
            ("amd64", &self.amd64),
            ("arm64", &self.arm64),
            ("armv7", &self.armv7),
            ("armv6", &self.armv6),
            ("windows", &self.windows),
            ("docker", &self.docker),
            ("docker_arm", &self.docker_arm),
            ("attested", &self.attested),
            ("referrer", &self.referrer),
            ("index", &self.index),
            ("plain", &self.plain),
            ("nested", &self.nested),
            ("unplaced", &self.unplaced),
            ("around", &self.around),
            ("hollow", &self.hollow),
            ("list", &self.list),
            ("attested_arm64", &self.attested_arm64),
            ("only_amd64", &self.only_amd64),
            ("only_arm64", &self.only_arm64),
            ("both", &self.both),
        ]
    }

    pub fn names(&self) -> BTreeMap<Digest, &'static str> {
        self.all().into_iter().map(|(name, image)| (image.digest().clone(), name)).collect()
    }

    pub fn question(&self, sources: Vec<Content>) -> Question {
        Question::new(sources, &self.all().map(|(_, image)| image))
    }

    /// Returns a referrer as a registry lists it.
    pub fn referrer(&self, artifact_type: &str) -> (Digest, Content) {
        let mut referrer = fetched(&self.referrer);
        referrer.descriptor.artifact_type = Some(artifact_type.to_owned());
        referrer.descriptor.annotations = vec![("x.note".to_owned(), "late".to_owned())];
        (self.amd64.digest().clone(), referrer)
    }
}

/// A row: what is composed, and what it becomes.
pub struct Row {
    pub about: &'static str,
    pub question: Question,
    pub wanted: &'static str,
    /// Whether buildx cannot be asked the same.
    pub own: bool,
}

impl Row {
    fn annotated(mut self, annotations: &[&str]) -> Self {
        self.question.annotations.extend(annotations.iter().map(|text| (*text).to_owned()));
        self
    }

    fn on(mut self, platforms: &[&str]) -> Self {
        self.question.platforms.extend(platforms.iter().map(|text| (*text).to_owned()));
        self
    }

    fn copied(mut self) -> Self {
        self.question.prefer_index = false;
        self
    }

    fn oci(mut self) -> Self {
        (self.question.oci, self.own) = (true, true);
        self
    }

    fn sparse(mut self) -> Self {
        (self.question.sparse, self.own) = (true, true);
        self
    }

    fn unwrapped(mut self) -> Self {
        (self.question.unwrap, self.own) = (true, true);
        self
    }

    fn own(mut self) -> Self {
        self.own = true;
        self
    }

    fn referred(mut self, referrer: (Digest, Content)) -> Self {
        self.question.referrers.push(referrer);
        self
    }
}

/// Returns what a registry returned, with what a user states.
fn given(image: &Image, text: &str) -> Content {
    let Content { descriptor, bytes } = fetched(image);
    let text = text.replace("DIGEST", image.digest().as_str());
    Content { descriptor: Given::read(text.as_bytes()).unwrap().over(descriptor).unwrap(), bytes }
}

fn with_media_type(content: Content, media_type: &str) -> Content {
    Content { descriptor: Descriptor { media_type: media_type.to_owned(), ..content.descriptor }, ..content }
}

/// Returns an index as no tool writes it: an entry has every member, there is white space, and the strict reader ignores some
/// members.
fn odd(of: &Image, media_type: &str) -> Content {
    let Descriptor { digest, size, .. } = &of.descriptor;
    let other = sha256(b"other");
    raw(
        INDEX,
        format!(
            r#" {{"schemaVersion":2,{media_type}"x":1, "artifactType":"a/b", "manifests":[
  {{"mediaType":"{MANIFEST}","size":{size},"digest":"{digest}","artifactType":"c/d","urls":["https://a.example/?x=1&y"],
    "data":"e30=","annotations":{{}},"platform":{{"os":"linux","architecture":"amd64","os.features":["z","a"],"variant":"v2"}}}},
  {{"mediaType":"{MANIFEST}","size":3,"digest":"{other}","platform":{{"os":"linux","architecture":"s390x"}}}}
 ],"subject":{{"mediaType":"{MANIFEST}","size":{size},"digest":"{digest}"}},"annotations":{{"b":"<&>\u2028\u0001é","a":""}}}}"#
        ),
    )
}

/// Returns an index with one image for two platforms, and another one.
fn twice(of: &Image, other: &Image) -> Content {
    let entry = |image: &Image, variant: &str| {
        let Descriptor { digest, size, .. } = &image.descriptor;
        let platform = format!(r#"{{"architecture":"arm","os":"linux","variant":"{variant}"}}"#);
        format!(r#"{{"mediaType":"{MANIFEST}","digest":"{digest}","size":{size},"platform":{platform}}}"#)
    };
    let entries = [entry(of, "v6"), entry(of, "v7"), entry(other, "v5")].join(",");
    raw(INDEX, format!(r#"{{"schemaVersion":2,"mediaType":"{INDEX}","manifests":[{entries}]}}"#))
}

/// Returns the rows.
pub fn rows(all: &Fixtures) -> Vec<Row> {
    let f = fetched;
    let row = |about, sources: &[&Image], wanted| {
        let question = all.question(sources.iter().map(|image| f(image)).collect());
        Row { about, question, wanted, own: false }
    };
    let custom = |about, sources, wanted| Row { about, question: all.question(sources), wanted, own: false };
    let Fixtures {
        amd64,
        arm64,
        armv7,
        armv6,
        windows,
        docker,
        docker_arm,
        index,
        plain,
        nested,
        unplaced,
        around,
        hollow,
        list,
        only_amd64,
        only_arm64,
        both,
        ..
    } = all;
    let stated = format!(r#""mediaType":"{INDEX}","#);
    vec![
        // One source.
        row("a manifest gets an index", &[amd64], "oci: amd64 linux/amd64"),
        row("a manifest stays where no index is preferred", &[amd64], "same 0").copied(),
        row("a Docker manifest gets a Docker list", &[docker], "docker: docker linux/amd64"),
        row("a Docker manifest stays", &[docker], "same 0").copied(),
        row("an index stays", &[index], "same 0"),
        row("an index stays where no index is preferred", &[index], "same 0").copied(),
        row("a list stays", &[list], "same 0"),
        row("an index of indexes stays", &[nested], "same 0"),
        custom("an odd index keeps its bytes", vec![odd(amd64, &stated)], "same 0"),
        row("no source", &[], "error: there is no source"),
        // Several.
        row("in the order of the sources", &[arm64, amd64], "oci: arm64 linux/arm64, amd64 linux/amd64"),
        row("Docker and Docker", &[docker, docker_arm], "docker: docker linux/amd64, docker_arm linux/arm64"),
        row("Docker and OCI", &[docker, arm64], "oci: docker linux/amd64, arm64 linux/arm64"),
        row("a list and a manifest", &[list, armv7], "oci: docker linux/amd64, docker_arm linux/arm64, armv7 linux/arm/v7"),
        row("an index loses its annotations", &[plain, armv7], "oci: amd64 linux/amd64, arm64 linux/arm64, armv7 linux/arm/v7"),
        row("the same twice", &[amd64, amd64], "oci: amd64 linux/amd64"),
        row("the same index twice", &[plain, plain], "oci: amd64 linux/amd64, arm64 linux/arm64"),
        row("annotations of entries are kept", &[plain, index], "oci: amd64 linux/amd64, arm64 linux/arm64 {k=old}, armv7 linux/arm/v7, attested unknown/unknown {digest=amd64 type=attestation-manifest}"),
        row("one level is opened", &[nested, armv6], "oci: windows windows(10.0.20348.1)/amd64, plain, armv6 linux/arm/v6"),
        row("a version of Windows gets lost", &[windows, amd64], "oci: windows windows/amd64, amd64 linux/amd64"),
        // Indexes of one platform and its attestation.
        row("they merge", &[only_amd64, only_arm64], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest}, arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest}"),
        row("one of them twice", &[only_amd64, only_arm64, only_amd64], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest}, arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest}"),
        row("one gives an index its attestation", &[plain, only_arm64], "oci: amd64 linux/amd64, arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest}"),
        row("a filter keeps one with its attestation", &[only_amd64, only_arm64], "oci: arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest}").on(&["linux/arm64"]),
        row("they merge with an annotation", &[only_amd64, only_arm64], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest}, arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest} {v=1}").annotated(&["index:x.v=1"]),
        row("an index of them stays nested", &[both], "same 0"),
        row("an index of them is opened by one level", &[both, armv6], "oci: only_amd64, only_arm64, armv6 linux/arm/v6"),
        // Descriptors that a user states.
        custom("a stated platform", vec![given(amd64, r#"{"digest":"DIGEST","platform":{"os":"darwin","architecture":"arm64","variant":"v8"}}"#)], "oci: amd64 darwin/arm64/v8"),
        custom("a stated operating system", vec![given(armv7, r#"{"digest":"DIGEST","platform":{"os":"freebsd","os.version":"14"}}"#)], "oci: armv7 freebsd(14)/arm/v7"),
        custom("a stated variant", vec![given(armv7, r#"{"digest":"DIGEST","platform":{"variant":"v9"}}"#)], "oci: armv7 linux/arm/v9"),
        custom("stated annotations", vec![given(amd64, r#"{"digest":"DIGEST","annotations":{"x.b":"2","x.a":"1"}}"#)], "oci: amd64 linux/amd64 {a=1 b=2}"),
        custom("stated annotations over those of an index", vec![f(index), given(arm64, r#"{"digest":"DIGEST","annotations":{"x.k":"new","x.a":"1"}}"#)], "oci: amd64 linux/amd64, arm64 linux/arm64 {a=1 k=new}, armv7 linux/arm/v7, attested unknown/unknown {digest=amd64 type=attestation-manifest}"),
        custom("a stated platform over that of an index", vec![f(plain), given(arm64, r#"{"digest":"DIGEST","platform":{"os":"linux","architecture":"arm64","variant":"v9"}}"#)], "oci: amd64 linux/amd64, arm64 linux/arm64/v9"),
        custom("no media type", vec![with_media_type(f(docker), ""), with_media_type(f(list), "")], "docker: docker linux/amd64, docker_arm linux/arm64"),
        custom("another media type than the document's", vec![with_media_type(f(plain), DOCKER_LIST)], "error: the document sha256:").own(),
        custom("schema 1", vec![raw("application/vnd.docker.distribution.manifest.v1+prettyjws", "{}")], "error: the document sha256:"),
        custom("no document", vec![raw(MANIFEST, "[]")], "error: the document sha256:"),
        // Platforms.
        row("all platforms match", &[plain], "same 0").on(&["linux/amd64", "linux/arm64"]),
        row("one platform", &[plain], "oci: arm64 linux/arm64 {title=plain}").on(&["linux/arm64"]),
        row("an attestation follows", &[index], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest} {title=demo}").on(&["linux/amd64"]),
        row("an attestation goes", &[index], "oci: arm64 linux/arm64 {k=old}, armv7 linux/arm/v7 {title=demo}").on(&["linux/arm64", "linux/arm/v7"]),
        row("no fallback", &[armv6, armv7], "oci: armv7 linux/arm/v7").on(&["linux/arm/v7"]),
        row("other spellings", &[plain], "oci: arm64 linux/arm64 {title=plain}").on(&["linux/aarch64/v8"]),
        row("a manifest without a platform is for any platform", &[unplaced], "same 0").on(&["linux/s390x"]),
        row("Windows of a wanted version", &[windows, armv6], "oci: windows windows/amd64").on(&["windows/amd64"]),
        custom("one image for two platforms", vec![twice(amd64, armv7)], "oci: amd64 linux/arm/v7").on(&["linux/arm/v7"]),
        custom("one image for two wanted platforms", vec![twice(amd64, armv7)], "oci: amd64 linux/arm/v6, amd64 linux/arm/v7").on(&["linux/arm/v6", "linux/arm/v7"]),
        row("an index without a platform is opened", &[nested], "oci: arm64 linux/arm64").on(&["linux/arm64"]).own(),
        row("so that what is left needs no index", &[nested], "manifest arm64").on(&["linux/arm64"]).unwrapped(),
        row("nothing of it is wanted", &[nested], "oci: windows windows(10.0.20348.1)/amd64").on(&["windows(10.0.20348.9)/amd64"]).own(),
        row("nothing of it and nothing beside it", &[nested], "error: no image is for a wanted platform; the sources have windows(10.0.20348.1)/amd64, linux/amd64, linux/arm64").on(&["windows(10.0.17763.9)/amd64"]).own(),
        row("it is beside another source", &[nested, armv6], "oci: amd64 linux/amd64, armv6 linux/arm/v6").on(&["linux/amd64", "linux/arm/v6"]).own(),
        row("it is in two sources", &[nested, both], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest}").on(&["linux/amd64"]).own(),
        row("attestations follow out of it", &[both], "oci: arm64 linux/arm64, attested_arm64 unknown/unknown {digest=arm64 type=attestation-manifest}").on(&["linux/arm64"]).own(),
        row("a manifest in it gets an annotation", &[nested], "oci: arm64+{v=1} linux/arm64").annotated(&["manifest:x.v=1"]).on(&["linux/arm64"]).own(),
        row("a sparse index keeps it whole", &[nested], "sparse with plain").on(&["linux/arm64"]).sparse(),
        row("a sparse index keeps it whatever it is for", &[nested], "same 0").on(&["windows/amd64"]).sparse(),
        row("a sparse index of neither", &[nested], "error: no image is for a wanted platform").on(&["linux/s390x"]).sparse(),
        row("a filtered list", &[list], "docker: docker_arm linux/arm64").on(&["linux/arm64"]),
        row("nothing matches", &[plain], "error: no image is for a wanted platform; the sources have linux/amd64, linux/arm64").on(&["linux/s390x"]),
        row("a manifest that matches", &[amd64], "same 0").on(&["linux/amd64"]).copied(),
        row("a manifest that does not match", &[amd64], "error: the image is for linux/amd64").on(&["linux/arm64"]).copied(),
        custom("a filtered odd index", vec![odd(amd64, &stated)], "oci: amd64 linux/amd64/v2 {a= b=<&>\u{2028}\u{1}é}").on(&["linux(+a+z)/amd64/v2"]),
        custom("a filtered index that states no media type", vec![odd(amd64, "")], "oci: amd64 linux/amd64/v2 {a= b=<&>\u{2028}\u{1}é}").on(&["linux(+a+z)/amd64/v2"]),
        // Annotations.
        row("of the index", &[amd64], "oci: amd64 linux/amd64 {v=1}").annotated(&["index:x.v=1"]),
        row("without a level", &[amd64], "oci: amd64 linux/amd64 {v=1=2}").annotated(&["x.v=1=2"]).own(),
        row("of a single index", &[plain], "oci: amd64 linux/amd64, arm64 linux/arm64 {v=1}").annotated(&["index:x.v=1"]),
        row("the later of two", &[amd64], "oci: amd64 linux/amd64 {v=2}").annotated(&["index:x.v=1", "index:x.v=2"]),
        row("of all entries", &[plain], "oci: amd64 linux/amd64 {v=1}, arm64 linux/arm64 {v=1}").annotated(&["manifest-descriptor:x.v=1"]),
        row("of one entry", &[plain], "oci: amd64 linux/amd64, arm64 linux/arm64 {v=1}").annotated(&["manifest-descriptor[linux/arm64]:x.v=1"]),
        row("of an entry in another spelling", &[plain], "oci: amd64 linux/amd64, arm64 linux/arm64").annotated(&["manifest-descriptor[linux/arm64/v8]:x.v=1"]),
        row("of an entry with a variant", &[armv7], "oci: armv7 linux/arm/v7 {v=1}").annotated(&["manifest-descriptor[linux/arm/v7]:x.v=1"]),
        row("of an entry without its variant", &[armv7], "oci: armv7 linux/arm/v7").annotated(&["manifest-descriptor[linux/arm]:x.v=1"]),
        row("of attestations too", &[index], "oci: amd64 linux/amd64 {v=1}, arm64 linux/arm64 {k=old v=1}, armv7 linux/arm/v7 {v=1}, attested unknown/unknown {digest=amd64 type=attestation-manifest v=1}").annotated(&["manifest-descriptor:x.v=1"]),
        row("of both", &[amd64], "oci: amd64 linux/amd64 {v=<1>} {v=<1>}").annotated(&["index,manifest-descriptor:x.v=<1>"]),
        row("of an entry without a platform", &[nested, armv6], "oci: windows windows(10.0.20348.1)/amd64, plain, armv6 linux/arm/v6 {v=1}").annotated(&["manifest-descriptor[linux/arm/v6]:x.v=1"]).own(),
        row("and a filter", &[plain], "oci: amd64 linux/amd64 {v=1}").annotated(&["index:x.v=1"]).on(&["linux/amd64"]),
        row("of the index's entry", &[amd64], "error: the annotation x.v is for the entry").annotated(&["index-descriptor:x.v=1"]),
        row("of a Docker list", &[docker], "error: the result is a Docker manifest list").annotated(&["index:x.v=1"]),
        // Annotations of manifests. A manifest that is written anew has its old name with a plus.
        row("of a manifest", &[amd64], "oci: amd64+{v=1} linux/amd64").annotated(&["manifest:x.v=1"]).own(),
        row("of a manifest without an index", &[amd64], "manifest amd64+{v=1}").annotated(&["manifest:x.v=1"]).copied().own(),
        row("of a manifest that is left alone", &[plain], "manifest arm64+{v=1}").annotated(&["manifest:x.v=1"]).on(&["linux/arm64"]).unwrapped(),
        row("of all manifests", &[plain], "oci: amd64+{v=1} linux/amd64, arm64+{v=1} linux/arm64 {title=plain}").annotated(&["manifest:x.v=1"]).own(),
        row("of one manifest", &[plain], "oci: amd64 linux/amd64, arm64+{v=1} linux/arm64 {title=plain}").annotated(&["manifest[linux/arm64]:x.v=1"]).own(),
        row("of a manifest in another spelling", &[plain], "oci: amd64 linux/amd64, arm64+{v=1} linux/arm64 {title=plain}").annotated(&["manifest[linux/aarch64/v8]:x.v=1"]).own(),
        row("of a manifest with a usual variant", &[armv7], "oci: armv7+{v=1} linux/arm/v7").annotated(&["manifest[linux/arm]:x.v=1"]).own(),
        row("of several, the later of two", &[amd64], "oci: amd64+{a=3 b=1} linux/amd64").annotated(&["manifest:x.b=1", "manifest:x.a=2", "manifest[linux/amd64]:x.a=3"]).own(),
        row("an attestation follows its manifest", &[index], "oci: amd64+{v=1} linux/amd64, arm64 linux/arm64 {k=old}, armv7 linux/arm/v7, attested unknown/unknown {digest=amd64+ type=attestation-manifest} {title=demo}").annotated(&["manifest[linux/amd64]:x.v=1"]).own(),
        row("an attestation has none itself", &[index], "oci: amd64+{v=1} linux/amd64, attested unknown/unknown {digest=amd64+ type=attestation-manifest} {title=demo}").annotated(&["manifest:x.v=1"]).on(&["linux/amd64"]).own(),
        row("an attestation of the registry follows", &[amd64], "oci: amd64+{v=1} linux/amd64, referrer unknown/unknown {digest=amd64+ type=attestation-manifest note=late}").annotated(&["manifest:x.v=1"]).referred(all.referrer(ATTESTATION)).own(),
        row("of the index and of a manifest", &[plain], "oci: amd64+{v=1} linux/amd64, arm64 linux/arm64 {v=1}").annotated(&["index,manifest[linux/amd64]:x.v=1"]).own(),
        row("of an entry and of its manifest", &[amd64], "oci: amd64+{v=1} linux/amd64 {v=1}").annotated(&["manifest,manifest-descriptor:x.v=1"]).own(),
        row("of a manifest of two sources", &[amd64, arm64], "oci: amd64 linux/amd64, arm64+{v=1} linux/arm64").annotated(&["manifest[linux/arm64]:x.v=1"]).own(),
        row("nothing with a new manifest is sparse", &[plain], "oci: arm64+{v=1} linux/arm64 {title=plain}").annotated(&["manifest:x.v=1"]).on(&["linux/arm64"]).sparse(),
        row("of a platform that there is not", &[plain], "error: the annotation x.v is for a manifest of linux/s390x, and there is none").annotated(&["manifest[linux/s390x]:x.v=1"]),
        row("of a platform that a filter removes", &[plain], "error: the annotation x.v is for a manifest of linux/amd64").annotated(&["manifest[linux/amd64]:x.v=1"]).on(&["linux/arm64"]),
        row("of a nested index", &[nested, amd64], "error: an index in the new index").annotated(&["manifest:x.v=1"]),
        row("of a manifest beside a nested index", &[nested], "oci: windows+{v=1} windows(10.0.20348.1)/amd64, plain").annotated(&["manifest[windows/amd64]:x.v=1"]).own(),
        row("of a Docker manifest", &[docker], "error: a Docker manifest has no annotations").annotated(&["manifest:x.v=1"]),
        row("of a Docker list's manifests", &[list], "error: a Docker manifest has no annotations").annotated(&["manifest:x.v=1"]),
        row("of a Docker manifest beside OCI", &[docker, arm64], "error: a Docker manifest has no annotations").annotated(&["manifest[linux/amd64]:x.v=1"]),
        row("of an OCI manifest beside Docker", &[docker, arm64], "oci: docker linux/amd64, arm64+{v=1} linux/arm64").annotated(&["manifest[linux/arm64]:x.v=1"]).own(),
        row("of a Docker list's manifests as OCI", &[list], "oci: docker+{v=1} linux/amd64, docker_arm+{v=1} linux/arm64").annotated(&["manifest:x.v=1"]).oci(),
        // An index that keeps its bytes, and names more than is copied.
        row("sparse", &[plain], "sparse with arm64").on(&["linux/arm64"]).sparse(),
        row("sparse with an attestation", &[index], "sparse with amd64, attested").on(&["linux/amd64"]).sparse(),
        row("sparse of a list", &[list], "sparse with docker_arm").on(&["linux/arm64"]).sparse(),
        row("sparse without a filter", &[plain], "same 0").sparse(),
        row("sparse where all match", &[plain], "same 0").on(&["linux/amd64", "linux/arm64"]).sparse(),
        row("sparse without an attestation of the registry", &[plain], "sparse with amd64").on(&["linux/amd64"]).sparse().referred(all.referrer(ATTESTATION)),
        row("nothing of two sources is sparse", &[plain, armv7], "oci: amd64 linux/amd64").on(&["linux/amd64"]).sparse(),
        row("nothing with an annotation is sparse", &[plain], "oci: amd64 linux/amd64 {v=1}").on(&["linux/amd64"]).annotated(&["index:x.v=1"]).sparse(),
        row("sparse where nothing matches", &[plain], "error: no image is for a wanted platform").on(&["linux/s390x"]).sparse(),
        // One manifest without an index.
        row("one is left", &[plain], "manifest arm64").on(&["linux/arm64"]).unwrapped(),
        row("one is left of two sources", &[plain, armv7], "same 1").on(&["linux/arm/v7"]).unwrapped(),
        row("one is left with an attestation", &[index], "oci: amd64 linux/amd64, attested unknown/unknown {digest=amd64 type=attestation-manifest} {title=demo}").on(&["linux/amd64"]).unwrapped(),
        row("one is left, and an attestation at the registry", &[plain], "manifest amd64").on(&["linux/amd64"]).unwrapped().referred(all.referrer(ATTESTATION)),
        row("two are left", &[index], "oci: arm64 linux/arm64 {k=old}, armv7 linux/arm/v7 {title=demo}").on(&["linux/arm64", "linux/arm/v7"]).unwrapped(),
        row("one is left with an annotation", &[plain], "oci: arm64 linux/arm64 {v=1}").on(&["linux/arm64"]).annotated(&["index:x.v=1"]).unwrapped(),
        row("an index in it is absent", &[hollow], "oci: amd64 linux/amd64").on(&["linux/amd64"]).own(),
        row("an index is left", &[around], "same 0").unwrapped(),
        // OCI.
        row("a Docker list as OCI", &[list], "oci: docker linux/amd64, docker_arm linux/arm64").oci(),
        row("a Docker manifest in an OCI index", &[docker], "oci: docker linux/amd64 {v=1}").annotated(&["index:x.v=1"]).oci(),
        row("an OCI index is one", &[index], "same 0").oci(),
        row("a filtered list as OCI", &[list], "oci: docker linux/amd64").on(&["linux/amd64"]).oci(),
        // Attestations that a registry lists.
        row("a referrer gets in", &[plain], "oci: amd64 linux/amd64, arm64 linux/arm64, referrer unknown/unknown {digest=amd64 type=attestation-manifest note=late} {title=plain}").referred(all.referrer(ATTESTATION)),
        row("a referrer of a manifest", &[amd64], "oci: amd64 linux/amd64, referrer unknown/unknown {digest=amd64 type=attestation-manifest note=late}").referred(all.referrer(ATTESTATION)),
        row("of a manifest that stays out", &[plain], "oci: arm64 linux/arm64 {title=plain}").referred(all.referrer(ATTESTATION)).on(&["linux/arm64"]),
        row("of a manifest that has one", &[index], "same 0").referred(all.referrer(ATTESTATION)),
        row("of another type", &[plain], "same 0").referred(all.referrer("application/vnd.example")),
        row("of a manifest that is copied", &[amd64], "same 0").copied().referred(all.referrer(ATTESTATION)),
    ]
}
