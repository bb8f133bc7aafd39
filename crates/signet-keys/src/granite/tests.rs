use std::os::unix::fs::PermissionsExt;

use proptest::prelude::*;
use signet_core::RingName;

use super::*;
use crate::KeyStoreOptions;

fn random<const N: usize>(seed: u8) -> [u8; N] {
    let mut bits = [seed; N];
    bits[0] = 0x80;
    bits
}

fn store() -> (tempfile::TempDir, KeyStore) {
    let scratch = tempfile::tempdir().unwrap();
    let store = KeyStore::open(&scratch.path().join("keys"), KeyStoreOptions::default()).unwrap();
    store.create_if_missing(UnixSeconds(1)).unwrap();
    (scratch, store)
}

fn load(store: &KeyStore) -> GraniteKeys {
    GraniteKeys::load(store.directory(), Custody::Private).unwrap()
}

#[test]
fn a_granite_master_is_kept_apart() {
    let (_scratch, store) = store();
    assert!(load(&store).keys.is_empty());
    let key = GraniteKey::new(parse_raw_master(&random::<16>(7)).unwrap(), UnixSeconds(5));
    let before = store.load(None).unwrap().keys.len();
    assert_eq!(store.insert_granite(&key).unwrap(), Insertion::Added);
    assert_eq!(store.insert_granite(&key).unwrap(), Insertion::Unchanged);
    let loaded = load(&store);
    assert_eq!(loaded.keys[0].expose(), &random(7));
    assert_eq!(
        (loaded.keys[0].id(), loaded.keys[0].created()),
        (key.id(), UnixSeconds(5))
    );
    let keys = store.load(None).unwrap();
    assert_eq!((keys.keys.len(), keys.problems.len()), (before, 0));

    let path = path(&store.directory().join(DIRECTORY), key.id());
    let mode = fs::metadata(&path).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
    // K9
    assert!(!format!("{loaded:?}").contains("7, 7"));
}

// K1
#[test]
fn a_damaged_file_is_reported_and_can_be_repaired() {
    let (_scratch, store) = store();
    let key = GraniteKey::new(parse_raw_master(&random::<16>(7)).unwrap(), UnixSeconds(5));
    store.insert_granite(&key).unwrap();
    let path = path(&store.directory().join(DIRECTORY), key.id());
    let good = fs::read_to_string(&path).unwrap();
    for (bad, reason) in [
        (String::new(), "it is empty"),
        ("<html>".to_owned(), "web page"),
        (good[..40].to_owned(), "cut off"),
        (good.replace("A128CBC", "A256GCMSIV"), "\"A128CBC\""),
        (good.replace("gAcH", "gAcG"), "damaged"),
        (good.replace("gAcH", ""), "104 bits, not 128"),
        (good.replace("\"kty\"", "\"kyt\""), "member"),
    ] {
        atomic::write(&path, bad.as_bytes()).unwrap();
        let loaded = load(&store);
        assert!(loaded.keys.is_empty());
        let told = loaded.problems[0].reason();
        assert!(told.contains(reason), "{told}");
        assert!(!loaded.problems[0].hint().is_empty());
        assert_eq!(store.insert_granite(&key).unwrap(), Insertion::Repaired);
        assert_eq!(fs::read_to_string(&path).unwrap(), good);
    }
    atomic::write(&path, format!("\u{feff}{good}\n").as_bytes()).unwrap();
    assert_eq!(load(&store).keys.len(), 1);
    fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).unwrap();
    assert!(load(&store).problems[0].reason().contains("0644"));
    assert!(store.insert_granite(&key).is_err());
}

#[test]
fn a_raw_key_has_the_right_size_or_is_refused_exactly() {
    let hmac: [u8; 32] = random(9);
    let master: [u8; 16] = random(9);
    assert_eq!(parse_raw_hmac(&hmac).unwrap().expose(), &hmac);
    assert_eq!(*parse_raw_master(&master).unwrap(), master);

    let with = |bytes: &[u8], end: &str| [bytes, end.as_bytes()].concat();
    let page = b"\n<!DOCTYPE html>\n<html><head><title>Sign in</title>".to_vec();
    let jwk = b"{\"kty\":\"oct\",\"k\":\"AAAA\"}".to_vec();
    use RawKeyError as E;
    for (bytes, error) in [
        (vec![], E::Empty),
        (page.clone(), E::Html),
        (jwk.clone(), E::Signet),
        (
            with(&hmac, "\n"),
            E::LineEnd {
                size: 33,
                expected: 32,
            },
        ),
        (
            with(&hmac, "\r\n"),
            E::LineEnd {
                size: 34,
                expected: 32,
            },
        ),
        (vec![b'a'; 64], E::Hexadecimal { expected: 32 }),
        (vec![b'z'; 43], E::Base64 { expected: 32 }),
        (with(&[b'z'; 43], "=\n"), E::Base64 { expected: 32 }),
        (b"abcdefghijklmnopqrstuvwxyz012345".to_vec(), E::Text),
        (vec![0; 32], E::Blank),
        (master.to_vec(), E::Swapped),
        (
            hmac[..31].to_vec(),
            E::Short {
                size: 31,
                expected: 32,
            },
        ),
        (
            vec![0xee; 5000],
            E::Long {
                size: 5000,
                expected: 32,
            },
        ),
    ] {
        assert_eq!(parse_raw_hmac(&bytes).unwrap_err(), error);
        assert!(!error.hint().is_empty());
    }
    for (bytes, error) in [
        (vec![], E::Empty),
        (page, E::Html),
        (jwk, E::Signet),
        (
            with(&master, "\n"),
            E::LineEnd {
                size: 17,
                expected: 16,
            },
        ),
        (with(&[b'a'; 32], "\n"), E::Hexadecimal { expected: 16 }),
        (with(&[b'z'; 22], "=="), E::Base64 { expected: 16 }),
        (b"0123456789abcdef".to_vec(), E::Text),
        (vec![0xff; 16], E::Blank),
        (hmac.to_vec(), E::Obfuscated),
        (
            master[..15].to_vec(),
            E::Short {
                size: 15,
                expected: 16,
            },
        ),
        (
            vec![0xee; 48],
            E::Long {
                size: 48,
                expected: 16,
            },
        ),
    ] {
        assert_eq!(parse_raw_master(&bytes).unwrap_err(), error);
    }
    // A key may begin with what a page begins with.
    let mut key = master;
    key[0] = b'<';
    assert!(parse_raw_master(&key).is_ok());
}

#[test]
fn the_id_of_a_granite_key_is_that_of_no_other() {
    let master = GraniteKey::new(Zeroizing::new(random(1)), UnixSeconds(0));
    let other = GraniteKey::new(Zeroizing::new(random(2)), UnixSeconds(0));
    assert_ne!(master.id(), other.id());
    let material = parse_raw_hmac(&random::<32>(1)).unwrap();
    assert!(
        RingName::ALL
            .iter()
            .all(|ring| material.id(*ring) != master.id())
    );
}

proptest! {
    #[test]
    fn any_bytes_are_a_key_or_an_error(bytes in proptest::collection::vec(any::<u8>(), 0..100)) {
        prop_assert!(parse_raw_hmac(&bytes).is_err() || bytes.len() == 32);
        prop_assert!(parse_raw_master(&bytes).is_err() || bytes.len() == 16);
    }
}
