//! What is being measured just now, on standard error: the table alone goes to standard output.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// A bar over the rounds of one row.
pub(super) struct Progress(ProgressBar);

impl Progress {
    /// Begins a row of so many steps.
    pub(super) fn new(what: &str, steps: u64) -> Self {
        // Without a terminal there is no bar, and one line says what takes so long.
        eprintln!("    {what}");
        let bar = ProgressBar::new(steps);
        if let Ok(style) = ProgressStyle::with_template("    {bar:30} {pos}/{len} {msg}") {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Says who has the turn.
    pub(super) fn turn(&self, whose: &str) {
        self.0.set_message(whose.to_owned());
    }

    /// One step is done.
    pub(super) fn step(&self) {
        self.0.inc(1);
    }

    /// Leaves an empty line before the table.
    pub(super) fn done() {
        eprintln!();
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
