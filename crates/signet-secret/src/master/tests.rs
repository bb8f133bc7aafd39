use aes_gcm_siv::aead::{Aead, KeyInit, Payload};
use aes_gcm_siv::{Aes256GcmSiv, Nonce as TheirNonce};
use proptest::prelude::*;
use signet_core::{KeyMaterial, UnixSeconds, base64url};

use super::*;
use crate::testing::{key, master, place};

const SECRET: &[u8] = b"p8e-s3cret";

#[test]
fn the_format_is_that_of_the_vectors() {
    // Made with another implementation: HKDF and SHA-256 of Python, AESGCMSIV of its package "cryptography" 48 (OpenSSL).
    let seven = key(7, KeyState::Active);
    let mut counting = key(1, KeyState::Active);
    counting.material = KeyMaterial::new(core::array::from_fn(|i| u8::try_from(i).unwrap()));
    counting.id = counting.material.id(RingName::Master);
    let master = master([seven, counting]);
    let text = "Zo\u{eb} \u{6f22}\n".repeat(20);
    for (value, belongs, secret) in [
        (
            "sealed:v1:06073b81559d2a850f81f39757daf538:AAECAwQFBgcICQoL5IEarwV03U8OD56F6ComBqApzq7yBvUlBAM",
            "client/ims/secret",
            SECRET,
        ),
        (
            "sealed:v1:06073b81559d2a850f81f39757daf538:________________VhHllW5IdVrRFVraQPprkg",
            "a",
            b"",
        ),
        (
            "sealed:v1:c6488f6a5e2b42e3b681a26793020021:paWlpaWlpaWlpaWl5IKgBwUZSlv9R2Sk1AXyTa3WzxL82mVjWDZ5AL1xbMzFuwZTVNhSKTly5hUlrP2LTqgV_nAy-kTmLTx5LehhD6Oen5IseZsqL6c_ABVXdUlehhkGYnZgfrywtUB92gXm0GOm-aTCPjQMTc2vh4qbS5EKPv11h1HxMZ2p2rX6avkeX7wBoXMpUixTgpDZECw8cuB6_SrMBe35inbwOsJhR4NKVLpvEqu5NLrsj_UCMNHLX6UefOCm9gri5iPxbbgXUbMWcQ",
            "client/mail.example/private-key",
            text.as_bytes(),
        ),
    ] {
        let opened = master.open_text(&place(belongs), value).unwrap();
        assert_eq!(opened.as_slice(), secret);
    }
}

// K10
#[test]
fn a_value_opens_where_it_belongs_and_nowhere_else() {
    let master = master([key(1, KeyState::Active)]);
    let here = place("client/ims/secret");
    let value = master.seal(&here, SECRET).unwrap();
    assert_eq!(Some(value.key()), master.sealing());
    assert_eq!(master.open(&here, &value).unwrap().as_slice(), SECRET);
    for elsewhere in [
        "client/ims/private-key",
        "client/ims2/secret",
        "client/ims",
        "client/ims/secret/x",
    ] {
        let error = master.open(&place(elsewhere), &value).unwrap_err();
        assert_eq!(error.code(), "SECRET_NOT_FOR_THIS_PLACE");
        let hint = error.hint();
        assert!(hint.contains("signet secret protect"), "{hint}");
    }
}

// K10
#[test]
fn a_value_that_names_another_key_does_not_open() {
    let master = master([key(1, KeyState::Active), key(2, KeyState::VerifyOnly)]);
    let here = place("client/ims/secret");
    let value = master.seal(&here, SECRET).unwrap();
    let other = key(2, KeyState::VerifyOnly).id;
    let renamed = value
        .to_string()
        .replace(&value.key().to_string(), &other.to_string());
    assert_eq!(
        master.open_text(&here, &renamed).unwrap_err(),
        OpenError::NotForThisPlace {
            key: other,
            place: here
        }
    );
}

