//! Progress with the time that is left: a bar on a terminal, lines elsewhere.

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use indicatif::{FormattedDuration, ProgressBar, ProgressStyle};

/// Lines come at most this often where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// The one line of a command that says how far it is.
pub struct Display {
    bar: Option<ProgressBar>,
    quiet: bool,
    start: Instant,
    last_line: Instant,
}

impl Display {
    pub fn new(quiet: bool) -> Self {
        let terminal = !quiet && std::io::stderr().is_terminal();
        let now = Instant::now();
        Self {
            bar: terminal.then(|| {
                let bar = ProgressBar::new(1);
                if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
                    bar.set_style(style);
                }
                bar
            }),
            quiet,
            start: now,
            last_line: now,
        }
    }

    /// Whether there is somewhere to show it, and time to.
    pub fn is_due(&self) -> bool {
        self.bar.is_some() || (!self.quiet && self.last_line.elapsed() > LINE_EVERY)
    }

    /// The time that `left` takes if `done` took the time since the start.
    pub fn left(&self, done: u64, left: u64) -> FormattedDuration {
        let elapsed = self.start.elapsed().as_secs_f64();
        FormattedDuration(Duration::from_secs_f64(
            elapsed * left as f64 / done.max(1) as f64,
        ))
    }

    /// Shows a line; to be called when it is due.
    pub fn show(&mut self, done: u64, total: u64, text: String) {
        if let Some(bar) = &self.bar {
            bar.set_length(total);
            bar.set_position(done);
            bar.set_message(text);
        } else {
            self.last_line = Instant::now();
            eprintln!("{text}");
        }
    }

    pub fn clear(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }
}
