//! The result of a run, and the output that reports it.

use refkit::{Absence, Denial, Error, ErrorCode, Failure, Outcome, Refused, Resolution, Session};
use refkit::{Event, Observation, Trace};
use refkit_content::{Origin, WithOrigin};
use refkit_oci::{Platform, Reference};

use crate::explain::Explained;
use crate::json::{self, DenialReport, ErrorReport, ImageOrAbsence, OutcomeReport, Report};
use crate::message::no_match;
use crate::{ErrorMessage, Escaped, Status, denied, refused};

/// How many reasons of one denial a person reads.
const REASONS_SHOWN: usize = 3;

/// How many of an index's platforms an error lists.
const PLATFORMS_SHOWN: usize = 20;

/// How the program that reports a run names things to its user.
pub trait Names: Sync {
    /// Returns a reference as the user writes it.
    fn reference(&self, reference: &Reference) -> String;

    /// Returns what the user can do about an error of the run.
    fn hint(&self, error: &Error) -> Option<String>;
}

/// A run that has ended.
pub struct RunResult<'a> {
    names: &'a dyn Names,
    session: Session,
    outcome: Result<Outcome, Error>,
}

/// What a program prints about a run.
#[derive(Debug)]
pub struct RunOutput {
    /// Lines for people, escaped.
    pub lines: Vec<String>,
    /// The same for programs.
    pub report: OutcomeReport,
    /// Messages about denials and errors, escaped.
    pub messages: Vec<String>,
    /// How the run ended.
    pub status: Status,
}

impl RunOutput {
    /// Returns the output for an error.
    pub fn failed(message: &ErrorMessage) -> Box<Self> {
        let error = ErrorReport { code: message.code.as_str(), message: message.text.clone() };
        let report = OutcomeReport::failed(error);
        Box::new(Self { lines: Vec::new(), report, messages: vec![message.to_string()], status: Status::Failed })
    }

    /// Returns the output for the error that ended a run.
    pub(crate) fn of_error(error: &Error, trace: &Trace, names: &dyn Names) -> Box<Self> {
        Self::of_error_about("", error, trace, names)
    }

    /// Returns the output for the error that ended one of several runs. Its text names the subject of the run.
    pub(crate) fn of_error_about(subject: &str, error: &Error, trace: &Trace, names: &dyn Names) -> Box<Self> {
        let mut text = error.to_string();
        if !says(&text, subject) {
            text = format!("{subject}: {text}");
        }
        let mut output = Self::failed(&ErrorMessage::new(error.code(), text).hint(names.hint(error)));
        if refused::by_a_policy(error, trace) {
            output.status = Status::Invalid;
        }
        output
    }

    /// Returns the lines of the JSON document with this output's report.
    pub fn json(self, requested: String, explained: Option<&Explained>) -> Vec<String> {
        json::lines(&Report { outcome: self.report, requested, explain: explained.map(Explained::report) })
    }
}

impl<'a> RunResult<'a> {
    /// Runs the chain of a session to its end.
    pub async fn of(session: Session, names: &'a dyn Names) -> Self {
        let outcome = session.resolve().await;
        Self { names, session, outcome }
    }

    /// Returns the session of the run.
    pub fn session(&self) -> &Session {
        &self.session
    }

    /// Returns a reference as the user writes it.
    pub fn name(&self, reference: &Reference) -> String {
        self.names.reference(reference)
    }

