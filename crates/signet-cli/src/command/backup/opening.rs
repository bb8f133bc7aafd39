//! With what a backup is opened.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use signet_backup::{SealKind, Unseal, read_identities};
use signet_bundle::NodeIdentity;

use crate::artefact;
use crate::context::Context;
use crate::failure::Failure;
use crate::prompt;
use crate::secret;

/// A passphrase, or a key.
#[derive(Debug, Args)]
pub(crate) struct Opening {
    /// Read the passphrase from the one line of this file, - for standard input, instead of asking
    #[arg(long, value_name = "FILE")]
    pub(crate) passphrase_file: Option<PathBuf>,

    /// The age key that a backup was sealed for, when it is opened; by default the key of this instance
    #[arg(long, value_name = "FILE", conflicts_with = "passphrase_file")]
    identity: Option<PathBuf>,
}

impl Opening {
    /// Nothing is opened when a backup is made.
    pub(crate) fn refuse_identity(&self) -> anyhow::Result<()> {
        match self.identity {
            None => Ok(()),
            Some(_) => Err(
                Failure::new("--identity opens a backup, and none is opened")
                    .hint("add --check, or seal it for somebody with --for")
                    .into(),
            ),
        }
    }

    /// What opens the backup at `path`, asked for where it is needed.
    pub(crate) fn unseal(&self, context: &Context, path: &Path) -> anyhow::Result<Unseal> {
        let kind = SealKind::of(path)
            .with_context(|| format!("the backup {} cannot be opened", path.display()))?;
        if let Some(file) = &self.passphrase_file {
            return Ok(Unseal::Passphrase(secret::from_file(file, "passphrase")?));
        }
        if let Some(file) = &self.identity {
            return identities(file);
        }
        match kind {
            SealKind::Passphrase if prompt::is_possible() => {
                Ok(Unseal::Passphrase(prompt::hidden("Passphrase of the backup")?))
            }
            SealKind::Passphrase => {
                let failure = Failure::new("the backup is sealed with a passphrase, and there is no terminal to ask at");
                Err(failure.hint("add --passphrase-file FILE").into())
            }
            SealKind::Recipients => match NodeIdentity::open(&context.data().join("node")) {
                Ok(Some(identity)) => Ok(Unseal::Identities(vec![identity.age_identity().clone()])),
                _ => Err(Failure::new("the backup is sealed for a key, and this instance has none")
                    .hint("name the key with --identity FILE: node/age.key of the instance it is for, or what age-keygen made")
                    .into()),
            },
        }
    }
}

fn identities(file: &Path) -> anyhow::Result<Unseal> {
    const LARGEST: usize = 64 * 1_024;
    let bytes = artefact::read(file, LARGEST, "key")?;
    read_identities(&bytes)
        .map(Unseal::Identities)
        .with_context(|| format!("{} opens no backup", file.display()))
}
