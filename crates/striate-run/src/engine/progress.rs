//! Progress with the time that is left: bars on a terminal, lines elsewhere.

use std::time::{Duration, Instant};

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Lines come at most this often where there is no terminal.
const LINE_EVERY: Duration = Duration::from_secs(15);

/// Seconds of work after which the estimates of a machine's speed count for half.
const TRUST_AFTER: f64 = 60.0;

/// The progress of a whole run.
pub struct Progress {
    bar: Option<ProgressBar>,
    quiet: bool,
    /// Expected seconds of all steps that were to run.
    expected: f64,
    /// Expected seconds of the steps done.
    done: f64,
    /// Seconds really spent on the steps done.
    spent: f64,
    steps: usize,
    step: usize,
    last_line: Instant,
}

impl Progress {
    /// Progress on standard error; none at all if `quiet`.
    pub fn new(quiet: bool) -> Self {
        let terminal = !quiet && console_is_terminal();
        let bar = terminal.then(|| {
            let bar = ProgressBar::with_draw_target(Some(1000), ProgressDrawTarget::stderr());
            if let Ok(style) = ProgressStyle::with_template("{bar:24} {msg}") {
                bar.set_style(style);
            }
            bar
        });
        Self {
            bar,
            quiet,
            expected: 0.0,
            done: 0.0,
            spent: 0.0,
            steps: 0,
            step: 0,
            last_line: Instant::now(),
        }
    }

    pub(super) fn begin(&mut self, steps: usize, expected_seconds: f64) {
        self.steps = steps;
        self.expected = expected_seconds;
    }

    pub(super) fn step<'a>(&'a mut self, name: &str, expected_seconds: f64) -> StepProgress<'a> {
        self.step += 1;
        let name = name.to_owned();
        self.line(&format!("[{}/{}] {name}", self.step, self.steps));
        StepProgress {
            run: self,
            name,
            expected: expected_seconds,
            start: Instant::now(),
        }
    }

    /// Prints a line, above the bar if there is one.
    pub fn line(&self, text: &str) {
        match &self.bar {
            Some(bar) => bar.println(text),
            None if !self.quiet => eprintln!("{text}"),
            None => {}
        }
    }

    pub(super) fn finish(&self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
        }
    }

    pub(super) fn step_done(&mut self, expected: f64, seconds: f64) {
        self.done += expected;
        self.spent += seconds;
    }
}

/// The progress of one step within its run.
pub(super) struct StepProgress<'a> {
    run: &'a mut Progress,
    name: String,
    expected: f64,
    start: Instant,
}

impl StepProgress<'_> {
    pub(super) fn update(&mut self, share: f64, message: &str) {
        let share = share.clamp(0.0, 1.0);
        let run = &mut *self.run;
        let elapsed = self.start.elapsed().as_secs_f64();
        // What is left of this step by its own speed, of the others by the estimates,
        // scaled by how good these have been so far, which a few seconds do not tell.
        let step_left = if share > 0.02 {
            elapsed * (1.0 - share) / share
        } else {
            self.expected
        };
        let scale =
            (run.spent + elapsed + TRUST_AFTER) / (run.done + share * self.expected + TRUST_AFTER);
        let left = step_left + (run.expected - run.done - self.expected).max(0.0) * scale;
        let text = format!(
            "[{}/{}] {} {:.0} % {message}, {} left",
            run.step,
            run.steps,
            self.name,
            share * 100.0,
            clock(left)
        );
        if let Some(bar) = &run.bar {
            let total = run.spent + elapsed + left;
            bar.set_position(((run.spent + elapsed) / total.max(1e-9) * 1000.0) as u64);
            bar.set_message(text);
        } else if !run.quiet && run.last_line.elapsed() > LINE_EVERY {
            run.last_line = Instant::now();
            eprintln!("{text}");
        }
    }

    pub(super) fn finish(self, done: bool) -> f64 {
        let seconds = self.start.elapsed().as_secs_f64();
        if done {
            self.run.step_done(self.expected, seconds);
        }
        seconds
    }
}

fn console_is_terminal() -> bool {
    use std::io::IsTerminal;
    std::io::stderr().is_terminal()
}

/// Seconds as people say them: `42 s`, `3 min 05 s`, `2 h 10 min`.
pub(crate) fn clock(seconds: f64) -> String {
    let s = seconds.max(0.0).round() as u64;
    match s {
        0..60 => format!("{s} s"),
        60..3600 => format!("{} min {:02} s", s / 60, s % 60),
        _ => format!("{} h {:02} min", s / 3600, s % 3600 / 60),
    }
}
