//! The layer that sends requests again, and its settings.

#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use http::StatusCode;
use refkit_content::{ErrorKind, deadline};

use crate::endpoint::{Endpoint, host_of};
use crate::http::limiter::Limiters;
use crate::http::{Context, Purpose, Repeat, Request, Response, Transport, failure};

/// How often the client sends a request again, and how long it waits before: after a connection that failed or broke
/// before the response, and after a response of 408, 429, 500, 502, 503 or 504. Waits double, with a random part, and are
/// at least as long as a `Retry-After` asks for. The client does not wait past the run's deadline.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Retries {
    /// The most repetitions of one request; 0 for none.
    pub limit: usize,
    /// The first wait.
    pub first: Duration,
    /// The longest wait. The client does not retry a host that asks for a longer one.
    pub longest: Duration,
}

/// 3 times, the first after 250 ms, none after more than 60 s.
impl Default for Retries {
    fn default() -> Self {
        Self { limit: 3, first: Duration::from_millis(250), longest: Duration::from_secs(60) }
    }
}

impl Retries {
    /// Repeats no request.
    pub const NONE: Self = Self { limit: 0, first: Duration::ZERO, longest: Duration::ZERO };

    /// Sets the most repetitions of one request.
    #[must_use]
    pub const fn limit(mut self, limit: usize) -> Self {
        self.limit = limit;
        self
    }

    /// Sets the first wait.
    #[must_use]
    pub const fn first(mut self, first: Duration) -> Self {
        self.first = first;
        self
    }

    /// Sets the longest wait.
    #[must_use]
    pub const fn longest(mut self, longest: Duration) -> Self {
        self.longest = longest;
        self
    }

    /// Returns the waits for a request to an endpoint. If another host can be asked next, the client sends the request
    /// at most twice, the second time within a second.
    pub(crate) fn waits(self, endpoint: &Endpoint) -> Waits {
        let retries = match endpoint.last {
            true => self,
            false => Self { limit: self.limit.min(1), longest: self.longest.min(Duration::from_secs(1)), ..self },
        };
        let waits = ExponentialBuilder::default()
            .with_min_delay(retries.first.max(Duration::from_nanos(1)))
            .with_max_delay(retries.longest.max(retries.first))
            .with_factor(2.0)
            .with_max_times(retries.limit)
            .with_jitter()
            .build();
        Waits { waits, longest: retries.longest }
    }
}

/// The remaining waits before the repetitions of a request.
pub(crate) struct Waits {
    waits: ExponentialBackoff,
    longest: Duration,
}

impl Waits {
    /// Skips the waits of earlier repetitions.
    fn skip(mut self, repetitions: usize) -> Self {
        for _ in 0..repetitions {
            self.waits.next();
        }
        self
    }

    /// Returns how long to wait after a failure before the client repeats the request; none if it must not.
    pub(crate) fn after(&mut self, failure: &ErrorKind) -> Option<Duration> {
        let asked = match failure {
            ErrorKind::RateLimited { retry_after, .. } | ErrorKind::Overloaded { retry_after, .. } => *retry_after,
            ErrorKind::Unreachable(_) | ErrorKind::Detour { .. } => None,
            _ => return None,
        };
        let wait = self.waits.next()?.min(self.longest).max(asked.unwrap_or_default());
        let bearable = wait <= self.longest && deadline::left().is_none_or(|left| wait < left);
        bearable.then_some(wait)
    }
}

/// Repeats a request as long as that can help and [`Retries`] allow it, and returns the first response that stands.
///
/// All hops of a request share one count of repetitions, in the context. After a 429 the host's limiter also holds
/// back all other requests. The layer does not repeat a request whose body is a stream, or whose [`Repeat`] forbids
/// it. If another host can be asked next, it repeats only after a failed connection.
pub(crate) struct Retry<N> {
    next: N,
    retries: Retries,
    limiters: Arc<Limiters>,
}

impl<N> Retry<N> {
    pub(crate) fn new(next: N, retries: Retries, limiters: Arc<Limiters>) -> Self {
        Self { next, retries, limiters }
    }
}

impl<N: Transport> Transport for Retry<N> {
    async fn send(&self, mut request: Request, context: &mut Context<'_>) -> Result<Response, ErrorKind> {
        let mut waits = self.retries.waits(context.endpoint).skip(context.repetitions);
        loop {
            let (again, url, repeat) = (request.try_clone(), request.url.clone(), request.repeat);
            let pushes = !request.reads() && context.purpose == Purpose::Repository;
            let (failure, status) = match self.next.send(request, context).await {
                Ok(response) if repeat == Repeat::Not500 && response.status == StatusCode::INTERNAL_SERVER_ERROR => {
                    return Ok(response);
                }
                Ok(response) if failure::is_passing(response.status) => {
                    let status = response.status;
                    (if pushes { response.push_refusal().await } else { response.refusal().await }, Some(status))
                }
                Ok(response) => return Ok(response),
                Err(failure) => (failure, None),
            };
            let Some(again) = again.filter(|_| may_repeat(repeat, status)) else { return Err(failure) };
            // Another host will respond sooner than a server that may recover.
            let unconnected = matches!(failure, ErrorKind::Unreachable(_) | ErrorKind::Detour { .. });
            if !context.endpoint.last && !unconnected {
                return Err(failure);
            }
            let Some(wait) = waits.after(&failure) else { return Err(failure) };
            if let ErrorKind::RateLimited { .. } = failure {
                self.limiters.at(context.endpoint, &url).pause(wait);
            }
            context.repetitions += 1;
            let host = host_of(&url);
            tracing::debug!(target: "refkit::retry", %host, repetition = context.repetitions, ?wait, %failure, "waiting to repeat");
            tokio::time::sleep(wait).await;
            request = again;
        }
    }
}

/// Returns whether the layer may repeat a request after a failure: one without a response, or one with this status.
fn may_repeat(repeat: Repeat, status: Option<StatusCode>) -> bool {
    match repeat {
        Repeat::Always | Repeat::Not500 => true,
        Repeat::IfUndone => matches!(status.map(|status| status.as_u16()), Some(408 | 429 | 503)),
        Repeat::Never => false,
    }
}
