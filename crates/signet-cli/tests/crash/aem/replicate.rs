//! The keys of one installation copied to two others.

use std::path::Path;

use tempfile::TempDir;

use super::quickstart::{KeyPair, Quickstart};
use crate::installation::{Given, run, scratch};
use crate::trial::{Stake, Trial};

const AUTHOR: &str = "author";
const PUBLISH: [&str; 2] = ["publish-1", "publish-2"];

const REPLICATE: [&str; 8] = [
    "aem",
    "replicate",
    "--from",
    AUTHOR,
    "--to",
    PUBLISH[0],
    PUBLISH[1],
    "--accept",
];
const UNDO: [&str; 5] = ["aem", "replicate", "--undo", PUBLISH[0], PUBLISH[1]];

/// Three installations with keys of their own.
#[derive(Debug)]
struct Farm {
    directory: TempDir,
    source: KeyPair,
    targets: [KeyPair; 2],
}

impl Farm {
    fn new() -> Self {
        let farm = Self {
            directory: scratch(),
            source: KeyPair::beginning(1),
            targets: [60, 120].map(KeyPair::beginning),
        };
        let make = |name: &str, keys| {
            Quickstart::make(farm.directory.path().join(name), "Bundle", keys);
        };
        make(AUTHOR, farm.source);
        PUBLISH
            .iter()
            .zip(farm.targets)
            .for_each(|(name, keys)| make(name, keys));
        farm
    }
}

impl Stake for Farm {
    type Holdings = [Quickstart; 2];

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// Every installation finds both keys, each as it was before or as that of the source; and those of before are kept.
    fn unharmed_in(&self, root: &Path, _: Given<'_>) -> Result<Self::Holdings, String> {
        Quickstart(root.join(AUTHOR)).has(self.source)?;
        let targets = PUBLISH.map(|name| Quickstart(root.join(name)));
        for (target, own) in targets.iter().zip(self.targets) {
            target.has_either(own, self.source)?;
        }
        Ok(targets)
    }
}

#[test]
fn replicating_survives_every_crash() {
    let stake = Farm::new();
    let trial = Trial::new(&stake, &REPLICATE, |_, after: &[Quickstart; 2]| {
        after.iter().try_for_each(|target| {
            super::nothing_is_left_in(&target.places())?;
            target.has(stake.source)
        })
    });
    trial.run("aem replicate --from DIR --to DIR DIR");
}

#[test]
fn taking_it_back_survives_every_crash() {
    let stake = Farm::new();
    let trial = Trial::new(&stake, &UNDO, |_, after: &[Quickstart; 2]| {
        after
            .iter()
            .zip(stake.targets)
            .try_for_each(|(target, own)| {
                super::nothing_is_left_in(&target.places())?;
                target.has(own)
            })
    });
    let replicated = trial.after(|watched| {
        run(&watched.root(), &REPLICATE, "").unwrap();
    });
    replicated.run("aem replicate --undo DIR DIR");
}
