//! The result of a publication, and the output that reports it.

use refkit::{Denial, Error, PublishOutcome, PublishSession, Published};

use crate::json::OutcomeReport;
use crate::run::{denial_report, reasons};
use crate::{ErrorMessage, Escaped, Names, RunOutput, Status};

/// A publication that has ended.
pub struct PublishResult<'a> {
    names: &'a dyn Names,
    session: PublishSession,
    outcome: Result<PublishOutcome, Error>,
}

impl<'a> PublishResult<'a> {
    /// Runs the chain of a session to its end.
    pub async fn of(session: PublishSession, names: &'a dyn Names) -> Self {
        let outcome = session.publish().await;
        Self { names, session, outcome }
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
            Err(error) => Err(RunOutput::failed(&ErrorMessage::new(error.code(), error).hint(self.names.hint(error)))),
        }
    }

    /// Returns a line for each destination: its reference with the digest of what was published. Escaped.
    pub fn pinned(&self, published: &Published) -> Vec<String> {
        let pinned = published.destinations.iter().map(|one| one.with_digest(published.root.digest.clone()));
        pinned.map(|reference| Escaped(self.names.reference(&reference)).to_string()).collect()
    }

    fn denied(&self, denials: &[Denial]) -> Box<RunOutput> {
        let request = self.session.request();
        let subject = request.sources.first().map(|source| &source.reference).or(request.destinations.first());
        let subject = subject.map(|reference| self.names.reference(reference)).unwrap_or_default();
        let report = OutcomeReport::denied(denials.iter().map(|denial| denial_report(denial, None)).collect());
        let messages = reasons(&subject, denials);
        Box::new(RunOutput { lines: Vec::new(), report, messages, status: Status::Denied })
    }
}
