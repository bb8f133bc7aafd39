//! Who tells each step of a move as it is taken, and tries what is sealed.

use signet_keys::{CheckFailure, LoadedKeys, RelocationAide, StepReport};
use signet_server::{Config, DataDirectory, SealedValues};

use crate::context::Context;
use crate::output::Output;
use crate::progress::Bar;

pub(super) struct Narrator<'c> {
    output: &'c Output,
    sealed: SealedValues,
    steps: Vec<StepReport>,
    is_silent: bool,
}

impl<'c> Narrator<'c> {
    pub(super) fn new(context: &'c Context, data: &DataDirectory, config: &Config) -> Self {
        Self {
            output: &context.output,
            sealed: SealedValues::of(data, config),
            steps: Vec::new(),
            is_silent: context.output.is_json(),
        }
    }

    /// One that says nothing.
    pub(super) fn silent(context: &'c Context, data: &DataDirectory, config: &Config) -> Self {
        Self {
            is_silent: true,
            ..Self::new(context, data, config)
        }
    }

    /// There may be many sealed values.
    fn bar(&self) -> Option<Bar> {
        (!self.is_silent).then(|| Bar::unknown("Opening what is sealed"))
    }

    /// The steps so far.
    pub(super) fn steps(&self) -> &[StepReport] {
        &self.steps
    }
}

impl RelocationAide for Narrator<'_> {
    fn waits(&mut self) {
        self.output
            .note("Another command is changing the keys; this one waits until it is done.");
    }

    fn took(&mut self, report: &StepReport) {
        if !self.is_silent {
            let (number, detail) = (report.step.number(), &report.detail);
            let title = report.step.as_str();
            // The longest title has 32 characters. Nobody who stops reading stops a move of the keys.
            let _ = self
                .output
                .text(&format!("{number:>2}  {title:<32}  {detail}"));
        }
        self.steps.push(report.clone());
    }

    fn before(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        let _bar = self.bar();
        self.sealed.before(keys)
    }

    fn after(&mut self, keys: &LoadedKeys) -> Result<String, CheckFailure> {
        let _bar = self.bar();
        self.sealed.after(keys)
    }
}
