//! A call: who makes it, by which rules, and until when its caller waits.

use std::sync::Arc;

use refkit::{Error, Outcome, Session};
use refkit_content::deadline;
use tokio::time::Instant;
use tonic::Status;

use super::rules::{Caller, Rules};

/// A call.
#[derive(Clone)]
pub struct Call {
    /// Who makes it.
    pub caller: Caller,
    /// The rules that it began with.
    pub rules: Arc<dyn Rules>,
    /// When its caller stops waiting, if it says so.
    pub deadline: Option<Instant>,
}

impl Call {
    /// Runs a session to its end, and notes the run.
    ///
    /// # Errors
    /// The error of the run.
    pub async fn resolve(&self, session: &Session) -> Result<Outcome, Error> {
        let outcome = session.resolve().await;
        self.rules.ran(session, outcome.as_ref().err());
        outcome
    }

    /// Runs work until the deadline. The registry client reads the deadline before it waits to repeat a request; at the
    /// deadline the work is dropped, and with it its requests and its policies.
    ///
    /// # Errors
    /// `DEADLINE_EXCEEDED`.
    pub async fn within<T>(&self, work: impl Future<Output = T>) -> Result<T, Status> {
        match self.deadline {
            None => Ok(work.await),
            Some(at) => tokio::time::timeout_at(at, deadline::within(at, work))
                .await
                .map_err(|_| Status::deadline_exceeded("the call has taken as long as its grpc-timeout allows")),
        }
    }
}
