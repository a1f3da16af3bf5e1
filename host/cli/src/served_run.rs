//! A resolution by the policies of a server: option 2 of the proposal, of which the command prints the same bytes, the same
//! lines and the same JSON as of a run of its own.

use bytes::Bytes;
use refkit::{Denial, ErrorCode};
use refkit_content::verify;
use refkit_oci::document::media_type;
use refkit_oci::{Descriptor, Platform};
use refkit_report::json::{
    DenialReport, ErrorReport, ImageOrAbsence, ImageReport, OutcomeReport, PlaceReport, ResolvedReport,
};
use refkit_report::{ErrorMessage, Escaped, RunOutput, Status, denied, table};
use refkit_server::client::{Remote, Unresolved};
use refkit_server::grpc::pb::absence::Reason;
use refkit_server::grpc::pb::image_result::Result as Got;
use refkit_server::grpc::{pb, wire};

/// Resolves an image by the server's policies: the images of platforms, or of all where there are none.
pub async fn resolve(remote: &Remote, reference: &str, platforms: &[Platform]) -> RunOutput {
    let wanted = platforms.iter().map(wire::platform).collect();
    let request = pb::ResolveImageRequest { reference: reference.to_owned(), platforms: wanted, ..Default::default() };
    match remote.resolve_image(request).await {
        Ok(response) => output(response, platforms).unwrap_or_else(|text| malformed(&text)),
        Err(error) => unresolved(reference, error),
    }
}

/// Returns the bytes of one level of the image for a platform.
///
/// # Errors
/// The output for an image that the server's policies deny, that is absent, or that cannot be read.
pub async fn document(
    remote: &Remote,
    reference: &str,
    platform: &Platform,
    level: pb::Level,
) -> Result<Bytes, Box<RunOutput>> {
    let request = pb::ResolveImageRequest {
        reference: reference.to_owned(),
        platforms: vec![wire::platform(platform)],
        level: level.into(),
        ..Default::default()
    };
    let response = remote.resolve_image(request).await.map_err(|error| unresolved(reference, error))?;
    let is_manifest = response.root.as_ref().is_some_and(|root| media_type::is_manifest(&root.media_type));
    if level == pb::Level::Index && is_manifest {
        let message = ErrorMessage::new(ErrorCode::NotFound, format!("{reference} is a manifest; there is no index"));
        return Err(RunOutput::failed(&message.hint("its bytes are those of --manifest".to_owned())));
    }
    let content = match &response.images[..] {
        [pb::ImageResult { result: Some(Got::Image(image)) }] => image.content.clone(),
        _ => {
            let output = output(response, std::slice::from_ref(platform)).unwrap_or_else(|text| malformed(&text));
            // A server that answers with another number of images has not answered.
            return Err(Box::new(match output.status {
                Status::Resolved => malformed("it is not about one image"),
                _ => output,
            }));
        }
    };
    let verified = content.ok_or_else(|| "the image has no such document".to_owned()).and_then(|content| {
        let descriptor = descriptor(content.descriptor)?;
        verify::check(&descriptor, &content.data).map_err(|kind| kind.to_string())?;
        Ok(content.data)
    });
    verified.map_err(|text| Box::new(malformed(&text)))
}

fn malformed(text: &str) -> RunOutput {
    let text = format!("the server's response is malformed: {text}");
    *RunOutput::failed(&ErrorMessage::new(ErrorCode::Invalid, text))
}

fn unresolved(reference: &str, error: Unresolved) -> RunOutput {
    match error {
        Unresolved::Denied(denials) => {
            let (messages, denials) = reasons(reference, &denials);
            let report = OutcomeReport::denied(denials);
            RunOutput { lines: Vec::new(), report, messages, status: Status::Denied }
        }
        Unresolved::Failed(error) => *RunOutput::failed(&ErrorMessage::new(error.code(), error)),
    }
}

fn reasons(subject: &str, denials: &[pb::Denial]) -> (Vec<String>, Vec<DenialReport>) {
    let each = |denial: &pb::Denial| {
        let mut found = Denial::new(&*denial.rule, &*denial.message, denial.subject.parse().ok());
        found.policy = Some(denial.policy.as_str().into());
        let report = DenialReport {
            policy: denial.policy.clone(),
            rule: denial.rule.clone(),
            message: denial.message.clone(),
            subject: Some(denial.subject.clone()).filter(|subject| !subject.is_empty()),
            manifest: None,
            platform: None,
        };
        (denied(subject, &found), report)
    };
    denials.iter().map(each).unzip()
}

