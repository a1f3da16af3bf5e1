//! Whether standard output was closed when the program began.
//!
//! The runtime of Rust opens `/dev/null` in the place of a closed standard output before `main`, so that no other file gets
//! its number. From then on every write succeeds, and the answer is lost without an error. So the program looks earlier.

use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{AtFlags, CWD, statat};
use rustix::io::Errno;

static CLOSED: AtomicBool = AtomicBool::new(false);

ctor::declarative::ctor! {
    /// Looks for standard output among the open files. The standard library is not ready yet, and these are system calls
    /// alone. Where there is no `/proc`, nothing is known, and standard output counts as open.
    #[ctor(unsafe)]
    fn look() {
        let stat = |path| statat(CWD, path, AtFlags::SYMLINK_NOFOLLOW);
        let closed = stat(c"/proc/self/fd/1").is_err_and(|error| error == Errno::NOENT) && stat(c"/proc/self/fd").is_ok();
        CLOSED.store(closed, Ordering::Relaxed);
    }
}

/// Returns whether standard output was closed when the program began.
pub fn stdout() -> bool {
    CLOSED.load(Ordering::Relaxed)
}
