//! The host's own record of what failed in a run: what a policy says of it later may differ.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use refkit_content::{Error, ErrorCode};
use refkit_oci::Footprint;

use crate::account::Account;

/// How many failures are kept that say that a limit is used up: from the first on, every question has one.
const EXHAUSTED: usize = 100;

/// Failures by their messages.
#[derive(Debug, Default)]
pub(crate) struct Failures(Mutex<Record>);

#[derive(Debug, Default)]
struct Record {
    known: HashMap<String, Error>,
    exhausted: usize,
    /// The last one, which is the one that a policy passes on if it stops there, however much is held.
    last: Option<(String, Error)>,
}

impl Failures {
    /// Records a failure. Where the run may not hold as much, it takes the place of the last one.
    pub(crate) fn note(&self, account: &Account, error: &Error) {
        let mut record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let message = error.to_string();
        if record.known.contains_key(&message) {
            return;
        }
        let exhausted = usize::from(error.code() == ErrorCode::BudgetExhausted);
        record.exhausted += exhausted;
        // The error has the texts that its message is made of.
        if exhausted * record.exhausted <= EXHAUSTED
            && account.take(2 * message.footprint() + size_of::<(String, Error)>()).is_ok()
        {
            record.known.insert(message, error.clone());
        } else {
            record.last = Some((message, error.clone()));
        }
    }

    /// Returns the failure with a message.
    pub(crate) fn find(&self, message: &str) -> Option<Error> {
        let record = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let last = || record.last.as_ref().filter(|(own, _)| own == message).map(|(_, error)| error);
        record.known.get(message).or_else(last).cloned()
    }
}

#[cfg(test)]
mod tests {
    use refkit_content::{ErrorKind, Operation};

    use super::*;

    #[test]
    fn equal_failures_are_kept_once_and_the_last_one_always() {
        let error = |subject: &str| Error::new(Operation::Fetch, subject, ErrorKind::NotFound);
        let (failures, account) = (Failures::default(), Account::new(400));
        for _ in 0..1000 {
            failures.note(&account, &error("a"));
        }
        let one = account.most();
        assert!(one < 400, "{one}");
        for subject in ["b", "c", "d"] {
            failures.note(&account, &error(subject));
        }
        let known = |subject: &str| failures.find(&error(subject).to_string()).is_some();
        assert_eq!(["a", "b", "c", "d"].map(known), [true, false, false, true]);
        assert_eq!(account.most(), one);
    }

    #[test]
    fn what_is_used_up_is_noted_some_times() {
        let error = |number: usize| Error::new(Operation::Fetch, number, ErrorKind::Held { limit: 1 });
        let (failures, account) = (Failures::default(), Account::new(1 << 20));
        (0..1000).for_each(|number| failures.note(&account, &error(number)));
        let known = (0..1000).filter(|&number| failures.find(&error(number).to_string()).is_some()).collect::<Vec<_>>();
        assert_eq!((known.len(), known.last()), (EXHAUSTED + 1, Some(&999)));
    }
}
