//! nginx as a process on loopback: in front of a registry or a token server, or with files of its own.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpListener};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail, ensure};
use tempfile::TempDir;

use crate::authority::{Authority, Issued};
use crate::nginx_config::{self, Content, Setup};
use crate::nginx_log::{self, Served};
use crate::pattern::Pattern;
use crate::process::Process;
use crate::workspace::tool;

/// The longest wait for nginx: 10 s.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a port is tried that somebody else was faster at: 5 times.
const ATTEMPTS: u32 = 5;

/// What nginx says then.
const TAKEN: &str = "Address already in use";

/// Between two looks at whether it has started.
const PAUSE: Duration = Duration::from_millis(5);

/// An nginx on 127.0.0.1 and a port that was free, with everything that is its own in a temporary directory. It needs
/// no rights, and ends with its value.
pub struct Nginx {
    // In the order in which they go: first the process, then its directory.
    process: Process,
    directory: TempDir,
    address: SocketAddr,
    secure: bool,
    cleared: AtomicUsize,
}

/// What an nginx is started with.
pub struct NginxBuilder<'a> {
    content: Content,
    authority: Option<&'a Authority>,
    issued: Option<Issued>,
    client_certificates: bool,
    places: Vec<(String, String)>,
}

impl Nginx {
    /// Begins an nginx in front of another server (`IP:PORT`), such as
    /// [`RealRegistry::host`](crate::RealRegistry::host). The server is told by `Host` and `X-Forwarded-Proto` what it
    /// was called, so the URLs that it answers lead here.
    pub fn before<'a>(host: &str) -> NginxBuilder<'a> {
        NginxBuilder::new(Content::Server(host.to_owned()))
    }

    /// Begins an nginx that serves the files below a directory, ranges of them as well.
    pub(crate) fn files<'a>(directory: &Path) -> NginxBuilder<'a> {
        NginxBuilder::new(Content::Files(directory.to_owned()))
    }

    /// Returns `127.0.0.1:PORT`, as references begin with it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Returns `http://127.0.0.1:PORT`, or `https://…` where it speaks TLS.
    pub fn url(&self) -> String {
        format!("{}://{}", if self.secure { "https" } else { "http" }, self.address)
    }

    /// Returns the requests since the start or the last [`Nginx::clear`], in the order in which they were answered. To
    /// be called when the answers have been read to their end.
    ///
    /// # Errors
    /// Where nginx has ended, or does not write its log.
    pub fn requests(&self) -> anyhow::Result<Vec<Served>> {
        let mut all = self.settled()?;
        all.drain(..self.cleared.load(Ordering::SeqCst).min(all.len()));
        Ok(all)
    }

    /// Returns how many requests there were as in [`Nginx::requests`] that match a pattern (see
    /// [`Rule::on`](crate::Rule::on)); `*` is all.
    ///
    /// # Errors
    /// As [`Nginx::requests`].
    pub fn count(&self, pattern: &str) -> anyhow::Result<usize> {
        let pattern = Pattern::new(pattern);
        Ok(self.requests()?.iter().filter(|served| pattern.matches(&served.method, &served.target)).count())
    }

    /// Forgets the requests so far.
    ///
    /// # Errors
    /// As [`Nginx::requests`].
    pub fn clear(&self) -> anyhow::Result<()> {
        self.cleared.store(self.settled()?.len(), Ordering::SeqCst);
        Ok(())
    }

    /// Returns nginx's messages so far, for a test that fails.
    pub fn messages(&self) -> String {
        fs::read_to_string(self.directory.path().join(nginx_config::MESSAGES)).unwrap_or_default()
    }

    /// Asks nginx over a socket of this value's own, which it answers after everything that came before: it does one
    /// thing at a time, and writes a request's line together with the last byte of the answer.
    fn settled(&self) -> anyhow::Result<Vec<Served>> {
        let own = |log: &str| log.lines().filter(|line| *line == nginx_config::OWN_LINE).count();
        let path = self.directory.path().join(nginx_config::LOG);
        let before = own(&fs::read_to_string(&path)?);
        ask(self.directory.path()).with_context(|| self.state())?;
        let log = fs::read_to_string(&path)?;
        ensure!(own(&log) > before, "nginx did not log a request");
        nginx_log::parse(&log)
    }

