//! Ends a copy that fails: the copy returns the first error, and the work under way stops.

use parking_lot::Mutex;
use tokio::sync::watch;

use super::failure::CopyError;
use crate::{Error, ErrorKind, Operation};

/// The copy has ended; [`Halt`] has the error.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halted;

/// Whether the copy continues, and the error that ended it.
pub(super) struct Halt {
    halted: watch::Sender<bool>,
    first: Mutex<Option<CopyError>>,
}

impl Halt {
    pub(super) fn new() -> Self {
        Self { halted: watch::Sender::new(false), first: Mutex::default() }
    }

    /// Ends the copy.
    pub(super) fn fail(&self, error: CopyError) -> Halted {
        self.first.lock().get_or_insert(error);
        self.halted.send_replace(true);
        Halted
    }

    /// Returns an error if the copy has ended.
    pub(super) fn check(&self) -> Result<(), Halted> {
        if *self.halted.borrow() { Err(Halted) } else { Ok(()) }
    }

    /// Waits for the end of the copy; forever, if it does not end.
    pub(super) fn halted(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut halted = self.halted.subscribe();
        async move {
            if halted.wait_for(|halted| *halted).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Runs a request to the source. The end of the copy may drop it.
    pub(super) async fn at_source<T>(&self, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Halted> {
        self.or(work, CopyError::at_source).await
    }

    /// Runs a request to the destination that leaves nothing behind, so that the end of the copy may drop it.
    pub(super) async fn at_destination<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
    ) -> Result<T, Halted> {
        self.or(work, CopyError::at_destination).await
    }

    async fn or<T>(
        &self,
        work: impl Future<Output = Result<T, Error>> + Send,
        side: impl FnOnce(Error) -> CopyError + Send,
    ) -> Result<T, Halted> {
        tokio::select! {
            biased;
            () = self.halted() => Err(Halted),
            done = work => done.map_err(|error| self.fail(side(error))),
        }
    }

    /// Returns the result of the copy, with the error that ended it.
    pub(super) fn outcome<T>(&self, of: Result<T, Halted>) -> Result<T, CopyError> {
        of.map_err(|Halted| {
            let first = self.first.lock().clone();
            let halted = || Error::new(Operation::Push, "content", ErrorKind::Other("halted".to_owned()));
            first.unwrap_or_else(|| CopyError::at_destination(halted()))
        })
    }
}
