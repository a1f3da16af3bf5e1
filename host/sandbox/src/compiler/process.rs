//! Starting the process that compiles, and ending it.

use std::fs::File;
use std::io::{self, Read, Write};
use std::process::{Child, ChildStderr, Command, ExitStatus, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use parking_lot::Mutex;
use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process, waitid};
use tokio::sync::oneshot;

use super::order::Order;
use super::{CompilerProcess, ended, in_memory};
use crate::LoadError;

/// How much of a process's standard error is kept, bytes: its last words are one line.
const STDERR: u64 = 4 << 10;

/// Compiles a component in a process of its own, for a target or for this machine (`fuel`: code that counts what it executes), and returns the code as an entry of
/// the cache, in memory. The process is gone when this returns, and soon after this is dropped.
///
/// # Errors
/// The limit that the process met, or how it ended.
pub(super) async fn run(
    process: &CompilerProcess,
    target: Option<&str>,
    fuel: bool,
    component: Bytes,
) -> Result<File, LoadError> {
    let order = Order::new(process, target, fuel);
    let entry = in_memory().map_err(|error| LoadError::no_compiler(&error))?;
    let output = entry.try_clone().map_err(|error| LoadError::no_compiler(&error))?;
    let mut command = Command::new(&process.program);
    command.args(&process.arguments).args(order.words()).env_clear();
    command.envs(process.environment.iter().map(|(name, value)| (name, value)));
    command.stdin(Stdio::piped()).stdout(output).stderr(Stdio::piped());
    let running = Running::default();
    let (sender, receiver) = oneshot::channel();
    let state = running.0.clone();
    // The kernel ends the process when the thread that started it ends, so that thread waits for it.
    let body = move || drop(sender.send(on_thread(command, &component, &state)));
    let thread = std::thread::Builder::new().name("refkit-compiler".to_owned()).spawn(body);
    thread.map_err(|error| LoadError::no_compiler(&error))?;
    let (status, stderr) = match tokio::time::timeout(process.wall, receiver).await {
        Ok(ended) => {
            let ended = ended.unwrap_or_else(|_| Err(io::Error::other("its thread ended")));
            ended.map_err(|error| LoadError::no_compiler(&error))?
        }
        Err(_) => return Err(LoadError::CompileWall { limit: process.wall }),
    };
    ended::read(&order, status, &stderr).map(|()| entry)
}

/// Starts the process, feeds it, and waits for its end.
fn on_thread(mut command: Command, component: &[u8], state: &Mutex<State>) -> io::Result<(ExitStatus, String)> {
    let mut child = {
        let mut state = lock(state);
        if matches!(*state, State::Cancelled) {
            return Err(io::Error::other("nothing waits for the code"));
        }
        let child = command.spawn()?;
        *state = Pid::from_raw(child.id() as i32).map_or(State::Ended, State::Running);
        child
    };
    // What it was started with holds the output open.
    drop(command);
    let fed = child.stdin.take().map_or(Ok(()), |mut stdin| stdin.write_all(component));
    let stderr = child.stderr.take().map(last_words).unwrap_or_default();
    wait(&child)?;
    // From here on its id may be another process's, so the end stands in the state before the system forgets it.
    *lock(state) = State::Ended;
    let status = child.wait()?;
    match fed {
        // A process that ended early says by its status why.
        Err(error) if status.success() => Err(error),
        _ => Ok((status, stderr)),
    }
}

fn last_words(stderr: ChildStderr) -> String {
    let mut bytes = Vec::new();
    let mut stderr = stderr.take(STDERR);
    let _ = stderr.read_to_end(&mut bytes);
    // The rest is read as well, so that the process does not wait for it.
    let _ = io::copy(&mut stderr.into_inner(), &mut io::sink());
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Waits for a child's end and leaves it a child, so that its id stays its own.
fn wait(child: &Child) -> io::Result<()> {
    let Some(pid) = Pid::from_raw(child.id() as i32) else { return Ok(()) };
    loop {
        match waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOWAIT) {
            Err(Errno::INTR) => {}
            other => return Ok(other.map(drop)?),
        }
    }
}

fn lock(state: &Mutex<State>) -> parking_lot::MutexGuard<'_, State> {
    state.lock()
}

#[derive(Default)]
enum State {
    #[default]
    NotStarted,
    Running(Pid),
    Ended,
    Cancelled,
}

/// A process that is killed when this goes.
#[derive(Default)]
struct Running(Arc<Mutex<State>>);

impl Drop for Running {
    fn drop(&mut self) {
        let mut state = lock(&self.0);
        match *state {
            State::NotStarted => *state = State::Cancelled,
            State::Running(pid) => {
                let _ = kill_process(pid, Signal::KILL);
            }
            State::Ended | State::Cancelled => {}
        }
    }
}