// T6
#[test]
fn no_two_places_are_sealed_in_alike() {
    let id = KeyId([0; 16]);
    assert_ne!(
        associated_data(id, &place("ab/c")),
        associated_data(id, &place("a/bc"))
    );
    let framed = associated_data(KeyId([0xaa; 16]), &place("a/b"));
    let expected = [
        &[0, 0, 0, 0, 0, 0, 0, 2][..],
        b"v1",
        &[0, 0, 0, 0, 0, 0, 0, 16],
        &[0xaa; 16],
        &[0, 0, 0, 0, 0, 0, 0, 3],
        b"a/b",
    ];
    assert_eq!(framed, expected.concat());
}

// T9
#[test]
fn no_altered_byte_and_no_shorter_tag_opens() {
    let master = master([key(1, KeyState::Active)]);
    let here = place("client/ims/secret");
    let value = master.seal(&here, SECRET).unwrap();
    let bytes: Vec<u8> = value.parts().map(|(n, s)| [n, s].concat()).unwrap();
    for position in 0..bytes.len() {
        for bit in 0..8 {
            let mut altered = bytes.clone();
            altered[position] ^= 1 << bit;
            let altered = SealedValue::new(value.key(), altered);
            assert!(master.open(&here, &altered).is_err(), "byte {position}");
        }
    }
    for length in 0..bytes.len() {
        let cut = SealedValue::new(value.key(), bytes[..length].to_vec());
        assert!(master.open(&here, &cut).is_err(), "{length} bytes");
    }
    let longer = SealedValue::new(value.key(), [&bytes[..], b"\0"].concat());
    assert!(master.open(&here, &longer).is_err());
}

// T13
#[test]
fn no_altered_character_opens() {
    let master = master([key(1, KeyState::Active)]);
    let here = place("client/ims/secret");
    let text = master.seal(&here, SECRET).unwrap().to_string();
    for position in 0..text.len() {
        for byte in [b'A', b'0', b':', b'-', b'=', b'\n', b'z'] {
            let mut altered = text.clone().into_bytes();
            if altered[position] != byte {
                altered[position] = byte;
                let altered = String::from_utf8(altered).unwrap();
                let opened = master.open_text(&here, &altered);
                assert!(opened.is_err(), "{position}: {altered}");
            }
        }
    }
}

#[test]
fn a_missing_key_is_named_with_those_that_are_here() {
    let here = place("client/ims/secret");
    let value = master([key(1, KeyState::Active)])
        .seal(&here, SECRET)
        .unwrap();
    let missing = key(1, KeyState::Active).id;
    let others = [key(2, KeyState::Active), key(3, KeyState::VerifyOnly)];
    let ids: Vec<_> = others.iter().map(|key| key.id).collect();
    let error = master(others).open(&here, &value).unwrap_err();
    assert_eq!(error.key(), Some(missing));
    assert_eq!(
        error.to_string(),
        format!(
            "it was sealed with the key {missing}, which is not here: here are {}, {}",
            ids[0], ids[1]
        )
    );
    assert!(error.hint().contains(&format!("keys/master/{missing}.jwk")));
    let nothing = MasterKeys::default().open(&here, &value).unwrap_err();
    assert!(
        nothing
            .to_string()
            .ends_with("there are no keys in the master ring")
    );
}

// K8
#[test]
fn a_revoked_key_opens_for_resealing_alone() {
    let here = place("client/ims/secret");
    let value = master([key(1, KeyState::Active)])
        .seal(&here, SECRET)
        .unwrap();
    let master = master([key(1, KeyState::Revoked), key(2, KeyState::Active)]);
    let error = master.open(&here, &value).unwrap_err();
    assert_eq!(error.code(), "SECRET_KEY_REVOKED");
    let opened = master.open_for_resealing(&here, &value).unwrap();
    assert_eq!(opened.as_slice(), SECRET);
    // Even so it opens in its own place only.
    assert!(
        master
            .open_for_resealing(&place("client/other/secret"), &value)
            .is_err()
    );
}

