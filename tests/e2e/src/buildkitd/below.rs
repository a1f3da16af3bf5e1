//! The descendants of a process, from `/proc`.

use std::collections::BTreeMap;
use std::fs;
use std::io;

struct Running {
    parent: u32,
    command: String,
}

/// Returns the command lines of the descendants of the processes with this address among their arguments, without
/// those processes.
pub(super) fn processes(address: &str) -> anyhow::Result<Vec<String>> {
    let all = all()?;
    let own = |running: &Running| running.command.split(' ').any(|argument| argument == address);
    let descends = |running: &Running| {
        let mut ancestors = std::iter::successors(all.get(&running.parent), |running| all.get(&running.parent));
        ancestors.any(own)
    };
    let found = all.values().filter(|running| !own(running) && descends(running));
    Ok(found.map(|running| running.command.clone()).collect())
}

/// Returns all processes by their IDs, without zombies and processes that end in the meantime.
fn all() -> io::Result<BTreeMap<u32, Running>> {
    let mut all = BTreeMap::new();
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(id) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        let Ok(arguments) = fs::read(entry.path().join("cmdline")) else { continue };
        let Ok(status) = fs::read_to_string(entry.path().join("stat")) else { continue };
        let Some(parent) = parent(&status) else { continue };
        let arguments = String::from_utf8_lossy(&arguments);
        let command = arguments.split('\0').filter(|argument| !argument.is_empty()).collect::<Vec<_>>().join(" ");
        if !command.is_empty() {
            all.insert(id, Running { parent, command });
        }
    }
    Ok(all)
}

/// Parses `ID (NAME) STATE PARENT …`, in which the name may have any characters.
fn parent(status: &str) -> Option<u32> {
    status.rsplit_once(')')?.1.split_ascii_whitespace().nth(1)?.parse().ok()
}
