//! Who this machine is towards others that send keys of AEM, or get some.

use std::path::PathBuf;

use clap::Args;
use signet_bundle::{NodeIdentity, NodeName};

use crate::environment;
use crate::failure::Failure;

/// What every command takes that seals keys of AEM, or opens them.
#[derive(Debug, Args)]
pub(super) struct Machine {
    /// The directory with the identity of this machine and the senders it trusts; the node folder of a Signet instance will do [default: ~/.signet/node]
    #[arg(long, value_name = "DIR")]
    identity: Option<PathBuf>,
}

impl Machine {
    /// The directory of the identity.
    pub(super) fn directory(&self) -> anyhow::Result<PathBuf> {
        if let Some(directory) = &self.identity {
            return Ok(directory.clone());
        }
        let home = environment::home().ok_or_else(|| {
            Failure::new("there is no home directory for the identity of this machine")
                .hint("name a directory with --identity")
        })?;
        Ok(home.join(".signet/node"))
    }

    /// The identity, which is made when it is first needed.
    pub(super) fn make(&self) -> anyhow::Result<NodeIdentity> {
        Ok(NodeIdentity::open_or_create(&self.directory()?)?)
    }

    /// The identity, which something was sealed for.
    pub(super) fn open(&self) -> anyhow::Result<NodeIdentity> {
        let directory = self.directory()?;
        NodeIdentity::open(&directory)?.ok_or_else(|| {
            let message = format!(
                "this machine has no identity in {}, so no bundle can be for it",
                directory.display()
            );
            let hint = "signet aem card makes one and prints its card, which belongs to the --for of signet aem export; run both as the same user, or name the directory with --identity";
            Failure::new(message).hint(hint).into()
        })
    }
}

/// What this machine calls itself.
pub(super) fn name() -> NodeName {
    NodeName::resembling(&environment::host().unwrap_or_default())
}
