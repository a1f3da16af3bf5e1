//! Stops the command at SIGINT and SIGTERM.
//!
//! The first signal drops the run, which cancels its uploads and removes what it wrote beside its destination. This needs
//! requests and threads that write files, so the process ends once they have ended. The second signal ends it at once.
//!
//! A thread of its own waits for the signals: a run that is busy, or work that does not end, cannot hold them up.

use std::io;
use std::time::Duration;

use tokio::runtime::{Builder, Handle, Runtime};
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;

use crate::exit::Exit;

/// How long a stopped command may take: 5 s, enough for a connection and a request to a registry far away.
const GRACE: Duration = Duration::from_secs(5);

/// How often it looks whether its requests have ended.
const LOOK: Duration = Duration::from_millis(2);

/// The signals to this process.
pub struct Signals(oneshot::Receiver<Exit>);

impl Signals {
    /// Waits for signals from now on. If that fails, the signals end the process as they end any other.
    pub fn new() -> Self {
        let (send, receive) = oneshot::channel();
        let thread = std::thread::Builder::new().name("signals".to_owned());
        // Without the thread there is no sender, and the run is never stopped.
        let _ = thread.spawn(move || wait(send));
        Self(receive)
    }

    /// Runs to the end, or to the first signal.
    ///
    /// # Errors
    /// The exit code for the signal. Then the run is dropped.
    pub async fn or<T>(self, run: impl Future<Output = T>) -> Result<T, Exit> {
        let stopped = async {
            match self.0.await {
                Ok(exit) => exit,
                Err(_) => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            exit = stopped => Err(exit),
            output = run => Ok(output),
        }
    }
}

/// Sends the exit code of the first signal, and ends the process at the second, or after the grace period.
fn wait(send: oneshot::Sender<Exit>) {
    let Ok(runtime) = Builder::new_current_thread().enable_all().build() else { return };
    let _: io::Result<()> = runtime.block_on(async {
        let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
        let mut next = async || {
            tokio::select! {
                _ = interrupt.recv() => Exit::Interrupted,
                _ = terminate.recv() => Exit::Terminated,
            }
        };
        let first = next().await;
        let mut last = first;
        // If nobody waits for it, the run has ended, and only its output may be under way.
        if send.send(first).is_ok() {
            last = tokio::time::timeout(GRACE, next()).await.unwrap_or(first);
        }
        end(last)
    });
}

#[expect(clippy::disallowed_methods, reason = "the process ends although it still has work")]
fn end(exit: Exit) -> ! {
    std::process::exit(exit as i32)
}

/// Waits until the requests have ended that the dropped run has left behind, and then the work on other threads. The
/// process ends if they take too long.
pub fn clean(runtime: Runtime) {
    runtime.block_on(async {
        while Handle::current().metrics().num_alive_tasks() > 0 {
            tokio::time::sleep(LOOK).await;
        }
    });
    runtime.shutdown_timeout(GRACE);
}
