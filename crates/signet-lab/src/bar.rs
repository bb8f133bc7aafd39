//! A progress bar for the proof.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

use crate::prove::Progress;

/// A bar on standard error; nothing is drawn where that is no terminal.
/// It goes when it is dropped.
#[derive(Debug)]
pub struct Bar(ProgressBar);

impl Bar {
    /// An empty bar.
    #[must_use]
    pub fn new() -> Self {
        let bar = ProgressBar::new(1);
        if let Ok(style) = ProgressStyle::with_template("{bar:30} {percent:>3} %  {elapsed}  {msg}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    /// Shows how far the proof is.
    pub fn show(&self, progress: Progress<'_>) {
        self.0.set_length(progress.total);
        self.0.set_position(progress.done);
        if self.0.message() != progress.step {
            self.0.set_message(progress.step.to_owned());
        }
    }
}

impl Default for Bar {
    fn default() -> Self {
        Self::new()
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
