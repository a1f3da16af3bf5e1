//! The standard input and output of this process, which are its connection to BuildKit.

use std::fs::File;
use std::io;
use std::os::fd::{AsFd as _, OwnedFd};
use std::os::unix::fs::FileTypeExt as _;
use std::os::unix::net::UnixStream as Socket;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};
use tokio::io::{AsyncRead, AsyncWrite, Join, join};
use tokio::net::UnixStream;
use tokio::net::unix::pipe;

/// The stream that BuildKit writes.
pub type Input = Box<dyn AsyncRead + Send + Unpin>;

/// The stream that BuildKit reads. Writes are not buffered.
pub type Output = Box<dyn AsyncWrite + Send + Unpin>;

/// Returns the standard input and output of this process as one stream.
///
/// BuildKit connects pipes; sockets and files work as well. The descriptors stay open until the process ends, and nothing
/// else may read or write them in the meantime.
///
/// # Errors
/// The system's error where a descriptor is closed, or the runtime cannot poll it.
///
/// # Panics
/// Outside of a tokio runtime.
pub fn stdio() -> io::Result<Join<Input, Output>> {
    let (input, output) = (io::stdin(), io::stdout());
    Ok(join(reader(input.as_fd().try_clone_to_owned()?)?, writer(output.as_fd().try_clone_to_owned()?)?))
}

/// Keeps the other processes of this user from these streams and from the memory of this process, which `/proc` would open
/// to them: a frontend that writes to BuildKit directly would bypass the policies. It does not keep out a privileged
/// process.
///
/// # Errors
/// The system's error.
pub fn shield() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

/// Returns the stream that reads a descriptor of any kind.
///
/// # Errors
/// The system's error where the descriptor cannot be read, or the runtime cannot poll it.
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

/// Returns the stream that writes a descriptor of any kind.
///
/// # Errors
/// The system's error where the descriptor cannot be written, or the runtime cannot poll it.
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

/// Returns the stream of a socket. Reads and writes are the same for a socket of any family.
fn socket(file: File) -> io::Result<UnixStream> {
    let socket = Socket::from(OwnedFd::from(file));
    socket.set_nonblocking(true)?;
    UnixStream::from_std(socket)
}