#[test]
fn the_newest_active_key_seals() {
    let place = place("a");
    let keys = master([
        key(3, KeyState::Active),
        key(4, KeyState::Active),
        key(5, KeyState::Pending),
        key(6, KeyState::VerifyOnly),
        key(7, KeyState::Revoked),
    ]);
    assert_eq!(keys.sealing(), Some(key(4, KeyState::Active).id));
    assert_eq!(keys.ids().len(), 5);
    let without = master([key(1, KeyState::Pending), key(2, KeyState::Revoked)]);
    assert_eq!(without.sealing(), None);
    assert_eq!(without.seal(&place, b""), Err(SealError::NoActiveKey));
}

// K3
#[test]
fn keys_of_the_other_ring_seal_nothing() {
    let farm = "farm".parse().unwrap();
    let material = KeyMaterial::new([1; 32]);
    let mut hmac = Key::new(RingName::Hmac, farm, material, UnixSeconds(1));
    hmac.state = KeyState::Active;
    assert_eq!(master([hmac]).ids().len(), 0);
}

// T9
#[test]
fn the_same_secret_is_never_sealed_alike() {
    let master = master([key(1, KeyState::Active)]);
    let place = place("a");
    let first = master.seal(&place, SECRET).unwrap();
    assert_ne!(first, master.seal(&place, SECRET).unwrap());
}

#[test]
fn what_is_too_large_is_refused() {
    let master = master([key(1, KeyState::Active)]);
    let place = place("a");
    let largest = vec![b'x'; MAX_SECRET_BYTES];
    let value = master.seal(&place, &largest).unwrap();
    let opened = master.open_text(&place, &value.to_string()).unwrap();
    assert_eq!(*opened, largest);
    let bytes = MAX_SECRET_BYTES + 1;
    assert_eq!(
        master.seal(&place, &vec![b'x'; bytes]),
        Err(SealError::TooLarge { bytes })
    );
    let text = format!("{value}{}", "A".repeat(64));
    assert_eq!(
        master.open_text(&place, &text).unwrap_err().code(),
        "SECRET_TOO_LARGE"
    );
}

// K9
#[test]
fn debug_output_holds_no_key() {
    let master = master([key(0xab, KeyState::Active)]);
    let printed = format!("{master:?}");
    let derived = KeyMaterial::new([0xab; 32]).derive(Purpose::SealedValue);
    assert!(!printed.contains(&base64url::encode(&*derived)));
    assert_eq!(printed, format!("[{:?}]", key(0xab, KeyState::Active).id));
}

proptest! {
    #[test]
    fn an_independent_implementation_opens_what_is_sealed(
        secret in proptest::collection::vec(any::<u8>(), 0..200),
        bits: [u8; 32],
    ) {
        let mut key = key(1, KeyState::Active);
        key.material = KeyMaterial::new(bits);
        key.id = key.material.id(RingName::Master);
        let derived = key.material.derive(Purpose::SealedValue);
        let place = place("client/ims/secret");
        let master = master([key]);
        let value = master.seal(&place, &secret).unwrap();
        let (nonce, sealed) = value.parts().unwrap();

        let theirs = Aes256GcmSiv::new_from_slice(&*derived).unwrap();
        let aad = associated_data(value.key(), &place);
        let nonce = TheirNonce::from(*nonce);
        let opened = theirs.decrypt(&nonce, Payload { msg: sealed, aad: &aad }).unwrap();
        prop_assert_eq!(&opened, &secret);

        let msg = secret.as_slice();
        let theirs = theirs.encrypt(&nonce, Payload { msg, aad: &aad }).unwrap();
        prop_assert_eq!(&theirs, sealed);
        let opened = master.open(&place, &value).unwrap();
        prop_assert_eq!(opened.as_slice(), msg);
    }
}
