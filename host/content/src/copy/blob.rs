//! Copies one blob: mounts it, or opens it at the source once the destination reads it.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use bytes::Bytes;
use futures_util::future::TryFutureExt as _;
use futures_util::stream::StreamExt as _;
use parking_lot::Mutex;
use refkit_oci::Descriptor;

use super::failure::CopyError;
use super::halt::Halted;
use super::options::Step;
use super::walk::Copying;
use crate::{Body, Error, ErrorCode, ErrorKind, Operation, Origin, Push, Source, deadline, verify};

/// How often the copy sends a blob again after the destination broke; only once after a timeout.
const AGAIN: u32 = 2;

/// The wait before that: 200 ms, and 800 ms before the last time.
const FIRST_WAIT: Duration = Duration::from_millis(200);

/// The longest wait that a destination can ask for: 60 s.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// Whether a body was opened, where it came from, and whether it broke.
#[derive(Default)]
struct Watch {
    opened: AtomicBool,
    origin: Mutex<Option<Origin>>,
    broken: AtomicBool,
}

impl<S: Source + Clone + 'static, D: Push + ?Sized> Copying<'_, S, D> {
    /// Copies one blob.
    pub(super) async fn blob(&self, blob: &Descriptor) -> Result<(), Halted> {
        // The semaphore is never closed.
        let _permit = self.permits.acquire().await.map_err(|_| Halted)?;
        self.halt.check()?;
        if self.mount(blob).await? && self.is_mounted(blob).await? {
            self.tell(blob, Step::Mounted);
            return Ok(());
        }
        self.send(blob).await
    }

    /// Sends a blob, unless the destination has it.
    pub(super) async fn send(&self, blob: &Descriptor) -> Result<(), Halted> {
        for tries in 0.. {
            let watch = Arc::new(Watch::default());
            // A push is never dropped: it ends when its body ends, and cleans up.
            let pushed = self.destination.push_blob(self.to, blob, self.body(blob, Arc::clone(&watch))).await;
            let Err(error) = pushed else {
                let sent = watch.opened.load(Ordering::Relaxed);
                self.tell(blob, if sent { Step::Done } else { Step::Present });
                break;
            };
            self.halt.check()?;
            let source = watch.broken.load(Ordering::Relaxed);
            // A destination that does not answer was waited for long enough.
            let again = if matches!(error.kind, ErrorKind::Timeout(_)) { 1 } else { AGAIN };
            if source || tries >= again || !self.wait(&error, tries).await? {
                let error = self.opened_at(error, &watch);
                return Err(self.halt.fail(CopyError::of_push(error, source)));
            }
            self.tell(blob, Step::Again);
        }
        Ok(())
    }

    /// Returns the error of a body with the place that it was opened at: the destination verifies it, and knows only where
    /// the copy reads.
    fn opened_at(&self, error: Error, watch: &Watch) -> Error {
        let opened = watch.origin.lock().take();
        match opened {
            Some(origin) if error.operation == Operation::Fetch && error.host == Some(self.origin.to_string()) => {
                error.at(origin)
            }
            _ => error,
        }
    }

    /// Mounts a blob if that is possible. The first blob shows whether it is; the others wait for its result.
    async fn mount(&self, blob: &Descriptor) -> Result<bool, Halted> {
        let mut mounts = self.mounts.lock().await;
        let mounted = match *mounts {
            Some(false) => return Ok(false),
            Some(true) => {
                drop(mounts);
                let mounted = self.destination.mount(self.to, blob, self.from).await;
                mounts = self.mounts.lock().await;
                mounted
            }
            None => self.destination.mount(self.to, blob, self.from).await,
        };
        let mounted = match mounted {
            Ok(mounted) => mounted,
            Err(error) if error.code() == ErrorCode::Invalid => {
                return Err(self.halt.fail(CopyError::at_destination(error)));
            }
            // The push that follows returns its own error, and has its own retries.
            Err(_) => false,
        };
        *mounts = Some(mounted);
        Ok(mounted)
    }

    /// Returns whether a mounted blob is there. The destination has said so; a thorough copy asks for it, as for all else.
    async fn is_mounted(&self, blob: &Descriptor) -> Result<bool, Halted> {
        match self.options.thorough {
            true => self.halt.at_destination(self.destination.has(self.to, blob)).await,
            false => Ok(true),
        }
    }

    /// Returns the body of a blob. It is opened when it is read, and ends when the copy ends.
    fn body(&self, blob: &Descriptor, watch: Arc<Watch>) -> Body {
        let (source, repository, wanted) = (self.source.clone(), self.from.clone(), blob.clone());
        let (progress, of, count) = (self.options.progress.clone(), blob.clone(), AtomicU64::new(0));
        let tell = move |step| {
            if let Some(told) = &progress {
                told(&of, step);
            }
        };
        let (inline, origin) = match blob.inline() {
            Some(data) if verify::check(blob, &data).is_ok() => (Some(Bytes::from(data)), Origin::Inline),
            _ => (None, self.origin.clone()),
        };
        let (begin, seen, at) = (tell.clone(), Arc::clone(&watch), origin.clone());
        // The destination polls the body only if it lacks the blob, so the source gets no request before that.
        let opened = async move {
            seen.opened.store(true, Ordering::Relaxed);
            begin(Step::Started);
            match inline {
                Some(bytes) => Ok(Body::from_bytes(at, bytes).stream),
                None => {
                    let body = source.open(&repository, &wanted).await?;
                    *seen.origin.lock() = Some(body.origin);
                    Ok(body.stream)
                }
            }
        };
        let stream = opened.try_flatten_stream().map(move |piece: Result<Bytes, Error>| {
            match &piece {
                Ok(bytes) => {
                    let before = count.fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    tell(Step::Bytes(before + bytes.len() as u64));
                }
                Err(_) => watch.broken.store(true, Ordering::Relaxed),
            }
            piece
        });
        Body { origin, stream: stream.take_until(self.halt.halted()).boxed() }
    }

    /// Waits before the copy sends a blob again. Returns false if it must not be sent again.
    async fn wait(&self, error: &Error, tries: u32) -> Result<bool, Halted> {
        if !error.kind.may_pass() {
            return Ok(false);
        }
        let own = FIRST_WAIT * 4_u32.saturating_pow(tries);
        let wait = match &error.kind {
            ErrorKind::RateLimited { retry_after: Some(asked), .. }
            | ErrorKind::Overloaded { retry_after: Some(asked), .. } => own.max(*asked),
            _ => own,
        };
        if wait > LONGEST_WAIT || deadline::left().is_some_and(|left| left <= wait) {
            return Ok(false);
        }
        tokio::select! {
            () = self.halt.halted() => Err(Halted),
            () = tokio::time::sleep(wait) => Ok(true),
        }
    }
}
