//! The nested frontend: another frontend that a build's frontend builds with.
//!
//! BuildKit does not apply a request's source policies to a frontend that the request names (measured with 0.34.2): neither
//! to the frontend's image nor to what it reads. So the rules refuse every frontend except the image that this frontend
//! is in itself, which brings the same policies. The `# syntax=` line of a Dockerfile may name it although the build has
//! named it as well (`--opt source=`).

use std::collections::BTreeMap;

use refkit_buildkit::{Bridge, pb};
use refkit_oci::{Digest, Reference};
use tonic::Status;

use super::refusal::one_line;

/// The frontend of BuildKit that runs an image.
const GATEWAY: &str = "gateway.v0";

/// The option of [`GATEWAY`] that names the image.
const SOURCE: &str = "source";

/// The option of [`GATEWAY`] with the `# syntax=` line that names the image.
const CMDLINE: &str = "cmdline";

/// The prefix of the options for named contexts. BuildKit takes a context with an image's name in the place of the image.
const CONTEXT: &str = "context:";

/// Decides which frontends a build's frontend may build with.
#[derive(Debug, Clone, Default)]
pub struct Nested {
    image: Option<Digest>,
    options: BTreeMap<String, String>,
}

impl Nested {
    /// Returns the rule for a build with these options, whose frontend is in the image with this digest.
    pub fn new(image: Option<Digest>, options: BTreeMap<String, String>) -> Self {
        Self { image, options }
    }

    /// Returns the options that make a request start the image by its digest.
    ///
    /// # Errors
    /// `PERMISSION_DENIED` for every frontend except this frontend's own image with the build's own options; BuildKit's
    /// status where it does not resolve the image.
    pub async fn pinned(
        &self,
        bridge: &Bridge,
        request: &pb::SolveRequest,
    ) -> Result<BTreeMap<String, String>, Status> {
        let refused = || refused(request);
        let image = self.image.as_ref().filter(|image| self.allows(image, request)).ok_or_else(refused)?;
        let reference = request.frontend_opt.get(SOURCE).and_then(|source| source.parse::<Reference>().ok());
        let reference = reference.ok_or_else(refused)?;
        let digest = match reference.digest() {
            Some(digest) => digest.to_string(),
            None => resolve(bridge, &reference).await?,
        };
        if digest != image.as_str() {
            return Err(refused());
        }
        Ok(BTreeMap::from([(SOURCE.to_owned(), reference.with_digest(image.clone()).to_string())]))
    }

    /// Returns whether a request may start this frontend's image: with the options of the build, so that policies and
    /// caches are those of this build, and not from within a nested frontend.
    fn allows(&self, image: &Digest, request: &pb::SolveRequest) -> bool {
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
            && !options.keys().any(|name| name.starts_with(CONTEXT) && name.contains(image.hex()))
    }
}

/// Returns the digest that BuildKit resolves an image to.
async fn resolve(bridge: &Bridge, reference: &Reference) -> Result<String, Status> {
    let source = pb::SourceOp { identifier: format!("docker-image://{reference}"), ..Default::default() };
    let log_name = format!("[refkit] load metadata for {reference}");
    let request = pb::ResolveSourceMetaRequest { source: Some(source), log_name, ..Default::default() };
    let response = bridge.resolve_source_meta(request).await?.into_view();
    Ok(response.image.unwrap_or_default().digest)
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
    use refkit_support::buildkit::documents::{index, sha256};
    use refkit_support::buildkit::{FakeBuildkit, NAME};
    use tonic::Code;

    use super::*;

    fn options(options: &[(&str, &str)]) -> BTreeMap<String, String> {
        options.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
    }

    #[tokio::test]
    async fn only_the_frontends_own_image() {
        let fake = FakeBuildkit::new("a");
        let (image, other) = (sha256(&index("a")), fake.retag("b"));
        fake.retag("a");
        let bridge = fake.bridge().await;
        let pinned = format!("{NAME}:1@{image}");
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
            let nested = Nested::new(Some(image.clone()), options(&[&build[..], &more].concat()));
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
