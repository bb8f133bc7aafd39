//! Taking in keys from another instance.

use std::fs;

use signet_core::{KeyState, RingName};
use signet_keys::Custody;
use signet_keys::granite::{GraniteKey, GraniteKeys};

use crate::holdings::Holdings;
use crate::installation::{DATA, Installation};
use crate::trial::{Stake as _, Trial};

#[test]
fn importing_a_bundle_survives_every_crash() {
    import(Installation::new(), "keys import BUNDLE");
}

#[test]
fn importing_a_bundle_into_the_repository_survives_every_crash() {
    let installation = Installation::with_keys_in_the_repository();
    import(installation, "keys import BUNDLE, in the repository");
}

fn import(mut installation: Installation, name: &str) {
    let mut sender = Installation::new();
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
    trial.run(name);
}

#[test]
fn importing_an_hmac_of_granite_survives_every_crash() {
    let installation = Installation::new();
    let hmac: Vec<u8> = (0x80..0xa0).collect();
    fs::write(installation.root().join("hmac"), hmac).unwrap();
    let import = ["keys", "import", "--granite-hmac", "hmac"];
    let here = &installation.holdings().keys;
    let trial = Trial::new(&installation, &import, |_, after| {
        let new = after
            .keys
            .iter()
            .filter(|(key, _)| !here.contains_key(*key));
        let new: Vec<_> = new.map(|((ring, _), (state, _))| (*ring, *state)).collect();
        match new == [(RingName::Hmac, KeyState::Pending)] {
            true => Ok(()),
            false => Err(format!("new are {new:?}")),
        }
    });
    trial.run("keys import --granite-hmac");
}

#[test]
fn importing_a_master_of_granite_survives_every_crash() {
    let installation = Installation::new();
    let master: Vec<u8> = (0x80..0x90).collect();
    fs::write(installation.root().join("master"), &master).unwrap();
    let import = ["keys", "import", "--granite-master", "master"];
    let trial = Trial::new(&installation, &import, |root, _| {
        let keys = root.join(DATA).join("keys");
        let loaded = GraniteKeys::load(&keys, Custody::Private);
        let loaded = loaded.map_err(|error| error.to_string())?;
        let bits: Vec<_> = loaded.keys.iter().map(GraniteKey::expose).collect();
        match (bits == [master.as_slice()], loaded.problems.as_slice()) {
            (true, []) => Ok(()),
            (_, problems) => Err(format!("there are {}, and {problems:?}", bits.len())),
        }
    });
    trial.run("keys import --granite-master");
}
