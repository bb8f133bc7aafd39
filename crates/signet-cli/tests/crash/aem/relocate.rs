//! Keys moved out of the repository into files, while AEM is stopped; and back.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::quickstart::{KeyPair, Quickstart};
use crate::installation::{Given, run, scratch};
use crate::trial::{Stake, Trial};

const FOLDER: &str = "crx-quickstart";

const RELOCATE: [&str; 8] = [
    "aem", "relocate", FOLDER, "--hmac", "hmac", "--master", "master", "--yes",
];
const UNDO: [&str; 6] = [
    "aem",
    "relocate",
    FOLDER,
    "--undo",
    "crx-quickstart/signet-relocation",
    "--yes",
];

/// An installation that was upgraded: its keys are in the repository, and beside it are files with them as they were downloaded.
/// Where they are going to be lie others.
#[derive(Debug)]
struct Upgraded {
    directory: TempDir,
    keys: KeyPair,
    others: KeyPair,
}

impl Upgraded {
    fn new() -> Self {
        let upgraded = Self {
            directory: scratch(),
            keys: KeyPair::beginning(1),
            others: KeyPair::beginning(100),
        };
        let folder = upgraded.directory.path().join(FOLDER);
        Quickstart::make(folder, "JCR", upgraded.others);
        for (name, bytes) in upgraded.keys.both() {
            fs::write(upgraded.directory.path().join(name), bytes).unwrap();
        }
        upgraded
    }
}

impl Stake for Upgraded {
    type Holdings = Quickstart;

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// What AEM finds that is started at this moment.
    fn unharmed_in(&self, root: &Path, _: Given<'_>) -> Result<Quickstart, String> {
        let after = Quickstart(root.join(FOLDER));
        match after.storage().as_str() {
            // The repository has the keys as before.
            "JCR" => {}
            "Bundle" => after.has(self.keys)?,
            other => return Err(format!("storage says {other:?}")),
        }
        let backup = after.0.join("signet-relocation");
        after.has_or_keeps(self.others, &backup)?;
        Ok(after)
    }
}

fn is_relocated(after: &Quickstart) -> Result<(), String> {
    super::nothing_is_left_in(&after.places())?;
    match after.storage().as_str() {
        "Bundle" => Ok(()),
        other => Err(format!("storage says {other:?}")),
    }
}

#[test]
fn relocating_survives_every_crash() {
    let stake = Upgraded::new();
    let trial = Trial::new(&stake, &RELOCATE, |_, after| is_relocated(after));
    trial.run("aem relocate DIR --hmac FILE --master FILE");
}

#[test]
fn taking_it_back_survives_every_crash() {
    let stake = Upgraded::new();
    let trial = Trial::new(&stake, &UNDO, |_, after: &Quickstart| {
        super::nothing_is_left_in(&after.places())?;
        match after.storage().as_str() {
            "JCR" => after.has(stake.others),
            other => Err(format!("storage says {other:?}")),
        }
    });
    let relocated = trial.after(|watched| {
        run(&watched.root(), &RELOCATE, "").unwrap();
    });
    relocated.run("aem relocate DIR --undo BACKUP");
}
