//! A connection that breaks: passes bytes on to a server, and closes the connection in the middle of a request.

use std::io::{Read as _, Write as _};
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::thread::JoinHandle;

use anyhow::Context as _;
use parking_lot::Mutex;

/// What is read at once: 16 KiB.
const PIECE: usize = 16 << 10;

/// A forwarder on 127.0.0.1 to a server that speaks HTTP. It closes what is open when it is dropped.
pub struct Cut {
    address: SocketAddr,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Default)]
struct Shared {
    /// How many bytes of clients still pass before the next cut, and how often there was one.
    left: Mutex<(Option<usize>, usize)>,
    streams: Mutex<Vec<TcpStream>>,
    ended: Mutex<bool>,
}

impl Shared {
    /// Takes up to so many bytes of a client, and returns how many pass, and whether the connection ends then.
    fn take(&self, count: usize) -> (usize, bool) {
        let mut left = self.left.lock();
        match left.0 {
            Some(rest) if count >= rest => {
                *left = (None, left.1 + 1);
                (rest, true)
            }
            Some(rest) => {
                left.0 = Some(rest - count);
                (count, false)
            }
            None => (count, false),
        }
    }
}

impl Cut {
    /// Starts a forwarder to `IP:PORT`, which cuts nothing yet.
    ///
    /// # Errors
    /// Where nothing can be started on 127.0.0.1.
    pub fn start(host: &str) -> anyhow::Result<Self> {
        let server: SocketAddr = host.parse().with_context(|| format!("{host} is not IP:PORT"))?;
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let (address, shared) = (listener.local_addr()?, Arc::<Shared>::default());
        let thread = std::thread::Builder::new().name("cut".to_owned()).spawn({
            let shared = Arc::clone(&shared);
            move || {
                for client in listener.incoming() {
                    if *shared.ended.lock() {
                        return;
                    }
                    // A client that went away, or a server that is gone, is for the test to notice.
                    _ = client.and_then(|client| forward(&shared, client, server));
                }
            }
        })?;
        Ok(Self { address, shared, thread: Some(thread) })
    }

    /// Returns `127.0.0.1:PORT`, as references begin with it.
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// Closes the connection on which the given number of bytes, counted from now over all of them, comes from a client.
    /// The bytes before it pass.
    pub fn after(&self, bytes: usize) {
        self.shared.left.lock().0 = Some(bytes);
    }

    /// Returns how many connections were cut.
    pub fn cuts(&self) -> usize {
        self.shared.left.lock().1
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        *self.shared.ended.lock() = true;
        for stream in self.shared.streams.lock().drain(..) {
            _ = stream.shutdown(Shutdown::Both);
        }
        // Wakes the thread that accepts.
        _ = TcpStream::connect(self.address);
        if let Some(thread) = self.thread.take() {
            _ = thread.join();
        }
    }
}

/// Passes bytes on in both directions, in a thread each, which end with the connection.
fn forward(shared: &Arc<Shared>, client: TcpStream, server: SocketAddr) -> std::io::Result<()> {
    let server = TcpStream::connect(server)?;
    for stream in [&client, &server] {
        stream.set_nodelay(true)?;
        shared.streams.lock().push(stream.try_clone()?);
    }
    let (from, to) = (client.try_clone()?, server.try_clone()?);
    let counted = Arc::clone(shared);
    std::thread::spawn(move || pass(from, to, |count| counted.take(count)));
    std::thread::spawn(move || pass(server, client, |count| (count, false)));
    Ok(())
}

fn pass(mut from: TcpStream, mut to: TcpStream, take: impl Fn(usize) -> (usize, bool)) {
    let mut piece = vec![0; PIECE];
    while let Ok(count) = from.read(&mut piece) {
        let (passes, ends) = take(count);
        if to.write_all(&piece[..passes]).is_err() || ends || count == 0 {
            break;
        }
    }
    for stream in [&from, &to] {
        _ = stream.shutdown(Shutdown::Both);
    }
}
