//! A run that has ended, and what is told of it.

use refkit::{Absence, Denial, Error, ErrorCode, Outcome, Parts, Refused, Resolution, Selection, Session};
use refkit::{Answered, Event};
use refkit_content::Origin;
use refkit_oci::Platform;
use serde::Serialize;

use crate::answer::{Answer, Output};
use crate::arguments::{self, Arguments, Format};
use crate::failure::{self, Exit, Failure};
use crate::report::{DenialReport, ErrorReport, ImageOrAbsence, OutcomeReport, Report};
use crate::setup::Setup;
use refkit_report::explain::Explained;
use refkit_report::{Escaped, EscapedJson};

/// How many reasons of one refusal are shown.
const REASONS_SHOWN: usize = 3;

/// How many of an index's platforms an error lists.
const PLATFORMS_SHOWN: usize = 20;

/// A run of the chain, ended.
pub struct Finished<'a> {
    pub setup: &'a Setup,
    pub session: Session,
    outcome: Result<Outcome, Error>,
}

/// What is told of it: on standard output as lines or as a report, on standard error, and by the exit code.
pub struct Told {
    pub lines: Vec<String>,
    pub report: OutcomeReport,
    pub messages: Vec<String>,
    pub exit: Exit,
}

impl<'a> Finished<'a> {
    /// Runs the chain to its end.
    pub async fn run(setup: &'a Setup, selection: Selection, parts: Parts) -> Self {
        let session = setup.session(selection, parts);
        let outcome = session.resolve().await;
        Self { setup, session, outcome }
    }

    /// Returns what was resolved.
    ///
    /// # Errors
    /// What is told instead, where the whole was denied or failed.
    #[expect(clippy::result_large_err, reason = "there is one at a time, and the command ends with it")]
    pub fn resolution(&self) -> Result<&Resolution, Told> {
        match &self.outcome {
            Ok(Outcome::Resolved(resolution)) => Ok(resolution),
            Ok(Outcome::Denied { denials, .. }) => Err(self.denied(denials)),
            Err(error) => Err(failed(&failure::session(error, &self.setup.target))),
        }
    }

    /// Returns a refusal of the whole.
    fn denied(&self, denials: &[Denial]) -> Told {
        let subject = self.setup.target.show(self.setup.target.reference());
        Told {
            lines: Vec::new(),
            report: OutcomeReport::denied(denials.iter().map(|one| report(one, None)).collect()),
            messages: reasons(&subject, denials),
            exit: Exit::Denied,
        }
    }

    /// Returns a refusal of the whole if a place is refused, and a failure if one is not readable: for whoever asked
    /// for one thing, and got none.
    ///
    /// # Errors
    /// Those.
    #[expect(clippy::result_large_err, reason = "there is one at a time, and the command ends with it")]
    pub fn whole(&self, resolution: &Resolution) -> Result<(), Told> {
        let absences =
            || resolution.images.iter().enumerate().filter_map(|(place, image)| Some((place, image.as_ref().err()?)));
        let refused = absences().find(|(_, absence)| matches!(absence, Absence::Denied(_)));
        if let Some((place, absence)) = refused {
            return Err(self.nothing(resolution, (place, None), absence));
        }
        for (_, absence) in absences() {
            if let Absence::Failed(error) = absence {
                return Err(failed(&Failure::failed(error.code, error)));
            }
        }
        Ok(())
    }

