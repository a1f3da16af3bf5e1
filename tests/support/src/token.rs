//! A token server on loopback, as the distribution project's token authentication specification (GET) and its OAuth 2
//! variant (POST) say.

use std::sync::Arc;

use anyhow::Context as _;

use crate::fault::Rule;
use crate::record::Request;
use crate::scope::Scope;
use crate::server::{Handler, Server};
use crate::sign::Signer;
use crate::tokens::{SERVICE, TokenField, Tokens};

/// A token server in this process, on 127.0.0.1 and a port that was free, in a thread of its own. It ends with its
/// value. It answers `GET /token` and `POST /token`, and grants whatever is asked until it is told otherwise.
pub struct TokenServer {
    server: Server,
    tokens: Arc<Tokens>,
    realm: Option<String>,
}

impl TokenServer {
    /// Starts a server of opaque tokens, which a [`FaultRegistry`](crate::FaultRegistry) takes.
    ///
    /// # Errors
    /// Where nothing can be started on 127.0.0.1.
    pub fn opaque() -> anyhow::Result<Self> {
        Self::start(None)
    }

    /// Starts a server of signed tokens (JWT, ES256), which a [`RealRegistry`](crate::RealRegistry) takes, and a
    /// [`FaultRegistry`](crate::FaultRegistry) as well.
    ///
    /// # Errors
    /// Where no key can be made, or nothing can be started on 127.0.0.1.
    pub fn signed() -> anyhow::Result<Self> {
        Self::start(Some(Signer::new().context("cannot make a key for tokens")?))
    }

    fn start(signer: Option<Signer>) -> anyhow::Result<Self> {
        let tokens = Arc::new(Tokens::new(signer));
        Ok(Self { server: Server::start(Arc::clone(&tokens) as Arc<dyn Handler>)?, tokens, realm: None })
    }

    /// Returns the server, called `localhost` in its realm: there are clients that ask no address of this machine.
    #[must_use]
    pub fn named(self) -> Self {
        let realm = self.realm().replace("127.0.0.1", "localhost");
        self.with_realm(&realm)
    }

    /// Returns the server with another realm: the URL of what stands in front of it, a path at the registry, or
    /// something that no client may obey.
    #[must_use]
    pub fn with_realm(mut self, realm: &str) -> Self {
        self.realm = Some(realm.to_owned());
        self
    }

    /// Returns `127.0.0.1:PORT`.
    pub fn host(&self) -> String {
        self.server.host()
    }

    /// Returns the URL that tokens are had from, as the `realm` of a challenge.
    pub fn realm(&self) -> String {
        self.realm.clone().unwrap_or_else(|| format!("http://{}/token", self.server.host()))
    }

    /// Returns the `service` that tokens are issued for; another one gets 400.
    pub fn service(&self) -> &str {
        SERVICE
    }

    /// Returns the issuer of signed tokens and the certificate (PEM) that they are checked with.
    pub(crate) fn issuer(&self) -> Option<(&str, &str)> {
        self.tokens.signer.as_ref().map(|signer| (signer.issuer(), signer.certificate()))
    }

    pub(crate) fn tokens(&self) -> Arc<Tokens> {
        Arc::clone(&self.tokens)
    }

    /// Issues tokens only to who knows this name and password from now on; everybody else gets 401.
    pub fn require(&self, user: &str, password: &str) {
        self.tokens.settings().credentials = Some((user.to_owned(), password.to_owned()));
    }

    /// Accepts this refresh token (Docker's identity token) beside the password, and answers it to who asks for one.
    pub fn set_refresh_token(&self, token: &str) {
        self.tokens.settings().refresh_token = Some(token.to_owned());
    }

    /// Sets `expires_in` (seconds) of the answers, or leaves it out. An opaque token stays good until it is revoked,
    /// whatever was said; a signed one ends when it says.
    pub fn set_lifetime(&self, seconds: Option<u64>) {
        self.tokens.settings().lifetime = seconds;
    }

    /// Sets the fields that the answers carry the token in.
    pub fn set_field(&self, field: TokenField) {
        self.tokens.settings().field = field;
    }

    /// Sets what is granted of what is asked: the scope as it is, a smaller one, or none.
    pub fn set_grant(&self, grant: impl Fn(Scope) -> Option<Scope> + Send + 'static) {
        self.tokens.settings().grant = Box::new(grant);
    }

    /// Issues a token for scopes such as `repository:app:pull`, without a request.
    ///
    /// # Errors
    /// Where a text is no scope.
    pub fn issue<'a>(&self, scopes: impl IntoIterator<Item = &'a str>) -> anyhow::Result<String> {
        let scopes: Option<Vec<Scope>> = scopes.into_iter().map(Scope::parse).collect();
        self.tokens.issue(scopes.context("a scope is TYPE:NAME:ACTION[,ACTION]")?)
    }

    /// Revokes all tokens so far, for a [`FaultRegistry`](crate::FaultRegistry): as if they had expired.
    pub fn revoke(&self) {
        self.tokens.settings().issued.clear();
    }

    /// Adds a rule. The first rule that matches a request decides on it.
    pub fn add(&self, rule: Rule) {
        self.server.add(rule);
    }

    /// Takes all rules away.
    pub fn clear_rules(&self) {
        self.server.clear_rules();
    }

    /// Returns the requests so far, in the order in which they came.
    pub fn requests(&self) -> Vec<Request> {
        self.server.log().requests()
    }

    /// Returns how many requests so far match a pattern (see [`Rule::on`]); `*` is all.
    pub fn count(&self, pattern: &str) -> usize {
        self.server.log().count(pattern)
    }

    /// Returns the most requests that were answered at once, as
    /// [`FaultRegistry::most_at_once`](crate::FaultRegistry::most_at_once).
    pub fn most_at_once(&self) -> usize {
        self.server.most_at_once()
    }

    /// Forgets the requests so far.
    pub fn clear(&self) {
        self.server.clear();
    }

    /// Returns how many connections were accepted.
    pub fn connections(&self) -> usize {
        self.server.connections()
    }
}
