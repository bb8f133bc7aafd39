//! What changes single keys.

use signet_core::{KeyId, KeyState, RingName};

use crate::holdings::Holdings;
use crate::installation::Installation;
use crate::trial::Trial;

const RING: RingName = RingName::Hmac;

/// One key makes tokens, and `former` does no more.
fn is_rotated(after: &Holdings, former: KeyId) -> Result<(), String> {
    let active = after
        .keys
        .iter()
        .filter(|((ring, _), (state, _))| *ring == RING && *state == KeyState::Active);
    match (after.state(RING, former), active.count()) {
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
    let installation = Installation::new();
    let former = installation.key(RING, KeyState::Active);
    let rotate = ["keys", "rotate"];
    Trial::new(&installation, &rotate, |_, after| is_rotated(after, former)).run("keys rotate");
}

#[test]
fn activating_survives_every_crash() {
    let installation = Installation::new();
    let former = installation.key(RING, KeyState::Active);
    let key = installation.key(RING, KeyState::Pending);
    let name = key.to_string();
    let trial = Trial::new(&installation, &["keys", "activate", &name], |_, after| {
        has_become(after, key, KeyState::Active)?;
        is_rotated(after, former)
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
