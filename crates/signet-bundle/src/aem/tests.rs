use proptest::prelude::*;

use super::*;
use crate::framing::Framed;
use crate::{KeyBundle, ReceivedBundle};

const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

fn identity() -> NodeIdentity {
    NodeIdentity::generate().unwrap()
}

fn card(identity: &NodeIdentity, name: &str) -> NodeCard {
    identity.card(&name.parse().unwrap())
}

fn bytes(byte: u8, length: usize) -> Option<Zeroizing<Vec<u8>>> {
    Some(Zeroizing::new(vec![byte; length]))
}

fn pair() -> AemKeys {
    AemKeys::new(bytes(7, 32), bytes(9, 16), NOW).unwrap()
}

fn seal(sender: &NodeIdentity, receivers: &[&NodeIdentity]) -> Vec<u8> {
    let cards: Vec<_> = receivers.iter().map(|to| card(to, "publish")).collect();
    let name = "author".parse().unwrap();
    pair().seal(sender, &name, &cards).unwrap()
}

#[test]
fn each_machine_gets_what_was_sent() {
    let (author, one, two) = (identity(), identity(), identity());
    let sealed = seal(&author, &[&one, &two]);
    for receiver in [&one, &two] {
        let received = ReceivedAemKeys::open(&sealed, receiver).unwrap();
        assert_eq!(received.sender(), &card(&author, "author"));
        assert_eq!(received.content().hmac, bytes(7, 32));
        assert_eq!(received.content().master, bytes(9, 16));
        assert_eq!(received.content().created, NOW);
    }
    for (hmac, master) in [(bytes(1, 40), None), (None, bytes(2, 32))] {
        let keys = AemKeys::new(hmac.clone(), master.clone(), NOW).unwrap();
        let name = "author".parse().unwrap();
        let sealed = keys.seal(&author, &name, &[card(&one, "one")]).unwrap();
        let received = ReceivedAemKeys::open(&sealed, &one).unwrap();
        assert_eq!(received.content().hmac, hmac);
        assert_eq!(received.content().master, master);
    }
}

// K9
#[test]
fn nothing_that_is_printed_holds_a_key() {
    let printed = format!("{:?}", pair());
    assert_eq!(
        printed,
        "AemKeys { created: UnixSeconds(1767225600), keys: [\"hmac\", \"master\"] }"
    );
}

#[test]
fn what_is_no_key_is_not_sent() {
    for (hmac, master) in [
        (None, None),
        (bytes(1, 0), None),
        (bytes(1, 32), bytes(1, MAX_AEM_KEY_BYTES + 1)),
    ] {
        assert!(AemKeys::new(hmac, master, NOW).is_err());
    }
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
            assert!(ReceivedAemKeys::open(&altered, &one).is_err(), "byte {at}");
        }
        assert!(ReceivedAemKeys::open(&sealed[..at], &one).is_err());
    }
    let longer = [&sealed[..], b"\n"].concat();
    assert!(ReceivedAemKeys::open(&longer, &one).is_err());
}

// T2
#[test]
fn what_the_sender_did_not_sign_is_refused() {
    let (author, one) = (identity(), identity());
    let name = "author".parse().unwrap();
    let payload = encode(&pair(), &author, &name, &[one.id()]);
    let open = |payload: &[u8]| {
        let sealed = one.seal_for_self(payload).unwrap();
        ReceivedAemKeys::open(&sealed, &one)
    };
    assert!(open(&payload).is_ok());
    for at in 0..payload.len() {
        let mut altered = payload.to_vec();
        altered[at] ^= 1;
        assert!(open(&altered).is_err(), "byte {at}");
        assert!(open(&payload[..at]).is_err(), "cut at {at}");
    }
    assert!(open(&[&payload[..], &[0]].concat()).is_err());
}

/// A bundle of the one kind is never taken for the other, though the same machine made, signed and sealed it.
#[test]
fn keys_of_signet_and_of_aem_are_told_apart() {
    let (author, one) = (identity(), identity());
    let sealed = seal(&author, &[&one]);
    let error = ReceivedBundle::open(&sealed, &one).unwrap_err();
    assert!(matches!(error, BundleError::AemKeys), "{error:?}");
    assert!(error.hint().contains("signet aem import"));

    let bundle = KeyBundle {
        farm: "farm".parse().unwrap(),
        created: NOW,
        keys: Vec::new(),
        revoked: Default::default(),
    };
    let name = "author".parse().unwrap();
    let sealed = bundle.seal(&author, &name, &[card(&one, "one")]).unwrap();
    let error = ReceivedAemKeys::open(&sealed, &one).unwrap_err();
    assert!(matches!(error, BundleError::SignetKeys), "{error:?}");
    assert!(error.hint().contains("signet keys import"));

    // A signature for the one purpose under the mark of the other.
    let name = "author".parse().unwrap();
    let mut payload = encode(&pair(), &author, &name, &[one.id()]);
    let cut = payload.len() - 64;
    let signature = author.sign("bundle", &payload[..cut - 8]);
    payload[cut..].copy_from_slice(&signature.0);
    let sealed = one.seal_for_self(&payload).unwrap();
    let error = ReceivedAemKeys::open(&sealed, &one).unwrap_err();
    assert!(matches!(error, BundleError::Altered), "{error:?}");
}

