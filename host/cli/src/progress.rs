//! The progress of a copy, on standard error.
//!
//! The task that moves the bytes reports each step to a [`Table`], which takes a lock for a moment. A thread reads the
//! table ten times a second and writes: a terminal that has stopped its output cannot stop the copy.

mod display;
mod line;
mod rate;
mod screen;
mod table;
mod view;

use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use clap::{Args, ValueEnum};
use parking_lot::{Condvar, Mutex};
use refkit::Publisher;
use refkit_content::copy::{Options, Step};
use refkit_oci::{Descriptor, Repository};
use tracing_subscriber::filter::LevelFilter;

use crate::directories;
use display::Display;
pub use screen::Screen;
use table::Table;
use view::View;

/// How often the thread looks at the table.
const TICK: Duration = Duration::from_millis(100);

/// How the command shows progress.
#[derive(Debug, Clone, Copy, Default, Args)]
#[command(next_help_heading = "Output")]
pub struct ProgressArguments {
    /// How progress is shown on standard error.
    #[arg(long, value_enum, value_name = "HOW", default_value_t)]
    pub progress: How,
    /// Shows no progress.
    #[arg(short, long, conflicts_with = "progress")]
    pub quiet: bool,
}

/// A way to show progress.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, ValueEnum)]
pub enum How {
    /// A line for each blob under way, after half a second, if standard error is a terminal.
    #[default]
    Auto,
    /// A line for each blob that is finished, and one with the sum every five seconds, also without a terminal.
    Plain,
    /// No progress.
    None,
}

/// The progress of a command. Dropped, it removes what is drawn, and leaves a line with the sum if the copy took longer
/// than half a second. Afterwards nothing writes to standard error but the command.
pub struct Progress(Option<Drawing>);

struct Drawing {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

/// What the copy and the thread share.
struct Shared {
    begin: Instant,
    state: Mutex<State>,
    /// The first step has come, or the progress ends.
    woken: Condvar,
}

#[derive(Default)]
struct State {
    table: Table,
    ended: bool,
}

impl Progress {
    /// Returns the progress as the arguments and standard error want it. Nothing is drawn before a copy begins.
    pub fn new(arguments: &ProgressArguments) -> Self {
        let logs = LevelFilter::current() != LevelFilter::OFF;
        match Display::of(arguments, directories::screen(&std::io::stderr()), logs) {
            Display::None => Self(None),
            display => Self(Drawing::start(display)),
        }
    }

    /// Makes a publisher report its copies.
    pub fn watch(&self, publisher: Publisher) -> Publisher {
        let Self(Some(drawing)) = self else { return publisher };
        let shared = Arc::clone(&drawing.shared);
        publisher.progress(move |to, of, step| shared.step(to, of, step))
    }

    /// Makes a copy into a repository report its steps.
    pub fn of_copy(&self, options: Options, to: &Repository) -> Options {
        let Self(Some(drawing)) = self else { return options };
        let (shared, to) = (Arc::clone(&drawing.shared), to.clone());
        options.progress(move |of, step| shared.step(&to, of, step))
    }
}

impl Drawing {
    /// Starts the thread. Progress is not worth an error: without a thread there is none.
    fn start(display: Display) -> Option<Self> {
        let state = Mutex::new(State { table: Table::new(display.lists_ended()), ended: false });
        let shared = Arc::new(Shared { begin: Instant::now(), state, woken: Condvar::new() });
        let drawn = Arc::clone(&shared);
        let thread = std::thread::Builder::new().name("progress".to_owned());
        let thread = thread.spawn(move || drawn.draw(View::new(display))).ok()?;
        Some(Self { shared, thread: Some(thread) })
    }
}

impl Drop for Drawing {
    fn drop(&mut self) {
        self.shared.state.lock().ended = true;
        self.shared.woken.notify_all();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn step(&self, to: &Repository, of: &Descriptor, step: Step) {
        let at = self.begin.elapsed();
        let first = {
            let mut state = self.state.lock();
            let first = state.table.began().is_none();
            state.table.step(at, to, of, step);
            first
        };
        if first {
            self.woken.notify_all();
        }
    }

    /// Writes until the progress ends. The lock is free while the thread writes.
    fn draw(&self, mut view: View) {
        let mut state = self.state.lock();
        while !state.ended {
            if state.table.began().is_none() {
                self.woken.wait(&mut state);
                continue;
            }
            self.woken.wait_for(&mut state, TICK);
            let at = self.begin.elapsed();
            if !state.ended
                && let Some(text) = view.text(&mut state.table, at)
            {
                parking_lot::MutexGuard::unlocked(&mut state, || view.show(&text));
            }
        }
        let last = view.last(&mut state.table, self.begin.elapsed());
        drop(state);
        view.end(last.as_deref());
    }
}
