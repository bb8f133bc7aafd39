//! Progress of what may take a while, on standard error; nothing is drawn where that is no terminal.

use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

/// What is done sooner needs no progress.
const PATIENCE: Duration = Duration::from_millis(500);

/// A bar that goes when it is dropped.
#[derive(Debug)]
pub(crate) struct Bar(ProgressBar);

impl Bar {
    /// A bar for `total` steps of what `label` says.
    pub(crate) fn new(label: &'static str, total: u64) -> Self {
        Self::drawn(
            ProgressBar::new(total),
            "{msg}  {bar:30} {human_pos} of {human_len}  {eta}",
            label,
        )
    }

    /// A bar for `total` bytes of what `label` says.
    pub(crate) fn bytes(label: &'static str, total: u64) -> Self {
        Self::drawn(
            ProgressBar::new(total),
            "{msg}  {bar:30} {bytes} of {total_bytes}  {eta}",
            label,
        )
    }

    /// Something that turns while nobody knows how long it will take.
    pub(crate) fn unknown(label: &'static str) -> Self {
        Self::drawn(
            ProgressBar::new_spinner(),
            "{spinner} {msg}  {elapsed}",
            label,
        )
    }

    fn drawn(bar: ProgressBar, template: &str, label: &'static str) -> Self {
        bar.set_draw_target(ProgressDrawTarget::hidden());
        let shown_later = bar.downgrade();
        std::thread::spawn(move || {
            std::thread::sleep(PATIENCE);
            if let Some(bar) = shown_later.upgrade().filter(|bar| !bar.is_finished()) {
                bar.set_draw_target(ProgressDrawTarget::stderr());
            }
        });
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        bar.set_message(label);
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(bar)
    }

    pub(crate) fn reach(&self, done: u64) {
        self.0.set_position(done);
    }

    pub(crate) fn step(&self) {
        self.0.inc(1);
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}
