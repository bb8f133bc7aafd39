use proptest::prelude::*;
use signet_core::{KeyId, KeyMaterial, RingName};

use super::*;
use crate::framing::Framed;

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

fn identity() -> NodeIdentity {
    NodeIdentity::generate().unwrap()
}

fn card(identity: &NodeIdentity, name: &str) -> NodeCard {
    identity.card(&name.parse().unwrap())
}

fn key(ring: RingName, seed: u8, state: KeyState) -> Key {
    let material = KeyMaterial::new([seed; 32]);
    let mut key = Key::new(ring, "farm".parse().unwrap(), material, NOW);
    key.state = state;
    key
}

fn bundle() -> KeyBundle {
    KeyBundle {
        farm: "farm".parse().unwrap(),
        created: NOW,
        keys: vec![
            key(RingName::Hmac, 1, KeyState::Active),
            key(RingName::Master, 2, KeyState::VerifyOnly),
        ],
        revoked: [(RingName::Hmac, KeyId([9; 16]))].into_iter().collect(),
    }
}

fn seal(sender: &NodeIdentity, receivers: &[&NodeIdentity]) -> Vec<u8> {
    let cards: Vec<_> = receivers
        .iter()
        .zip(1..)
        .map(|(receiver, n)| card(receiver, &format!("publish-{n}")))
        .collect();
    let name = "author".parse().unwrap();
    bundle().seal(sender, &name, &cards).unwrap()
}

fn same(one: &KeyBundle, other: &KeyBundle) -> bool {
    let keys = |bundle: &KeyBundle| -> Vec<_> {
        let fields = |key: &Key| {
            (
                key.id,
                key.ring,
                key.state,
                key.created,
                *key.material.expose(),
            )
        };
        bundle.keys.iter().map(fields).collect()
    };
    keys(one) == keys(other) && one.revoked == other.revoked && one.farm == other.farm
}

#[test]
fn each_recipient_gets_what_was_sent() {
    let (author, one, two) = (identity(), identity(), identity());
    let sealed = seal(&author, &[&one, &two]);
    for receiver in [&one, &two] {
        let received = ReceivedBundle::open(&sealed, receiver).unwrap();
        assert_eq!(received.sender(), &card(&author, "author"));
        assert!(same(received.content(), &bundle()));
        assert_eq!(received.content().created, NOW);
    }
}

// K9
#[test]
fn nothing_that_is_printed_holds_a_key() {
    let (author, one) = (identity(), identity());
    let sealed = seal(&author, &[&one]);
    let received = ReceivedBundle::open(&sealed, &one).unwrap();
    let printed = format!("{received:?}");
    assert!(!printed.contains("1, 1, 1") && !printed.contains("AQEB"));
    let text = String::from_utf8_lossy(&sealed);
    assert!(!text.contains("oct") && !text.contains("AQEB"));
}

#[test]
fn whom_a_bundle_is_for_is_said_to_others() {
    let (author, one, two, stranger) = (identity(), identity(), identity(), identity());
    let sealed = seal(&author, &[&one, &two]);
    let error = ReceivedBundle::open(&sealed, &stranger).unwrap_err();
    let text = error.to_string();
    for part in [
        "another instance",
        "publish-1",
        "publish-2",
        &two.id().to_string(),
    ] {
        assert!(text.contains(part), "{text}");
    }
    assert!(error.hint().contains(&stranger.id().to_string()));
    assert_eq!(addressees(&sealed).len(), 2);

    // One that names nobody, as another program would make it.
    let bare = one.seal_for_self(b"x").unwrap();
    let error = ReceivedBundle::open(&bare, &stranger).unwrap_err();
    assert!(error.to_string().contains("does not say for which"));
}

// T13
#[test]
fn every_altered_byte_is_noticed() {
    let (author, one) = (identity(), identity());
    let sealed = seal(&author, &[&one]);
    for at in 0..sealed.len() {
        for flip in [1, 0x80] {
            let mut altered = sealed.clone();
            altered[at] ^= flip;
            assert!(ReceivedBundle::open(&altered, &one).is_err(), "byte {at}");
        }
        let cut = &sealed[..at];
        assert!(ReceivedBundle::open(cut, &one).is_err(), "cut at {at}");
    }
    let longer = [&sealed[..], b"\n"].concat();
    assert!(ReceivedBundle::open(&longer, &one).is_err());
}

/// A payload as the sender signed it, with one thing done to it before it is sealed.
fn resealed(
    sender: &NodeIdentity,
    receiver: &NodeIdentity,
    alter: impl FnOnce(&mut Vec<u8>),
) -> Vec<u8> {
    let name = "author".parse().unwrap();
    let mut payload = payload::encode(&bundle(), sender, &name, &[receiver.id()]).to_vec();
    alter(&mut payload);
    receiver.seal_for_self(&payload).unwrap()
}

