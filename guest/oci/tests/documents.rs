//! Other projects' table of documents, and our own of ambiguous documents.

use refkit_oci::document::{self, Document, DocumentError, Limits, media_type};
use serde_json::Value;

const SCHEMA: &str = include_str!("../../../tests/fixtures/vectors/image_spec_schema.json");

/// Rows of the other table whose result differs here, by test, comment and index among those of the same comment, with
/// the reason.
const OTHERWISE: [(&str, &str, usize, &str); 5] = [
    (
        "TestConfig",
        "expected failure: Env is invalid",
        1,
        "images with such an entry exist, and Docker, BuildKit and crane let it pass",
    ),
    (
        "TestDescriptor",
        "expected success: test for alternate digest algorithm",
        5,
        "a descriptor that stands alone is asked for, and a digest of an unregistered algorithm cannot be verified",
    ),
    ("TestDescriptor", "expected success: test for alternate digest encoding", 1, "as above"),
    (
        "TestManifest",
        "expected failure: empty layer, expected at least one",
        1,
        "`FROM scratch` without a further step makes such an image, and BuildKit resolves it",
    ),
    ("TestImageLayout", "", 0, "the file `oci-layout` is read where layouts are: refkit-content has both rows"),
];

#[test]
fn schema() {
    let file: Value = serde_json::from_str(SCHEMA).expect("the vectors are JSON");
    let rows = file["tests"].as_array().expect("rows");
    assert_eq!(rows.len(), 69);
    let mut otherwise = 0;
    for row in rows {
        let text = |member: &str| row[member].as_str().expect("text");
        let (test, comment, bytes) = (text("test"), text("comment"), text("json").as_bytes());
        if test == "TestImageLayout" {
            continue;
        }
        let limits = Limits::default();
        let fails = match test {
            "TestConfig" | "TestBackwardsCompatibilityConfig" => document::read_config(bytes).map(drop),
            "TestDescriptor" => document::read_descriptor(bytes, &limits).map(drop),
            "TestImageIndex" => document::read(Some(media_type::INDEX), bytes, &limits).map(drop),
            "TestManifest" => document::read(Some(media_type::MANIFEST), bytes, &limits).map(drop),
            // Docker's documents, which name their own media type.
            _ => document::read(None, bytes, &limits).map(drop),
        };
        let wanted = row["must_fail"].as_bool().expect("a boolean");
        if OTHERWISE.iter().any(|(known, which, ..)| *known == test && *which == comment) {
            otherwise += 1;
            assert_ne!(fails.is_err(), wanted, "is no exception any more: {row}");
        } else {
            assert_eq!(fails.is_err(), wanted, "{fails:?}: {row}");
        }
    }
    assert_eq!(otherwise, OTHERWISE.iter().map(|(.., count, _)| count).sum::<usize>());
}