#[test]
fn a_bundle_for_another_or_passed_on_is_refused() {
    let (author, one, two) = (identity(), identity(), identity());
    let sealed = seal(&author, &[&one]);
    let error = ReceivedAemKeys::open(&sealed, &two).unwrap_err();
    assert!(error.to_string().contains(&one.id().to_string()));
    let opened = one.open_own(&sealed).unwrap();
    let passed_on = two.seal_for_self(&opened).unwrap();
    let error = ReceivedAemKeys::open(&passed_on, &two).unwrap_err();
    assert!(matches!(error, BundleError::Forwarded { .. }), "{error:?}");
}

/// Signed well, by somebody who writes what no honest sender does.
fn hostile(fields: &[&[u8]]) -> BundleError {
    let (author, one) = (identity(), identity());
    let mut body = Framed::with_capacity(64);
    body.push(card(&author, "author").to_string().as_bytes());
    let id = one.id().to_string();
    for field in fields {
        body.push(match field {
            [b'@'] => id.as_bytes(),
            field => field,
        });
    }
    let sealed = one.seal_for_self(&AEM_KEYS.sign(&body, &author)).unwrap();
    ReceivedAemKeys::open(&sealed, &one).unwrap_err()
}

// T13
#[test]
fn a_hostile_sender_gets_nothing_past() {
    let large = vec![1; MAX_AEM_KEY_BYTES + 1];
    let cases: [(&[&[u8]], &str); 12] = [
        (&[], "kind"),
        (&[b"keys"], "\"keys\""),
        (&[b"aem-keys"], "time"),
        (&[b"aem-keys", b"01"], "time"),
        (&[b"aem-keys", b"1", b"1", b"x"], "recipients"),
        (&[b"aem-keys", b"1", b"1", b"@", b"0"], "list of keys"),
        (
            &[b"aem-keys", b"1", b"1", b"@", b"1", b"../hmac", b"x"],
            "list of keys",
        ),
        (
            &[b"aem-keys", b"1", b"1", b"@", b"1", b"hmac", b""],
            "list of keys",
        ),
        (
            &[b"aem-keys", b"1", b"1", b"@", b"1", b"hmac", &large],
            "list of keys",
        ),
        (
            &[
                b"aem-keys",
                b"1",
                b"1",
                b"@",
                b"2",
                b"hmac",
                b"x",
                b"hmac",
                b"y",
            ],
            "list of keys",
        ),
        (
            &[b"aem-keys", b"1", b"1", b"@", b"1", b"hmac", b"x", b"y"],
            "end",
        ),
        (
            &[b"aem-keys", b"1", b"1", b"@", b"18446744073709551615"],
            "list of keys",
        ),
    ];
    for (fields, part) in cases {
        let error = hostile(fields);
        assert!(error.to_string().contains(part), "{part}: {error}");
        assert!(!error.hint().is_empty());
    }
}

proptest! {
    #[test]
    fn any_keys_come_out_as_they_went_in(
        hmac in prop::collection::vec(any::<u8>(), 1..300),
        master in prop::collection::vec(any::<u8>(), 1..300),
        created: u64,
    ) {
        let (author, one) = (identity(), identity());
        let keys = AemKeys::new(
            Some(Zeroizing::new(hmac)),
            Some(Zeroizing::new(master)),
            UnixSeconds(created),
        ).unwrap();
        let name = "author".parse().unwrap();
        let sealed = keys.seal(&author, &name, &[card(&one, "one")]).unwrap();
        let received = ReceivedAemKeys::open(&sealed, &one).unwrap();
        prop_assert_eq!(&received.content().hmac, &keys.hmac);
        prop_assert_eq!(&received.content().master, &keys.master);
        prop_assert_eq!(received.content().created, keys.created);
    }

    // T13
    #[test]
    fn any_bytes_are_no_bundle(bytes: Vec<u8>) {
        let one = identity();
        prop_assert!(ReceivedAemKeys::open(&bytes, &one).is_err());
        let inside = one.seal_for_self(&bytes).unwrap();
        prop_assert!(ReceivedAemKeys::open(&inside, &one).is_err());
    }
}
