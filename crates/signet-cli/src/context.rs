//! What every command is given.

use std::path::{Path, PathBuf};

use signet_core::UnixSeconds;

use crate::environment;
use crate::output::Output;
use crate::place::Place;

/// Where the data is unless it is said otherwise.
const DEFAULT_DATA: &str = "./signet-data";

#[derive(Debug)]
pub(crate) struct Context {
    pub(crate) output: Output,
    /// What `--data` says, if it was given.
    pub(crate) named_data: Option<PathBuf>,
    data: PathBuf,
    /// The words of the command, such as `keys relocate`, without anything that was given to it.
    command: String,
}

impl Context {
    pub(crate) fn new(output: Output, named_data: Option<PathBuf>, command: String) -> Self {
        let data = named_data
            .clone()
            .or_else(environment::data)
            .unwrap_or_else(|| PathBuf::from(DEFAULT_DATA));
        Self {
            output,
            named_data,
            data,
            command,
        }
    }

    /// The data directory, which need not exist.
    pub(crate) fn data(&self) -> &Path {
        &self.data
    }

    /// The data directory of an instance that was started before.
    pub(crate) fn place(&self) -> anyhow::Result<Place> {
        self.place_at(&self.data)
    }

    /// Another one.
    pub(crate) fn place_at(&self, data: &Path) -> anyhow::Result<Place> {
        Place::open(data, self.command.clone())
    }

    /// The present.
    #[allow(
        clippy::unused_self,
        reason = "commands take the time from what they are given"
    )]
    pub(crate) fn now(&self) -> UnixSeconds {
        signet_server::system_clock()
    }
}
