//! Destinations that refuse a manifest because they lack its content, or for another reason.

use refkit_content::copy;
use refkit_content::copy::{Options, Side};
use refkit_content::{ErrorCode, Push as _, Resolve as _};
use refkit_support::image::{Image, ImageBuilder};
use refkit_support::{Fault, FaultRegistry, Rule};

use crate::ask::{anonymous, reference};

const RESTRICTED: &str = "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip";

fn image(kind: &str) -> Image {
    ImageBuilder::new("linux/amd64").layer(kind, "the layer").build()
}

async fn filled(image: &Image) -> FaultRegistry {
    let registry = FaultRegistry::start().unwrap();
    image.push(&anonymous(), &reference(&registry.host(), ":1")).await.unwrap();
    registry.clear();
    registry
}

/// The registry said it had a blob, and no longer has it when the manifest comes.
#[tokio::test]
async fn a_lost_blob_is_sent_once() {
    let image = image("a/b");
    let (config, layer) = (image.blobs()[0].0.digest.clone(), image.blobs()[1].0.digest.clone());
    let unknown = |code: &str, detail: &str| {
        let body = format!(r#"{{"errors":[{{"code":"{code}","message":"unknown"{detail}}}]}}"#);
        Fault::status(400).header("content-type", "application/json").body(body)
    };
    let named = format!(r#","detail":{{"digest":"{layer}"}}"#);
    let other = format!(r#","detail":{{"digest":"sha256:{}"}}"#, "0".repeat(64));
    // the first responses to the manifest; whether the layer is there later, sent layers, pushed manifests, the error
    let rows = [
        ("the store says so", None, 1, true, 1, 2, None),
        ("named", Some(unknown("MANIFEST_BLOB_UNKNOWN", &named)), 1, true, 1, 2, None),
        ("as an unknown blob", Some(unknown("BLOB_UNKNOWN", &named)), 1, true, 1, 2, None),
        ("not named", Some(unknown("MANIFEST_BLOB_UNKNOWN", "")), 1, true, 1, 2, None),
        ("twice", Some(unknown("MANIFEST_BLOB_UNKNOWN", &named)), 2, true, 1, 2, Some("MANIFEST_BLOB_UNKNOWN")),
        ("of another manifest", Some(unknown("BLOB_UNKNOWN", &other)), 1, false, 0, 1, Some("BLOB_UNKNOWN")),
        ("another error", Some(unknown("MANIFEST_INVALID", &named)), 1, false, 0, 1, Some("MANIFEST_INVALID")),
    ];
    for (name, fault, times, there, sent, manifests, error) in rows {
        let (from, to) = (filled(&image).await, FaultRegistry::start().unwrap());
        to.add(Rule::on(&format!("HEAD */blobs/{layer}"), Fault::status(200)).first(1));
        if let Some(fault) = fault {
            to.add(Rule::on("PUT */manifests/*", fault).first(times));
        }
        let asking = anonymous();
        let copied = copy(&asking, &reference(&from.host(), ":1"), &asking, &reference(&to.host(), ":1")).await;
        match (copied, error) {
            (Ok(copied), None) => assert_eq!(copied.digest, *image.digest(), "{name}"),
            (Err(failed), Some(wanted)) => {
                assert_eq!(failed.side, Side::Destination, "{name}");
                assert!(failed.to_string().contains(wanted), "{name}: {failed}");
                assert_eq!(failed.code(), ErrorCode::Invalid, "{name}");
            }
            (copied, _) => panic!("{name}: {copied:?}"),
        }
        assert_eq!(to.blob("app", layer.as_str()).is_some(), there, "{name}");
        assert_eq!(to.count(&format!("PUT */blobs/*?*{}", layer.hex())), sent, "{name}");
        assert_eq!(to.count(&format!("PUT */blobs/*?*{}", config.hex())), 1, "{name}");
        assert_eq!(to.count("PUT */manifests/*"), manifests, "{name}");
    }
}

#[tokio::test]
async fn layers_that_may_not_be_distributed() {
    let image = image(RESTRICTED);
    let layer = image.blobs()[1].0.digest.clone();
    let (from, asking) = (filled(&image).await, anonymous());
    let source = reference(&from.host(), ":1");
    // By default the layer stays where it is. This registry wants it, because it has no `urls`.
    let to = FaultRegistry::start().unwrap();
    let failed =
        copy(&asking, &source, &asking, &reference(&to.host(), ":1")).await.expect_err("the layer is not there");
    assert_eq!(failed.side, Side::Destination);
    let said = failed.to_string();
    for wanted in ["MANIFEST_BLOB_UNKNOWN", "may not be distributed", layer.as_str(), RESTRICTED] {
        assert!(said.contains(wanted), "{wanted}: {said}");
    }
    assert_eq!((to.blob("app", layer.as_str()), to.count("PUT */manifests/*")), (None, 1));
    let to = FaultRegistry::start().unwrap();
    let options = Options::default().nondistributable(true);
    options.copy(&asking, &source, &asking, &reference(&to.host(), ":1")).await.unwrap();
    assert_eq!(to.blob("app", layer.as_str()).as_deref(), Some(&b"the layer"[..]));
    asking.pull(&reference(&to.host(), ":1")).await.unwrap();
}

/// The error of a refused manifest has the registry's own words, and the reference of the manifest.
#[tokio::test]
async fn the_words_about_a_refused_manifest() {
    let image = image("a/b");
    let body = |code: &str, message: &str, detail: &str| {
        format!(r#"{{"errors":[{{"code":"{code}","message":"{message}","detail":{detail}}}]}}"#)
    };
    let rows = [
        (400, body("MANIFEST_INVALID", "manifest invalid", r#"{"message":"no schema"}"#), "no schema"),
        (
            400,
            body("MANIFEST_INVALID", "changing media-type is disallowed", "null"),
            "changing media-type is disallowed",
        ),
        (403, body("DENIED", "the tag is immutable", r#""tag 1""#), "DENIED, the tag is immutable, tag 1"),
        (413, body("SIZE_INVALID", "too large", r#"{"limit":10}"#), r#"SIZE_INVALID, too large, {"limit":10}"#),
        (413, "<html>nginx</html>".to_owned(), "413"),
    ];
    for (status, body, wanted) in rows {
        let registry = filled(&image).await;
        registry.add(Rule::on("PUT */manifests/*", Fault::status(status).body(body.clone())));
        for name in [":2".to_owned(), format!("@{}", image.digest())] {
            let to = reference(&registry.host(), &name);
            let failed = anonymous().push_manifest(&to, &image.descriptor.media_type, image.bytes.clone()).await;
            let said = failed.expect_err("it is refused").to_string();
            assert!(said.contains(wanted) && said.contains(&to.to_string()), "{body}: {said}");
            assert!(said.contains(&status.to_string()), "{body}: {said}");
        }
    }
}
