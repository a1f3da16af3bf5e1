//! Memory for answers whose size shows only when they are there.

use std::sync::Arc;

use refkit_content::ErrorKind;
use tokio::sync::{Semaphore, SemaphorePermit};

use crate::account::{Account, Aside};

/// Bytes that are set aside for a list while a source is asked for it: as much as the registry client takes at most.
pub(crate) const TAGS: u64 = 16 << 20;
pub(crate) const REFERRERS: u64 = 8 << 20;

/// What is asked for at one time without its size being known has so many bytes together: four lists of referrers, or
/// eight manifests. The registry client asks a host four questions at a time.
const TOGETHER: u64 = 32 << 20;

/// In this unit the semaphore counts them.
const UNIT: u64 = 1 << 20;

/// The memory of a run for such answers.
#[derive(Debug)]
pub(crate) struct Rooms {
    turns: Semaphore,
    account: Arc<Account>,
}

/// Memory that is set aside, and the turn to ask.
pub(crate) type Room<'a> = (Option<SemaphorePermit<'a>>, Aside);

impl Rooms {
    pub(crate) fn new(account: Arc<Account>) -> Self {
        Self { turns: Semaphore::new((TOGETHER / UNIT) as usize), account }
    }

    /// Sets memory aside for an answer of at most so many bytes. Where there is not enough, waits until nothing else is
    /// asked for, and what that needed is known.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] where there is not enough then.
    pub(crate) async fn take(&self, bytes: u64) -> Result<Room<'_>, ErrorKind> {
        let turns = |bytes: u64| self.turns.acquire_many((bytes.min(TOGETHER) / UNIT) as u32);
        let turn = turns(bytes).await.ok();
        if let Ok(aside) = self.account.reserve(bytes as usize) {
            return Ok((turn, aside));
        }
        drop(turn);
        let turn = turns(TOGETHER).await.ok();
        Ok((turn, self.account.reserve(bytes as usize)?))
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn what_does_not_fit_waits_for_what_is_under_way() {
        let account = Account::new(TAGS + (TAGS / 2));
        let rooms = Rooms::new(account.clone());
        let first = rooms.take(TAGS).await.unwrap();
        let mut second = Box::pin(rooms.take(TAGS));
        assert!((&mut second).now_or_never().is_none());
        drop(first);
        let second = second.await.unwrap();
        drop(second);
        // What is kept leaves too little: that is known as soon as nothing else is under way.
        account.take(TAGS as usize).unwrap();
        assert!(matches!(rooms.take(TAGS).await, Err(ErrorKind::Held { .. })));
    }

    #[tokio::test]
    async fn few_are_asked_for_at_one_time() {
        let rooms = Rooms::new(Account::new(u64::MAX));
        let mut held = Vec::new();
        while let Some(room) = rooms.take(REFERRERS).now_or_never() {
            held.push(room.unwrap());
        }
        assert_eq!(held.len(), 4);
    }
}
