//! The keys of one installation sealed for another machine, taken in there, and taken back.

use std::fs;
use std::path::Path;

use tempfile::TempDir;

use super::quickstart::{KeyPair, Quickstart};
use crate::installation::{Given, copy, run, scratch};
use crate::trial::{Stake, Trial};

const AUTHOR: &str = "author";
const BUNDLE: &str = "keys.bundle";
const PUBLISH: [&str; 2] = ["publish-1", "publish-2"];

/// The author's machine has no identity yet.
const EXPORT: [&str; 9] = [
    "aem",
    "export",
    AUTHOR,
    "--for",
    "publish.card",
    "--out",
    BUNDLE,
    "--identity",
    "author-host",
];
const IMPORT: [&str; 11] = [
    "aem",
    "import",
    BUNDLE,
    "--to",
    PUBLISH[0],
    PUBLISH[1],
    "--accept",
    "--identity",
    "publish-host",
    "--sender",
    "author.card",
];
const UNDO: [&str; 5] = ["aem", "replicate", "--undo", PUBLISH[0], PUBLISH[1]];

/// Two machines in one directory: one whose installation has the keys, and one with installations that get them.
#[derive(Debug)]
struct Machines {
    directory: TempDir,
    source: KeyPair,
    targets: [KeyPair; 2],
    /// What was sent, if that was done before.
    bundle: Option<Vec<u8>>,
}

impl Machines {
    fn new() -> Self {
        let machines = Self {
            directory: scratch(),
            source: KeyPair::beginning(1),
            targets: [60, 120].map(KeyPair::beginning),
            bundle: None,
        };
        let make = |name: &str, keys| {
            Quickstart::make(machines.root().join(name), "Bundle", keys);
        };
        make(AUTHOR, machines.source);
        PUBLISH
            .iter()
            .zip(machines.targets)
            .for_each(|(name, keys)| make(name, keys));
        machines.card("publish");
        machines
    }

    /// With the bundle that was made on the one for the other.
    fn with_bundle() -> Self {
        let mut machines = Self::new();
        run(machines.root(), &EXPORT, "").unwrap();
        machines.card("author");
        machines.bundle = Some(fs::read(machines.root().join(BUNDLE)).unwrap());
        machines
    }

    /// The card of a machine, which gets an identity if it has none.
    fn card(&self, machine: &str) {
        let card = card_of(self.root(), machine).unwrap();
        fs::write(self.root().join(format!("{machine}.card")), card).unwrap();
    }
}

fn card_of(root: &Path, machine: &str) -> Result<String, String> {
    let identity = format!("{machine}-host");
    run(root, &["aem", "card", "--identity", &identity], "")
}

impl Stake for Machines {
    type Holdings = [Quickstart; 2];

    fn root(&self) -> &Path {
        self.directory.path()
    }

    /// The author is as it was; every other installation finds both keys, each as it was before or as that of the author; and
    /// those of before are kept.
    fn unharmed_in(&self, root: &Path, _: Given<'_>) -> Result<Self::Holdings, String> {
        let author = Quickstart(root.join(AUTHOR));
        author.has(self.source)?;
        if author.storage() != "Bundle" {
            return Err(format!("storage of the author says {:?}", author.storage()));
        }
        let targets = PUBLISH.map(|name| Quickstart(root.join(name)));
        for (target, own) in targets.iter().zip(self.targets) {
            target.has_either(own, self.source)?;
        }
        match fs::read(root.join(BUNDLE)).ok() {
            now if self.bundle.is_some() && now != self.bundle => {
                Err("the bundle was changed".to_owned())
            }
            Some(_) if self.bundle.is_none() => is_good(root).map(|()| targets),
            _ => Ok(targets),
        }
    }
}

/// The bundle opens on the machine that it is for, and what is in it goes into the installations there.
fn is_good(root: &Path) -> Result<(), String> {
    // On a copy: what comes into being here is not of the command that is tried.
    let there = scratch();
    copy(root, there.path());
    let card = card_of(there.path(), "author")?;
    fs::write(there.path().join("author.card"), card).unwrap();
    run(there.path(), &IMPORT, "").map(|_| ())
}

#[test]
fn sealing_keys_for_another_machine_survives_every_crash() {
    let stake = Machines::new();
    let trial = Trial::new(&stake, &EXPORT, |root, _| {
        super::nothing_is_left_in(&[root.join("author-host")])?;
        match root.join(BUNDLE).exists() {
            true => Ok(()),
            false => Err("there is no bundle".to_owned()),
        }
    });
    // A bundle that is there is not overwritten.
    trial.refuses_twice().run("aem export DIR --for CARD");
}

#[test]
fn taking_in_keys_of_another_machine_survives_every_crash() {
    let stake = Machines::with_bundle();
    let trial = Trial::new(&stake, &IMPORT, |root, after: &[Quickstart; 2]| {
        for target in after {
            super::nothing_is_left_in(&target.places())?;
            target.has(stake.source)?;
        }
        // The sender is known from now on.
        let (known, _) = IMPORT.split_at(IMPORT.len() - 2);
        run(root, &[known, &["--dry-run"]].concat(), "").map(|_| ())
    });
    trial.run("aem import BUNDLE --to DIR DIR");
}

#[test]
fn taking_it_back_survives_every_crash() {
    let stake = Machines::with_bundle();
    let trial = Trial::new(&stake, &UNDO, |_, after: &[Quickstart; 2]| {
        let mut targets = after.iter().zip(stake.targets);
        targets.try_for_each(|(target, own)| {
            super::nothing_is_left_in(&target.places())?;
            target.has(own)
        })
    });
    let imported = trial.after(|watched| {
        run(&watched.root(), &IMPORT, "").unwrap();
    });
    imported.run("aem replicate --undo DIR DIR, after an import");
}
