//! What changes single keys.

use std::path::Path;

use crate::installation::{Installation, Keys, keys};
use crate::trial::Trial;

/// The states of the `hmac` keys, in order.
fn states(keys: &Keys) -> Vec<&str> {
    let mut states: Vec<&str> = keys
        .iter()
        .filter(|((ring, _), _)| ring == "hmac")
        .map(|(_, state)| state.as_str())
        .collect();
    states.sort_unstable();
    states
}

/// One key makes tokens, and it is none of those that were there.
fn rotated(installation: &Installation, root: &Path) -> Result<(), String> {
    let after = keys(root);
    let active = states(&after)
        .iter()
        .filter(|state| **state == "active")
        .count();
    let old = installation.key("hmac", "active");
    match &after[&("hmac".to_owned(), old.to_owned())] {
        state if state == "verify-only" && active == 1 => Ok(()),
        state => Err(format!("the old key is {state}, {active} are active")),
    }
}

fn has_become(root: &Path, ring: &str, key: &str, state: &str) -> Result<(), String> {
    match keys(root).get(&(ring.to_owned(), key.to_owned())) {
        Some(is) if is == state => Ok(()),
        is => Err(format!("key {key} is {is:?}, not {state}")),
    }
}

#[test]
fn rotating_survives_every_crash() {
    let installation = Installation::new();
    let rotate = ["keys", "rotate"];
    Trial::new(&installation, &rotate, |root| rotated(&installation, root)).run("keys rotate");
}

#[test]
fn activating_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key("hmac", "pending");
    let activate = ["keys", "activate", key];
    Trial::new(&installation, &activate, |root| {
        has_become(root, "hmac", key, "active")?;
        rotated(&installation, root)
    })
    .run("keys activate");
}

#[test]
fn revoking_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key("hmac", "pending");
    let revoke = ["keys", "revoke", key, "--yes"];
    Trial::new(&installation, &revoke, |root| {
        has_become(root, "hmac", key, "revoked")
    })
    .run("keys revoke");
}

#[test]
fn retiring_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key("hmac", "revoked");
    let retire = ["keys", "retire", key];
    Trial::new(&installation, &retire, |root| {
        match keys(root).contains_key(&("hmac".to_owned(), key.to_owned())) {
            true => Err(format!("key {key} is still there")),
            false => Ok(()),
        }
    })
    .removes(key)
    .refuses_twice()
    .run("keys retire");
}
