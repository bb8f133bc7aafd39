//! What the tests of this crate share.

use signet_core::{Key, KeyMaterial, KeyState, RingName, UnixSeconds};
use signet_keys::LoadedKeys;

use crate::{MasterKeys, Place};

/// A key of the `master` ring whose bits are `seed` thirty-two times, made at the second `seed`.
pub(crate) fn key(seed: u8, state: KeyState) -> Key {
    let farm = "farm".parse().unwrap();
    let created = UnixSeconds(seed.into());
    let mut key = Key::new(
        RingName::Master,
        farm,
        KeyMaterial::new([seed; 32]),
        created,
    );
    key.state = state;
    key
}

pub(crate) fn master(keys: impl IntoIterator<Item = Key>) -> MasterKeys {
    let mut loaded = LoadedKeys::default();
    loaded.keys = keys.into_iter().collect();
    MasterKeys::new(&loaded)
}

pub(crate) fn place(text: &str) -> Place {
    text.parse().unwrap()
}