    /// Returns the messages for a place without an image, and how that ends the process.
    pub fn absent(
        &self,
        resolution: &Resolution,
        (place, platform): (usize, Option<&Platform>),
        absence: &Absence,
    ) -> (Vec<String>, Exit) {
        let subject = self.setup.target.show(&resolution.reference);
        let of = |image: &[String]| match image {
            [] => subject.clone(),
            image => format!("{subject} ({})", image.join(", ")),
        };
        let wanted: Vec<String> = platform.iter().map(ToString::to_string).collect();
        match absence {
            Absence::NoMatch => {
                let failure = Failure::failed(ErrorCode::NotFound, no_match(&subject, platform));
                let failure = match platforms(resolution) {
                    Some(platforms) => failure.hint(format_args!("it has {platforms}")),
                    None => failure,
                };
                (vec![failure.to_string()], Exit::Failed)
            }
            Absence::Denied(denials) => {
                let image = match resolution.refusal(place) {
                    Some(refused) => {
                        let platform = platform.or(refused.platform.as_ref()).map(ToString::to_string);
                        platform.into_iter().chain(refused.manifest.as_ref().map(ToString::to_string)).collect()
                    }
                    None => wanted,
                };
                (reasons(&of(&image), denials), Exit::Denied)
            }
            Absence::Failed(error) => {
                let failure = Failure::failed(error.code, format_args!("{}: {error}", of(&wanted)));
                (vec![failure.to_string()], Exit::Failed)
            }
        }
    }

    /// Returns an absence for a report.
    pub fn absence(&self, resolution: &Resolution, place: usize, absence: &Absence) -> ImageOrAbsence {
        let (name, denials, error) = match absence {
            Absence::NoMatch => ("no-match", Vec::new(), None),
            Absence::Denied(denials) => {
                let refused = resolution.refusal(place);
                ("denied", denials.iter().map(|denial| report(denial, refused)).collect(), None)
            }
            Absence::Failed(error) => ("failed", Vec::new(), Some(error_report(error))),
        };
        ImageOrAbsence::Absence { absence: name, denials, error }
    }

    /// Returns the error that an absence is for the whole, where no policy refused.
    pub fn error(
        &self,
        resolution: &Resolution,
        platform: Option<&Platform>,
        absence: &Absence,
    ) -> Option<ErrorReport> {
        match absence {
            Absence::NoMatch => {
                let message = no_match(&self.setup.target.show(&resolution.reference), platform);
                Some(ErrorReport { code: ErrorCode::NotFound.as_str(), message })
            }
            Absence::Failed(error) => Some(error_report(error)),
            Absence::Denied(_) => None,
        }
    }

    /// Returns what ends the command where the one image that was wanted is absent.
    pub fn nothing(
        &self,
        resolution: &Resolution,
        (place, platform): (usize, Option<&Platform>),
        absence: &Absence,
    ) -> Told {
        let (messages, exit) = self.absent(resolution, (place, platform), absence);
        let report = match (self.error(resolution, platform, absence), self.absence(resolution, place, absence)) {
            (Some(error), _) => OutcomeReport::failed(error),
            (None, ImageOrAbsence::Absence { denials, .. }) => OutcomeReport::denied(denials),
            (None, ImageOrAbsence::Image(_)) => OutcomeReport::default(),
        };
        Told { lines: Vec::new(), report, messages, exit }
    }

    /// Returns the command's answer.
    pub fn answer(self, output: &arguments::Output, told: Told) -> Answer {
        let explained = self.explained(output);
        let mut messages = Vec::new();
        let lines = match output.format {
            Format::Text => {
                messages.extend(explained.iter().flat_map(Explained::lines));
                told.lines
            }
            Format::Json => {
                let requested = self.setup.target.show(self.setup.target.reference());
                let explain = explained.as_ref().map(Explained::report);
                json(&Report { outcome: told.report, requested, explain })
            }
        };
        messages.extend(self.notes());
        messages.extend(told.messages);
        Answer { output: Output::Lines(lines), messages, exit: told.exit }
    }

    /// Returns the answer that is one document's exact bytes.
    pub fn exact(self, output: &arguments::Output, bytes: Vec<u8>) -> Answer {
        let explained = self.explained(output);
        let messages = explained.iter().flat_map(Explained::lines).chain(self.notes()).collect();
        Answer { output: Output::Exact(bytes), messages, exit: Exit::Resolved }
    }

