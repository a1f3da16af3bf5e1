//! The compositions that both RefKit and buildx are asked for.

use crate::create_row::Row;

/// Returns the rows.
pub fn rows() -> Vec<Row> {
    let row = Row::new;
    vec![
        // One source.
        row("one manifest", "amd64"),
        row("one manifest as it is", "--prefer-index=false amd64"),
        row("one Docker manifest", "docker"),
        row("one Docker manifest as it is", "--prefer-index=false docker"),
        row("one index", "index"),
        row("one index, preferred or not", "--prefer-index=false index"),
        row("one index by digest", "index@"),
        row("one index by tag and digest", "index:@"),
        row("one list", "list"),
        row("an index with BuildKit's attestations", "attested"),
        row("an index of one platform and its attestation", "one-attested"),
        row("a list with an attestation", "docker-attested"),
        row("an index with a Docker manifest", "mixed"),
        row("an index in an index", "nested"),
        row("an index of variants", "variants"),
        row("an index without platforms", "unplaced"),
        row("an index without a media type", "untyped"),
        row("layers of zstd", "zstd"),
        row("a manifest for Windows", "windows"),
        row("a layer that is elsewhere", "foreign"),
        row("a config without a platform", "bare"),
        row("a config without a platform, as it is", "--prefer-index=false bare"),
        row("an artifact", "artifact"),
        row("an artifact as it is", "--prefer-index=false artifact"),
        // Several.
        row("two manifests", "amd64 arm64"),
        row("two manifests, preferred or not", "--prefer-index=false amd64 arm64"),
        row("two Docker manifests", "docker docker-arm64"),
        row("a manifest and a Docker manifest", "amd64 docker-arm64"),
        row("a manifest twice", "amd64 amd64@"),
        row("an index and a manifest", "index armv6"),
        row("a manifest and an index that has it", "arm64 index"),
        row("two indexes that share a manifest", "index twin"),
        row("two indexes with attestations", "attested one-attested"),
        row("an index of one platform and a manifest", "one-attested amd64"),
        row("a list and a manifest", "list amd64"),
        row("a list and a Docker manifest", "list docker"),
        row("a nested index and a manifest", "nested armv6"),
        row("an index without platforms and a manifest", "unplaced armv6"),
        row("an index without a media type and a manifest", "untyped armv6"),
        row("an artifact and a manifest", "artifact amd64"),
        row("gzip and zstd", "amd64 zstd"),
        row("variants side by side", "armv6 armv7 arm64v8"),
        // Platforms.
        row("one platform", "--platform linux/amd64 index"),
        row("two platforms", "--platform linux/amd64 --platform linux/arm/v7 index"),
        row("two platforms in one word", "--platform linux/amd64,linux/arm64 index"),
        row("all platforms by name", "--platform linux/amd64,linux/arm64,linux/arm/v7 index"),
        row("a platform with its attestation", "--platform linux/arm64 attested"),
        row("the one platform with its attestation", "--platform linux/s390x one-attested"),
        row("a platform of a list", "--platform linux/arm64 list"),
        row("a platform of a list with an attestation", "--platform linux/amd64 docker-attested"),
        row("an older variant", "--platform linux/arm/v6 variants"),
        row("the usual variant", "--platform linux/arm variants"),
        row("a variant that goes without saying", "--platform linux/arm64 variants"),
        row("a platform where there are none", "--platform linux/s390x unplaced"),
        row("a platform beside a nested index", "--platform linux/amd64 nested"),
        row("a platform of an index without a media type", "--platform linux/amd64 untyped"),
        row("a platform of two sources", "--platform linux/arm64 index twin"),
        row("a platform of a manifest", "--platform linux/amd64 --prefer-index=false amd64"),
        row("another platform of a manifest", "--platform linux/arm64 --prefer-index=false amd64"),
        row("no such platform", "--platform linux/mips64le index"),
        row("no platform at all", "--platform linux/ index"),
        // Attestations and signatures that are referrers.
        row("an attestation that is a referrer", "referred"),
        row("referrers of a manifest as it is", "--prefer-index=false referred"),
        row("referrers of an index and its manifest", "index-referred"),
        row("referrers of the wanted platform", "--platform linux/amd64 index-referred"),
        row("referrers of the other platform", "--platform linux/arm64 index-referred"),
        row("referrers of two sources", "index-referred referred armv6"),
        row("a signature", "signed"),
        row("a signature of a manifest as it is", "--prefer-index=false signed"),
        row("a signature, by tag and digest", "--prefer-index=false signed:@"),
        // Annotations.
        row("an annotation of the index", "--annotation index:x.v=1 amd64 arm64"),
        row("an annotation of one index", "--annotation index:x.v=1 index"),
        row("an annotation over another", "--annotation index:x.title=new index"),
        row("an annotation twice", "--annotation index:x.v=1 --annotation index:x.v=2 amd64"),
        row("an annotation of all entries", "--annotation manifest-descriptor:x.v=1 index"),
        row("an annotation of one entry", "--annotation manifest-descriptor[linux/arm64]:x.v=1 index"),
        row("an annotation of one variant", "--annotation manifest-descriptor[linux/arm/v7]:x.v=1 variants"),
        row("an annotation of index and entries", "--annotation index,manifest-descriptor:x.v=1 amd64 arm64"),
        row("an annotation and attestations", "--annotation manifest-descriptor:x.v=1 attested"),
        row("an annotation and a platform", "--annotation index:x.v=1 --platform linux/arm64 index"),
        row("an annotation of a manifest as it is", "--annotation index:x.v=1 --prefer-index=false amd64"),
        row("an annotation of entries without platforms", "--annotation manifest-descriptor:x.v=1 unplaced armv6"),
        row(
            "an annotation of one entry among others without platforms",
            "--annotation manifest-descriptor[linux/arm/v6]:x.v=1 unplaced armv6",
        ),
        row("an annotation without a type", "--annotation x.v=1 amd64"),
        row("an annotation of manifests", "--annotation manifest:x.v=1 amd64"),
        row("an annotation of the new index's entry", "--annotation index-descriptor:x.v=1 amd64"),
        row("an annotation of a Docker list", "--annotation index:x.v=1 list"),
        row("an annotation of two Docker manifests", "--annotation index:x.v=1 docker docker-arm64"),
        row("an annotation without a value", "--annotation index:x.v amd64"),
        // In one repository.
        row("digests", "#amd64 #arm64").inside(),
        row("a digest of an index", "#attested").inside(),
        row("tags of one repository", "amd64 arm64").inside(),
        row("an index gets another tag", "index").inside(),
        row("a manifest gets another tag", "--prefer-index=false amd64").inside(),
        row("referrers in one repository", "index-referred").inside(),
        row("a digest among several repositories", "#amd64 index"),
        // Appending.
        row("appended to an index", "--append armv6").before("index"),
        row("appended to a manifest", "--append arm64").before("amd64"),
        row("appended to a list", "--append docker-arm64").before("docker-attested"),
        row("appended though it is there", "--append arm64").before("index"),
        row("an index appended to an index", "--append one-attested").before("attested"),
        row("appended to nothing", "--append amd64"),
        row("appended with an annotation", "--append --annotation index:x.v=1 armv6").before("index"),
        row("appended to two tags", "--append armv6").before("index").to(&["app:1", "app:2"]),
        row("nothing appended", "--append").before("index"),
        // Files.
        row("a descriptor of a digest", "").file("amd64", r#"{"digest":"DIGEST"}"#).inside(),
        row("a descriptor with annotations", "arm64")
            .file("amd64", r#"{"digest":"DIGEST","annotations":{"x.b":"2","x.a":"1"}}"#)
            .inside(),
        row("a descriptor with a platform", "")
            .file("amd64", r#"{"digest":"DIGEST","platform":{"os":"linux","architecture":"amd64","variant":"v3"}}"#)
            .inside(),
        row("a descriptor with a part of a platform", "")
            .file("armv7", r#"{"digest":"DIGEST","platform":{"os":"","architecture":""}}"#)
            .inside(),
        row("two descriptors and a source", "armv6")
            .file("amd64", r#"{"digest":"DIGEST"}"#)
            .file("index", r#"{"digest":"DIGEST","size":SIZE}"#)
            .inside(),
        row("a descriptor with everything", "")
            .file("amd64", r#"{"mediaType":"TYPE","digest":"DIGEST","size":SIZE}"#)
            .inside(),
        row("a descriptor with another size", "").file("amd64", r#"{"digest":"DIGEST","size":1}"#).inside(),
        row("a descriptor without a digest", "").file("amd64", r#"{"size":SIZE}"#).inside(),
        row("an index for a descriptor", "").file("index", r#"{"schemaVersion":2,"digest":"DIGEST"}"#).inside(),
        // Destinations, and sources elsewhere.
        row("two tags", "index").to(&["app:1", "app:2"]),
        row("two repositories", "index amd64").to(&["app:1", "more:1"]),
        row("a manifest for two repositories", "--prefer-index=false referred").to(&["app:1", "more:1"]),
        row("no destination", "amd64").to(&[]),
        row("a layout", "layout:attested"),
        row("a platform of a layout", "--platform linux/arm64 layout:attested"),
        row("a layout and a manifest", "layout:index armv6"),
        // What is not there.
        row("no source", ""),
        row("a missing source", "amd64 127.0.0.1:9/none:1"),
        row("an unknown flag", "--no-such-flag amd64"),
    ]
}
