//! The tasks of a server, which end with the server.

use std::sync::Arc;

use parking_lot::{Mutex, MutexGuard};
use tokio::task::JoinSet;

/// The executor of a server, which starts one task for each call.
#[derive(Clone, Default)]
pub(super) struct Tasks(Arc<Mutex<JoinSet<()>>>);

impl Tasks {
    fn set(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.0.lock()
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for Tasks {
    fn execute(&self, task: F) {
        let mut set = self.set();
        while set.try_join_next().is_some() {}
        set.spawn(task);
    }
}

/// Aborts the tasks when it is dropped.
pub(super) struct Ending(pub(super) Tasks);

impl Drop for Ending {
    fn drop(&mut self) {
        self.0.set().abort_all();
    }
}
