//! Verifies a lock against the registries.

use futures_util::{StreamExt as _, stream};
use refkit::lock::{Entry, Lock as LockFile};
use refkit_report::{Escaped, LockOutput};

use super::prepared::{self, RUNS};
use super::wanted::Wanted;
use super::{Lock, file};
use crate::output::Output;

impl Lock {
    /// Runs the chain for every entry again, and prints what moved.
    pub(super) async fn verify(&self) -> anyhow::Result<Output> {
        let lock = file::read(&self.lock)?;
        let mut notes = Vec::new();
        let chain = self.chain(&mut notes).await?;
        lock.check(&chain, self.grants())?;
        let mut output = LockOutput::default();
        self.lacks(&lock, &mut output)?;
        let resolver = self.registries(&chain, lock.entries().iter().map(|one| &one.reference), &mut notes).await?;
        let runs = stream::iter(lock.entries()).map(|entry| {
            let resolver = resolver.clone();
            async move { (entry, prepared::entry(&resolver, &wanted(entry)).await) }
        });
        let mut runs = std::pin::pin!(runs.buffered(RUNS));
        while let Some((entry, run)) = runs.next().await {
            match run {
                Ok((now, _)) => match entry.moved(&now) {
                    Some(moved) => output.moved(&moved),
                    None => output.holds(entry),
                },
                Err(failed) => output.failed(*failed),
            }
        }
        output.messages.splice(0..0, notes.iter().map(|note| Escaped(format_args!("note: {note}")).to_string()));
        self.output(output, Some(&lock))
    }

    /// Adds what the lock lacks of the images and the Dockerfiles of the command line.
    pub(super) fn lacks(&self, lock: &LockFile, output: &mut LockOutput) -> anyhow::Result<()> {
        for Wanted { reference, platforms, .. } in self.wanted()? {
            let platforms: Vec<_> = platforms.into_iter().collect();
            lock.lacks(&reference, &platforms).iter().for_each(|missing| output.moved(missing));
        }
        Ok(())
    }
}

/// Returns what an entry was made for.
pub(super) fn wanted(entry: &Entry) -> Wanted {
    Wanted {
        reference: entry.reference.clone(),
        written: entry.written.iter().cloned().collect(),
        platforms: entry.platforms.iter().cloned().collect(),
    }
}
