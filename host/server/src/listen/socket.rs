//! Sockets: binding, accepting, and removing the file of a unix socket.

use std::fs::{self, Metadata, Permissions};
use std::io::{self, ErrorKind};
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixSocket, UnixStream};

use crate::settings::{Address, Listener};

/// Connections that wait to be accepted.
const BACKLOG: u32 = 1024;

/// The file of the groups of this machine.
const GROUPS: &str = "/etc/group";

/// A socket that listens.
pub(crate) enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener, OwnFile),
}

/// A connection, before TLS.
pub(super) enum Stream {
    Tcp(TcpStream, SocketAddr),
    Unix(UnixStream),
}

/// The file of a unix socket, which is removed at the end if it is still this one.
pub(crate) struct OwnFile {
    path: PathBuf,
    identity: (u64, u64),
}

impl Drop for OwnFile {
    fn drop(&mut self) {
        if fs::symlink_metadata(&self.path).is_ok_and(|found| identity(&found) == self.identity) {
            // Nothing is left to do if it cannot be removed: the next start removes it.
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn identity(file: &Metadata) -> (u64, u64) {
    (file.dev(), file.ino())
}

impl Socket {
    /// Binds the address of a listener. It blocks for a moment.
    ///
    /// # Errors
    /// The error of the operating system; for a unix socket also one for a file that is no socket, and for a socket that
    /// another process listens on.
    pub(crate) async fn bind(listener: &Listener) -> io::Result<Self> {
        match &listener.address.value {
            Address::Tcp(address) => Ok(Self::Tcp(TcpListener::bind(address).await?)),
            Address::Unix(path) => {
                let group = listener.group.as_ref().map(|group| group_id(&group.value)).transpose()?;
                unix(path, listener.mode.value, group).await
            }
        }
    }

    /// Returns the address that it listens on, with the port that the system has chosen.
    pub(crate) fn address(&self) -> io::Result<Address> {
        Ok(match self {
            Self::Tcp(listener) => Address::Tcp(listener.local_addr()?),
            Self::Unix(_, file) => Address::Unix(file.path.clone()),
        })
    }

    pub(super) async fn accept(&self) -> io::Result<Stream> {
        match self {
            Self::Tcp(listener) => {
                let (stream, address) = listener.accept().await?;
                // Small messages wait for nothing.
                stream.set_nodelay(true)?;
                Ok(Stream::Tcp(stream, address))
            }
            Self::Unix(listener, _) => Ok(Stream::Unix(listener.accept().await?.0)),
        }
    }
}

/// Binds a unix socket. Nobody can connect before it has its mode and its group, because it listens only then.
async fn unix(path: &Path, mode: u32, group: Option<u32>) -> io::Result<Socket> {
    remove_stale(path).await?;
    let socket = UnixSocket::new_stream()?;
    socket.bind(path)?;
    let file = OwnFile { path: path.to_owned(), identity: identity(&fs::symlink_metadata(path)?) };
    if group.is_some() {
        chown(path, None, group)?;
    }
    fs::set_permissions(path, Permissions::from_mode(mode))?;
    Ok(Socket::Unix(socket.listen(BACKLOG)?, file))
}

/// Removes a socket that a process has left behind.
async fn remove_stale(path: &Path) -> io::Result<()> {
    match fs::symlink_metadata(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
        Ok(found) if !found.file_type().is_socket() => {
            return Err(io::Error::new(ErrorKind::AlreadyExists, "there is a file that is no socket"));
        }
        Ok(_) => {}
    }
    match UnixStream::connect(path).await {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err(io::Error::new(ErrorKind::AddrInUse, "another process listens on it")),
    }
}

/// Returns the number of a group.
fn group_id(group: &str) -> io::Result<u32> {
    if let Ok(number) = group.parse() {
        return Ok(number);
    }
    let groups = fs::read_to_string(GROUPS)?;
    let number = groups.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some(group)).then(|| fields.nth(1)?.parse().ok()).flatten()
    });
    number.ok_or_else(|| io::Error::new(ErrorKind::NotFound, format!("{GROUPS} has no group {group}")))
}
