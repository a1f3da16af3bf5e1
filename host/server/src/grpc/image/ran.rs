//! A run for `ResolveImage` and `Explain`: the caller's policies before those of the rule.

use refkit::settings::Assignment;
use refkit::{Absence, Chain, Denial, Error, Outcome, Parts, Request, Selection, Session};
use tonic::{Code, Status};

use crate::grpc::failed::{self, invalid};
use crate::grpc::rules::{Allowed, Decision, End};
use crate::grpc::{Api, Call, fields, pb, wire};

/// The most platforms of a request: more than any index has.
const PLATFORMS: usize = 256;

/// The most policies that a caller puts before those of the rule.
const POLICIES: usize = 8;

/// A run that has ended.
pub struct Ran {
    /// The run.
    pub session: Session,
    /// Its end.
    pub outcome: Result<Outcome, Error>,
    /// The wanted level.
    pub level: pb::Level,
}

/// Runs the chain for a request.
///
/// # Errors
/// `INVALID_ARGUMENT`, `NOT_FOUND` for a policy that the caller has not loaded, and `PERMISSION_DENIED` where no rule
/// allows the reference. The outcome of a run is no error.
pub async fn run(
    api: &Api,
    call: &Call,
    method: &'static str,
    request: &pb::ResolveImageRequest,
) -> Result<Ran, Status> {
    let reference = fields::reference("reference", &request.reference)?;
    let level = pb::Level::try_from(request.level).map_err(|_| invalid("level", "there is no such level"))?;
    let wanted = Request::new(reference.clone()).select(selection(&request.platforms)?).with(parts(request, level));
    let own = own(api, call, &request.policies)?;
    let subject = reference.to_string();
    let decided = |rule: Option<&str>, end: End<'_>| {
        call.rules.decided(&Decision { caller: &call.caller, method, subject: &subject, rule, end });
    };
    let allowed = call.rules.read(&call.caller, &reference).map_err(|refused| {
        decided(None, End::Refused);
        failed::refused(&refused)
    })?;
    let session = session(&allowed, &allowed.chain, &own, &wanted)?;
    let outcome = call.resolve(&session).await;
    let rule = Some(&*allowed.rule);
    let mut ran = Ran { session, outcome, level };
    if let Some(denial) = denial(&ran.outcome).filter(|_| allowed.dry_run) {
        decided(rule, End::Denied { policy: denial.policy(), dry_run: true });
        // What the caller's own policies deny stays denied.
        ran.session = self::session(&allowed, &allowed.chain.end(), &own, &wanted)?;
        ran.outcome = call.resolve(&ran.session).await;
    }
    match &ran.outcome {
        Ok(Outcome::Resolved(resolution)) => decided(rule, End::Allowed(Some(&resolution.root.digest))),
        Ok(Outcome::Denied { denials, .. }) => {
            let policy = denials.first().map_or("", Denial::policy);
            decided(rule, End::Denied { policy, dry_run: false });
        }
        Err(error) => decided(rule, End::Failed(&error.to_string())),
    }
    Ok(ran)
}

/// Returns the first reason for which the request or an image of it is denied.
fn denial(outcome: &Result<Outcome, Error>) -> Option<&Denial> {
    match outcome {
        Ok(Outcome::Denied { denials, .. }) => denials.first(),
        Ok(Outcome::Resolved(resolution)) => resolution.images.iter().find_map(|image| match image {
            Err(Absence::Denied(denials)) => denials.first(),
            _ => None,
        }),
        Err(_) => None,
    }
}

type Own = Vec<(refkit::Policy, Vec<Assignment>)>;

fn session(allowed: &Allowed, chain: &Chain, own: &Own, wanted: &Request) -> Result<Session, Status> {
    let chain = chain.preceded_by(own.clone()).map_err(|error| invalid("policies", error))?;
    Ok(allowed.resolver_of(&chain).session(wanted.clone()))
}

fn own(api: &Api, call: &Call, policies: &[pb::PolicyReference]) -> Result<Own, Status> {
    if policies.len() > POLICIES {
        return Err(invalid("policies", format!("there are more than {POLICIES}")));
    }
    let policies = policies.iter().enumerate().map(|(place, policy)| {
        let field = format!("policies[{place}].digest");
        let digest = fields::digest(&field, policy.digest.clone())?;
        let loaded = api.loaded.get(&call.caller, &digest).ok_or_else(|| {
            let text = format!("{field}: this client has not loaded the policy {digest}: call LoadPolicy first");
            wire::status(Code::NotFound, &text, &wire::Details::default())
        })?;
        let settings = policy.settings.iter().map(|(name, value)| Assignment::new(name, value));
        Ok((loaded, settings.collect()))
    });
    policies.collect()
}

fn selection(platforms: &[pb::Platform]) -> Result<Selection, Status> {
    if platforms.is_empty() {
        return Ok(Selection::All);
    }
    if platforms.len() > PLATFORMS {
        return Err(invalid("platforms", format!("there are more than {PLATFORMS}")));
    }
    let platforms = platforms.iter().enumerate().map(|(place, platform)| {
        if platform.os.is_empty() || platform.architecture.is_empty() {
            return Err(invalid(&format!("platforms[{place}]"), "it needs an os and an architecture"));
        }
        Ok(wire::platform_of(platform.clone()).normalized())
    });
    Ok(Selection::Platforms(platforms.collect::<Result<_, Status>>()?))
}

fn parts(request: &pb::ResolveImageRequest, level: pb::Level) -> Parts {
    Parts {
        images: true,
        configs: request.everything || level == pb::Level::Config,
        attestations: request.attestations,
    }
}
