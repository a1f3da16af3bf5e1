//! The image of a platform in a resolution.

use refkit_contract::{Image, Selection};
use refkit_oci::matching::{Matcher, Only};
use refkit_oci::{Descriptor, Platform};

use crate::{Resolution, Verdict};

impl Resolution {
    /// Returns the image of a platform, in any spelling of it. Of a request for platforms, it is the image in the place
    /// of that platform: none for a platform that was not requested. Of a request for all images, it is the one that a
    /// selection takes for the platform: none where the selection takes one that is absent.
    ///
    /// ```
    /// # use refkit::Resolution;
    /// fn pinned(resolution: &Resolution) -> Option<String> {
    ///     let image = resolution.image(&"linux/arm64".parse().ok()?)?;
    ///     Some(resolution.reference.with_digest(image.manifest.digest.clone()).to_string())
    /// }
    /// ```
    pub fn image(&self, platform: &Platform) -> Option<&Image<Descriptor>> {
        let platform = platform.clone().normalized();
        match &self.request.selection {
            Selection::Platforms(wanted) => {
                let place = wanted.iter().position(|wanted| wanted.clone().normalized() == platform)?;
                self.images.get(place)?.as_ref().ok()
            }
            Selection::All => self.best(&Only::new(platform)),
        }
    }

    /// Returns the image that suits best, and stands first of equals.
    fn best(&self, only: &Only) -> Option<&Image<Descriptor>> {
        // Absent images come first: an equal one behind them is no substitute.
        let absent = self.candidates().into_iter().filter_map(|candidate| match candidate.verdict {
            Verdict::Denied { .. } | Verdict::Absent => candidate.descriptor.platform.map(|platform| (platform, None)),
            _ => None,
        });
        let images = self.images.iter().flatten();
        let images = images.filter_map(|image| Some((image.platform.clone()?, Some(image))));
        let suitable = absent.chain(images).filter(|(platform, _)| only.matches(platform));
        suitable.reduce(|best, next| if only.less(&next.0, &best.0) { next } else { best })?.1
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use refkit_contract::{Absence, Denial, Request};
    use refkit_oci::Digest;
    use refkit_oci::document::{Document, Index, media_type};

    use super::*;
    use crate::Refused;

    fn digest(number: usize) -> Digest {
        format!("sha256:{number:064}").parse().unwrap()
    }

    /// Returns an entry of an index.
    fn entry(number: usize, platform: &str) -> Descriptor {
        let platform = Some(platform.parse().unwrap());
        Descriptor { platform, ..Descriptor::new(media_type::MANIFEST, digest(number), 1) }
    }

    /// Returns a resolution of an index of these platforms, in which those with a `!` are denied, and those with a `?`
    /// could not be read.
    fn resolution(selection: Selection, platforms: &[&str]) -> Resolution {
        let request = Request::new("registry.test/app:1".parse().unwrap()).select(selection).with_images();
        let root = Descriptor::new(media_type::INDEX, digest(0), 1);
        let (mut images, mut refused, mut manifests) = (Vec::new(), Vec::new(), Vec::new());
        for (place, text) in platforms.iter().enumerate() {
            let manifest = entry(place + 1, text.trim_end_matches(['!', '?']));
            manifests.push(manifest.clone());
            let platform = manifest.platform.clone().map(Platform::normalized);
            if text.ends_with('!') {
                let denials = vec![Denial::new("rule", "no", None)];
                let (policy, manifest) = ("policy".to_owned(), Some(manifest.digest));
                refused.push(Refused { place, policy, manifest, platform, denials: denials.clone() });
                images.push(Err(Absence::Denied(denials)));
            } else if text.ends_with('?') {
                images.push(Err(Absence::NoMatch));
            } else {
                images.push(Ok(Image { platform, parents: vec![], manifest, config: None, attestations: vec![] }));
            }
        }
        let index = Document::Index(Index {
            media_type: media_type::INDEX.to_owned(),
            manifests,
            artifact_type: None,
            subject: None,
            annotations: Vec::new(),
            unverifiable: Vec::new(),
        });
        Resolution {
            reference: request.reference.clone(),
            request,
            root,
            images,
            refused,
            judged: Vec::new(),
            contents: HashMap::new(),
            documents: HashMap::from([(digest(0), Arc::new(index))]),
        }
    }

    #[test]
    fn it_is_the_one_that_a_selection_takes() {
        let platforms = |list: &[&str]| {
            Selection::Platforms(list.iter().map(|text| text.parse::<Platform>().unwrap().normalized()).collect())
        };
        let all = || Selection::All;
        // what was requested, the images in their places, what is asked for, and which image it is
        let rows = [
            (platforms(&["linux/amd64", "linux/arm64"]), &["linux/amd64", "linux/arm64"][..], "linux/arm64", Some(2)),
            (platforms(&["linux/amd64"]), &["linux/amd64"], "linux/x86_64", Some(1)),
            // The place of a platform is its own, whatever stands there.
            (platforms(&["linux/arm64"]), &["linux/arm/v7"], "linux/arm64/v8", Some(1)),
            (platforms(&["linux/arm/v7"]), &["linux/arm/v7"], "linux/arm64", None),
            (platforms(&["linux/amd64"]), &["linux/amd64!"], "linux/amd64", None),
            (all(), &["linux/amd64", "linux/arm64"], "linux/aarch64", Some(2)),
            (all(), &["linux/arm/v6", "linux/arm/v7", "linux/arm/v5"], "linux/arm", Some(2)),
            (all(), &["linux/386", "windows/amd64"], "linux/amd64", Some(1)),
            (all(), &["linux/amd64", "linux/amd64"], "linux/amd64", Some(1)),
            (all(), &["windows/amd64"], "linux/amd64", None),
            // What suits best is absent: the next best is no substitute.
            (all(), &["linux/arm/v7", "linux/arm64!"], "linux/arm64", None),
            (all(), &["linux/arm/v7", "linux/arm64?"], "linux/arm64", None),
            (all(), &["linux/arm/v7!", "linux/arm64"], "linux/arm64", Some(2)),
        ];
        for (selection, images, asked, wanted) in rows {
            let resolution = resolution(selection.clone(), images);
            let image = resolution.image(&asked.parse().unwrap()).map(|image| &image.manifest.digest);
            assert_eq!(image, wanted.map(digest).as_ref(), "{asked} of {images:?}, requested {selection:?}");
        }
    }
}
