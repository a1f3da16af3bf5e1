//! Writes a lock.

use futures_util::{StreamExt as _, stream};
use refkit::lock::Lock as LockFile;
use refkit::record::Store;
use refkit_report::{Escaped, LockOutput};

use super::prepared::{self, RUNS};
use super::{Lock, file};
use crate::error::CommandError;
use crate::output::Output;

impl Lock {
    /// Runs the chain for everything that is wanted, and writes the lock if all runs ended in entries.
    pub(super) async fn write(&self) -> anyhow::Result<Output> {
        let wanted = self.wanted()?;
        let (mut output, mut notes) = (LockOutput::default(), Vec::new());
        let before = file::present(&self.lock).unwrap_or_else(|error| {
            notes.push(format!("{}; it is written anew", CommandError::of(&error)));
            None
        });
        let chain = self.chain(&mut notes).await?;
        let resolver = self.registries(&chain, wanted.iter().map(|one| &one.reference), &mut notes).await?;
        let mut lock = LockFile::new(&chain, self.grants());
        let mut runs = stream::iter(wanted).map(|one| {
            let resolver = resolver.clone();
            async move { prepared::entry(&resolver, &one).await }
        });
        let mut runs = std::pin::pin!(runs.by_ref().buffered(RUNS));
        let mut recordings = Vec::new();
        while let Some(run) = runs.next().await {
            match run {
                Ok((entry, recording)) => {
                    let old = before.as_ref().and_then(|before| before.entry(&entry.reference));
                    notes.extend(old.and_then(|old| old.moved(&entry)).map(|moved| moved.to_string()));
                    output.entry(&entry);
                    lock.put(entry);
                    recordings.push(recording);
                }
                Err(failed) => output.failed(*failed),
            }
        }
        output.messages.splice(0..0, notes.iter().map(|note| Escaped(format_args!("note: {note}")).to_string()));
        if output.is_whole() {
            if let Some(directory) = self.record() {
                let store = Store::new(directory);
                recordings.iter().try_for_each(|recording| store.put(recording).map(drop))?;
            }
            file::write(&self.lock, &lock)?;
        }
        self.output(output, Some(&lock))
    }
}
