//! The result of a publication, and the output that reports it.

use refkit::{Denial, Error, PublishOutcome, PublishSession, Published, Verdict};

use refkit_content::layout::REGISTRY;
use refkit_oci::matching::{Matcher as _, OnlyStrict};
use refkit_oci::{Platform, Reference};

use crate::explain::Explained;
use crate::json::{DestinationReport, OutcomeReport, PublishedReport};
use crate::run::{denial_report, reasons, unconfirmed};
use crate::{ErrorMessage, Escaped, Names, RunOutput, Status};

/// A publication that has ended.
pub struct PublishResult<'a> {
    names: &'a dyn Names,
    session: PublishSession,
    outcome: Result<PublishOutcome, Error>,
    /// Whether it is one of several, so that an error has to say which.
    one_of_several: bool,
}

impl<'a> PublishResult<'a> {
    /// Runs the chain of a session to its end.
    pub async fn of(session: PublishSession, names: &'a dyn Names) -> Self {
        let outcome = session.publish().await;
        Self { names, session, outcome, one_of_several: false }
    }

    /// Makes an error of the publication name its source: the program runs several publications.
    #[must_use]
    pub fn one_of_several(mut self) -> Self {
        self.one_of_several = true;
        self
    }

    /// Returns the error that ended the run.
    pub fn error(&self) -> Option<&Error> {
        self.outcome.as_ref().err()
    }

    /// Returns what was published.
    ///
    /// # Errors
    /// The output for a denial, or for an error of the run.
    pub fn published(&self) -> Result<&Published, Box<RunOutput>> {
        match &self.outcome {
            Ok(PublishOutcome::Published(published)) => Ok(published),
            Ok(PublishOutcome::Denied { denials, .. }) => Err(self.denied(denials)),
            Ok(_) => {
                Err(RunOutput::failed(&ErrorMessage::new(refkit::ErrorCode::Other, "the run has another outcome")))
            }
            Err(error) => {
                let subject = if self.one_of_several { self.requested() } else { String::new() };
                Err(RunOutput::of_error_about(&subject, error, &self.session.trace(), self.names))
            }
        }
    }

    /// Returns the output: a line for each destination, its reference with the digest of what was published; or the
    /// denial or the error.
    pub fn output(&self) -> RunOutput {
        let published = match self.published() {
            Ok(published) => published,
            Err(output) => return *output,
        };
        let destination = |one: &Reference| DestinationReport {
            reference: self.names.reference(one),
            pinned: self.names.reference(&one.with_digest(published.root.digest.clone())),
        };
        let report = PublishedReport {
            root: (&published.root).into(),
            destinations: published.destinations.iter().map(destination).collect(),
            dry_run: published.dry_run,
        };
        RunOutput {
            lines: report.destinations.iter().map(|one| Escaped(&one.pinned).to_string()).collect(),
            report: OutcomeReport::published(report),
            messages: Vec::new(),
            status: Status::Resolved,
        }
    }

    /// Returns what the user asked to publish, as the user writes it: the first source.
    pub fn requested(&self) -> String {
        let request = self.session.request();
        let subject = request.sources.first().map(|source| &source.reference).or(request.destinations.first());
        subject.map(|reference| self.names.reference(reference)).unwrap_or_default()
    }

    /// Returns notes about answers that the cache gave and no registry has confirmed, about manifests that were left
    /// out, about destinations that were written before a failure, and about wanted platforms without an image, escaped.
    pub fn notes(&self) -> Vec<String> {
        let mut notes = unconfirmed(&self.session.trace());
        let Ok(published) = self.published() else {
            let moved = self.session.moved().into_iter().map(|one| self.names.reference(one));
            notes.extend(moved.map(|one| format!("note: {} was written before that", Escaped(one))));
            return notes;
        };
        notes.extend(self.unmet(published));
        let Published { absent, destinations, .. } = published;
        // A layout is looked through in any case.
        if !absent.is_empty() && destinations.iter().any(|one| one.repository().registry() != REGISTRY) {
            let number = absent.len();
            notes.push(format!(
                "note: the copy left out {number} of the manifests that its index names; to add them later: copy --force-recursive"
            ));
        }
        notes
    }

    /// Returns a note for each wanted platform that no published image is for.
    fn unmet(&self, published: &Published) -> Vec<String> {
        let candidates = self.session.candidates(published);
        let taken = || candidates.iter().filter(|one| one.verdict == Verdict::Taken).map(|one| &one.descriptor);
        if taken().next().is_none() {
            return Vec::new();
        }
        let wanted = self.session.request().platforms.iter();
        let met = |wanted: &Platform| {
            let wanted = OnlyStrict::new(wanted.clone());
            taken().any(|entry| entry.platform.as_ref().is_none_or(|platform| wanted.matches(platform)))
        };
        wanted
            .filter(|wanted| !met(wanted))
            .map(|wanted| format!("note: no image is for {}", Escaped(wanted)))
            .collect()
    }

    /// Returns the explanation of the run; `notes` are the caller's own about how it set the run up.
    pub fn explained(&self, notes: &[String]) -> Explained {
        Explained::of_publication(notes, &self.session, self.published().ok())
    }

    fn denied(&self, denials: &[Denial]) -> Box<RunOutput> {
        let report = OutcomeReport::denied(denials.iter().map(|denial| denial_report(denial, None)).collect());
        let messages = reasons(&self.requested(), denials);
        Box::new(RunOutput { lines: Vec::new(), report, messages, status: Status::Denied })
    }
}
