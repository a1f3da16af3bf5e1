//! The standard streams of this process, on which BuildKit speaks.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream as Socket;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::io::{AsyncRead, AsyncWrite, Join, join};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// What is read from.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;

/// What is written to. Nothing is kept back: what has been written is on its way.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Returns the standard input and output of this process as one stream.
///
/// They are pipes where BuildKit is on the other side; sockets and files do as well. The streams themselves stay open
/// until the process ends, and nothing else may read or write them in the meantime.
///
/// # Errors
/// Where one of them is closed, or cannot be waited for.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn stdio() -> io::Result<Join<Input, Output>> {
    let (input, output) = (io::stdin(), io::stdout());
    Ok(join(reader(input.as_fd().try_clone_to_owned()?)?, writer(output.as_fd().try_clone_to_owned()?)?))
}

/// Keeps the other processes of this user from these streams, which `/proc` would open to them, and from the memory:
/// a frontend that wrote to BuildKit itself would be past the policy. A privileged process is not kept.
///
/// # Errors
/// Where the system refuses it.
pub fn shield() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Returns a descriptor to read from, whatever it is.
///
/// # Errors
/// Where it cannot be read, or not be waited for.
pub fn reader(descriptor: OwnedFd) -> io::Result<Input> {
    let file = File::from(descriptor);
    let kind = file.metadata()?.file_type();
    Ok(if kind.is_fifo() {
        Box::new(pipe::Receiver::from_file(file)?)
    } else if kind.is_socket() {
        Box::new(socket(file)?)
    } else {
        Box::new(tokio::fs::File::from_std(file))
    })
}

/// Returns a descriptor to write to, whatever it is.
///
/// # Errors
/// Where it cannot be written, or not be waited for.
pub fn writer(descriptor: OwnedFd) -> io::Result<Output> {
    let file = File::from(descriptor);
    let kind = file.metadata()?.file_type();
    Ok(if kind.is_fifo() {
        Box::new(pipe::Sender::from_file(file)?)
    } else if kind.is_socket() {
        Box::new(socket(file)?)
    } else {
        Box::new(tokio::fs::File::from_std(file))
    })
}

/// Only reads and writes are asked of it, which are the same for a socket of any family.
fn socket(file: File) -> io::Result<UnixStream> {
    let socket = Socket::from(OwnedFd::from(file));
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
