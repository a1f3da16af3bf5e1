//! The timeouts of a client.

use std::time::Duration;

/// The timeouts of a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Timeouts {
    /// The time for connecting, TLS included.
    pub connect: Duration,
    /// The time for the head of a response, once there is a connection.
    pub head: Duration,
    /// The time for the next piece of a body.
    pub idle: Duration,
    /// The time for the whole body of a document: a manifest, a list, a token, or the message of an error.
    pub document: Duration,
    /// The time for the whole of an operation, with all hosts and repetitions; of a blob, until its first byte.
    pub whole: Duration,
}

/// 10 s, 30 s, 30 s, 60 s and 5 minutes. A document has at most 4 MiB, which in 60 s is slower than any line in use.
impl Default for Timeouts {
    fn default() -> Self {
        let seconds = Duration::from_secs;
        let (connect, head, idle) = (seconds(10), seconds(30), seconds(30));
        Self { connect, head, idle, document: seconds(60), whole: seconds(300) }
    }
}

impl Timeouts {
    /// Sets the time for connecting.
    #[must_use]
    pub fn connect(mut self, connect: Duration) -> Self {
        self.connect = connect;
        self
    }

    /// Sets the time for the head of a response.
    #[must_use]
    pub fn head(mut self, head: Duration) -> Self {
        self.head = head;
        self
    }

    /// Sets the time for the next piece of a body.
    #[must_use]
    pub fn idle(mut self, idle: Duration) -> Self {
        self.idle = idle;
        self
    }

    /// Sets the time for the whole body of a document.
    #[must_use]
    pub fn document(mut self, document: Duration) -> Self {
        self.document = document;
        self
    }

    /// Sets the time for the whole of an operation.
    #[must_use]
    pub fn whole(mut self, whole: Duration) -> Self {
        self.whole = whole;
        self
    }
}
