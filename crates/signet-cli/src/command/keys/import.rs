//! `signet keys import`

mod bundle;
mod granite;
mod loss;

use std::path::PathBuf;

use clap::{ArgGroup, Args};
use signet_bundle::{ForeignFarm, Loss};

use crate::command::Outcome;
use crate::context::Context;
use crate::place::Place;

const HELP: &str = "\
Taking in a bundle is a union: what is here stays, the later state of a key wins, and a revoked key stays revoked. \
Doing it twice changes nothing. Everything is verified before the first key is written; where it stops in the middle, \
doing it again finishes it. A bundle that would leave a ring here without an active key is refused; add --yes if a \
stolen key must go at once, whatever that costs.

The raw key files are those that AEM tools make: hmac with 32 bytes, master with 16. An hmac becomes a pending key of \
the hmac ring. A master is kept apart in keys/granite and opens {hex} values of Granite, nothing else.";

#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
#[command(group(ArgGroup::new("source").required(true).multiple(true).args(["bundle", "granite_hmac", "granite_master"])))]
pub(crate) struct Import {
    /// The bundle that signet keys export made for this instance; - is standard input
    #[arg(value_name = "BUNDLE", conflicts_with_all = ["granite_hmac", "granite_master"])]
    bundle: Option<PathBuf>,

    /// The card of the instance that made the bundle: accept it from that one only, and remember that one
    #[arg(long, value_name = "CARD", requires = "bundle")]
    from: Option<PathBuf>,

    /// Take keys of another farm, too: tokens of both are accepted from then on
    #[arg(long, requires = "bundle")]
    merge_farms: bool,

    /// Take it even if a ring is left without an active key, so that nobody can log in, or nothing can be sealed
    #[arg(long, requires = "bundle")]
    yes: bool,

    /// A raw hmac of Granite: exactly 32 bytes
    #[arg(long, value_name = "FILE")]
    granite_hmac: Option<PathBuf>,

    /// A raw master of Granite: exactly 16 bytes
    #[arg(long, value_name = "FILE")]
    granite_master: Option<PathBuf>,

    /// Let the hmac of Granite make tokens at once
    #[arg(long, requires = "granite_hmac")]
    activate: bool,
}

impl Import {
    pub(super) async fn run(self, context: &Context, place: &Place) -> anyhow::Result<Outcome> {
        match &self.bundle {
            Some(path) => {
                let foreign = match self.merge_farms {
                    true => ForeignFarm::Merge,
                    false => ForeignFarm::Refuse,
                };
                let loss = match self.yes {
                    true => Loss::Accept,
                    false => Loss::Refuse,
                };
                let from = self.from.as_deref();
                bundle::run(context, place, path, from, foreign, loss).await
            }
            None => {
                let files = granite::Files {
                    hmac: self.granite_hmac.as_deref(),
                    master: self.granite_master.as_deref(),
                };
                granite::run(context, place, files, self.activate).await
            }
        }
    }
}
