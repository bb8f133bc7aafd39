//! Which keys lie where: both places at once, whichever of them `storage` names.

use signet_core::{KeyId, KeyState, RingName};

use crate::{Effect, Found, KeyFault, KeyProblem, KeyProvider, KeyStore, ProviderName};

/// What lies in one of the two places.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PlaceCensus {
    /// The place.
    pub provider: ProviderName,
    /// The keys that can be read there, as the place itself says: it need not know which of them were revoked since.
    pub keys: Vec<(RingName, KeyId, KeyState)>,
    /// Whether `storage` names this place.
    pub in_use: bool,
    /// What cannot be read there.
    pub problems: Vec<KeyProblem>,
}

impl KeyStore {
    /// Looks into both places. A place that was never made is empty; without a repository there is only one.
    #[must_use]
    pub fn census(&self) -> Vec<PlaceCensus> {
        let in_use = self.provider().ok().map(KeyProvider::name);
        ProviderName::ALL
            .into_iter()
            .filter_map(|name| self.provider_of(name))
            .map(|provider| place(provider, in_use))
            .collect()
    }
}

fn place(provider: &dyn KeyProvider, in_use: Option<ProviderName>) -> PlaceCensus {
    let mut census = PlaceCensus {
        provider: provider.name(),
        keys: Vec::new(),
        in_use: in_use == Some(provider.name()),
        problems: Vec::new(),
    };
    for ring in RingName::ALL {
        let found = match provider.scan(ring) {
            Ok(found) => found,
            Err(problem) if matches!(problem.fault, KeyFault::Absent) => continue,
            Err(problem) => {
                census.problems.push(problem.with(Effect::Noted));
                continue;
            }
        };
        for found in found {
            match found {
                Found::Readable(key) => census.keys.push((ring, key.id, key.state)),
                Found::Unreadable { problem, .. } => census.problems.push(problem),
            }
        }
    }
    census
}

#[cfg(test)]
mod tests;
