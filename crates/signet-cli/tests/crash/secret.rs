//! Keeping a secret, alone and together with the client that it belongs to.

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::holdings::Holdings;
use crate::installation::{Installation, run};
use crate::trial::{Stake as _, Trial};

const NEW: &str = "another secret";

/// An installation, and beside it a file with a secret.
fn installation() -> Installation {
    let installation = Installation::new();
    fs::write(installation.root().join("secret"), NEW).unwrap();
    installation
}

fn is_kept(after: &Holdings, place: &str) -> Result<(), String> {
    match after.secrets.get(place) {
        Some(secret) if secret == NEW => Ok(()),
        secret => Err(format!("the secret of {place} is {secret:?}")),
    }
}

#[test]
fn keeping_a_secret_survives_every_crash() {
    const PLACE: &str = "client/one/secret";
    let installation = installation();
    let protect = ["secret", "protect", PLACE, "--store", "--yes"];
    let words = [&protect[..], &["--file", "secret"]].concat();
    let trial = Trial::new(&installation, &words, |_, after| is_kept(after, PLACE));
    trial.seals(PLACE).run("secret protect --store");
}

#[test]
fn adding_a_client_survives_every_crash() {
    const PLACE: &str = "client/ims/secret";
    const ID: &str = "cm-p12345-e67890-integration";
    let installation = installation();
    let add = ["client", "add", "ims", "--preset", "adobe-ims"];
    let words = [&add[..], &["--client-id", ID, "--secret-file", "secret"]].concat();
    let is_added = |root: &Path, after: &Holdings| {
        is_kept(after, PLACE)?;
        let shown = run(root, &["client", "show", "ims", "--json"], "")?;
        let shown: Value = serde_json::from_str(&shown).unwrap();
        match shown["client_id"] == ID {
            true => Ok(()),
            false => Err(format!("the client is {shown}")),
        }
    };
    let trial = Trial::new(&installation, &words, is_added);
    trial.seals(PLACE).refuses_twice().run("client add");
}
