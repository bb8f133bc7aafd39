//! A key as a listing shows it.

use core::fmt::Display;

use serde::{Serialize, Serializer};
use signet_core::{KeyId, KeyState, RingName, UnixSeconds};

use crate::ProviderName;

/// A key as a listing shows it. Its bits are not part of it, and its id tells nothing about them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct KeyEntry {
    /// Its id.
    #[serde(serialize_with = "text")]
    pub kid: KeyId,
    /// Its ring.
    #[serde(serialize_with = "text")]
    pub ring: RingName,
    /// Its state.
    #[serde(serialize_with = "text")]
    pub state: KeyState,
    /// When it was made.
    #[serde(serialize_with = "seconds")]
    pub created: UnixSeconds,
    /// When it last became active, if it ever was.
    #[serde(serialize_with = "optional_seconds")]
    pub activated: Option<UnixSeconds>,
    /// Whether it is the one with which its ring makes tokens or seals secrets.
    pub makes_tokens: bool,
    /// Where it is held.
    #[serde(serialize_with = "text")]
    pub provider: ProviderName,
    /// When its file can go; `None` as long as no time tells.
    #[serde(serialize_with = "optional_seconds")]
    pub removable_at: Option<UnixSeconds>,
}

fn text<T: Display, S: Serializer>(value: &T, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(value)
}

fn seconds<S: Serializer>(value: &UnixSeconds, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_u64(value.0)
}

fn optional_seconds<S: Serializer>(
    value: &Option<UnixSeconds>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    value.map(|seconds| seconds.0).serialize(serializer)
}
