//! Sealing every value anew.

use signet_core::{KeyState, RingName};

use crate::installation::{Installation, SECRETS};
use crate::trial::Trial;

#[test]
fn resealing_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key(RingName::Master, KeyState::Active);
    let trial = Trial::new(&installation, &["secret", "reseal"], |_, after| match after
        .sealed
        .by_key
        .get(&key)
    {
        Some(&SECRETS) => Ok(()),
        _ => Err(format!("not all are sealed with {key}: {:?}", after.sealed)),
    });
    trial.run("secret reseal");
}
