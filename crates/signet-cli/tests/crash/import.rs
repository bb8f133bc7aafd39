//! Taking in keys from another instance.

use std::fs;
use std::path::Path;

use crate::installation::{Installation, keys, run};
use crate::trial::Trial;

#[test]
fn importing_a_bundle_survives_every_crash() {
    let installation = Installation::new();
    let sender = Installation::new();
    let (here, there) = (installation.root(), sender.root());
    let card = |root: &Path| run(root, &["node", "show"], "").unwrap();
    fs::write(there.join("receiver.card"), card(here)).unwrap();
    fs::write(here.join("sender.card"), card(there)).unwrap();
    let export = [
        "keys",
        "export",
        "--for",
        "receiver.card",
        "--out",
        "bundle",
    ];
    run(there, &export, "").unwrap();
    fs::copy(there.join("bundle"), here.join("bundle")).unwrap();

    // Every key of the sender but the revoked one, which only is known to be revoked.
    let mut sent = keys(there);
    sent.retain(|_, state| state != "revoked");
    let import = [
        "keys",
        "import",
        "bundle",
        "--from",
        "sender.card",
        "--merge-farms",
    ];
    let trial = Trial::new(&installation, &import, |root| {
        let after = keys(root);
        match sent.keys().find(|key| !after.contains_key(*key)) {
            Some((ring, id)) => Err(format!("key {id} of ring {ring} did not arrive")),
            None => Ok(()),
        }
    });
    trial.run("keys import BUNDLE");
}
