//! Replays a lock from its recordings.

use std::path::Path;

use anyhow::Context;
use refkit::lock::{Entry, Lock as LockFile};
use refkit::record::{Replay, Store, StoreError};
use refkit_oci::ErrorCode;
use refkit_report::LockOutput;

use super::verify::wanted;
use super::{Lock, file, prepared};
use crate::error::CommandError;
use crate::output::Output;

impl Lock {
    /// Replays every entry, and checks that the replays give the same bytes.
    pub(super) async fn replay(&self, record: &Path) -> anyhow::Result<Output> {
        let lock = file::read(&self.lock)?;
        let chain = self.chain(&mut Vec::new()).await?;
        lock.check(&chain, self.grants())?;
        let (store, mut output) = (Store::new(record), LockOutput::default());
        self.lacks(&lock, &mut output)?;
        let mut replayed = LockFile::new(&chain, self.grants());
        for entry in lock.entries() {
            let recording = store.get(&entry.recording).map_err(|error| missing(entry, &error))?;
            let replay = Replay::new(recording);
            let run =
                prepared::entry(&replay.resolver(&chain, self.granted()).budget(self.budget()), &wanted(entry)).await;
            if let Some(call) = replay.missing().first() {
                return Err(other(entry, format_args!("it has no answer to {} of {call}", call.function())).into());
            }
            match run {
                Ok((again, _)) if again == *entry => {
                    output.entry(&again);
                    replayed.put(again);
                }
                Ok(_) => return Err(other(entry, "it decides something else").into()),
                Err(failed) => output.failed(*failed),
            }
        }
        if output.is_whole() && replayed != lock {
            return Err(CommandError::failed(ErrorCode::Invalid, "the replay gives another lock").into());
        }
        self.output(output, Some(&lock)).context("cannot replay the lock")
    }
}

/// Returns the error for a recording that cannot be read.
fn missing(entry: &Entry, error: &StoreError) -> CommandError {
    let code = match error {
        StoreError::Missing { .. } => ErrorCode::NotFound,
        _ => ErrorCode::Invalid,
    };
    let failed = CommandError::failed(code, format_args!("cannot replay {}: {error}", entry.reference));
    match error {
        StoreError::Missing { .. } => failed.hint("lock it again with --record DIR; the registries are asked then"),
        _ => failed,
    }
}

/// Returns the error for a recording that is not that of an entry.
fn other(entry: &Entry, what: impl std::fmt::Display) -> CommandError {
    let text = format_args!("the recording {} of {} is that of another run: {what}", entry.recording, entry.reference);
    CommandError::failed(ErrorCode::Invalid, text)
}
