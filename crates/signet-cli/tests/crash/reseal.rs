//! Sealing every value anew.

use crate::installation::{Installation, SECRETS, document};
use crate::trial::Trial;

#[test]
fn resealing_survives_every_crash() {
    let installation = Installation::new();
    let key = installation.key("master", "active");
    let trial = Trial::new(&installation, &["secret", "reseal"], |root| {
        let checked = document(root, &["secret", "check"])?;
        match checked["sealed_by"][key].as_u64() {
            Some(SECRETS) => Ok(()),
            _ => Err(format!(
                "not all are sealed with {key}: {}",
                checked["sealed_by"]
            )),
        }
    });
    trial.run("secret reseal");
}
