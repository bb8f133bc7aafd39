//! Taking in keys from another instance.

use std::fs;

use signet_core::KeyState;

use crate::holdings::Holdings;
use crate::installation::{DATA, Installation};
use crate::trial::Trial;

#[test]
fn importing_a_bundle_survives_every_crash() {
    let (mut installation, mut sender) = (Installation::new(), Installation::new());
    let card = installation.does(&["node", "show"]);
    fs::write(sender.root().join("receiver.card"), card).unwrap();
    let card = sender.does(&["node", "show"]);
    fs::write(installation.root().join("sender.card"), card).unwrap();
    sender.does(&[
        "keys",
        "export",
        "--for",
        "receiver.card",
        "--out",
        "bundle",
    ]);
    fs::copy(
        sender.root().join("bundle"),
        installation.root().join("bundle"),
    )
    .unwrap();

    // Every key of the sender but the revoked one, of which only the name travels.
    let mut sent = Holdings::of(&sender.root().join(DATA), &[]).unwrap().keys;
    sent.retain(|_, (state, _)| *state != KeyState::Revoked);
    let import = [
        "keys",
        "import",
        "bundle",
        "--from",
        "sender.card",
        "--merge-farms",
    ];
    let trial = Trial::new(&installation, &import, |_, after| {
        match sent.keys().find(|key| !after.keys.contains_key(*key)) {
            Some((ring, id)) => Err(format!("key {id} of ring {ring} did not arrive")),
            None => Ok(()),
        }
    });
    trial.run("keys import BUNDLE");
}
