//! What a proof shows, key by key.

use std::collections::BTreeMap;

use signet_core::{KeyId, KeyMaterial, KeyState, RingName};
use signet_keys::LoadedKeys;

use super::Answer;
use super::answer::HeldKey;

/// What the check of an answer shows.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Comparison {
    /// Every key that either instance knows, by ring and id.
    pub keys: Vec<ComparedKey>,
}

/// One key on both sides.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ComparedKey {
    /// Its ring.
    pub ring: RingName,
    /// The key.
    pub id: KeyId,
    /// Its state here, if it is known here.
    pub here: Option<KeyState>,
    /// Its state there, if it is known there.
    pub there: Option<KeyState>,
    /// What that comes to.
    pub verdict: Verdict,
}

/// What a key is on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Verdict {
    /// Both hold it, and it is proven; or both know that it is revoked.
    Equal,
    /// Only this instance knows it.
    MissingThere,
    /// Only the other instance knows it.
    MissingHere,
    /// It is revoked here, and the other instance still uses it.
    RevokedHere,
    /// It is revoked there, and this instance still uses it.
    RevokedThere,
    /// The other instance names it, but could not prove that it has the same bits.
    NotProven,
}

impl Verdict {
    /// `equal`, `missing there`, `missing here` or `different`.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Equal => "equal",
            Self::MissingThere => "missing there",
            Self::MissingHere => "missing here",
            Self::RevokedHere | Self::RevokedThere | Self::NotProven => "different",
        }
    }

    /// In what they differ, where that word alone does not say it.
    #[must_use]
    pub const fn reason(self) -> Option<&'static str> {
        match self {
            Self::RevokedHere => Some("revoked here only"),
            Self::RevokedThere => Some("revoked there only"),
            Self::NotProven => Some("not proven: the bits differ"),
            Self::Equal | Self::MissingThere | Self::MissingHere => None,
        }
    }
}

impl Comparison {
    /// Whether all keys are equal, and there is one at all.
    #[must_use]
    pub fn is_equal(&self) -> bool {
        let equal = |key: &ComparedKey| key.verdict == Verdict::Equal;
        !self.keys.is_empty() && self.keys.iter().all(equal)
    }

    pub(super) fn of(answer: &Answer, loaded: &LoadedKeys) -> Self {
        let mut sides: BTreeMap<(RingName, KeyId), (Option<Here<'_>>, Option<There<'_>>)> =
            BTreeMap::new();
        for (ring, id) in loaded.revoked.iter() {
            sides.entry((ring, id)).or_default().0 = Some((KeyState::Revoked, None));
        }
        for key in &loaded.keys {
            let here = (key.state, Some(&key.material));
            sides.entry((key.ring, key.id)).or_default().0 = Some(here);
        }
        for (ring, id) in &answer.revoked {
            sides.entry((*ring, *id)).or_default().1 = Some((KeyState::Revoked, None));
        }
        for held in &answer.keys {
            let there = (held.state, Some(held));
            sides.entry((held.ring, held.id)).or_default().1 = Some(there);
        }
        let keys = sides
            .into_iter()
            .map(|((ring, id), (here, there))| ComparedKey {
                ring,
                id,
                here: here.map(|(state, _)| state),
                there: there.map(|(state, _)| state),
                verdict: verdict(answer, here, there),
            });
        Self {
            keys: keys.collect(),
        }
    }
}

/// A key here: its state, and its bits unless only its revocation is known.
type Here<'a> = (KeyState, Option<&'a KeyMaterial>);

/// A key there: its state, and what proves it unless only its revocation is known.
type There<'a> = (KeyState, Option<&'a HeldKey>);

fn verdict(answer: &Answer, here: Option<Here<'_>>, there: Option<There<'_>>) -> Verdict {
    let ((here, material), (there, held)) = match (here, there) {
        (Some(here), Some(there)) => (here, there),
        (Some(_), None) => return Verdict::MissingThere,
        _ => return Verdict::MissingHere,
    };
    if let (Some(material), Some(held)) = (material, held)
        && !answer.is_proven(held, material)
    {
        return Verdict::NotProven;
    }
    match (here, there) {
        (KeyState::Revoked, KeyState::Revoked) => Verdict::Equal,
        (KeyState::Revoked, _) => Verdict::RevokedHere,
        (_, KeyState::Revoked) => Verdict::RevokedThere,
        _ => Verdict::Equal,
    }
}