// T2
#[test]
fn what_the_sender_did_not_sign_is_refused() {
    let (author, one) = (identity(), identity());
    let whole = resealed(&author, &one, |_| ());
    assert!(ReceivedBundle::open(&whole, &one).is_ok());
    let name = "author".parse().unwrap();
    let length = payload::encode(&bundle(), &author, &name, &[one.id()]).len();
    for at in 0..length {
        let altered = resealed(&author, &one, |bytes| bytes[at] ^= 1);
        assert!(ReceivedBundle::open(&altered, &one).is_err(), "byte {at}");
    }
    let cut = resealed(&author, &one, |bytes| bytes.truncate(length - 1));
    assert!(ReceivedBundle::open(&cut, &one).is_err());
    let longer = resealed(&author, &one, |bytes| bytes.push(0));
    assert!(ReceivedBundle::open(&longer, &one).is_err());
}

#[test]
fn a_recipient_cannot_pass_it_on_as_if_it_were_meant_for_another() {
    let (author, one, two) = (identity(), identity(), identity());
    let opened = one.open_own(&seal(&author, &[&one])).unwrap();
    let passed_on = two.seal_for_self(&opened).unwrap();
    assert!(matches!(
        ReceivedBundle::open(&passed_on, &two),
        Err(BundleError::Forwarded { .. })
    ));
}

#[test]
fn an_age_key_that_was_replaced_is_told_apart() {
    let (author, one) = (identity(), identity());
    let sealed = seal(&author, &[&one]);
    // What a new age.key beside the old signing.key amounts to.
    let error = error::explain(crate::UnsealError::NotForUs, &sealed, one.id());
    assert!(matches!(error, BundleError::OldCard));
    assert!(error.hint().contains("signet node show"));
}