    /// Returns the resolution.
    ///
    /// # Errors
    /// The output for a denial of the whole reference, or for an error of the run.
    pub fn resolution(&self) -> Result<&Resolution, Box<RunOutput>> {
        match &self.outcome {
            Ok(Outcome::Resolved(resolution)) => Ok(resolution),
            Ok(Outcome::Denied { denials, .. }) => Err(self.denied(denials)),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Returns the output for an error of the run.
    pub fn failed(&self, error: &Error) -> Box<RunOutput> {
        RunOutput::of_error(error, &self.session.trace(), self.names)
    }

    fn denied(&self, denials: &[Denial]) -> Box<RunOutput> {
        let subject = self.name(&self.session.request().reference);
        let report = OutcomeReport::denied(denials.iter().map(|denial| denial_report(denial, None)).collect());
        let messages = reasons(&subject, denials);
        Box::new(RunOutput { lines: Vec::new(), report, messages, status: Status::Denied })
    }

    /// Checks that no image of a resolution is denied and none failed, for a caller that wants the root alone.
    ///
    /// # Errors
    /// The output for the first denied image, otherwise for the first failed one.
    pub fn whole(&self, resolution: &Resolution) -> Result<(), Box<RunOutput>> {
        let absences =
            || resolution.images.iter().enumerate().filter_map(|(place, image)| Some((place, image.as_ref().err()?)));
        if let Some((place, absence)) = absences().find(|(_, absence)| matches!(absence, Absence::Denied(_))) {
            return Err(self.absent_alone(resolution, (place, None), absence));
        }
        for (_, absence) in absences() {
            if let Absence::Failed(failure) = absence {
                return Err(RunOutput::failed(&ErrorMessage::new(failure.code, failure)));
            }
        }
        Ok(())
    }

    /// Returns the messages for a platform without an image, and the status of the run because of it.
    pub fn absent(
        &self,
        resolution: &Resolution,
        (place, platform): (usize, Option<&Platform>),
        absence: &Absence,
    ) -> (Vec<String>, Status) {
        let subject = self.name(&resolution.reference);
        let of = |image: &[String]| match image {
            [] => subject.clone(),
            image => format!("{subject} ({})", image.join(", ")),
        };
        let requested: Vec<String> = platform.iter().map(ToString::to_string).collect();
        match absence {
            Absence::NoMatch => {
                let message = ErrorMessage::new(ErrorCode::NotFound, no_match(&subject, platform));
                let hint = platforms(resolution).map(|platforms| format!("it has {platforms}"));
                (vec![message.hint(hint).to_string()], Status::Failed)
            }
            Absence::Denied(denials) => {
                let image = match resolution.refusal(place) {
                    Some(refused) => {
                        let platform = platform.or(refused.platform.as_ref()).map(ToString::to_string);
                        platform.into_iter().chain(refused.manifest.as_ref().map(ToString::to_string)).collect()
                    }
                    None => requested,
                };
                (reasons(&of(&image), denials), Status::Denied)
            }
            Absence::Failed(failure) => {
                let message = ErrorMessage::new(failure.code, format_args!("{}: {failure}", of(&requested)));
                (vec![message.to_string()], Status::Failed)
            }
        }
    }

    /// Returns the output of a run whose only requested image is absent.
    pub fn absent_alone(
        &self,
        resolution: &Resolution,
        (place, platform): (usize, Option<&Platform>),
        absence: &Absence,
    ) -> Box<RunOutput> {
        let (messages, status) = self.absent(resolution, (place, platform), absence);
        let report = match self.error(resolution, platform, absence) {
            Some(error) => OutcomeReport::failed(error),
            None => OutcomeReport::denied(denial_reports(resolution, place, absence)),
        };
        Box::new(RunOutput { lines: Vec::new(), report, messages, status })
    }

    /// Returns an absence for a report.
    pub fn absence(&self, resolution: &Resolution, place: usize, absence: &Absence) -> ImageOrAbsence {
        let (name, error) = match absence {
            Absence::NoMatch => ("no-match", None),
            Absence::Denied(_) => ("denied", None),
            Absence::Failed(failure) => ("failed", Some(error_report(failure))),
        };
        ImageOrAbsence::Absence { absence: name, denials: denial_reports(resolution, place, absence), error }
    }

    /// Returns the error of the whole report because of an absence; a denial is none.
    pub fn error(
        &self,
        resolution: &Resolution,
        platform: Option<&Platform>,
        absence: &Absence,
    ) -> Option<ErrorReport> {
        match absence {
            Absence::NoMatch => {
                let message = no_match(&self.name(&resolution.reference), platform);
                Some(ErrorReport { code: ErrorCode::NotFound.as_str(), message })
            }
            Absence::Failed(failure) => Some(error_report(failure)),
            Absence::Denied(_) => None,
        }
    }

    /// Returns notes about answers that the cache gave and no registry has confirmed, escaped.
    pub fn unconfirmed(&self) -> Vec<String> {
        unconfirmed(&self.session.trace())
    }

    /// Returns the explanation of the run; `notes` are the caller's own about how it set the run up.
    pub fn explained(&self, notes: &[String]) -> Explained {
        let resolution = match &self.outcome {
            Ok(Outcome::Resolved(resolution)) => Some(resolution),
            _ => None,
        };
        Explained::of(notes, &self.session, resolution)
    }
}

/// Returns notes about answers that the cache gave and no registry has confirmed, escaped.
pub(crate) fn unconfirmed(trace: &Trace) -> Vec<String> {
    let unconfirmed = trace.spans.iter().filter_map(|span| match &span.event {
        Event::Call(Observation {
            call: subject,
            result: Some(Ok(WithOrigin { origin: origin @ Origin::Seen(_), .. })),
            ..
        }) => Some(format!("note: {subject} is from the {origin}: its registry has not confirmed it")),
        _ => None,
    });
    unconfirmed.map(|note| Escaped(note).to_string()).collect()
}

pub(crate) fn reasons(subject: &str, denials: &[Denial]) -> Vec<String> {
    let shown = if denials.len() > REASONS_SHOWN { REASONS_SHOWN - 1 } else { REASONS_SHOWN };
    let mut lines: Vec<String> = denials.iter().take(shown).map(|denial| denied(subject, denial)).collect();
    if denials.len() > shown {
        lines.push(format!("  and {} more reasons", denials.len() - shown));
    }
    lines
}

/// Returns whether a text names a reference, and no longer one that begins like it.
fn says(text: &str, reference: &str) -> bool {
    let continues = |rest: &str| rest.starts_with(|next: char| next.is_ascii_alphanumeric() || "_.-@".contains(next));
    reference.is_empty() || text.match_indices(reference).any(|(at, found)| !continues(&text[at + found.len()..]))
}

fn error_report(failure: &Failure) -> ErrorReport {
    ErrorReport { code: failure.code.as_str(), message: failure.message.clone() }
}

fn denial_reports(resolution: &Resolution, place: usize, absence: &Absence) -> Vec<DenialReport> {
    match absence {
        Absence::Denied(denials) => {
            let refused = resolution.refusal(place);
            denials.iter().map(|denial| denial_report(denial, refused)).collect()
        }
        _ => Vec::new(),
    }
}

pub(crate) fn denial_report(denial: &Denial, refused: Option<&Refused>) -> DenialReport {
    DenialReport {
        policy: denial.policy().to_owned(),
        rule: denial.rule.clone(),
        message: denial.message.clone(),
        subject: denial.subject.as_ref().map(ToString::to_string),
        manifest: refused.and_then(|refused| refused.manifest.as_ref()).map(ToString::to_string),
        platform: refused.and_then(|refused| refused.platform.as_ref()).map(Into::into),
    }
}

/// Returns the platforms of the indexes that the run read.
fn platforms(resolution: &Resolution) -> Option<String> {
    let all = resolution.platforms();
    let names: Vec<String> = all.iter().take(PLATFORMS_SHOWN).map(ToString::to_string).collect();
    let more = if all.len() > PLATFORMS_SHOWN { ", …" } else { "" };
    (!names.is_empty()).then(|| format!("{}{more}", names.join(", ")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whether_a_text_names_a_reference() {
        for (text, reference, wanted) in [
            ("cannot pull r/a:1 at r: not found", "r/a:1", true),
            ("cannot push r/b:1", "r/a:1", false),
            ("cannot pull r/a:1.0: not found", "r/a:1", false),
            ("cannot pull r/a:10 beside r/a:1", "r/a:1", true),
            ("anything", "", true),
        ] {
            assert_eq!(says(text, reference), wanted, "{text}");
        }
    }
}
