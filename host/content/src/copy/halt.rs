//! The end of a copy that fails: the first error is the one that counts, and what is under way stops as it can.

use std::sync::{Mutex, PoisonError};

use tokio::sync::watch;

use crate::{Error, ErrorKind, Operation};

/// A copy does not go on; [`Halt`] knows why.
#[derive(Debug, Clone, Copy)]
pub(super) struct Halted;

/// Whether a copy goes on.
pub(super) struct Halt {
    halted: watch::Sender<bool>,
    first: Mutex<Option<Error>>,
}

impl Halt {
    pub(super) fn new() -> Self {
        Self { halted: watch::Sender::new(false), first: Mutex::default() }
    }

    /// Ends the copy.
    pub(super) fn fail(&self, error: Error) -> Halted {
        self.first.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
        self.halted.send_replace(true);
        Halted
    }

    /// Fails where the copy has ended.
    pub(super) fn check(&self) -> Result<(), Halted> {
        if *self.halted.borrow() { Err(Halted) } else { Ok(()) }
    }

    /// Waits for the end of the copy; for ever, if there is none.
    pub(super) fn halted(&self) -> impl Future<Output = ()> + Send + use<> {
        let mut halted = self.halted.subscribe();
        async move {
            if halted.wait_for(|halted| *halted).await.is_err() {
                std::future::pending().await
            }
        }
    }

    /// Does something of which nothing stays behind where it is cut short.
    pub(super) async fn or<T>(&self, work: impl Future<Output = Result<T, Error>> + Send) -> Result<T, Halted> {
        tokio::select! {
            biased;
            () = self.halted() => Err(Halted),
            done = work => done.map_err(|error| self.fail(error)),
        }
    }

    /// Returns the outcome of the copy, with the error that ended it.
    pub(super) fn outcome<T>(self, of: Result<T, Halted>) -> Result<T, Error> {
        of.map_err(|Halted| {
            let first = self.first.into_inner().unwrap_or_else(PoisonError::into_inner);
            first.unwrap_or_else(|| Error::new(Operation::Push, "content", ErrorKind::Other("halted".to_owned())))
        })
    }
}
