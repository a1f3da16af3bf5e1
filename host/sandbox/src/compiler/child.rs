//! The process that compiles: its limits first, then the component on standard input, then the code on standard output.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::process::ExitCode;

use object::read::elf::ElfFile64;
use object::{Endianness, Object, ObjectSection};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, getppid, getrlimit, set_dumpable_behavior,
    set_parent_process_death_signal, setrlimit,
};
use sha2::{Digest as _, Sha256};

use super::order::Order;
use crate::aot::{self, Key, MAX_ENTRY};
use crate::engine;

/// How such a process ends: the exit code, which the parent reads.
pub(super) const COMPILED: u8 = 0;
/// The component is malformed; standard error says how, in one line.
pub(super) const MALFORMED: u8 = 1;
/// There is no more memory, and the compiler noticed by itself.
pub(super) const OUT_OF_MEMORY: u8 = 2;
/// The code has a larger description than is loaded; standard error has its bytes.
pub(super) const TOO_COMPLEX: u8 = 3;
/// The process could not do its work; standard error says why, in one line.
pub(super) const FAILED: u8 = 4;
/// There is no compiler for the target; standard error says why, in one line.
pub(super) const NO_TARGET: u8 = 5;

/// Compiles a component and returns the exit code, if this process was started for that by
/// [`Compiler::Process`](super::Compiler::Process); returns nothing otherwise. A program calls this before it does
/// anything else, with its command line.
pub fn serve(command_line: impl IntoIterator<Item = OsString>) -> Option<ExitCode> {
    let order = Order::read(command_line)?;
    let end = confine(&order).map_err(End::failed).and_then(|()| compile(&order));
    Some(ExitCode::from(match end {
        Ok(()) => COMPILED,
        Err(End { code, text }) => {
            // A parent that is gone reads nothing.
            let _ = writeln!(io::stderr(), "{text}");
            code
        }
    }))
}

/// The most bytes of [`description`]: what the code says of its types, functions, tables and instances, which the
/// engine that loads it unpacks to several times its size. That of a policy in Python has 560 KB.
pub(super) const DESCRIPTION: u64 = 4 << 20;

struct End {
    code: u8,
    text: String,
}

impl End {
    fn failed(error: impl std::fmt::Display) -> Self {
        Self { code: FAILED, text: error.to_string() }
    }
}

/// Sets all limits. Nothing from outside has been read yet.
fn confine(order: &Order) -> io::Result<()> {
    // No other process of this user may write into this one, whose output is run; and there are no core dumps.
    set_dumpable_behavior(DumpableBehavior::NotDumpable)?;
    set_parent_process_death_signal(Some(Signal::KILL))?;
    // The parent may have ended before that.
    if getppid().map(|parent| parent.as_raw_pid().unsigned_abs()) != Some(order.parent) {
        return Err(io::Error::other("the process that wants the code is gone"));
    }
    limit(Resource::Core, 0, 0)?;
    limit(Resource::Fsize, MAX_ENTRY, MAX_ENTRY)?;
    // At the first the kernel sends SIGXCPU, by which the parent knows the limit; at the second, SIGKILL.
    limit(Resource::Cpu, order.seconds, order.seconds.saturating_add(1))?;
    limit(Resource::As, order.memory, order.memory)
}

/// Sets a limit; one that is lower already stays.
fn limit(resource: Resource, current: u64, maximum: u64) -> io::Result<()> {
    let before = getrlimit(resource).maximum.unwrap_or(u64::MAX);
    let new = Rlimit { current: Some(current.min(before)), maximum: Some(maximum.min(before)) };
    Ok(setrlimit(resource, new)?)
}

fn compile(order: &Order) -> Result<(), End> {
    let mut component = Vec::new();
    io::stdin().lock().read_to_end(&mut component).map_err(End::failed)?;
    let engine = engine::compiler(order.target.as_deref(), order.fuel)
        .map_err(|error| End { code: NO_TARGET, text: crate::error::first_line(&error) })?;
    let code = engine.precompile_component(&component).map_err(|error| {
        let io = error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::OutOfMemory);
        if io || error.is::<wasmtime::OutOfMemory>() {
            End { code: OUT_OF_MEMORY, text: String::new() }
        } else {
            End { code: MALFORMED, text: crate::error::first_line(&error) }
        }
    })?;
    let description = description(&code);
    if description > DESCRIPTION {
        return Err(End { code: TOO_COMPLEX, text: description.to_string() });
    }
    let key = Key::new(&engine, Sha256::digest(&component).into());
    let output = io::stdout().as_fd().try_clone_to_owned().map(File::from);
    output.and_then(|output| aot::write(output, &key, &code)).map_err(End::failed)
}

/// Returns the bytes of wasmtime's description of some code.
fn description(code: &[u8]) -> u64 {
    let file = ElfFile64::<Endianness>::parse(code).ok();
    let section = file.as_ref().and_then(|file| file.section_by_name(".wasmtime.info"));
    section.map_or(u64::MAX, |section| section.size())
}
