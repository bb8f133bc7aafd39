//! Whether every sealed value opens with the keys that are here.

use std::collections::BTreeMap;

use signet_core::KeyId;
use signet_keys::LoadedKeys;
use signet_secret::{MasterKeys, OpenError};

use crate::chain;
use crate::data::DataDirectory;
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck};
use crate::secrets::{ClosedSecret, Opening, SecretInventory};
use crate::sighting::Sighting;

/// So many are told one by one; the others are counted.
const MOST: usize = 10;

pub(super) struct Secrets;

impl HealthCheck for Secrets {
    fn name(&self) -> &'static str {
        "secrets"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["secrets", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(look(ground))
    }
}

async fn look(ground: &Ground) -> Result<Vec<Finding>, CheckError> {
    let repository = match ground.repository().await {
        Ok(repository) => repository,
        Err(why) => return Ok(vec![unknown(&why.to_string())]),
    };
    if let Some(error) = ground.config_fault() {
        return Ok(vec![unknown(&chain(error))]);
    }
    let data = DataDirectory::unchecked(ground.path());
    let inventory = match SecretInventory::of(&data, repository) {
        Ok(inventory) => inventory,
        Err(error) => return Ok(vec![unknown(&chain(&error))]),
    };
    let master = match master(ground).await {
        Ok(master) => master,
        Err(why) => return Ok(vec![unopened(&why)]),
    };
    let mut closed = Vec::new();
    let count = inventory
        .examine(
            &master,
            Opening::Use,
            &mut |secret| {
                if closed.len() < MOST {
                    closed.push(secret);
                }
            },
            &mut |_| {},
        )
        .await
        .map_err(|error| CheckError::from(&error))?;
    if count.closed == 0 {
        let text = match count.total {
            0 => "nothing is sealed".to_owned(),
            1 => "the one sealed value opens".to_owned(),
            n => format!("all {n} sealed values open"),
        };
        return Ok(vec![Finding::good(text)]);
    }
    let seen = sightings(ground, &closed).await;
    let mut findings: Vec<Finding> = closed.iter().map(|secret| told(secret, &seen)).collect();
    let rest = count.closed.saturating_sub(findings.len() as u64);
    if rest > 0 {
        findings.push(
            Finding::critical(
                "SECRETS_CLOSED",
                format!("{rest} more of {} sealed values do not open", count.total),
            )
            .causes("what needs them fails")
            .mend("`signet secret check` names all of them"),
        );
    }
    Ok(findings)
}

/// Which secrets there are stands in the configuration and in the repository.
fn unknown(why: &str) -> Finding {
    Finding::warn(
        "SECRETS_UNKNOWN",
        format!("nobody knows which secrets there are: {why}"),
    )
    .causes("none of them was opened")
    .mend("the checks `configuration` and `repository` say what is wrong there")
}

/// The keys cannot be looked at, which says nothing about the secrets.
fn unopened(why: &str) -> Finding {
    Finding::warn(
        "SECRETS_UNKNOWN",
        format!("nobody knows whether the secrets open: {why}"),
    )
    .causes("none of them was opened; none of them needs to be sealed anew for that")
    .mend(KEYS_FIRST)
}

/// What is to be done where the keys cannot be looked at.
pub(super) const KEYS_FIRST: &str = "the check `keys` says what is wrong there";

/// The keys that secrets are opened with, as they are on the disk: what a start would read; or why nobody knows them.
pub(super) async fn master(ground: &Ground) -> Result<MasterKeys, String> {
    let Some((used, place, _)) = ground.keys().await.in_use() else {
        return Err("nothing says where the keys are".to_owned());
    };
    if let Some(why) = &place.unknown {
        return Err(format!(
            "the keys are in {}, which cannot be read: {why}",
            used.in_words()
        ));
    }
    let mut loaded = LoadedKeys::default();
    loaded.keys.clone_from(&place.keys);
    Ok(MasterKeys::new(&loaded))
}

/// Where each key that is missing was last seen.
async fn sightings(ground: &Ground, closed: &[ClosedSecret]) -> BTreeMap<KeyId, Vec<Sighting>> {
    let missing: Vec<KeyId> = closed
        .iter()
        .filter(|secret| matches!(secret.error, OpenError::KeyMissing { .. }))
        .filter_map(|secret| secret.error.key())
        .collect();
    ground.last_seen(missing).await
}

fn told(secret: &ClosedSecret, seen: &BTreeMap<KeyId, Vec<Sighting>>) -> Finding {
    let error = &secret.error;
    let mut cause = format!(
        "the secret {} ({}) does not open: {}",
        secret.place,
        secret.standing,
        chain(error)
    );
    let mut remedy = error.hint();
    if let OpenError::KeyMissing { key, .. } = error
        && let Some(key_seen) = seen.get(key)
    {
        cause.push_str(&where_seen(key_seen));
        if let Some(better) = key_seen.iter().find_map(Sighting::remedy) {
            remedy = format!("{better}. Else: {remedy}");
        }
    }
    Finding::critical(error.code(), cause)
        .causes("what needs it fails: an OAuth client gets no token")
        .mend(remedy)
}

/// Words to be put behind the name of a key that is missing.
pub(super) fn where_seen(sightings: &[Sighting]) -> String {
    if sightings.is_empty() {
        return "; nothing here remembers that key".to_owned();
    }
    let places: Vec<String> = sightings.iter().map(ToString::to_string).collect();
    format!("; the key was last seen in {}", places.join(", and in "))
}
