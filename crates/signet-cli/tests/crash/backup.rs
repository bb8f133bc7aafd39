//! Making a backup: never half a file under its name, and nothing of a killed one that stays.

use std::fs;
use std::path::Path;

use crate::installation::{DATA, Installation, run};
use crate::trial::{Stake as _, Trial};

const FILE: &str = "backup.age";

/// The file is there, opens, and every byte in it is as it was put there.
fn is_whole(root: &Path, file: &str) -> Result<(), String> {
    let check = ["backup", file, "--check", "--identity", "data/node/age.key"];
    run(root, &check, "").map(|_| ())
}

/// What backups leave while they are made.
fn leftovers(root: &Path) -> Vec<String> {
    let entries = [root.to_owned(), root.join(DATA)]
        .into_iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap());
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    names
        .filter(|name| name.ends_with(".part") || name.starts_with(".backup-"))
        .collect()
}

// S6
#[test]
fn backing_up_survives_every_crash() {
    let mut installation = Installation::new();
    let card = installation.does(&["node", "show"]);
    fs::write(installation.root().join("card"), card).unwrap();
    let words = ["backup", FILE, "--for", "card"];
    let trial = Trial::new(&installation, &words, |root, _| {
        is_whole(root, FILE)?;
        // The next one takes away what a killed one left.
        run(root, &["backup", "next.age", "--for", "card"], "")?;
        is_whole(root, "next.age")?;
        match leftovers(root).as_slice() {
            [] => Ok(()),
            left => Err(format!("{left:?} are left")),
        }
    });
    trial.refuses_twice().run("backup");
}
