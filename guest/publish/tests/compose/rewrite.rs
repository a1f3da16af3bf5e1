//! Manifests that are written anew keep all their bytes but those of the annotations.

use std::collections::HashMap;

use refkit_oci::document::media_type::{DOCKER_MANIFEST, MANIFEST};
use refkit_publish::compose::{Compose, Source};

use crate::content::{raw, sha256};

const CONFIG: &str = "application/vnd.docker.container.image.v1+json";

#[test]
fn only_the_annotations_and_the_types_of_docker_change() {
    let digest = sha256(b"x");
    let part = |media_type: &str| format!(r#"{{"digest":"{digest}", "size":1,"mediaType":"{media_type}","x":1.50}}"#);
    let layers = |of: &[&str]| of.iter().map(|kind| part(kind)).collect::<Vec<_>>().join(" , ");
    let manifest = |media_type: &str, config: &str, kinds: &[&str], annotations: &str| {
        let (config, layers) = (part(config), layers(kinds));
        format!(
            "{{\"x\": [1.0],\n \"schemaVersion\":2,\"mediaType\":\"{media_type}\",{annotations}\"layers\":[ {layers} ],\"config\":{config}\n}}"
        )
    };
    let oci = "application/vnd.oci.image.config.v1+json";
    let docker_layers = [
        "application/vnd.docker.image.rootfs.diff.tar.gzip",
        "application/vnd.docker.image.rootfs.diff.tar",
        "application/vnd.docker.image.rootfs.diff.tar.zstd",
        "application/vnd.docker.image.rootfs.foreign.diff.tar.gzip",
        "application/vnd.example.layer",
    ];
    let oci_layers = [
        "application/vnd.oci.image.layer.v1.tar+gzip",
        "application/vnd.oci.image.layer.v1.tar",
        "application/vnd.oci.image.layer.v1.tar+zstd",
        "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
        "application/vnd.example.layer",
    ];
    let old = r#""annotations": {"x.b":"1" , "x.a":"\u0032"},"#;
    let new = r#""annotations": {"x.b":"1" , "x.a":"<3>"},"#;
    for (media_type, before, after) in [
        (MANIFEST, manifest(MANIFEST, oci, &oci_layers, old), manifest(MANIFEST, oci, &oci_layers, new)),
        (
            DOCKER_MANIFEST,
            manifest(DOCKER_MANIFEST, CONFIG, &docker_layers, old),
            manifest(MANIFEST, oci, &oci_layers, new),
        ),
    ] {
        let source = Source::new(raw(media_type, before)).expect("a source");
        let source = source.with_config(br#"{"os":"linux","architecture":"amd64"}"#[..].into());
        let compose = Compose::new().prefer_index(false).oci(true);
        let plan = compose.annotations(["manifest:x.a=<3>".parse().expect("an annotation")]).plan(vec![source]);
        let composed = plan.and_then(|plan| plan.finish(&HashMap::new(), &HashMap::new())).expect(media_type);
        assert_eq!(String::from_utf8_lossy(&composed.content.bytes), after);
        assert_eq!(composed.content.descriptor.media_type, MANIFEST);
    }
}