    fn state(&self) -> String {
        let state = self.process.ended().map_or_else(|| "it runs".to_owned(), |status| format!("it ended, {status}"));
        format!("nginx does not answer; {state}:\n{}", self.messages())
    }
}

impl<'a> NginxBuilder<'a> {
    fn new(content: Content) -> Self {
        Self { content, authority: None, issued: None, client_certificates: false, places: Vec::new() }
    }

    /// Makes it speak TLS, HTTP/2 and HTTP/1.1, with a certificate that this authority signs.
    #[must_use]
    pub fn tls(mut self, authority: &'a Authority) -> Self {
        self.authority = Some(authority);
        self
    }

    /// Shows another certificate than one for `127.0.0.1` and `localhost`. Needs [`NginxBuilder::tls`].
    #[must_use]
    pub fn certificate(mut self, issued: Issued) -> Self {
        self.issued = Some(issued);
        self
    }

    /// Refuses everybody (400) who shows no certificate of the same authority. Needs [`NginxBuilder::tls`].
    #[must_use]
    pub fn client_certificates(mut self) -> Self {
        self.client_certificates = true;
        self
    }

    /// Sends requests for exactly this path to another server, such as `/token` to a token server.
    #[must_use]
    pub fn place(mut self, path: &str, host: &str) -> Self {
        self.places.push((path.to_owned(), host.to_owned()));
        self
    }

    /// Starts it.
    ///
    /// # Errors
    /// Where nginx is not installed (the text says what to run), or does not start within 10 s.
    pub fn start(self) -> anyhow::Result<Nginx> {
        ensure!(self.authority.is_some() || !self.client_certificates, "client certificates need TLS");
        let program = tool("nginx")?;
        let mut attempts = ATTEMPTS;
        loop {
            attempts -= 1;
            match self.attempt(&program) {
                Err(problem) if attempts > 0 && problem.to_string().contains(TAKEN) => {}
                outcome => return outcome,
            }
        }
    }

    fn attempt(&self, program: &Path) -> anyhow::Result<Nginx> {
        let directory = tempfile::Builder::new().prefix("refkit-nginx-").tempdir()?;
        // nginx finds no free port by itself. This one is free until somebody else is given it, which nginx notices.
        let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
        let setup = Setup {
            address,
            content: &self.content,
            authority: self.authority,
            issued: self.issued.as_ref(),
            client_certificates: self.client_certificates,
            places: &self.places,
        };
        let configuration = nginx_config::write(directory.path(), &setup)?;
        let place = directory.path().to_str().context("the temporary directory's path is not UTF-8")?;
        let arguments = ["-p", place, "-c", configuration, "-e", nginx_config::MESSAGES];
        let [output, errors] = ["output.log", "errors.log"].map(|name| directory.path().join(name));
        let process = Process::start(program, &arguments, &[], output, errors)?;
        let nginx = Nginx { process, directory, address, secure: self.authority.is_some(), cleared: 0.into() };
        nginx.wait()?;
        Ok(nginx)
    }
}

impl Nginx {
    /// Waits until it answers: then it has all its sockets.
    fn wait(&self) -> anyhow::Result<()> {
        let patience = Instant::now() + PATIENCE;
        while ask(self.directory.path()).is_err() {
            if let Some(status) = self.process.ended() {
                let said = fs::read_to_string(self.directory.path().join("errors.log")).unwrap_or_default();
                bail!("nginx ended by itself ({status}):\n{said}{}", self.messages());
            }
            ensure!(Instant::now() < patience, "nginx did not start within 10 s:\n{}", self.messages());
            std::thread::sleep(PAUSE);
        }
        Ok(())
    }
}

/// Asks the nginx of a directory whether it is there.
fn ask(directory: &Path) -> anyhow::Result<()> {
    let mut stream = UnixStream::connect(directory.join(nginx_config::OWN_SOCKET))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    stream.write_all(b"GET / HTTP/1.0\r\n\r\n")?;
    let mut answer = String::new();
    stream.read_to_string(&mut answer)?;
    ensure!(answer.starts_with("HTTP/1.1 204"), "{answer}");
    Ok(())
}
