//! Any text as a sealed value, as the place that it belongs to, and as a protected string of Granite.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_core::{Key, KeyMaterial, KeyState, RingName, UnixSeconds};
use signet_keys::LoadedKeys;
use signet_keys::granite::GraniteKey;
use signet_secret::{GraniteValue, MasterKeys, Place, SealedValue};

/// The keys of the corpus: the byte 7 thirty-two times, and sixteen times.
static MASTER: LazyLock<MasterKeys> = LazyLock::new(|| {
    let farm = "farm".parse().expect("a name");
    let material = KeyMaterial::new([7; 32]);
    let mut key = Key::new(RingName::Master, farm, material, UnixSeconds(0));
    key.state = KeyState::Active;
    let mut loaded = LoadedKeys::default();
    loaded.keys.push(key);
    MasterKeys::new(&loaded)
});
static GRANITE: LazyLock<GraniteKey> =
    LazyLock::new(|| GraniteKey::new([7; 16].into(), UnixSeconds(0)));
static PLACE: LazyLock<Place> = LazyLock::new(|| "client/ims/secret".parse().expect("a place"));

/// What `PLACE` holds in the corpus.
const SECRET: &[u8] = b"p8e-s3cret";

/// The one value of the corpus that opens.
const SEALED: &str = "sealed:v1:06073b81559d2a850f81f39757daf538:AAECAwQFBgcICQoL5IEarwV03U8OD56F6ComBqApzq7yBvUlBAM";

fuzz_target!(|text: &str| {
    if let Ok(value) = text.parse::<SealedValue>() {
        // Exactly one text stands for each value.
        assert_eq!(value.to_string(), text);
        // K10, T9: nothing opens but what was sealed, unaltered.
        let opened = MASTER.open(&PLACE, &value);
        assert_eq!(opened.is_ok(), text == SEALED, "{opened:?}");
        if let Ok(secret) = opened {
            assert_eq!(secret.as_slice(), SECRET);
        }
    } else {
        assert_ne!(text, SEALED);
    }

    if let Ok(place) = text.parse::<Place>() {
        assert_eq!(place.as_str(), text);
        // T6: whatever is sealed for one place opens there and in no other.
        let value = MASTER.seal(&place, SECRET).expect("it can be sealed");
        assert!(MASTER.open(&place, &value).is_ok());
        assert_eq!(MASTER.open(&PLACE, &value).is_ok(), place == *PLACE);
    }

    if let Ok(value) = text.parse::<GraniteValue>()
        && let Ok(secret) = value.open(&GRANITE)
    {
        // What opens is text; whether it is the right one, this format cannot tell.
        assert!(secret.len() < text.len());
    }
});
