//! How a process that compiles ended, read from its status and its last words.

use std::os::unix::process::ExitStatusExt;
use std::process::ExitStatus;

use rustix::process::Signal;

use super::child::{COMPILED, DESCRIPTION, MALFORMED, NO_TARGET, OUT_OF_MEMORY, TOO_COMPLEX};
use super::order::Order;
use crate::LoadError;

/// What Rust's allocation says before it aborts; a test holds this to its text.
const ALLOCATION: &str = "memory allocation of";

/// What wasmtime's own collections say before they panic for the same reason.
const UNHANDLED: &str = "unhandled out-of-memory error";

/// The exit code of a program that panicked.
const PANICKED: u8 = 101;

/// Returns whether the code is there.
pub(super) fn read(order: &Order, status: ExitStatus, stderr: &str) -> Result<(), LoadError> {
    let first = || stderr.lines().find(|line| !line.is_empty()).unwrap_or_default().to_owned();
    let memory = LoadError::CompileMemory { limit: order.memory };
    match (status.code().and_then(|code| u8::try_from(code).ok()), status.signal()) {
        (Some(COMPILED), _) => Ok(()),
        (Some(MALFORMED), _) => Err(LoadError::Malformed(first())),
        (Some(OUT_OF_MEMORY), _) => Err(memory),
        (Some(PANICKED), _) if stderr.contains(UNHANDLED) => Err(memory),
        (Some(NO_TARGET), _) => Err(LoadError::no_target(order.target.as_deref(), first())),
        (Some(TOO_COMPLEX), _) => {
            Err(LoadError::TooComplex { size: first().parse().unwrap_or(u64::MAX), limit: DESCRIPTION })
        }
        (_, Some(signal)) if signal == Signal::ABORT.as_raw() && stderr.contains(ALLOCATION) => Err(memory),
        (_, Some(signal)) if signal == Signal::XCPU.as_raw() => Err(LoadError::CompileCpu { limit: order.seconds }),
        (_, Some(signal)) => Err(LoadError::Compiler(match signal_name(signal) {
            Some(name) => format!("it ended by signal {signal} ({name})"),
            None => format!("it ended by signal {signal}"),
        })),
        (Some(code), None) => Err(LoadError::Compiler(match first() {
            text if text.is_empty() => format!("it ended with exit code {code}"),
            text => text,
        })),
        (None, None) => Err(LoadError::Compiler("it ended without an exit code".to_owned())),
    }
}

/// Returns the name of a signal that ends a process which computes.
fn signal_name(signal: i32) -> Option<&'static str> {
    let names = [
        (Signal::ILL, "ILL"),
        (Signal::ABORT, "ABRT"),
        (Signal::BUS, "BUS"),
        (Signal::FPE, "FPE"),
        (Signal::KILL, "KILL"),
        (Signal::SEGV, "SEGV"),
        (Signal::TERM, "TERM"),
        (Signal::XFSZ, "XFSZ"),
    ];
    names.into_iter().find(|(known, _)| known.as_raw() == signal).map(|(_, name)| name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_end_has_its_error() {
        let order = Order { parent: 1, memory: 64 << 20, seconds: 3, target: None, fuel: false };
        let exit = |code: i32| ExitStatus::from_raw(code << 8);
        // status, standard error, the error's text
        let rows = [
            (exit(0), "", None),
            (exit(1), "unexpected end\nmore", Some("not a WebAssembly component: unexpected end")),
            (exit(2), "", Some("compiling it takes more than 64 MiB of memory")),
            (exit(3), "5000000\n", Some("have 5000000 bytes, more than the 4194304 that are loaded")),
            (exit(4), "no input", Some("the compiler failed: no input")),
            (exit(5), "no support", Some("nothing here compiles for this machine: no support")),
            (
                exit(101),
                "\nthread 'main' panicked\nunhandled out-of-memory error: 8",
                Some("more than 64 MiB of memory"),
            ),
            (exit(101), "\nthread 'main' panicked", Some("the compiler failed: thread 'main' panicked")),
            (exit(101), "", Some("the compiler failed: it ended with exit code 101")),
            (ExitStatus::from_raw(6), "memory allocation of 8 bytes failed\n", Some("more than 64 MiB of memory")),
            (ExitStatus::from_raw(6), "", Some("the compiler failed: it ended by signal 6 (ABRT)")),
            (ExitStatus::from_raw(24), "", Some("compiling it takes more than 3 s of processor time")),
            (ExitStatus::from_raw(9), "", Some("the compiler failed: it ended by signal 9 (KILL)")),
            (ExitStatus::from_raw(11), "", Some("the compiler failed: it ended by signal 11 (SEGV)")),
            (ExitStatus::from_raw(40), "", Some("the compiler failed: it ended by signal 40")),
        ];
        for (status, stderr, wanted) in rows {
            let error = read(&order, status, stderr).err().map(|error| error.to_string());
            assert_eq!(error.is_some(), wanted.is_some(), "{status:?}: {error:?}");
            assert!(error.unwrap_or_default().ends_with(wanted.unwrap_or_default()), "{status:?}");
        }
    }
}
