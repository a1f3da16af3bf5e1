//! Takes the connections of one listener.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;

use super::connection::Connection;
use super::{Handler, Manner, Socket, stopped};
use crate::metrics::Metrics;
use crate::swap::Swap;

/// How long a listener waits after an error of the operating system, such as too many open files.
const PAUSE: Duration = Duration::from_millis(100);

/// A listener that takes connections.
pub(crate) struct Accepting {
    pub(crate) socket: Socket,
    pub(crate) manner: Arc<Swap<Manner>>,
    pub(crate) handler: Arc<dyn Handler>,
    pub(crate) metrics: Arc<Metrics>,
}

impl Accepting {
    /// Takes connections until it is told to stop, and returns once the last one has ended. Dropping the future ends
    /// them all at once.
    pub(crate) async fn run(self, mut stop: watch::Receiver<bool>) {
        let (mut open, stopping) = (JoinSet::new(), stop.clone());
        let mut was_full = false;
        loop {
            let is_full = open.len() >= self.manner.get().connections;
            if is_full && !was_full {
                let kind = self.handler.kind();
                tracing::warn!(target: "refkit::server", listener = kind, open = open.len(), "no more connections");
                self.metrics.limit("connections");
            }
            was_full = is_full;
            tokio::select! {
                () = stopped(&mut stop) => break,
                Some(_) = open.join_next(), if !open.is_empty() => {}
                accepted = self.socket.accept(), if !is_full => match accepted {
                    Ok(stream) => {
                        let (manner, handler) = (self.manner.get(), Arc::clone(&self.handler));
                        let gauge = self.metrics.connection(handler.kind());
                        let connection = Connection { manner, handler, stop: stopping.clone(), gauge };
                        open.spawn(connection.serve(stream));
                    }
                    Err(error) => pause(&error).await,
                },
            }
        }
        // The socket is gone before the last request is answered, so that another process can take over.
        drop(self.socket);
        while open.join_next().await.is_some() {}
    }
}

async fn pause(error: &io::Error) {
    // The client has gone before it was accepted: no fault of this process.
    if matches!(error.kind(), io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset) {
        return;
    }
    tracing::warn!(target: "refkit::server", %error, "cannot accept a connection");
    tokio::time::sleep(PAUSE).await;
}