    /// Returns what a person has to know of the cache: which answers nobody has confirmed, and what it did not keep.
    fn notes(&self) -> Vec<String> {
        let seen = self.session.trace().spans.into_iter().filter_map(|span| match span.event {
            Event::Call {
                subject,
                answer: Some(Answered::From { origin: Some(origin @ Origin::Seen(_)), .. }),
                ..
            } => Some(format!("note: {subject} is from the {origin}: its registry has not confirmed it")),
            _ => None,
        });
        let not_kept = self.setup.target.not_kept().map(|note| format!("note: {note}"));
        seen.chain(not_kept).map(|note| Escaped(note).to_string()).collect()
    }

    fn explained(&self, output: &arguments::Output) -> Option<Explained> {
        let resolution = match &self.outcome {
            Ok(Outcome::Resolved(resolution)) => Some(resolution),
            _ => None,
        };
        output.explain.then(|| Explained::of(&self.setup.notes, &self.session, resolution))
    }
}

/// Returns the answer where nothing was asked yet.
pub fn not_begun(failure: &Failure, arguments: &Arguments) -> Answer {
    let told = failed(failure);
    let lines = match arguments.command.format() {
        Format::Json if failure.exit() == Exit::Failed => {
            let requested = arguments.command.requested().to_owned();
            json(&Report { outcome: told.report, requested, explain: None })
        }
        _ => Vec::new(),
    };
    Answer { output: Output::Lines(lines), messages: told.messages, exit: told.exit }
}

/// Returns a report as lines.
pub fn json(report: &impl Serialize) -> Vec<String> {
    let text = serde_json::to_string_pretty(report).unwrap_or_default();
    EscapedJson(&text).to_string().lines().map(str::to_owned).collect()
}

/// Returns what is told of a failure.
pub fn failed(failure: &Failure) -> Told {
    let error = ErrorReport { code: failure.code().as_str(), message: failure.what().to_owned() };
    Told {
        lines: Vec::new(),
        report: OutcomeReport::failed(error),
        messages: vec![failure.to_string()],
        exit: failure.exit(),
    }
}

fn reasons(subject: &str, denials: &[Denial]) -> Vec<String> {
    let shown = if denials.len() > REASONS_SHOWN { REASONS_SHOWN - 1 } else { REASONS_SHOWN };
    let mut lines: Vec<String> = denials.iter().take(shown).map(|denial| failure::denied(subject, denial)).collect();
    if denials.len() > shown {
        lines.push(format!("  and {} more reasons", denials.len() - shown));
    }
    lines
}

fn error_report(failure: &refkit::Failure) -> ErrorReport {
    ErrorReport { code: failure.code.as_str(), message: failure.message.clone() }
}

fn no_match(subject: &str, platform: Option<&Platform>) -> String {
    match platform {
        Some(platform) => format!("{subject} has no image for {platform}"),
        None => format!("{subject} has no image for a wanted platform"),
    }
}

fn report(denial: &Denial, refused: Option<&Refused>) -> DenialReport {
    DenialReport {
        policy: denial.policy().to_owned(),
        rule: denial.rule.clone(),
        message: denial.message.clone(),
        subject: denial.subject.as_ref().map(ToString::to_string),
        manifest: refused.and_then(|refused| refused.manifest.as_ref()).map(ToString::to_string),
        platform: refused.and_then(|refused| refused.platform.as_ref()).map(Into::into),
    }
}

/// Returns the platforms that there are to choose from.
fn platforms(resolution: &Resolution) -> Option<String> {
    let mut names: Vec<String> = Vec::new();
    for candidate in resolution.candidates() {
        let Some(platform) =
            candidate.descriptor.platform.filter(|_| candidate.verdict != refkit::Verdict::Attestation)
        else {
            continue;
        };
        let name = platform.normalized().to_string();
        if !names.contains(&name) {
            names.push(name);
        }
        if names.len() > PLATFORMS_SHOWN {
            break;
        }
    }
    let more = if names.len() > PLATFORMS_SHOWN { ", …" } else { "" };
    names.truncate(PLATFORMS_SHOWN);
    (!names.is_empty()).then(|| format!("{}{more}", names.join(", ")))
}
