//! A build behind RefKit records the same provenance, SBOM, history and config as a build without it.

use anyhow::ensure;
use refkit_e2e::{Build, Built, BuiltImage, Frontend, base, layout};
use refkit_oci::Platform;
use refkit_support::image::IndexBuilder;
use serde_json::{Value, json};

use crate::{PLATFORMS, Policy, Shipped};

/// The parts of a provenance that differ between any two builds. The Dockerfile comes from a session, which is new
/// each time.
const OF_ONE_BUILD: [&str; 4] = [
    "/runDetails/metadata/startedOn",
    "/runDetails/metadata/finishedOn",
    "/runDetails/metadata/invocationId",
    "/runDetails/metadata/buildkit_metadata/source/infos/0/digestMapping",
];

/// The layers of each step, by its number.
const LAYERS: &str = "/runDetails/metadata/buildkit_metadata/layers";

/// The materials of the image.
const MATERIALS: &str = "/buildDefinition/resolvedDependencies";

/// Writes an SBOM that names a file of the result.
const SCAN: &str = r#"
    predicate="{\"SPDXID\":\"SPDXRef-DOCUMENT\",\"name\":\"$(cat $BUILDKIT_SCAN_SOURCE/variant)\"}"
    statement="{\"_type\":\"https://in-toto.io/Statement/v0.1\",\"predicateType\":\"https://spdx.dev/Document\""
    echo "$statement,\"predicate\":$predicate}" > $BUILDKIT_SCAN_DESTINATION/scan.spdx.json"#;

/// A Dockerfile frontend behind RefKit, and the same without it.
struct Both {
    shipped: Shipped,
    plain: String,
    /// The names of both in records: package URLs, references and digests.
    names: Vec<String>,
}