/// Abbreviations of longer texts in the rows, in the order of replacement.
const SHORT: [(&str, &str); 7] = [
    ("V2", r#""schemaVersion":2"#),
    ("ONE", "SIZED(2)"),
    ("WITH(", r#"SIZED(2,"#),
    ("SIZED(", r#"{"mediaType":"a/b","digest":"DIGEST","size":"#),
    ("})", "}}"),
    (")", "}"),
    ("MANIFEST", media_type::MANIFEST),
];

#[test]
fn yes_and_no() {
    use media_type::{DOCKER_INDEX, DOCKER_MANIFEST, INDEX, MANIFEST};
    let rows: [(&str, &str, &str, Option<&str>); 47] = [
        ("a manifest", MANIFEST, r#"{V2,"config":ONE,"layers":[ONE]}"#, None),
        ("with its media type", MANIFEST, r#"{V2,"mediaType":"MANIFEST","config":ONE,"layers":[]}"#, None),
        ("Docker's", DOCKER_MANIFEST, r#"{V2,"config":ONE,"layers":[]}"#, None),
        ("no layers", MANIFEST, r#"{V2,"config":ONE}"#, None),
        ("unknown members", MANIFEST, r#"{V2,"config":ONE,"layers":[],"x":{"x":[1,null]}}"#, None),
        ("nothing where nothing is", MANIFEST, r#"{V2,"config":ONE,"annotations":null,"subject":null}"#, None),
        ("an index", INDEX, r#"{V2,"manifests":[ONE]}"#, None),
        ("an empty index", DOCKER_INDEX, r#"{V2,"manifests":[]}"#, None),
        ("annotations", INDEX, r#"{V2,"manifests":[],"annotations":{"a":"1","b":"1"}}"#, None),
        ("annotations that differ in case", INDEX, r#"{V2,"manifests":[],"annotations":{"a":"1","A":"1"}}"#, None),
        ("a name in escapes", INDEX, r#"{V2,"\u006danifests":[]}"#, None),
        ("a place", MANIFEST, r#"{V2,"config":WITH("urls":["https://example.com/x"])}"#, None),
        ("a platform of nothing", INDEX, r#"{V2,"manifests":[WITH("platform":{"os":"","architecture":""})]}"#, None),
        ("half a platform", INDEX, r#"{V2,"manifests":[WITH("platform":{"os":""})]}"#, Some("`architecture`")),
        ("layers of nothing", INDEX, r#"{V2,"manifests":[],"layers":null}"#, Some("`layers`")),
        ("a config of nothing", INDEX, r#"{V2,"manifests":[],"config":null}"#, Some("`config`")),
        ("manifests of nothing", MANIFEST, r#"{V2,"config":ONE,"manifests":null}"#, Some("`manifests`")),
        ("fsLayers of nothing", MANIFEST, r#"{V2,"config":ONE,"fsLayers":null}"#, Some("`fsLayers`")),
        ("a version behind a type", INDEX, r#"{V2,"manifests":[],"artifactType":"a/b;version=0.1"}"#, None),
        ("data that is none", MANIFEST, r#"{V2,"config":WITH("data":"?")}"#, Some("not base64")),
        ("a place that is none", MANIFEST, r#"{V2,"config":WITH("urls":["x y"])}"#, Some("no URI")),
        ("a line end in a place", MANIFEST, r#"{V2,"config":WITH("urls":["a:b\n"])}"#, Some("no URI")),
        ("a type that is none", INDEX, r#"{V2,"manifests":[],"artifactType":"x"}"#, Some("no media type")),
        ("not JSON", INDEX, "<html>", Some("it is no JSON, see line 1 column 1")),
        ("nothing", INDEX, "", Some("it ends too early")),
        ("more behind it", INDEX, r#"{V2,"manifests":[]}x"#, Some("it is no JSON")),
        ("a list", INDEX, "[2,null,null,null,null,[]]", Some("not an object")),
        ("a descriptor as a list", INDEX, r#"{V2,"manifests":[["a/b","DIGEST",2]]}"#, Some("not an object")),
        ("no version", INDEX, r#"{"manifests":[]}"#, Some("no member `schemaVersion`")),
        ("version 1", MANIFEST, r#"{"schemaVersion":1,"config":ONE,"layers":[]}"#, Some("schema 1")),
        ("version 3", MANIFEST, r#"{"schemaVersion":3,"config":ONE,"layers":[]}"#, Some("schemaVersion is 3")),
        ("another media type", INDEX, r#"{V2,"mediaType":"MANIFEST","manifests":[]}"#, Some("its mediaType is")),
        ("manifests and layers", INDEX, r#"{V2,"manifests":[],"layers":[]}"#, Some("`layers`")),
        ("manifests and config", INDEX, r#"{V2,"manifests":[],"config":ONE}"#, Some("`config`")),
        ("layers and manifests", MANIFEST, r#"{V2,"config":ONE,"manifests":[]}"#, Some("`manifests`")),
        ("fsLayers", MANIFEST, r#"{V2,"config":ONE,"fsLayers":[]}"#, Some("`fsLayers`")),
        ("no config", MANIFEST, r#"{V2,"layers":[]}"#, Some("no member `config`")),
        ("no manifests", INDEX, r#"{V2}"#, Some("no member `manifests`")),
        ("a member twice", INDEX, r#"{V2,"manifests":[],"manifests":[]}"#, Some("twice")),
        ("twice in other letters", INDEX, r#"{V2,"manifests":[],"Manifests":[]}"#, Some("in other letters")),
        ("a long s", INDEX, r#"{V2,"manifests":[],"manifestſ":[]}"#, Some("in other letters")),
        ("an annotation twice", INDEX, r#"{V2,"manifests":[],"annotations":{"a":"1","a":"2"}}"#, Some("twice")),
        ("a negative size", MANIFEST, r#"{V2,"config":SIZED(-1)}"#, Some("whole number from 0")),
        ("a size of 2^63", MANIFEST, r#"{V2,"config":SIZED(9223372036854775808)}"#, Some("more than")),
        ("a fraction", MANIFEST, r#"{V2,"config":SIZED(1.5)}"#, Some("whole number from 0")),
        ("schema 1", "application/vnd.docker.distribution.manifest.v1+json", "{}", Some("schema 1")),
        ("text", "text/plain", r#"{V2,"manifests":[]}"#, Some("schema 1")),
    ];
    let digest = format!("sha256:{}", "0".repeat(64));
    for (name, media_type, text, error) in rows {
        let text = SHORT.iter().fold(text.to_owned(), |text, (short, long)| text.replace(short, long));
        let text = text.replace("DIGEST", &digest);
        match (document::read(Some(media_type), text.as_bytes(), &Limits::default()), error) {
            (Ok(_), None) => {}
            (Err(found), Some(wanted)) => assert!(found.to_string().contains(wanted), "{name}: {found}"),
            (found, wanted) => panic!("{name}: {found:?}, but expected {wanted:?}"),
        }
    }
    let path = r#"{"schemaVersion":2,"manifests":[{"mediaType":"a/b","digest":"sha256:../../x","size":1}]}"#;
    let error = document::read(None, path.as_bytes(), &Limits::default()).expect_err("a path as a digest");
    assert!(error.to_string().contains("is not a digest"), "{error}");
}

/// Platforms that containerd and others could read differently are refused, and the error names the entry. Platforms
/// of real indexes are accepted.
#[test]
fn ambiguous_platforms_are_refused() {
    let rows = [
        (r#"{"os":"linux","architecture":"arm64","variant":"v8"}"#, None),
        (r#"{"os":"Linux","architecture":"AMD64","variant":"V2"}"#, None),
        (r#"{"os":"unknown","architecture":"unknown"}"#, None),
        (r#"{"os":"windows","architecture":"amd64","os.version":"10.0.20348.1","os.features":["win32k"]}"#, None),
        (r#"{"os":"linux","architecture":"amd64","variant":"","os.version":"","os.features":[]}"#, None),
        (r#"{"os":"linux","architecture":"amd64","variant":null,"os.version":null,"os.features":null}"#, None),
        (r#"{"os":"linux","architecture":"amd64","features":["sse4"],"OSFeatures":[""]}"#, None),
        (r#"{"os":"linux","architecture":"amd64","os.features":["gpü","gpü"]}"#, None),
        // Clients write this for artifacts: nothing matches it.
        (r#"{"os":"","architecture":""}"#, None),
        (r#"{"os":"linux","architecture":""}"#, None),
        (r#"{"os":"","architecture":"amd64"}"#, Some("an empty `os` beside the architecture \"amd64\"")),
        (r#"{"os":"","architecture":"unknown"}"#, Some("an empty `os`")),
        (r#"{"os":null,"architecture":"amd64"}"#, Some("no `os` or no `architecture`")),
        (r#"{"architecture":"amd64"}"#, Some("no `os` or no `architecture`")),
        (r#"{"os":"linux"}"#, Some("no `os` or no `architecture`")),
        (r#"{"os":"linux","architecture":"amd64","os.features":[""]}"#, Some("an empty feature")),
        (r#"{"os":"linux","architecture":"amd64","os.features":["a",""]}"#, Some("an empty feature")),
        (r#"{"os":"lİnux","architecture":"amd64"}"#, Some("letters outside ASCII in `os`")),
        ("{\"os\":\"linux\",\"architecture\":\"\u{212a}\"}", Some("letters outside ASCII in `architecture`")),
        (r#"{"os":"linux","architecture":"arm","variant":"\uff16"}"#, Some("letters outside ASCII in `variant`")),
        (r#"{"os":"linux","architecture":"amd64","os.features":[null]}"#, Some("`os.features` is null")),
        (r#"{"os":{"os":"linux"},"architecture":"amd64"}"#, Some("`os` is an object")),
        (r#"{"os":"linux","os":"windows","architecture":"amd64"}"#, Some("\"os\" is there twice")),
        (r#"{"os":"linux","OS":"windows","architecture":"amd64"}"#, Some("\"OS\" is `os` in other letters")),
        (r#"{"os":"linux","oſ":"windows","architecture":"amd64"}"#, Some("is `os` in other letters")),
        (r#"["linux","amd64"]"#, Some("`platform` is a list")),
    ];
    let digest = format!("sha256:{}", "7".repeat(64));
    for (platform, error) in rows {
        let entry = format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":2,"platform":{platform}}}"#);
        let index = format!(r#"{{"schemaVersion":2,"manifests":[{entry}]}}"#);
        match (document::read(Some(media_type::INDEX), index.as_bytes(), &Limits::default()), error) {
            (Ok(_), None) => {}
            (Err(found), Some(wanted)) => {
                let found = found.to_string();
                assert!(found.contains(wanted), "{platform}: {found}");
                assert!(!found.contains("the platform of") || found.contains(&digest), "{platform}: {found}");
            }
            (found, wanted) => panic!("{platform}: {found:?}, but expected {wanted:?}"),
        }
    }
}

/// A digest of an unknown algorithm passes unless it is requested, as OCI image-spec 1.1, section "Digests", requires;
/// a malformed one does not.
#[test]
fn digests_of_unknown_algorithms() {
    let known = format!("sha256:{}", "0".repeat(64));
    let part = |digest: &str| format!(r#"{{"mediaType":"a/b","digest":"{digest}","size":2}}"#);
    let read = |text: String| document::read(None, text.as_bytes(), &Limits::default());
    let index = |digests: &[&str]| {
        let entries: Vec<String> = digests.iter().map(|digest| part(digest)).collect();
        format!(r#"{{"schemaVersion":2,"manifests":[{}]}}"#, entries.join(","))
    };
    let digests =
        ["blake3:0a", &known, &known, "multihash+base58:QmRZxt2b1FVZPNqd8hsiykDL3TdBDeTSPX9Kv46HmX4Gx8", "a.b:=_-"];
    let Ok(Document::Index(read_index)) = read(index(&digests)) else { panic!("an index") };
    assert_eq!(read_index.manifests.len(), 2);
    let places: Vec<_> = read_index.unverifiable.iter().map(|part| (&*part.digest, part.place)).collect();
    assert_eq!(places, [(digests[0], 0), (digests[3], 2), (digests[4], 2)]);
    let order = read_index.entries().map(|entry| match entry {
        document::Entry::Verifiable(entry) => entry.digest.to_string(),
        document::Entry::Unverifiable(entry) => entry.digest.clone(),
    });
    assert_eq!(order.collect::<Vec<_>>(), digests);

    let (known, unknown) = (part(&known), part("blake3:0a"));
    let manifest = |config: &str, layer: &str, subject: &str| {
        format!(r#"{{"schemaVersion":2,"config":{config},"layers":[{layer},{known}],"subject":{subject}}}"#)
    };
    let Ok(Document::Manifest(found)) = read(manifest(&known, &unknown, &unknown)) else { panic!("a manifest") };
    assert_eq!((found.layers.len(), found.subject), (1, None));
    assert_eq!(found.unverifiable.iter().map(|part| part.member).collect::<Vec<_>>(), ["subject", "layers"]);
    // Once for the whole document, and once for the requested part.
    let whole = read(manifest(&known, &unknown, &known)).and_then(Document::verifiable);
    let errors = [
        whole.map(drop),
        read(manifest(&unknown, &known, &known)).map(drop),
        document::read_descriptor(unknown.as_bytes(), &Limits::default()).map(drop),
        read(index(&digests)).and_then(Document::verifiable).map(drop),
    ];
    for error in errors {
        let error = error.expect_err("an unknown algorithm");
        assert!(error.is_unsupported() && error.to_string().contains(r#"the algorithm blake3 is none of"#), "{error}");
    }
    assert!(read(manifest(&known, &known, &known)).and_then(Document::verifiable).is_ok());
    for malformed in
        ["", ":", "blake3:", "blake3", ":0a", "Blake3:0a", "blake3:0a/..", "bl ake3:0a", "a..b:0a", "../a:0a"]
    {
        read(index(&[malformed])).expect_err(malformed);
    }
    for malformed in ["sha256:0a", "sha256:../../x", "sha512:0a", "sha384:é"] {
        let error = read(index(&[malformed])).expect_err(malformed);
        assert!(error.to_string().contains("is not a digest"), "{error}");
    }
}

#[test]
fn documents_without_a_media_type() {
    let config = format!(r#"{{"mediaType":"a/b","digest":"sha256:{}","size":1}}"#, "0".repeat(64));
    let read = |text: &str| document::read(None, text.replace("CONFIG", &config).as_bytes(), &Limits::default());
    let rows = [
        (r#"{"schemaVersion":2,"manifests":[]}"#, media_type::INDEX),
        (r#"{"schemaVersion":2,"config":CONFIG}"#, media_type::MANIFEST),
        (
            r#"{"schemaVersion":2,"mediaType":"application/vnd.docker.distribution.manifest.list.v2+json","manifests":[]}"#,
            media_type::DOCKER_INDEX,
        ),
    ];
    for (text, wanted) in rows {
        match read(text).expect(text) {
            Document::Index(index) => assert_eq!(index.media_type, wanted),
            Document::Manifest(manifest) => assert_eq!(manifest.media_type, wanted),
        }
    }
    assert!(read(r#"{"schemaVersion":2,"mediaType":"text/html"}"#).expect_err("no document").is_unsupported());
    assert!(read(r#"{"schemaVersion":1,"fsLayers":[]}"#).expect_err("schema 1").is_unsupported());
    assert!(!read("{}").expect_err("nothing").is_unsupported());
    read(r#"{"schemaVersion":2,"manifests":[],"layers":[]}"#).expect_err("both");
}

#[test]
fn bounds() {
    let limits = Limits::default();
    let read = |text: &str| document::read(Some(media_type::INDEX), text.as_bytes(), &limits).map(drop);
    for member in ["x", "manifests", "annotations", "config"] {
        let nested = format!("{}1{}", "[".repeat(1 << 20), "]".repeat(1 << 20));
        let deep = format!(r#"{{"schemaVersion":2,"{member}":{nested}}}"#);
        assert_eq!(read(&deep), Err(DocumentError::TooDeep { limit: 32 }), "{member}");
    }
    assert_eq!(read(&" ".repeat((4 << 20) + 1)), Err(DocumentError::TooLarge { size: (4 << 20) + 1, limit: 4 << 20 }));
    let entry = format!(r#"{{"mediaType":"a/b","digest":"sha256:{}","size":1}}"#, "0".repeat(64));
    let index = |count: usize| {
        format!(r#"{{"schemaVersion":2,"x":"[{{\"[{{","manifests":[{}]}}"#, vec![entry.as_str(); count].join(","))
    };
    assert_eq!(read(&index(10_000)), Ok(()));
    assert_eq!(read(&index(10_001)), Err(DocumentError::TooMany { limit: 10_000 }));
    let many = format!(r#"{{"schemaVersion":2,"manifests":[],"x":[{}0]}}"#, "0,".repeat(1 << 20));
    assert_eq!(read(&many), Err(DocumentError::TooComplex { limit: 200_000 }));
    let many = format!(r#"{{"schemaVersion":2,"manifests":[],"x":[{}[]]}}"#, "[],".repeat(1 << 20));
    assert_eq!(read(&many), Err(DocumentError::TooComplex { limit: 200_000 }));
    let long = format!(r#"{{"schemaVersion":"{}","manifests":[]}}"#, "x".repeat(1 << 20));
    assert!(read(&long).expect_err("no number").to_string().len() < 1000);
}

#[test]
fn configs() {
    let config =
        r#"{"os":"linux","architecture":"arm","variant":"v6","config":{"Labels":{"b":"2","a":"1"}},"rootfs":null}"#;
    let config = document::read_config(config.as_bytes()).expect("a config");
    assert_eq!(config.platform().expect("a platform").to_string(), "linux/arm/v6");
    assert_eq!(config.labels().collect::<Vec<_>>(), [("a", "1"), ("b", "2")]);
    assert_eq!(document::read_config(b"{}").expect("an empty config").platform(), None);
    // Values that Go's decoder accepts and other clients show.
    let config = r#"{"os":"linux","architecture":"amd64","created":"yesterday","author":null,
        "config":{"User":null,"Env":["PATH=/bin","ALONE","","=x"],"Entrypoint":null,"Cmd":null,"WorkingDir":"",
            "Volumes":null,"Labels":{"a":null,"b":""},"ExposedPorts":[1]},
        "rootfs":{"type":"layers","diff_ids":null},"history":[null,{"created":null}],"container_config":{"Env":7}}"#;
    let config = document::read_config(config.as_bytes()).expect("a config");
    assert_eq!(config.config.env, ["PATH=/bin", "ALONE", "", "=x"]);
    assert_eq!((config.config.entrypoint.len(), config.config.cmd.len(), config.diff_ids.len()), (0, 0, 0));
    assert_eq!((config.config.user.as_deref(), config.config.working_dir.as_deref()), (None, None));
    assert_eq!((config.created.as_deref(), config.author.as_deref()), (Some("yesterday"), None));
    assert_eq!(config.labels().collect::<Vec<_>>(), [("a", ""), ("b", "")]);
    let nothing = r#"{"os":null,"architecture":null,"config":null,"rootfs":null,"history":null,"os.features":null}"#;
    assert_eq!(document::read_config(nothing.as_bytes()).expect("a config"), document::Config::default());
    let nothing = r#"{"config":{"Env":null,"Labels":null}}"#;
    assert_eq!(document::read_config(nothing.as_bytes()).expect("a config"), document::Config::default());
    for text in [
        "",
        "[]",
        "null",
        r#"{"os":1}"#,
        r#"{"os":"linux","OS":"windows"}"#,
        r#"{"os":"a","os":"b"}"#,
        r#"{"config":{"Labels":{"a":"1","a":"2"}}}"#,
        // Values that Go refuses or reads differently.
        r#"{"config":{"Labels":{"a":1}}}"#,
        r#"{"config":{"Labels":["a=1"]}}"#,
        r#"{"config":{"labels":{"a":"1"}}}"#,
        r#"{"config":{"Labels":{"a":"1"},"LABELS":null}}"#,
        r#"{"config":{"Env":"PATH=/bin"}}"#,
        r#"{"config":{"Env":[1]}}"#,
        r#"{"config":{"Env":{"PATH":"/bin"}}}"#,
        r#"{"config":{"Cmd":"/bin/sh"}}"#,
        r#"{"config":{"User":0}}"#,
        r#"{"config":[]}"#,
        r#"{"created":0}"#,
        r#"{"history":{}}"#,
        r#"{"history":[1]}"#,
        r#"{"rootfs":{"diff_ids":[null]}}"#,
        r#"{"os":"linux","architecture":"amd64","os.features":[""]}"#,
        r#"{"os":"lİnux","architecture":"amd64"}"#,
    ] {
        document::read_config(text.as_bytes()).expect_err(text);
    }
}