fn descriptor(message: Option<pb::Descriptor>) -> Result<Descriptor, String> {
    let message = message.ok_or("it has no descriptor")?;
    wire::descriptor_of(message).map_err(|(field, text)| format!("{field}: {text}"))
}

fn output(response: pb::ResolveImageResponse, wanted: &[Platform]) -> Result<RunOutput, String> {
    let reference: refkit_oci::Reference = response.reference.parse().map_err(|error| format!("{error}"))?;
    let root = descriptor(response.root)?;
    let pinned = |digest: &refkit_oci::Digest| reference.with_digest(digest.clone()).to_string();
    let (mut rows, mut messages, mut images) = (Vec::new(), Vec::new(), Vec::new());
    let (mut status, mut error) = (Status::Resolved, None);
    for (place, image) in response.images.into_iter().enumerate() {
        let wanted = wanted.get(place);
        let (platform, place) = match image.result.ok_or("an image has no result")? {
            Got::Image(image) => {
                let platform = image.platform.map(wire::platform_of);
                let all = |list: Vec<pb::Descriptor>| list.into_iter().map(|one| descriptor(Some(one)));
                let image = refkit::Image {
                    platform: platform.clone(),
                    parents: all(image.parents).collect::<Result<Vec<_>, _>>()?,
                    manifest: descriptor(image.manifest)?,
                    config: image.config.map(|one| descriptor(Some(one))).transpose()?,
                    attestations: all(image.attestations).collect::<Result<Vec<_>, _>>()?,
                };
                let pinned = pinned(&image.manifest.digest);
                let platform = wanted.cloned().or(platform);
                let name = platform.as_ref().map_or_else(|| "unknown".to_owned(), ToString::to_string);
                rows.push([Escaped(name).to_string(), Escaped(&pinned).to_string()]);
                (platform, ImageOrAbsence::Image(Box::new(ImageReport::of(&image, pinned))))
            }
            Got::Absence(absence) => {
                let platform = wanted.cloned().or_else(|| absence.platform.map(wire::platform_of));
                let of = platform.as_ref().map_or_else(|| reference.to_string(), |one| format!("{reference} ({one})"));
                let reason = absence.reason.ok_or("an absence has no reason")?;
                let told = told(&of, &reference.to_string(), platform.as_ref(), reason);
                messages.extend(told.messages);
                status = status.max(told.status);
                error = error.or(told.error);
                (platform, told.place)
            }
        };
        images.push(PlaceReport { platform: platform.as_ref().map(Into::into), place });
    }
    let lines = match &rows[..] {
        [[_, pinned]] if images.len() == 1 => vec![pinned.clone()],
        rows => table(rows),
    };
    let report = ResolvedReport {
        reference: reference.to_string(),
        pinned: Some(pinned(&root.digest)),
        root: (&root).into(),
        judged: Vec::new(),
        annotations: Default::default(),
        images,
    };
    Ok(RunOutput { lines, report: OutcomeReport::resolved(report, error), messages, status })
}

/// What the command says of an absent image.
struct Told {
    messages: Vec<String>,
    status: Status,
    error: Option<ErrorReport>,
    place: ImageOrAbsence,
}

fn told(image: &str, reference: &str, platform: Option<&Platform>, reason: Reason) -> Told {
    let failed = |code: ErrorCode, (line, text): (String, String), absence, error: Option<ErrorReport>| {
        let message = ErrorMessage::new(code, line);
        let whole = ErrorReport { code: code.as_str(), message: text };
        let place = ImageOrAbsence::Absence { absence, denials: Vec::new(), error };
        Told { messages: vec![message.to_string()], status: Status::Failed, error: Some(whole), place }
    };
    match reason {
        Reason::NoMatch(_) => {
            let platform = platform.map_or_else(|| "a wanted platform".to_owned(), ToString::to_string);
            let text = format!("{reference} has no image for {platform}");
            failed(ErrorCode::NotFound, (text.clone(), text), "no-match", None)
        }
        Reason::Denied(pb::Denials { denials }) => {
            let (messages, denials) = reasons(image, &denials);
            let place = ImageOrAbsence::Absence { absence: "denied", denials, error: None };
            Told { messages, status: Status::Denied, error: None, place }
        }
        Reason::Failed(failure) => {
            let code = ErrorCode::ALL.into_iter().find(|code| code.as_str() == failure.code);
            let code = code.unwrap_or(ErrorCode::Other);
            let error = ErrorReport { code: code.as_str(), message: failure.message.clone() };
            let line = format!("{image}: {}", failure.message);
            failed(code, (line, failure.message), "failed", Some(error))
        }
    }
}