#[test]
fn what_is_no_bundle_is_named() {
    let one = identity();
    let large = vec![0; MAX_BUNDLE_BYTES + 1];
    for (bytes, part) in [
        (&b""[..], "empty"),
        (&large, "larger than"),
        (b"\n<!DOCTYPE html>", "web page"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", "text form"),
        (b"{\"kty\":\"oct\"}", "not a bundle"),
        (b"age-encryption.org/v1\n", "cut off"),
        (b"age-encryption.org/v2\n-> x\n\n--- ", "not a bundle"),
    ] {
        let error = ReceivedBundle::open(bytes, &one).unwrap_err();
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert!(!error.hint().is_empty());
    }
    let error = |payload: &[u8]| {
        let sealed = one.seal_for_self(payload).unwrap();
        ReceivedBundle::open(&sealed, &one).unwrap_err().to_string()
    };
    assert!(error(b"a letter").contains("not a bundle"));
    assert!(error(&Framed::of(&[b"signet-bundle", b"2"])).contains("version \"2\""));
    assert!(error(&Framed::of(&[b"signet-bundle", b"1"])).contains("content"));
    let unsigned = Framed::of(&[b"signet-bundle", b"1", b"body", b""]);
    assert!(error(&unsigned).contains("signature"));
}

#[test]
fn only_usable_keys_are_gathered() {
    let scratch = tempfile::tempdir().unwrap();
    let path = scratch.path().join("keys");
    let store = signet_keys::KeyStore::open(&path, Default::default()).unwrap();
    store.create_if_missing(NOW).unwrap();
    let old = store.load(None).unwrap();
    let old = old.keys.iter().find(|key| key.ring == RingName::Hmac);
    let old = old.unwrap().id;
    let mode = signet_keys::RotateMode::Activate;
    store.rotate(RingName::Hmac, mode, NOW).unwrap();
    store.revoke(old).unwrap();
    let loaded = store.load(None).unwrap();
    let gathered = KeyBundle::gather(&loaded, |_| true, NOW).unwrap();
    assert_eq!(gathered.keys.len(), 2);
    assert!(gathered.revoked.contains(old));
    assert!(gathered.keys.iter().all(|key| key.id != old));
    let masters = KeyBundle::gather(&loaded, |key| key.ring == RingName::Master, NOW).unwrap();
    assert_eq!(masters.keys.len(), 1);
    assert!(matches!(
        KeyBundle::gather(&loaded, |key| key.id == old, NOW),
        Err(BundleError::NoKeys)
    ));
    assert!(matches!(
        gathered.seal(&identity(), &"a".parse().unwrap(), &[]),
        Err(BundleError::Seal(_))
    ));
}

fn any_key() -> impl Strategy<Value = Key> {
    let states = prop::sample::select(vec![
        KeyState::Pending,
        KeyState::Active,
        KeyState::VerifyOnly,
        KeyState::Revoked,
    ]);
    let rings = prop::sample::select(RingName::ALL.to_vec());
    (
        any::<[u8; 32]>(),
        rings,
        states,
        any::<u64>(),
        any::<Option<u64>>(),
    )
        .prop_map(|(bits, ring, state, created, activated)| {
            let farm = "farm".parse().unwrap();
            let created = UnixSeconds(created);
            let mut key = Key::new(ring, farm, KeyMaterial::new(bits), created);
            key.state = state;
            key.activated = activated.map(UnixSeconds);
            key
        })
}

proptest! {
    #[test]
    fn any_content_comes_out_as_it_went_in(
        keys in prop::collection::vec(any_key(), 0..8),
        revoked in prop::collection::vec(any::<[u8; 16]>(), 0..8),
        created: u64,
    ) {
        let mut bundle = KeyBundle { keys, created: UnixSeconds(created), ..bundle() };
        bundle.keys.sort_by_key(|key| key.id);
        bundle.keys.dedup_by_key(|key| key.id);
        bundle.revoked = revoked.into_iter().map(|id| (RingName::Hmac, KeyId(id))).collect();
        let (author, one) = (identity(), identity());
        let name = "author".parse().unwrap();
        let sealed = bundle.seal(&author, &name, &[card(&one, "one")]).unwrap();
        let received = ReceivedBundle::open(&sealed, &one).unwrap();
        prop_assert!(same(received.content(), &bundle));
        prop_assert_eq!(received.content().created, bundle.created);
    }

    // T13
    #[test]
    fn any_bytes_are_no_bundle(bytes: Vec<u8>, mark: bool) {
        let one = identity();
        let outside = match mark {
            true => [b"age-encryption.org/v1\n", &bytes[..]].concat(),
            false => bytes.clone(),
        };
        prop_assert!(ReceivedBundle::open(&outside, &one).is_err());
        let inside = one.seal_for_self(&bytes).unwrap();
        prop_assert!(ReceivedBundle::open(&inside, &one).is_err());
    }
}

/// A stanza's body of one character is no base64, and must not bring the program down.
#[test]
fn a_hostile_header_is_an_error() {
    let one = identity();
    for body in ["A", "AB", "ABC", "AAAAA", "=", "!", ""] {
        let header = format!(
            "age-encryption.org/v1\n-> X25519 {0}\n{body}\n--- {0}\n",
            "A".repeat(43)
        );
        let bytes = [header.as_bytes(), &[0; 64]].concat();
        assert!(ReceivedBundle::open(&bytes, &one).is_err());
    }
}

// T13
#[test]
fn more_stanzas_than_instances_may_be_are_refused_before_one_is_tried() {
    let one = identity();
    let name = "author".parse().unwrap();
    let cards = vec![card(&one, "publish"); crate::MAX_RECIPIENTS + 1];
    let (most, author) = (&cards[1..], identity());
    let sealed = bundle().seal(&author, &name, most).unwrap();
    assert!(ReceivedBundle::open(&sealed, &one).is_ok());
    assert_eq!(addressees(&sealed).len(), crate::MAX_RECIPIENTS);
    let error = bundle().seal(&author, &name, &cards).unwrap_err();
    assert!(error.to_string().contains("for 1001 instances"), "{error}");
    assert!(error.hint().contains("several bundles"));

    // Well-formed, and one too many; that none is tried shows in that nothing is said about what is in them.
    let stanza = format!("-> X25519 {0}\n{0}\n", "A".repeat(43));
    let header = |count| {
        let header = format!(
            "age-encryption.org/v1\n{}--- {}\n",
            stanza.repeat(count),
            "A".repeat(43)
        );
        [header.as_bytes(), &[0; 64]].concat()
    };
    let most = 2 * crate::MAX_RECIPIENTS + 1;
    for count in [most + 1, 38_000] {
        let many = header(count);
        assert!(many.len() <= MAX_BUNDLE_BYTES);
        let error = ReceivedBundle::open(&many, &one).unwrap_err();
        assert!(matches!(error, BundleError::TooManyRecipients), "{error:?}");
        assert!(error.to_string().contains("more than 1000 instances"));
        assert!(error.hint().contains("--for CARD"));
        assert!(addressees(&many).is_empty());
    }
    let error = ReceivedBundle::open(&header(most), &one).unwrap_err();
    assert!(
        !matches!(error, BundleError::TooManyRecipients),
        "{error:?}"
    );
}