impl Both {
    fn new(policies: &[Policy<'_>]) -> anyhow::Result<Self> {
        let shipped = Shipped::new(policies, &[])?;
        let image = Frontend::dockerfile()?.image();
        // Materials are sorted, and the names of both sort to the same position.
        let plain = shipped.stage.put("frontend-plain", &image)?;
        let ours = Built::root(&shipped.stage.registry, "frontend", "1")?;
        let mut names = Vec::new();
        for (name, digest) in [(&plain, image.digest()), (&shipped.frontend, &ours)] {
            let package = name.rsplit_once(':').map(|(name, tag)| format!("pkg:docker/{name}@{tag}"));
            names.extend(package.into_iter().chain([name.clone(), digest.hex().to_owned()]));
        }
        Ok(Self { shipped, plain, names })
    }

    /// Builds with both, compares the records, and returns the image.
    fn compare(&self, dockerfile: &str, set: impl Fn(Build<'_>) -> Build<'_>) -> anyhow::Result<Built> {
        self.compare_but(&[], dockerfile, set)
    }

    /// Compares all but some parts of a provenance.
    fn compare_but(
        &self,
        but: &[&str],
        dockerfile: &str,
        set: impl Fn(Build<'_>) -> Build<'_>,
    ) -> anyhow::Result<Built> {
        let build = |build: Build<'_>| set(build.provenance().arg("SOURCE_DATE_EPOCH", "0")).built();
        // The history of a layer depends on whether BuildKit had to pull it for this build.
        build(self.shipped.build(dockerfile).syntax(&self.plain))?;
        let theirs = build(self.shipped.build(dockerfile).syntax(&self.plain))?;
        let ours = build(self.shipped.build(dockerfile))?;
        ensure!(ours.images.len() == theirs.images.len(), "{} images, not {}", ours.images.len(), theirs.images.len());
        for (ours, theirs) in ours.images.iter().zip(&theirs.images) {
            let (recorded, wanted) = (self.recorded(but, ours)?, self.recorded(but, theirs)?);
            ensure!(recorded == wanted, "{dockerfile}\n{}:\n{}", ours.platform, difference(&recorded, &wanted, ""));
            assert_eq!(ours.files, theirs.files, "{dockerfile}");
        }
        Ok(ours)
    }

    fn recorded(&self, but: &[&str], image: &BuiltImage) -> anyhow::Result<Value> {
        let mut provenance = image.provenance.clone().unwrap_or_default();
        for pointer in OF_ONE_BUILD.iter().chain(but) {
            remove(&mut provenance, pointer);
        }
        // BuildKit sorts by the name alone, so two platforms of one image come in any order.
        if let Some(materials) = provenance.pointer_mut(MATERIALS) {
            *materials = json!(image.materials()?);
        }
        let config = "/buildDefinition/internalParameters/buildConfig";
        let mut sessions = false;
        let steps = provenance.pointer_mut(&format!("{config}/llbDefinition")).and_then(Value::as_array_mut);
        for step in steps.into_iter().flatten() {
            sessions |= step.pointer_mut("/op/Op/source/attrs/oci.session").map(Value::take).is_some();
        }
        // Content of a session has another digest in each build.
        if sessions && let Some(steps) = provenance.pointer_mut(&format!("{config}/digestMapping")) {
            *steps = Value::Null;
        }
        let text = self.names.iter().fold(provenance.to_string(), |text, name| text.replace(name, "FRONTEND"));
        let provenance: Value = serde_json::from_str(&text)?;
        Ok(json!({
            "platform": image.platform, "config": image.config, "provenance": provenance, "sbom": image.sbom,
        }))
    }
}

/// Removes a member, if it is present.
fn remove(value: &mut Value, pointer: &str) {
    if let Some((place, name)) = pointer.rsplit_once('/')
        && let Some(members) = value.pointer_mut(place).and_then(Value::as_object_mut)
    {
        members.remove(name);
    }
}

/// Returns the path and the values of a difference.
fn difference(ours: &Value, theirs: &Value, place: &str) -> String {
    match (ours, theirs) {
        _ if ours == theirs => String::new(),
        (Value::Object(a), Value::Object(b)) => {
            let names: std::collections::BTreeSet<_> = a.keys().chain(b.keys()).collect();
            let one =
                |name: &&String| difference(&ours[name.as_str()], &theirs[name.as_str()], &format!("{place}/{name}"));
            names.iter().map(one).collect()
        }
        (Value::Array(a), Value::Array(b)) if a.len() == b.len() => {
            a.iter().zip(b).enumerate().map(|(at, (a, b))| difference(a, b, &format!("{place}/{at}"))).collect()
        }
        _ => format!("{place}: {ours}\n  without RefKit: {theirs}\n"),
    }
}

/// Returns the name in a provenance of an image with the tag 1.
fn package(both: &Both, name: &str, platform: &str) -> String {
    format!("pkg:docker/{}/{name}@1?platform={}", both.shipped.stage.registry.host(), platform.replace('/', "%2F"))
}

const SEVERAL: &str = "linux/amd64,linux/arm64";

/// Runs on the build platform, and ships for the target.
const CROSS: &str = "FROM --platform=$BUILDPLATFORM APP AS tools\nRUN cp /variant /made\n\
    FROM APP\nCOPY --from=tools /made /made\nCOPY --from=OTHER /variant /other";

/// Runs a test with the default policy alone, and with a policy that returns `next`.
fn each(test: impl Fn(&Both) -> anyhow::Result<()>) -> anyhow::Result<()> {
    test(&Both::new(&[])?)?;
    test(&Both::new(&[("allow-list", &[("allow", "HOST/*,oci-layout/*")])])?)
}

#[test]
fn several_platforms() -> anyhow::Result<()> {
    each(|both| {
        let built = both.compare("FROM APP\nCOPY --from=OTHER /variant /other", |build| build.platform(SEVERAL))?;
        for platform in SEVERAL.split(',') {
            let packages: Vec<String> = built.image(platform)?.materials()?.into_iter().map(|(uri, _)| uri).collect();
            for wanted in ["app", "other"].map(|name| package(both, name, platform)) {
                assert!(packages.contains(&wanted), "{wanted}: {packages:?}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_cross_build() -> anyhow::Result<()> {
    each(|both| {
        for platforms in ["linux/arm64", "linux/arm/v7", SEVERAL] {
            let built = both.compare(CROSS, |build| build.platform(platforms))?;
            for platform in platforms.split(',') {
                assert_eq!(built.image(platform)?.text("made")?, format!("app {}", base::native()));
                assert_eq!(built.image(platform)?.text("variant")?, format!("app {platform}"));
            }
        }
        Ok(())
    })
}

#[test]
fn a_layout_by_a_named_context() -> anyhow::Result<()> {
    let image = base::attested("in a layout", &PLATFORMS)?;
    let directory = layout("1", &image)?;
    each(|both| {
        let mine = format!("oci-layout://mine@{}", image.digest());
        for platforms in [base::native(), SEVERAL] {
            let built = both.compare("FROM named\nCOPY --from=OTHER /variant /other", |build| {
                build.context("named", &mine).layout("mine", directory.path()).platform(platforms)
            })?;
            for image in &built.images {
                let layouts = image.materials()?.into_iter().filter(|(uri, _)| uri.starts_with("pkg:oci/"));
                assert_eq!(layouts.count(), 1, "{:?}", image.materials()?);
            }
        }
        Ok(())
    })
}

/// The Dockerfile frontend uses the images by their tag, which a rule has to pin. BuildKit lists no layers of steps
/// for a source that a rule has changed (0.34.2); all other records are equal.
#[test]
fn images_by_named_contexts() -> anyhow::Result<()> {
    each(|both| {
        let app = format!("docker-image://{}", both.shipped.app);
        let dockerfile = "FROM other\nCOPY --from=refkit.invalid/nowhere /variant /second";
        for platforms in [base::native(), SEVERAL] {
            both.compare_but(&[LAYERS], dockerfile, |build| {
                build.context("other", &app).context("refkit.invalid/nowhere", &app).platform(platforms)
            })?;
        }
        Ok(())
    })
}

#[test]
fn pinned_and_attested() -> anyhow::Result<()> {
    each(|both| {
        let index = base::attested("attested", &PLATFORMS)?;
        let tagged = both.shipped.stage.put("attested", &index)?;
        let digest = index.digest();
        let untagged = tagged.rsplit_once(':').map_or(tagged.as_str(), |(name, _)| name).to_owned();
        for reference in [tagged.clone(), format!("{tagged}@{digest}"), format!("{untagged}@{digest}")] {
            both.compare(&format!("FROM {reference}\nRUN cp /variant /ran"), |build| build)?;
            both.compare(&format!("FROM {reference}"), |build| build.platform(SEVERAL))?;
        }
        Ok(())
    })
}

/// The tests have no real scanner; this one does what BuildKit expects.
#[test]
fn software_bills_of_materials() -> anyhow::Result<()> {
    each(|both| {
        let scanner = base::image("scanner", base::native())?.entrypoint(["/bin/sh", "-c", SCAN]).build();
        let scanner = format!("generator={}", both.shipped.stage.put("scanner", &scanner)?);
        let built = both.compare("FROM APP", |build| build.option("attest:sbom", &scanner))?;
        let sbom = built.only()?.sbom.as_ref().map(|sbom| sbom["name"].clone());
        assert_eq!(sbom, Some(json!(format!("app {}", base::native()))));
        Ok(())
    })
}

/// Content that a policy reads becomes a material as well, with a type of its own.
#[test]
fn a_policy_that_looks_into_images() -> anyhow::Result<()> {
    let both = Both::new(&[("require-label", &[("label", "tier")])])?;
    let images = PLATFORMS.iter().map(|platform| Ok(base::image("labelled", platform)?.label("tier", "1").build()));
    let images = images.collect::<anyhow::Result<Vec<_>>>()?;
    let index = images.into_iter().fold(IndexBuilder::new(), IndexBuilder::add).build();
    let image = both.shipped.stage.put("labelled", &index)?;
    let native: Platform = base::native().parse()?;
    let built = both.compare_but(&[MATERIALS], &format!("FROM {image}"), |build| build.platform(SEVERAL))?;
    for platform in SEVERAL.split(',') {
        let (read, mut materials): (Vec<_>, Vec<_>) =
            built.image(platform)?.materials()?.into_iter().partition(|(uri, _)| uri.ends_with("&ref_type=blob"));
        materials.retain(|(uri, _)| !uri.contains("/frontend@"));
        let digest = index.digest().to_string();
        assert_eq!(materials, [(package(&both, "labelled", platform), digest.clone())]);
        let blob = format!("pkg:docker/{}/labelled?digest={digest}&ref_type=blob", both.shipped.stage.registry.host());
        assert_eq!(read, [(blob, digest)]);
    }
    // BuildKit gets the manifest of the decision, which the tag covers if the build names it.
    let pinned = format!("{image}@{}", index.digest());
    let built = both.compare_but(&[MATERIALS], &format!("FROM {pinned}"), |build| build)?;
    let materials = built.only()?.materials()?;
    let mut found: Vec<&str> =
        materials.iter().filter(|(uri, _)| uri.contains("/labelled")).map(|(_, d)| &**d).collect();
    let manifest = index.children().iter().find(|child| child.descriptor.platform.as_ref() == Some(&native));
    let manifest = manifest.map(|child| child.digest().as_str()).unwrap_or_default();
    let mut wanted = [index.digest().as_str(), index.digest().as_str(), manifest];
    wanted.sort_unstable();
    found.sort_unstable();
    assert_eq!(found, wanted, "{materials:?}");
    Ok(())
}
