//! Who tells each step as it is taken.

use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use signet_aem::relocation::{Aide, Moment, StepReport};

use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::output::Output;
use crate::progress::Bar;

pub(super) struct Narrator<'c> {
    output: &'c Output,
    steps: Vec<StepReport>,
    /// What whoever stops the program is told.
    standing: Option<interrupt::Step>,
}

impl<'c> Narrator<'c> {
    pub(super) fn new(context: &'c Context) -> Self {
        Self {
            output: &context.output,
            steps: Vec::new(),
            standing: None,
        }
    }

    /// Where everything is said.
    pub(super) const fn output(&self) -> &Output {
        self.output
    }

    /// How things stand from now on, for whoever stops the program.
    pub(super) fn stands(&mut self, words: Failure) {
        // The new words are there before the old ones go.
        self.standing = Some(interrupt::told(self.output, move || words));
    }

    /// The steps so far.
    pub(super) fn steps(&self) -> &[StepReport] {
        &self.steps
    }

    /// Something that turns while there is nothing but to wait.
    pub(super) fn bar(&self, label: &'static str) -> Option<Bar> {
        (!self.output.is_json()).then(|| Bar::unknown(label))
    }
}

impl Aide for Narrator<'_> {
    fn since_epoch(&self) -> Duration {
        let since = clock_gettime(ClockId::Realtime);
        Duration::new(
            u64::try_from(since.tv_sec).unwrap_or_default(),
            u32::try_from(since.tv_nsec).unwrap_or_default(),
        )
    }

    fn took(&mut self, report: StepReport) {
        if !self.output.is_json() {
            let (number, title) = (report.step.number(), report.step.as_str());
            // What belongs to a step stands under it, and a SHA-256 fits into 80 columns.
            let detail = report.detail.replace('\n', "\n      ");
            // The longest title has 27 characters. Nobody who stops reading stops a move of the keys.
            let _ = self
                .output
                .text(&format!("{number:>2}  {title:<27}  {detail}"));
        }
        self.steps.push(report);
    }

    fn moment(&self) -> Moment {
        let since = clock_gettime(ClockId::Boottime);
        let hundredths = since.tv_sec * 100 + since.tv_nsec / 10_000_000;
        let boot = std::fs::read_to_string("/proc/sys/kernel/random/boot_id");
        Moment {
            boot: boot.unwrap_or_default().trim().to_owned(),
            hundredths: hundredths.unsigned_abs(),
        }
    }
}
