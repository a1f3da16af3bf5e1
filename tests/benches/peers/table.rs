//! The tables, in Markdown.

use std::time::Duration;

use crate::answer::{PLATFORM, TAG};
use crate::clients::{Client, Operation};

/// The result of a client at one registry.
pub enum Cell {
    /// The expected result.
    Measured { requests: usize, processor_time: Duration },
    /// Another result, or none.
    Wrong(String),
}

/// A client's row for one operation.
pub struct Row {
    /// The client.
    pub client: &'static str,
    /// The command line, or why there is none.
    ask: Result<String, &'static str>,
    /// A cell for each registry.
    pub cells: Vec<Cell>,
}

impl Row {
    /// Returns a row without cells.
    pub fn new(client: &Client, operation: Operation) -> Self {
        let ask = match client.shown(operation) {
            _ if !client.is_installed() => Err("not installed"),
            None => Err("does not do this"),
            Some(shown) => Ok(shown),
        };
        Self { client: client.name, ask, cells: Vec::new() }
    }

    /// Returns whether one of the results was wrong.
    pub fn is_wrong(&self) -> bool {
        self.cells.iter().any(|cell| matches!(cell, Cell::Wrong(_)))
    }
}

/// Prints the description of the measurements, and the versions.
pub fn print_head(clients: &[Client], rounds: usize) {
    println!(
        "The demo's image {TAG} (an index of six platforms, their attestations and a nested index) at a registry of the\n\
         distribution project on loopback; the platform is {PLATFORM}. Requests: of one run in an empty home, those for a\n\
         token included. Processor time: user and system, median of {rounds} interleaved runs, RefKit's in milliseconds\n\
         and the others' as a multiple of it. Both with open, Basic and token access. Every answer was compared.\n"
    );
    let versions = clients.iter().filter_map(|client| Some(format!("{} {}", client.name, client.version()?)));
    println!("Versions: {}.", versions.collect::<Vec<_>>().join(", "));
}

/// Prints the table of one operation. The other rows are compared with the first one.
pub fn print(operation: Operation, rows: &[Row]) {
    println!("\n### {}\n", operation.title());
    println!("| client | requests | processor time | asked by |");
    println!("|---|---|---|---|");
    let base: Vec<Option<Duration>> = rows[0].cells.iter().map(time).collect();
    for (place, row) in rows.iter().enumerate() {
        let ask = match &row.ask {
            Ok(ask) => ask,
            Err(reason) => {
                println!("| {} | {reason} | | |", row.client);
                continue;
            }
        };
        let requests = row.cells.iter().map(|cell| match cell {
            Cell::Measured { requests, .. } => requests.to_string(),
            Cell::Wrong(problem) => format!("({})", problem.replace(['|', '\n'], " ")),
        });
        let times = row.cells.iter().zip(&base).map(|(cell, base)| match (time(cell), base) {
            (None, _) => "-".to_owned(),
            (Some(time), Some(base)) if place > 0 => format!("{:.1} ×", time.as_secs_f64() / base.as_secs_f64()),
            (Some(time), _) => format!("{:.1} ms", time.as_secs_f64() * 1e3),
        });
        let (requests, times): (Vec<_>, Vec<_>) = (requests.collect(), times.collect());
        println!("| {} | {} | {} | {ask} |", row.client, requests.join(" / "), times.join(" / "));
    }
}

fn time(cell: &Cell) -> Option<Duration> {
    match cell {
        Cell::Measured { processor_time, .. } => Some(*processor_time),
        Cell::Wrong(_) => None,
    }
}
