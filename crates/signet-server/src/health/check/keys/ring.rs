//! Whether each ring can do its work: a key that makes tokens or seals, and is young enough.

use signet_core::{Key, KeyState, RingName, Seconds};
use signet_keys::{KeyProblem, ProviderName};

use super::{is_of, is_ring};
use crate::config::Role;
use crate::health::check::age;
use crate::health::{Finding, Ground, KeyPlace, KeyPlaces};

/// Whether each ring can do its work.
pub(super) fn rings(ground: &Ground, places: &KeyPlaces, problems: &[KeyProblem]) -> Vec<Finding> {
    let Some((used, place, elsewhere)) = places.in_use() else {
        return Vec::new();
    };
    if place.unknown.is_some() || place.is_empty() && elsewhere.has_any() {
        // They cannot be seen, or were left behind, which is told once; to make others would make it worse.
        return Vec::new();
    }
    let mut findings = Vec::new();
    for ring in RingName::ALL {
        match place.maker(ring) {
            Some(key) => findings.extend(overdue(ground, ring, key)),
            None => {
                let lack = Lack {
                    ring,
                    used,
                    place,
                    elsewhere: elsewhere.of(ring).count(),
                    unseen: elsewhere.unknown.is_some(),
                    bad: problems
                        .iter()
                        .filter(|problem| is_of(problem, ring))
                        .count(),
                    role: ground.config().role,
                };
                findings.push(lack.told(problems.iter().any(is_ring)));
            }
        }
    }
    findings
}

/// A ring without a key that makes tokens or seals.
struct Lack<'p> {
    ring: RingName,
    used: ProviderName,
    place: &'p KeyPlace,
    /// How many of its keys are in the other place.
    elsewhere: usize,
    /// Whether the other place cannot be looked into.
    unseen: bool,
    /// How many of its files cannot be used.
    bad: usize,
    role: Role,
}

impl Lack<'_> {
    /// `kept` if the instance goes on with what it has in memory.
    fn told(&self, kept: bool) -> Finding {
        let finding = match self.ring {
            RingName::Hmac => Finding::critical("NO_ACTIVE_KEY", self.cause()).causes(match kept {
                true => "the instance goes on with the keys in its memory, until it ends",
                false => "nobody can log in here",
            }),
            RingName::Master => Finding::warn("NO_ACTIVE_KEY", self.cause()).causes(
                "no secret can be sealed here, and what was sealed with a key that is missing does not open",
            ),
        };
        finding.mend(self.remedy())
    }

    fn cause(&self) -> String {
        let (ring, place) = (self.ring, self.used.in_words());
        match (self.place.of(ring).count(), self.bad) {
            (0, 0) => format!("there is no key of the ring {ring} in {place}"),
            (0, _) => format!("no key of the ring {ring} in {place} can be used"),
            (1, _) => format!("no key of the ring {ring} is active, and there is one that is not"),
            (n, _) => {
                format!("no key of the ring {ring} is active, and there are {n} that are not")
            }
        }
    }

    fn remedy(&self) -> String {
        let ring = self.ring;
        let pending = self
            .place
            .of(ring)
            .find(|key| key.state == KeyState::Pending);
        match (pending, self.role) {
            (Some(key), _) => format!("`signet keys activate {}`", key.id),
            (None, _) if self.elsewhere > 0 => format!(
                "`signet keys relocate --to {}`: its keys are in {}",
                self.used,
                self.used.other().in_words()
            ),
            (None, _) if self.bad > 0 => {
                "mend what is said of its files; it is noticed within 2 seconds".to_owned()
            }
            (None, _) if self.unseen => format!(
                "its keys may be in {}, which cannot be looked into now: the check `repository` says why. If it has none, copy keys/{ring}/*.jwk from another instance or a backup",
                self.used.other().in_words()
            ),
            (None, Role::Publish) => format!(
                "copy keys/{ring}/*.jwk from the author, or `signet keys import BUNDLE`; they are noticed within 2 seconds"
            ),
            (None, _) => format!(
                "copy keys/{ring}/*.jwk from another instance or a backup; only if there is none, `signet keys rotate --ring {ring}`"
            ),
        }
    }
}

/// Whether the key should have been followed by another.
fn overdue(ground: &Ground, ring: RingName, key: &Key) -> Option<Finding> {
    let every = ground.rotate_every()?;
    let old = ground.now().since(key.activated.unwrap_or(key.created));
    // The instance rotates by itself when it is time; a day later it has not.
    if ring != RingName::Hmac || old.0 <= every.0.saturating_add(DAY.0) {
        return None;
    }
    Some(
        Finding::warn(
            "KEY_OVERDUE",
            format!(
                "key {} of the ring {ring} is {} old, and keys.rotate_every is {}",
                key.id,
                age(old),
                age(every)
            ),
        )
        .causes("a key that was stolen unnoticed stays good for longer than you wanted")
        .mend(format!(
            "`signet keys rotate --ring {ring}`; the log says why it was not done by itself"
        )),
    )
}

const DAY: Seconds = Seconds(86_400);
