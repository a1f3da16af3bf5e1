//! A frontend that builds with another frontend.
//!
//! BuildKit does not apply a request's rules to a frontend that the request names (measured with 0.34.2): neither to the
//! frontend's image nor to what it reads. So this is refused, but for one image: the one that this frontend is in itself,
//! which brings the same policies. A Dockerfile's `# syntax=` line may name it where the build names it as well
//! (`--opt source=`).

use std::collections::BTreeMap;

use refkit_buildkit::{Bridge, pb};
use refkit_oci::{Digest, Reference};
use tonic::Status;

use crate::refusal::one_line;

/// The frontend of BuildKit that runs an image, and its options with the image, and with the line that names it.
const GATEWAY: &str = "gateway.v0";
const SOURCE: &str = "source";
const CMDLINE: &str = "cmdline";

/// What the options of named contexts begin with. One by the image's name would be taken instead of the image.
const CONTEXT: &str = "context:";

/// Judges the frontends that a build's frontend wants to build with.
#[derive(Debug, Clone, Default)]
pub struct Nested {
    own: Option<Digest>,
    options: BTreeMap<String, String>,
}

impl Nested {
    /// Returns the judge of a build with these options, whose frontend is in the image of this digest.
    pub fn new(own: Option<Digest>, options: BTreeMap<String, String>) -> Self {
        Self { own, options }
    }

    /// Returns the options that make a request start the image by its digest.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for anything but the frontend's own image with the build's own options; else why BuildKit does
    /// not resolve the image.
    pub async fn pinned(
        &self,
        bridge: &Bridge,
        request: &pb::SolveRequest,
    ) -> Result<BTreeMap<String, String>, Status> {
        let refused = || refused(request);
        let own = self.own.as_ref().filter(|own| self.allows(own, request)).ok_or_else(refused)?;
        let reference = request.frontend_opt.get(SOURCE).and_then(|source| source.parse::<Reference>().ok());
        let reference = reference.ok_or_else(refused)?;
        let digest = match reference.digest() {
            Some(digest) => digest.to_string(),
            None => resolve(bridge, &reference).await?,
        };
        if digest != own.as_str() {
            return Err(refused());
        }
        Ok(BTreeMap::from([(SOURCE.to_owned(), reference.with_digest(own.clone()).to_string())]))
    }

    /// Returns whether a request could be for the frontend's own image: with the options of the build, so that policies
    /// and caches are those of this build, and only once.
    fn allows(&self, own: &Digest, request: &pb::SolveRequest) -> bool {
        let others = |options: &BTreeMap<String, String>| {
            let mut options = options.clone();
            options.retain(|name, _| name != SOURCE && name != CMDLINE);
            options
        };
        let options = &request.frontend_opt;
        request.frontend == GATEWAY
            && request.definition.is_none()
            && options.contains_key(CMDLINE)
            && !self.options.contains_key(CMDLINE)
            && others(options) == others(&self.options)
            && !options.keys().any(|name| name.starts_with(CONTEXT) && name.contains(own.hex()))
    }
}

/// Returns the digest that BuildKit finds for an image.
async fn resolve(bridge: &Bridge, reference: &Reference) -> Result<String, Status> {
    let source = pb::SourceOp { identifier: format!("docker-image://{reference}"), ..Default::default() };
    let log_name = format!("[refkit] load metadata for {reference}");
    let request = pb::ResolveSourceMetaRequest { source: Some(source), log_name, ..Default::default() };
    let answer = bridge.resolve_source_meta(request).await?.into_view();
    Ok(answer.image.unwrap_or_default().digest)
}

fn refused(request: &pb::SolveRequest) -> Status {
    let named = request.frontend_opt.get(SOURCE).filter(|_| request.frontend == GATEWAY);
    let what = match named {
        Some(source) => format!("{} {source}", request.frontend),
        None => request.frontend.clone(),
    };
    let syntax = if request.frontend_opt.contains_key(CMDLINE) {
        "; where a `# syntax=` line asks for it, name this frontend's image in that line, or in --build-arg BUILDKIT_SYNTAX"
    } else {
        ""
    };
    Status::permission_denied(format!(
        "the frontend wants to build with another frontend, {}: BuildKit applies no rules to that one, so what it reads \
         would get past the policies of this frontend{syntax}",
        one_line(&what)
    ))
}

#[cfg(test)]
mod tests {
    use tonic::Code;

    use super::*;
    use crate::images::{self, Images, NAME};

    fn options(options: &[(&str, &str)]) -> BTreeMap<String, String> {
        options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn only_the_frontends_own_image() {
        let images = Images::new("a");
        let (own, other) = (images::sha256(&images::index("a")), images.retag("b"));
        images.retag("a");
        let bridge = images.bridge().await;
        let pinned = format!("{NAME}:1@{own}");
        let build = [("build-arg:A", "1"), ("source", "registry.invalid/other:tag")];
        let context = format!("context:{pinned}");
        let foreign = format!("app:1@{other}");
        // the build's options besides, those of the request, the image that is started
        type Options<'a> = Vec<(&'a str, &'a str)>;
        let rows: Vec<(Options<'_>, Options<'_>, Option<&str>)> = vec![
            (vec![], vec![("cmdline", "app:1"), ("source", "app:1")], Some(&pinned)),
            (vec![], vec![("cmdline", "app:1 x"), ("source", &pinned)], Some(&pinned)),
            (vec![], vec![("cmdline", "app"), ("source", &foreign)], None),
            (vec![], vec![("cmdline", "app"), ("source", "APP")], None),
            (vec![], vec![("cmdline", "app")], None),
            (vec![], vec![("source", "app:1")], None),
            (vec![("cmdline", "app:1")], vec![("cmdline", "app:1"), ("source", "app:1")], None),
            (vec![], vec![("cmdline", "app:1"), ("source", "app:1"), ("build-arg:A", "2")], None),
            (vec![], vec![("cmdline", "app:1"), ("source", "app:1"), ("cache-from", "a")], None),
            (vec![(&context, "local:a")], vec![("cmdline", "a"), ("source", "app:1"), (&context, "local:a")], None),
            (vec![("build-arg:B", "1")], vec![("cmdline", "app:1"), ("source", "app:1")], None),
        ];
        for (more, asked, wanted) in rows {
            let nested = Nested::new(Some(own.clone()), options(&[&build[..], &more].concat()));
            let frontend_opt = options(&[&build[..1], &asked].concat());
            let request = pb::SolveRequest { frontend: GATEWAY.to_owned(), frontend_opt, ..Default::default() };
            let found = nested.pinned(&bridge, &request).await;
            let found = found.map(|options| options.into_iter().collect::<Vec<_>>());
            let wanted = wanted.map(|image| vec![(SOURCE.to_owned(), image.to_owned())]);
            assert_eq!(
                found.map_err(|status| status.code()),
                wanted.ok_or(Code::PermissionDenied),
                "{more:?} {asked:?}"
            );

            let others = [
                (Nested::default(), request.clone()),
                (nested.clone(), pb::SolveRequest { frontend: "dockerfile.v0".to_owned(), ..request.clone() }),
                (nested.clone(), pb::SolveRequest { definition: Some(pb::Definition::default()), ..request.clone() }),
            ];
            for (nested, request) in others {
                let status = nested.pinned(&bridge, &request).await.unwrap_err();
                assert_eq!(status.code(), Code::PermissionDenied, "{request:?}");
            }
        }
    }
}
