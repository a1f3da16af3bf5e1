//! The memory that the host holds for one run.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use refkit_content::ErrorKind;
use refkit_oci::Footprint;

/// The account of one run: everything that the host keeps for it, and everything that is on its way. Shared bytes count
/// where they are kept first.
#[derive(Debug)]
pub(crate) struct Account {
    limit: u64,
    held: AtomicU64,
    /// The part of it that is set aside for answers whose size is not known: there may be nothing in it.
    reserved: AtomicU64,
    most: AtomicU64,
}

impl Account {
    pub(crate) fn new(limit: u64) -> Arc<Self> {
        Arc::new(Self { limit, held: AtomicU64::new(0), reserved: AtomicU64::new(0), most: AtomicU64::new(0) })
    }

    /// Takes memory for the rest of the run.
    ///
    /// # Errors
    /// [`ErrorKind::Held`] where the run may not hold as much.
    pub(crate) fn take(&self, bytes: usize) -> Result<(), ErrorKind> {
        let within = |held: u64| held.checked_add(bytes as u64).filter(|&sum| sum <= self.limit);
        match self.held.fetch_update(Ordering::Relaxed, Ordering::Relaxed, within) {
            Ok(before) => {
                self.note(before + bytes as u64);
                Ok(())
            }
            Err(_) => Err(ErrorKind::Held { limit: self.limit }),
        }
    }

    /// Takes what a value needs that is kept for the rest of the run.
    ///
    /// # Errors
    /// As [`Account::take`].
    pub(crate) fn keep(&self, value: &(impl Footprint + ?Sized)) -> Result<(), ErrorKind> {
        self.take(value.footprint())
    }

    /// Adds what has a bound of its own, and is kept in any case.
    pub(crate) fn add(&self, bytes: usize) {
        let before = self.held.fetch_add(bytes as u64, Ordering::Relaxed);
        self.note(before.saturating_add(bytes as u64));
    }

    fn note(&self, held: u64) {
        let filled = held.saturating_sub(self.reserved.load(Ordering::Relaxed));
        self.most.fetch_max(filled, Ordering::Relaxed);
    }

    /// Takes memory until what is returned is dropped.
    ///
    /// # Errors
    /// As [`Account::take`].
    pub(crate) fn set_aside(self: &Arc<Self>, bytes: usize) -> Result<Aside, ErrorKind> {
        self.take(bytes)?;
        Ok(Aside { account: Arc::clone(self), bytes: bytes as u64, reserved: false })
    }

    /// Takes memory for an answer whose size is not known, until what is returned is dropped. It counts as held once the
    /// answer is kept.
    ///
    /// # Errors
    /// As [`Account::take`].
    pub(crate) fn reserve(self: &Arc<Self>, bytes: usize) -> Result<Aside, ErrorKind> {
        self.reserved.fetch_add(bytes as u64, Ordering::Relaxed);
        let taken = self.take(bytes);
        if let Err(problem) = taken {
            self.reserved.fetch_sub(bytes as u64, Ordering::Relaxed);
            return Err(problem);
        }
        Ok(Aside { account: Arc::clone(self), bytes: bytes as u64, reserved: true })
    }

    /// Returns the most bytes that were held at any time.
    pub(crate) fn most(&self) -> u64 {
        self.most.load(Ordering::Relaxed)
    }

    /// Returns the limit.
    pub(crate) fn limit(&self) -> u64 {
        self.limit
    }
}

/// Memory that is set aside for a while.
#[derive(Debug)]
pub(crate) struct Aside {
    account: Arc<Account>,
    bytes: u64,
    reserved: bool,
}

impl Drop for Aside {
    fn drop(&mut self) {
        self.account.held.fetch_sub(self.bytes, Ordering::Relaxed);
        if self.reserved {
            self.account.reserved.fetch_sub(self.bytes, Ordering::Relaxed);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_has_a_limit_and_is_given_back() {
        let account = Account::new(100);
        drop(account.reserve(50).unwrap());
        assert_eq!(account.most(), 0);
        let full = |result: Result<(), ErrorKind>| matches!(result, Err(ErrorKind::Held { limit: 100 }));
        account.take(60).unwrap();
        assert!(full(account.take(41)) && full(account.take(usize::MAX)));
        let aside = account.set_aside(40).unwrap();
        assert!(full(account.take(1)) && account.take(0).is_ok());
        drop(aside);
        account.take(30).unwrap();
        assert_eq!((account.held.load(Ordering::Relaxed), account.most()), (90, 100));
        // What is reserved is not there for others, and is no memory that was held.
        assert!(account.reserve(11).is_err());
        let reserved = account.reserve(10).unwrap();
        assert!(full(account.take(1)));
        drop(reserved);
        assert_eq!((account.reserved.load(Ordering::Relaxed), account.most()), (0, 100));
        // What has a bound of its own counts, and leaves nothing to others.
        account.add(20);
        assert!(full(account.take(0)));
        assert_eq!(account.most(), 110);
    }
}
