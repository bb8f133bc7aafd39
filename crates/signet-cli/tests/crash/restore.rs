//! Putting a backup into the place of an installation that went on since.

use std::fs;
use std::path::Path;

use signet_core::{KeyState, RingName};

use crate::holdings::Holdings;
use crate::installation::{DATA, Installation};
use crate::trial::{Stake as _, Trial};

/// Beside the data directory is only what was put aside, once by each run that began anew.
fn is_tidy(root: &Path) -> Result<(), String> {
    let entries = fs::read_dir(root).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let names: Vec<String> = names
        .filter(|name| name.contains(DATA) && name != DATA)
        .collect();
    let aside = format!("{DATA}.before-restore-");
    match names.len() {
        1 | 2 if names.iter().all(|name| name.starts_with(&aside)) => Ok(()),
        _ => Err(format!("what is left is {names:?}")),
    }
}

/// The place whose secret was replaced after the backup.
const REPLACED: &str = "client/one/secret";

// S6
#[test]
fn restoring_survives_every_crash() {
    let mut installation = Installation::new();
    let card = installation.does(&["node", "show"]);
    fs::write(installation.root().join("card"), card).unwrap();
    installation.does(&["user", "group", "add", "alice", "staff"]);
    installation.does(&["backup", "backup.age", "--for", "card"]);
    // What must come back: a group of a user, and a secret.
    let (users, secrets) = {
        let backed_up = installation.holdings();
        (backed_up.users.clone(), backed_up.secrets.clone())
    };
    installation.does(&["user", "group", "remove", "alice", "staff"]);
    fs::write(installation.root().join("new"), "another secret").unwrap();
    installation.does(&[
        "secret", "protect", REPLACED, "--store", "--yes", "--file", "new",
    ]);
    assert_ne!(installation.holdings().users, users);
    assert_ne!(installation.holdings().secrets, secrets);
    // What must not be taken back: a key that is revoked, and one that the backup does not have.
    let stolen = installation.key(RingName::Hmac, KeyState::Pending);
    installation.does(&["keys", "revoke", &stolen.to_string(), "--yes"]);
    installation.does(&["keys", "rotate"]);

    let restore = ["restore", "backup.age", "--replace"];
    let trial = Trial::new(&installation, &restore, |root, after| {
        if (&after.users, &after.secrets) != (&users, &secrets) {
            return Err(format!("what came back is {after:?}"));
        }
        is_tidy(root)
    });
    trial.seals(REPLACED).run("restore FILE --replace");
}

#[test]
fn restoring_where_nothing_is_survives_every_crash() {
    const LOST: &str = "lost";
    let mut installation = Installation::new();
    let card = installation.does(&["node", "show"]);
    fs::write(installation.root().join("card"), card).unwrap();
    installation.does(&["backup", "backup.age", "--for", "card"]);
    let expected = Holdings::of(&installation.root().join(DATA), &[]).unwrap();

    let restore = [
        &["restore", "backup.age", "--data", LOST, "--keep-sessions"][..],
        &["--identity", "data/node/age.key", "--from", "card"],
    ];
    let trial = Trial::new(&installation, &restore.concat(), |root, _| {
        let restored = Holdings::of(&root.join(LOST), &[])?;
        let holds = |holdings: &Holdings| {
            let Holdings { keys, sealed, .. } = holdings;
            let (secrets, users) = (&holdings.secrets, &holdings.users);
            (keys.clone(), sealed.clone(), secrets.clone(), users.clone())
        };
        match holds(&restored) == holds(&expected) {
            true => Ok(()),
            false => Err(format!("{restored:?} is not {expected:?}")),
        }
    });
    trial.refuses_twice().run("restore FILE");
}
