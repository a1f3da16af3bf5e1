//! The client: joins the layers, and offers the operations that read.
//!
//! `failover` goes from host to host, `read` reads whole documents, and `resume` continues a body that breaks.
//! `resolve`, `fetch` and `discover` are the operations of OCI distribution, `page` recognises HTML in place of a
//! response, and `principal` identifies the credentials by a hash. [`push`](crate::push) has the operations that
//! write, and `uploads` keeps what pushes have shown of each registry.

mod builder;
mod discover;
mod failover;
mod fetch;
mod page;
mod principal;
mod read;
mod resolve;
mod resume;
mod uploads;

use std::fmt;
use std::sync::Arc;

use refkit_content::single_flight::SingleFlight;
use refkit_content::{Content, Error, ErrorKind, WithOrigin};
use refkit_oci::{Descriptor, Reference};

use crate::auth::{Actions, Auth};
use crate::endpoint::Endpoint;
use crate::hosts::Hosts;
use crate::http::limiter::Limiters;
use crate::http::{Http, HttpOptions, Request, Response, Timeouts};
use crate::redirect::Redirect;
use crate::retry::{Retries, Retry};

pub use builder::ClientBuilder;
use discover::Apis;
pub(crate) use discover::fallback;
#[cfg(fuzzing)]
pub(crate) use discover::next;
pub(crate) use failover::{About, AtHost};
pub(crate) use resolve::DIGEST;
pub use uploads::Uploads;
pub(crate) use uploads::{Strategies, Strategy};

/// A client of any number of registries, which keeps connections and tokens. Clones share them, and the limits of
/// requests to each host.
///
/// ```no_run
/// use std::sync::Arc;
///
/// use refkit_content::Resolve as _;
/// use refkit_oci::Reference;
/// use refkit_registry::{Client, DockerConfig, Helpers};
///
/// # tokio::runtime::Builder::new_current_thread().enable_all().build()?.block_on(async {
/// let credentials = DockerConfig::new("/home/user/.docker/config.json", Helpers::default());
/// let client = Client::builder().credentials(Arc::new(credentials)).build();
/// let alpine = Reference::parse("docker.io/library/alpine:3")?;
/// println!("{}", client.resolve(&alpine).await?.value.digest);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// # })?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone)]
pub struct Client {
    inner: Arc<Inner>,
}

/// The layers, the highest first.
type Layers = Auth<Redirect<Retry<Http>>>;

struct Inner {
    layers: Layers,
    hosts: Hosts,
    retries: Retries,
    timeouts: Timeouts,
    uploads: Uploads,
    strategies: Strategies,
    apis: Apis,
    resolving: SingleFlight<Reference, Result<WithOrigin<Descriptor>, Error>>,
    pulling: SingleFlight<Reference, Result<WithOrigin<Content>, Error>>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("timeouts", &self.inner.timeouts).finish_non_exhaustive()
    }
}

impl Client {
    /// Returns the settings to build a client from.
    pub fn builder() -> ClientBuilder {
        ClientBuilder::default()
    }

    fn new(settings: ClientBuilder) -> Self {
        let ClientBuilder { credentials, hosts, timeouts, retries, proxies, names, roots, .. } = settings;
        let ClientBuilder { system_roots, uploads, observer, .. } = settings;
        let limiters = Arc::<Limiters>::default();
        let options = HttpOptions { timeouts, proxies, names, roots, system_roots, observer };
        let http = Http::new(options, Arc::clone(&limiters));
        let inner = Inner {
            layers: Auth::new(Redirect::new(Retry::new(http, retries, limiters)), credentials),
            hosts,
            retries,
            timeouts,
            uploads,
            strategies: Strategies::default(),
            apis: Apis::default(),
            resolving: SingleFlight::default(),
            pulling: SingleFlight::default(),
        };
        Self { inner: Arc::new(inner) }
    }

    /// Sends a request through all layers. The future is boxed, because it is large and many futures contain it.
    pub(crate) async fn send(
        &self,
        endpoint: &Endpoint,
        actions: Actions,
        request: Request,
    ) -> Result<Response, ErrorKind> {
        Box::pin(self.inner.layers.send(endpoint, actions, request)).await
    }

    /// Returns how blobs are sent.
    pub(crate) fn uploads(&self) -> Uploads {
        self.inner.uploads
    }

    /// Returns what is known of the referrers API of each repository.
    fn apis(&self) -> &Apis {
        &self.inner.apis
    }

    /// Returns what pushes have shown of registries.
    pub(crate) fn strategies(&self) -> &Strategies {
        &self.inner.strategies
    }
}
