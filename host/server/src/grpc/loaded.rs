//! The policies that callers have loaded.

use std::num::NonZeroUsize;

use lru::LruCache;
use parking_lot::Mutex;
use refkit::Policy;
use refkit_oci::Digest;
use tokio::sync::Semaphore;

use super::rules::Caller;

/// How many callers have policies of their own.
const CALLERS: NonZeroUsize = NonZeroUsize::new(32).unwrap();

/// How many policies a caller has. A policy in Python has some 20 MB of code in memory, one in Rust 100 kB.
const POLICIES: NonZeroUsize = NonZeroUsize::new(8).unwrap();

/// How many policies are compiled at a time, each in a process of its own.
const COMPILERS: usize = 2;

type Policies = LruCache<Digest, Policy>;

/// The policies of callers. The one that a caller has not named for the longest time makes room for the next.
pub struct LoadedPolicies {
    callers: Mutex<LruCache<Caller, Policies>>,
    /// Room for compilers.
    pub compilers: Semaphore,
}

impl Default for LoadedPolicies {
    fn default() -> Self {
        Self { callers: Mutex::new(LruCache::new(CALLERS)), compilers: Semaphore::new(COMPILERS) }
    }
}

impl LoadedPolicies {
    /// Keeps a policy for its caller.
    pub fn put(&self, caller: &Caller, policy: Policy) {
        let mut callers = self.callers.lock();
        callers.get_or_insert_mut(caller.clone(), || LruCache::new(POLICIES)).put(policy.digest().clone(), policy);
    }

    /// Returns a policy that the caller has loaded.
    pub fn get(&self, caller: &Caller, digest: &Digest) -> Option<Policy> {
        self.callers.lock().get_mut(caller)?.get(digest).cloned()
    }
}
