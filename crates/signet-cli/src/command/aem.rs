//! `signet aem`

mod access;
mod card;
mod check;
mod compare;
mod encapsulate;
mod export;
mod findings;
mod import;
mod inspect;
mod machine;
mod master;
mod protect;
mod rekey;
mod relocate;
mod replicate;
mod service;

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::Outcome;
use crate::context::Context;

/// Existing installations of AEM 6.x: where their keys are, and what is wrong with them
#[derive(Debug, Args)]
pub(crate) struct Aem {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Show where an installation keeps its keys, and everything about them that is not in order; changes nothing
    Inspect(inspect::Inspect),
    /// Put several installations or running instances side by side, and show what differs
    Compare(compare::Compare),
    /// Look at a running instance: bundles, token handler, providers of identities, health checks; changes nothing
    Check(check::Check),
    /// Turn encapsulated tokens on for all instances of a farm, or off
    Encapsulate(encapsulate::Encapsulate),
    /// Move the keys out of the repository into files: the fifteen steps of Adobe's article, with a backup and a proof
    Relocate(Box<relocate::Relocate>),
    /// Copy hmac and master of one installation to others, with a backup on each and a proof afterwards
    Replicate(Box<replicate::Replicate>),
    /// Seal hmac and master of an installation for other machines
    Export(export::Export),
    /// Take the keys from a bundle that signet aem export made for this machine into installations
    Import(Box<import::Import>),
    /// Show the card of this machine, for whoever sends keys of AEM to it or gets some from it
    Card(card::Card),
    /// Seal protected strings in content anew after a change of the master key: all or nothing, with a backup
    Rekey(rekey::Rekey),
    /// Protect a secret as AEM does, with a raw master key
    Protect(protect::Protect),
    /// Open a protected string of AEM with a raw master key
    Unprotect(protect::Unprotect),
}

impl Aem {
    pub(crate) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        match &self.action {
            Action::Inspect(inspect) => inspect.run(context),
            Action::Compare(compare) => compare.run(context).await,
            Action::Check(check) => check.run(context).await,
            Action::Encapsulate(encapsulate) => encapsulate.run(context).await,
            Action::Relocate(relocate) => relocate.run(context).await,
            Action::Replicate(replicate) => replicate.run(context).await,
            Action::Export(export) => export.run(context),
            Action::Import(import) => import.run(context).await,
            Action::Card(card) => card.run(context),
            Action::Rekey(rekey) => rekey.run(context),
            Action::Protect(protect) => protect.run(context),
            Action::Unprotect(unprotect) => unprotect.run(context),
        }
    }
}

/// A path as it can be named from anywhere.
fn whole(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}
