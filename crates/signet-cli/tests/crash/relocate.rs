//! Moving the keys from one place to the other, and back.

use std::fs;
use std::path::{Path, PathBuf};

use data_encoding::BASE64URL_NOPAD;
use memchr::memmem;
use serde_json::Value;
use signet_keys::ProviderName;

use crate::holdings::Holdings;
use crate::installation::{DATA, Installation};
use crate::trial::{Stake as _, Trial};

/// Keys as they stand in files and rows: their bits, and the text that stands for them.
struct Bits(Vec<(String, Vec<u8>)>);

impl Bits {
    /// Those of an installation whose keys are in files.
    fn of(installation: &Installation) -> Self {
        let mut bits = Vec::new();
        for path in files(installation.root()) {
            let jwk: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            let text = jwk["k"].as_str().unwrap().as_bytes();
            let name = jwk["kid"].as_str().unwrap().to_owned();
            bits.push((name.clone(), BASE64URL_NOPAD.decode(text).unwrap()));
            bits.push((name, text.to_vec()));
        }
        assert_eq!(bits.len(), 2 * 7);
        Self(bits)
    }

    // O6
    /// No part of the repository has any of them.
    fn are_not_in_the_repository_of(&self, root: &Path) -> Result<(), String> {
        for name in ["repository.db", "repository.db-wal", "repository.db-shm"] {
            let bytes = fs::read(root.join(DATA).join(name)).unwrap_or_default();
            for (key, bits) in &self.0 {
                if memmem::find(&bytes, bits).is_some() {
                    return Err(format!("bits of key {key} are still in {name}"));
                }
            }
        }
        Ok(())
    }
}

/// The files that hold keys.
fn files(root: &Path) -> Vec<PathBuf> {
    let directories = ["hmac", "master"].map(|ring| root.join(DATA).join("keys").join(ring));
    let entries = directories
        .iter()
        .flat_map(|ring| fs::read_dir(ring).unwrap());
    entries.map(|entry| entry.unwrap().path()).collect()
}

/// All keys are in `place`, nothing is wrong with them, and `storage` says so, to the byte.
fn are_in(place: ProviderName, root: &Path, after: &Holdings) -> Result<(), String> {
    let storage = fs::read(root.join(DATA).join("keys/storage")).unwrap();
    if storage != place.as_str().as_bytes() {
        return Err(format!("storage says {storage:?}"));
    }
    if let Some(((_, id), (_, is))) = after.keys.iter().find(|(_, (_, is))| *is != place) {
        return Err(format!("key {id} is in {is}"));
    }
    if !after.problems.is_empty() {
        return Err(format!("{:?}", after.problems));
    }
    let files = files(root);
    match place {
        ProviderName::Repository if !files.is_empty() => Err(format!("{files:?} are left")),
        _ => Ok(()),
    }
}

const TO_FILE: [&str; 4] = ["keys", "relocate", "--to", "file"];
const TO_REPOSITORY: [&str; 4] = ["keys", "relocate", "--to", "repository"];
const UNDO: [&str; 3] = ["keys", "relocate", "--undo"];

/// The same in both cases: out of the repository, without a trace there.
fn out_of_the_repository(words: &[&'static str]) {
    let mut installation = Installation::new();
    let bits = Bits::of(&installation);
    installation.does(&TO_REPOSITORY);
    let trial = Trial::new(&installation, words, |root, after| {
        are_in(ProviderName::File, root, after)?;
        bits.are_not_in_the_repository_of(root)
    });
    trial.run(&words.join(" "));
}

#[test]
fn relocating_to_files_survives_every_crash() {
    out_of_the_repository(&TO_FILE);
}

#[test]
fn undoing_a_relocation_survives_every_crash() {
    out_of_the_repository(&UNDO);
}

#[test]
fn undoing_it_back_into_the_repository_survives_every_crash() {
    let mut installation = Installation::with_keys_in_the_repository();
    installation.does(&TO_FILE);
    let trial = Trial::new(&installation, &UNDO, |root, after| {
        are_in(ProviderName::Repository, root, after)
    });
    trial.run("keys relocate --undo, back into the repository");
}

#[test]
fn relocating_to_the_repository_survives_every_crash() {
    let installation = Installation::new();
    let trial = Trial::new(&installation, &TO_REPOSITORY, |root, after| {
        are_in(ProviderName::Repository, root, after)
    });
    trial.run("keys relocate --to repository");
}
