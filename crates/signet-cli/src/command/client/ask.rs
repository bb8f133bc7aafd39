//! Asking endpoints, and saying why there is no token.

use std::sync::Arc;

use signet_oauth::{ClientName, Diagnosis, PATIENCE, TokenError, Tokens};
use signet_secret::MasterKeys;
use signet_server::{Sighting, last_seen};

use crate::failure::Failure;
use crate::output::visible;
use crate::place::Place;

/// Somebody who asks.
pub(super) fn tokens() -> Tokens {
    Tokens::new(Arc::new(signet_server::system_clock), PATIENCE)
}

/// The keys that secrets and tokens are sealed with.
pub(super) fn master(place: &Place) -> anyhow::Result<MasterKeys> {
    Ok(MasterKeys::new(&place.keys()?.load(None)?))
}

/// Why there is no token for `name`; where a key is missing, with where it was last seen.
pub(super) fn diagnosis(place: &Place, name: &ClientName, error: &TokenError) -> Diagnosis {
    let diagnosis = error.diagnosis(name);
    let Some(key) = error.missing_key() else {
        return diagnosis;
    };
    let sightings = last_seen(place.directory(), place.config(), key);
    let places: Vec<_> = sightings
        .iter()
        .map(|sighting: &Sighting| visible(&sighting.to_string()))
        .collect();
    let remedy = sightings.iter().find_map(Sighting::remedy);
    diagnosis.last_seen(&places, remedy.as_deref())
}

/// The same as an error.
pub(super) fn failure(place: &Place, name: &ClientName, error: &TokenError) -> Failure {
    let diagnosis = diagnosis(place, name, error);
    Failure::new(format!("there is no access token for the client {name}"))
        .details([
            format!("{}: {}", diagnosis.code, diagnosis.cause),
            diagnosis.effect,
        ])
        .hint(diagnosis.remedy)
}
