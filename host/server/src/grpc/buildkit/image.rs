//! The image that the policies choose for a platform, as BuildKit is told about it.

use bytes::Bytes;
use refkit::{Absence, Denial, Image, Outcome, Request, Resolution, Session, platform};
use refkit_buildkit::{grpc_code, pb};
use refkit_oci::{Descriptor, Digest, Platform, Reference};
use refkit_report::Refusal;
use tonic::{Code, Status};

use crate::grpc::rules::{Allowed, Decision, End};
use crate::grpc::{Api, Call, failed};

/// The image of a platform.
pub struct Chosen {
    /// The run that has chosen it.
    pub session: Session,
    /// What it resolved.
    pub resolution: Resolution,
    /// The image.
    pub image: Image<Descriptor>,
    /// The digest that makes BuildKit take this image: the root's where BuildKit chooses the same image of it, and the
    /// manifest's otherwise.
    pub digest: Digest,
}

impl Chosen {
    /// Returns the config.
    ///
    /// # Errors
    /// The failure to read it.
    pub async fn config(&self) -> Result<Bytes, Status> {
        let Some(config) = &self.image.config else {
            return Err(Status::unknown("the policies chose an image without its config"));
        };
        let fetched = self.session.fetch(self.resolution.reference.repository(), config).await;
        fetched.map_err(|error| failed::run(&self.session, &error))
    }

    /// Returns the reference that BuildKit is to take, which is the requested one where BuildKit chooses the same image
    /// by itself.
    pub fn reference(&self) -> Reference {
        let found = &self.resolution.reference;
        let same = *found == self.resolution.request.reference && self.digest == self.resolution.root.digest;
        if same { found.clone() } else { found.with_digest(self.digest.clone()) }
    }
}

/// Returns the platform of a request: this machine's on Linux where it names none, and Linux where it names no operating
/// system, as BuildKit on this machine takes them.
pub fn wanted(named: Option<&pb::Platform>) -> Platform {
    let default = platform::of_this_machine();
    let Some(named) = named.map(Platform::from).filter(|named| !named.architecture.is_empty()) else { return default };
    let os = if named.os.is_empty() { default.os } else { named.os.clone() };
    Platform { os, ..named }.normalized()
}

/// Returns what the policies choose.
///
/// # Errors
/// `PERMISSION_DENIED`, `NOT_FOUND` where there is no image for the platform, or the code of the failure.
pub async fn choose(
    api: &Api,
    call: &Call,
    method: &'static str,
    reference: &Reference,
    platform: &Platform,
) -> Result<Chosen, Status> {
    let subject = reference.to_string();
    let decided = |rule: Option<&str>, end: End<'_>| {
        call.rules.decided(&Decision { caller: &call.caller, method, subject: &subject, rule, end });
    };
    let allowed = call.rules.read(&call.caller, reference).map_err(|refused| {
        decided(None, End::Refused);
        failed::refused(&refused)
    })?;
    let rule = Some(&*allowed.rule);
    let request = Request::new(reference.clone()).platform(platform.clone()).with_configs();
    let mut ran = run(call, &allowed, &request, false).await;
    if let Err(Ended::Denied(_, denials)) = &ran {
        decided(rule, End::Denied { policy: denials.first().map_or("", Denial::policy), dry_run: allowed.dry_run });
        if allowed.dry_run {
            ran = run(call, &allowed, &request, true).await;
        }
    }
    match ran {
        Ok((session, resolution, image)) => {
            let digest = pin(call, &allowed, &resolution, &image, platform).await;
            api.seen.chosen(&call.caller, resolution.reference.repository(), &digest, platform);
            decided(rule, End::Allowed(Some(&digest)));
            Ok(Chosen { session, resolution, image, digest })
        }
        Err(Ended::Denied(subject, denials)) => Err(failed::denied(&subject, &denials)),
        Err(Ended::Failed(status)) => {
            decided(rule, End::Failed(status.message()));
            Err(status)
        }
    }
}

enum Ended {
    Denied(String, Vec<Denial>),
    Failed(Status),
}

type Ran = (Session, Resolution, Image<Descriptor>);

async fn run(call: &Call, allowed: &Allowed, request: &Request, plain: bool) -> Result<Ran, Ended> {
    let chain = if plain { allowed.chain.end() } else { allowed.chain.clone() };
    let session = allowed.resolver_of(&chain).session(request.clone());
    let outcome = call.resolve(&session).await.map_err(|error| Ended::Failed(failed::run(&session, &error)))?;
    let resolution = match outcome {
        Outcome::Denied { denials, .. } => return Err(Ended::Denied(request.reference.to_string(), denials)),
        Outcome::Resolved(resolution) => resolution,
    };
    let image = resolution.images.first().cloned().unwrap_or(Err(Absence::NoMatch));
    match image {
        Ok(image) => Ok((session, resolution, image)),
        Err(Absence::Denied(denials)) => Err(Ended::Denied(resolution.reference.to_string(), denials)),
        Err(absence) => Err(Ended::Failed(absent(&resolution, &absence))),
    }
}

fn absent(resolution: &Resolution, absence: &Absence) -> Status {
    let platform = platform::of_this_machine();
    let platform = match &resolution.request.selection {
        refkit::Selection::Platforms(platforms) => platforms.first().unwrap_or(&platform),
        refkit::Selection::All => &platform,
    };
    let refusal = Refusal::absent(&resolution.reference.to_string(), platform, absence);
    Status::new(refusal.code.map_or(Code::PermissionDenied, grpc_code), refusal.text)
}

/// Returns the root's digest if the default policy, which chooses as BuildKit does, takes this image of the root.
async fn pin(
    call: &Call,
    allowed: &Allowed,
    resolution: &Resolution,
    image: &Image<Descriptor>,
    platform: &Platform,
) -> Digest {
    let root = &resolution.root.digest;
    if allowed.chain.is_default() {
        return root.clone();
    }
    let request = Request::new(resolution.reference.with_digest(root.clone())).platform(platform.clone());
    let session = allowed.resolver_of(&allowed.chain.end()).session(request);
    match call.resolve(&session).await {
        Ok(Outcome::Resolved(found)) if matches!(found.images.first(), Some(Ok(same)) if same.manifest.digest == image.manifest.digest) => {
            root.clone()
        }
        _ => image.manifest.digest.clone(),
    }
}
