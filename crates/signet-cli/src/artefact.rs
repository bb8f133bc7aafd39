//! Files that travel between instances: read whole but never too much, and written once.

use std::fs::{self, File};
use std::io::{self, IsTerminal as _, Read};
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use signet_keys::atomic;
use zeroize::Zeroizing;

use crate::context::Context;
use crate::failure::Failure;

/// Reads the file at `path`, or standard input where that is `-`: at most `limit` bytes and one more, which shows that
/// there would have been more.
pub(crate) fn read(path: &Path, limit: usize, what: &str) -> anyhow::Result<Zeroizing<Vec<u8>>> {
    let source = name(path, "standard input");
    let reading = || format!("the {what} could not be read from {source}");
    if path == Path::new("-") {
        return take(io::stdin().lock(), limit).with_context(reading);
    }
    if fs::metadata(path).with_context(reading)?.is_dir() {
        return Err(Failure::new(format!("{source} is a directory, not the {what}")).into());
    }
    take(File::open(path).with_context(reading)?, limit).with_context(reading)
}

fn take(source: impl Read, limit: usize) -> io::Result<Zeroizing<Vec<u8>>> {
    // Never grown: growing would leave a copy of what may be a secret behind.
    let most = limit.saturating_add(1);
    let mut bytes = Zeroizing::new(Vec::with_capacity(most));
    source.take(most as u64).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// Where what is made goes.
#[derive(Debug, Args)]
pub(crate) struct Destination {
    /// Where to write it; - is standard output, which is also the default
    #[arg(long, alias = "output", value_name = "FILE")]
    out: Option<PathBuf>,
}

/// What a file that is made consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Content<'c> {
    Text(&'c str),
    Binary(&'c [u8]),
}

impl Destination {
    /// Refuses what [`write`](Self::write) would refuse, before anything is made.
    pub(crate) fn check(&self, context: &Context, what: &str) -> anyhow::Result<()> {
        if let Some(path) = self.file() {
            if fs::symlink_metadata(path).is_ok() {
                let message = format!(
                    "{} is there already, and is not overwritten",
                    path.display()
                );
                return Err(Failure::new(message)
                    .hint("name another file with --out, or remove that one")
                    .into());
            }
            return Ok(());
        }
        if context.output.is_json() {
            let message =
                format!("the {what} and the JSON document cannot both go to standard output");
            return Err(Failure::new(message).hint("name a file with --out").into());
        }
        Ok(())
    }

    /// Writes a new file of mode 0600, or to standard output.
    pub(crate) fn write(
        &self,
        context: &Context,
        content: Content<'_>,
        what: &str,
    ) -> anyhow::Result<()> {
        self.check(context, what)?;
        let bytes = match content {
            Content::Text(text) => text.as_bytes(),
            Content::Binary(bytes) => bytes,
        };
        if let Some(path) = self.file() {
            return Ok(atomic::write(path, bytes)?);
        }
        if matches!(content, Content::Binary(_)) {
            self.check_binary(what)?;
        }
        context.output.bytes(bytes)
    }

    /// Refuses a terminal for what is binary.
    pub(crate) fn check_binary(&self, what: &str) -> anyhow::Result<()> {
        if self.file().is_none() && io::stdout().is_terminal() {
            let message = format!("the {what} is binary, and nothing for a terminal");
            return Err(Failure::new(message).hint("name a file with --out").into());
        }
        Ok(())
    }

    /// The file, unless it goes to standard output.
    pub(crate) fn file(&self) -> Option<&Path> {
        self.out.as_deref().filter(|path| *path != Path::new("-"))
    }

    /// What it is called in an answer.
    pub(crate) fn name(&self) -> String {
        self.file().map_or_else(
            || "standard output".to_owned(),
            |path| path.display().to_string(),
        )
    }
}

fn name(path: &Path, stream: &str) -> String {
    match path == Path::new("-") {
        true => stream.to_owned(),
        false => path.display().to_string(),
    }
}
