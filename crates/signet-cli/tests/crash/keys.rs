//! What changes single keys.

use signet_core::{KeyId, KeyState, RingName};

use crate::holdings::Holdings;
use crate::installation::Installation;
use crate::trial::Trial;

const RING: RingName = RingName::Hmac;

/// How many keys of `ring` are active.
fn active(ring: RingName, after: &Holdings) -> usize {
    let states = after.keys.iter().filter(|((of, _), _)| *of == ring);
    states
        .filter(|(_, (state, _))| *state == KeyState::Active)
        .count()
}

/// One key makes tokens or seals, and `former` does no more.
fn is_rotated(ring: RingName, after: &Holdings, former: KeyId) -> Result<(), String> {
    match (after.state(ring, former), active(ring, after)) {
        (Some(KeyState::VerifyOnly), 1) => Ok(()),
        (state, active) => Err(format!("the former key is {state:?}, {active} are active")),
    }
}

fn has_become(after: &Holdings, key: KeyId, state: KeyState) -> Result<(), String> {
    match after.state(RING, key) {
        Some(is) if is == state => Ok(()),
        is => Err(format!("key {key} is {is:?}, not {state}")),
    }
}

#[test]
fn rotating_survives_every_crash() {
    rotate(&Installation::new(), RING, "keys rotate");
}

#[test]
fn rotating_in_the_repository_survives_every_crash() {
    let installation = Installation::with_keys_in_the_repository();
    rotate(&installation, RING, "keys rotate, in the repository");
}

#[test]
fn rotating_what_seals_survives_every_crash() {
    let installation = Installation::new();
    rotate(&installation, RingName::Master, "keys rotate --ring master");
}

fn rotate(installation: &Installation, ring: RingName, name: &str) {
    let former = installation.key(ring, KeyState::Active);
    let words = ["keys", "rotate", "--ring", ring.as_str()];
    Trial::new(installation, &words, |_, after| {
        is_rotated(ring, after, former)
    })
    .run(name);
}

#[test]
fn activating_survives_every_crash() {
    let installation = Installation::new();
    let former = installation.key(RING, KeyState::Active);
    let key = installation.key(RING, KeyState::Pending);
    let name = key.to_string();
    let trial = Trial::new(&installation, &["keys", "activate", &name], |_, after| {
        has_become(after, key, KeyState::Active)?;
        is_rotated(RING, after, former)
    });
    trial.run("keys activate");
}

#[test]
fn revoking_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key(RING, KeyState::Pending);
    let name = key.to_string();
    let revoke = ["keys", "revoke", &name, "--yes"];
    let trial = Trial::new(&installation, &revoke, |_, after| {
        has_become(after, key, KeyState::Revoked)
    });
    trial.run("keys revoke");
}

#[test]
fn revoking_the_active_key_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key(RING, KeyState::Active);
    let name = key.to_string();
    let revoke = ["keys", "revoke", &name, "--rotate", "--yes"];
    let trial = Trial::new(&installation, &revoke, |_, after| {
        has_become(after, key, KeyState::Revoked)?;
        match (active(RING, after), after.refused.len()) {
            (1, 1) => Ok(()),
            (active, _) => Err(format!("{active} are active, refused: {:?}", after.refused)),
        }
    });
    trial.revokes(key).run("keys revoke --rotate");
}

#[test]
fn retiring_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key(RING, KeyState::Revoked);
    let name = key.to_string();
    let trial = Trial::new(
        &installation,
        &["keys", "retire", &name],
        |_, after| match after.state(RING, key) {
            Some(state) => Err(format!("key {key} is still there, {state}")),
            None => Ok(()),
        },
    );
    trial.removes(key).refuses_twice().run("keys retire");
}
