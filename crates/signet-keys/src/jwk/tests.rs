use proptest::prelude::*;

use super::*;
use crate::testing::key;

const HMAC: RingName = RingName::Hmac;

fn sample() -> (Key, String, String) {
    let mut key = key(HMAC, 7, KeyState::Active, 100);
    key.activated = Some(UnixSeconds(200));
    (
        key.clone(),
        key.id.to_string(),
        encode_key_file(&key).to_string(),
    )
}

fn same(one: &Key, other: &Key) -> bool {
    one.id == other.id
        && one.ring == other.ring
        && one.state == other.state
        && one.created == other.created
        && one.activated == other.activated
        && one.material.expose() == other.material.expose()
}

// K1
#[test]
fn the_format_is_fixed() {
    assert_eq!(
        sample().2,
        "{\"kty\":\"oct\",\"k\":\"BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc\",\
         \"kid\":\"fbe5d005524bedb2648906045a0e888a\",\"use\":\"sig\",\"alg\":\"HS256\",\"iss\":\"farm\",\
         \"created\":100,\"activated\":200,\"state\":\"active\"}\n"
    );
    let master = encode_key_file(&key(RingName::Master, 7, KeyState::VerifyOnly, 1)).to_string();
    assert!(master.contains(
        "\"use\":\"enc\",\"alg\":\"A256GCMSIV\",\"iss\":\"farm\",\"created\":1,\"state\":\"verify-only\"}"
    ));
}

// K1
#[test]
fn what_is_written_is_read() {
    for ring in RingName::ALL {
        for state in ["pending", "active", "verify-only", "revoked"] {
            let written = key(ring, 9, state.parse().unwrap(), 5);
            let stem = written.id.to_string();
            let read = parse_key_file(ring, &stem, encode_key_file(&written).as_bytes()).unwrap();
            assert!(same(&read, &written));
        }
    }
}

// K1
#[test]
fn a_byte_order_mark_and_white_space_around_are_harmless() {
    let (key, stem, text) = sample();
    let object = text.trim();
    for text in [
        object.to_owned(),
        format!("{object}\n"),
        format!("{object}\r\n\n"),
        format!("\u{feff}{object}"),
        format!("\u{feff}  {object} \n"),
    ] {
        assert!(same(
            &parse_key_file(HMAC, &stem, text.as_bytes()).unwrap(),
            &key
        ));
    }
    let pretty = object.replace(',', ",\n  ").replace(':', ": ");
    assert!(parse_key_file(HMAC, &stem, pretty.as_bytes()).is_ok());
}

// K1
#[test]
fn every_kind_of_damage_has_its_message() {
    let (_, stem, text) = sample();
    let text = text.as_str();
    let bits = "BwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwcHBwc";
    let master = encode_key_file(&key(RingName::Master, 7, KeyState::Active, 100)).to_string();
    let as_hmac = master.replace("enc", "sig").replace("A256GCMSIV", "HS256");
    let other = encode_key_file(&key(HMAC, 8, KeyState::Active, 100)).to_string();
    let with = |from: &str, to: &str| {
        assert!(text.contains(from), "{from}");
        text.replacen(from, to, 1)
    };
    let half = text.get(..text.len() / 2).unwrap().to_owned();
    let cases = [
        (String::new(), "it is empty"),
        (
            " \n\u{feff}".trim_end_matches('\u{feff}').into(),
            "it is empty",
        ),
        ("\0".repeat(300), "it is empty"),
        (
            "<!DOCTYPE html><title>Log in</title>".into(),
            "it is a web page, not a key (a saved login page?)",
        ),
        (
            "\n <html>".into(),
            "it is a web page, not a key (a saved login page?)",
        ),
        (
            " ".repeat(MAX_KEY_FILE_BYTES) + text,
            "it is larger than 16384 bytes",
        ),
        (half, "it is cut off: it ends in the middle"),
        (
            text.trim().trim_end_matches('}').into(),
            "it is cut off: it ends in the middle",
        ),
        ("kty=oct".into(), "it is not JSON: line 1, column 1"),
        (text.to_owned() + "x", "it is not JSON: line 2, column 1"),
        (text.to_owned() + text, "it is not JSON: line 2, column 1"),
        (with("100,", "100,,"), "it is not JSON: line 1, column 158"),
        (bits.into(), "it is not JSON: line 1, column 1"),
        (format!("\"{bits}\""), "it is JSON, but not an object"),
        ("[\"oct\"]".into(), "it is JSON, but not an object"),
        ("{}".into(), "its member \"kty\" is missing"),
        (
            with("\"k\":", "\"K\":"),
            "it has a member that key files do not have: line 1, column 16",
        ),
        (
            with("{", "{\"key_ops\":[],"),
            "it has a member that key files do not have: line 1, column 10",
        ),
        (
            with("{", "{\"kty\":\"oct\","),
            "its member \"kty\" is there twice",
        ),
        (
            with("{", "{\"state\":\"active\","),
            "its member \"state\" is there twice",
        ),
        (
            with("\"oct\"", "8"),
            "its member \"kty\" is not a plain text",
        ),
        (
            with("\"oct\"", "\"\\u006fct\""),
            "its member \"kty\" is not a plain text",
        ),
        (
            with("\"oct\"", "{\"a\":[1,{}]}"),
            "its member \"kty\" is not a plain text",
        ),
        (
            with("100", "\"100\""),
            "its member \"created\" is not a number of whole seconds since 1970",
        ),
        (
            with("100", "1.5"),
            "its member \"created\" is not a number of whole seconds since 1970",
        ),
        (
            with("100", "-1"),
            "its member \"created\" is not a number of whole seconds since 1970",
        ),
        (
            with("100", "18446744073709551616"),
            "its member \"created\" is not a number of whole seconds since 1970",
        ),
        (
            with("200", "null"),
            "its member \"activated\" is not a number of whole seconds since 1970",
        ),
        (
            with("\"created\":100,", ""),
            "its member \"created\" is missing",
        ),
        (
            with(",\"state\":\"active\"", ""),
            "its member \"state\" is missing",
        ),
        (with("oct", "RSA"), "its \"kty\" is not \"oct\""),
        (
            with("sig", "enc"),
            "its \"use\" is not \"sig\", as it is in this ring",
        ),
        (
            with("HS256", "none"),
            "its \"alg\" is not \"HS256\", as it is in this ring",
        ),
        (
            with("\"active\"", "\"retired\""),
            "its \"state\" is not \"pending\", \"active\", \"verify-only\" or \"revoked\"",
        ),
        (
            with(bits, &format!("{bits}=")),
            "its \"k\" is not base64url without padding",
        ),
        (
            with("BwcH", "Bw/H"),
            "its \"k\" is not base64url without padding",
        ),
        (
            with("HBwc\"", "HBwd\""),
            "its \"k\" is not base64url without padding",
        ),
        (with("BwcH", ""), "its \"k\" has 232 bits, not 256"),
        (
            with("BwcH", "BwcHBwcHBwcH"),
            "its \"k\" has 304 bits, not 256",
        ),
        (with(bits, ""), "its \"k\" has 0 bits, not 256"),
        (
            with("\"kid\":\"", "\"kid\":\"../"),
            "its \"kid\" is not 32 lower-case hexadecimal digits",
        ),
        (
            with("BwcH", "CwcH"),
            "it is damaged: its \"kid\" does not belong to its \"k\"",
        ),
        (
            as_hmac,
            "it is misplaced: its \"kid\" says that the key belongs to the master ring",
        ),
        (master, "its \"use\" is not \"sig\", as it is in this ring"),
        (
            other,
            "it is misnamed: the file is not named after its \"kid\"",
        ),
    ];
    for (text, message) in cases {
        let error = parse_key_file(HMAC, &stem, text.as_bytes()).unwrap_err();
        assert_eq!(error.to_string(), message, "{text}");
        assert!(!error.hint(std::path::Path::new("x.jwk")).is_empty());
    }
    let error = parse_key_file(HMAC, &stem, b"\xff\xfe{\0").unwrap_err();
    assert_eq!(error.to_string(), "it is not JSON: line 1, column 1");
    assert_eq!(
        parse_key_file(HMAC, "notes", text.as_bytes()).unwrap_err(),
        KeyFileError::Misnamed
    );
}

// K9
#[test]
fn errors_never_repeat_what_the_file_holds() {
    let (_, stem, text) = sample();
    let secret = "c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2VjcmV0c2U";
    for place in ["oct", "sig", "HS256", "\"active\"", "kty", "100", "created"] {
        let spoilt = text.replacen(place, secret, 1);
        let error = parse_key_file(HMAC, &stem, spoilt.as_bytes()).unwrap_err();
        let shown = format!(
            "{error} {error:?} {}",
            error.hint(std::path::Path::new("x"))
        );
        assert!(!shown.contains("c2VjcmV0"), "{shown}");
    }
}

proptest! {
    // K1, T13
    #[test]
    fn no_bytes_make_it_panic_or_pass_for_a_key(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let (_, stem, _) = sample();
        prop_assert!(parse_key_file(HMAC, &stem, &bytes).is_err());
    }

    // K1: whatever is changed, what is accepted still has the bits that its name stands for.
    #[test]
    fn a_changed_file_is_refused_or_holds_the_same_bits(
        at in 0_usize..230,
        with in proptest::collection::vec(any::<u8>(), 0..3),
        gone in 0_usize..4,
    ) {
        let (key, stem, text) = sample();
        let mut bytes = text.into_bytes();
        let at = at.min(bytes.len());
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, with);
        if let Ok(read) = parse_key_file(HMAC, &stem, &bytes) {
            prop_assert!(read.id == key.id && read.material.expose() == key.material.expose());
        }
    }

    #[test]
    fn no_object_of_known_members_makes_it_panic(
        members in proptest::collection::vec(
            (
                prop::sample::select(vec!["kty", "k", "kid", "use", "alg", "iss", "created", "activated", "state"]),
                prop::sample::select(vec!["\"oct\"", "1", "1e3", "null", "true", "[]", "{\"k\":1}", "\"\\n\"", "\"sig\""]),
            ),
            0..9,
        )
    ) {
        let members: Vec<_> = members.iter().map(|(n, v)| format!("\"{n}\":{v}")).collect();
        let text = format!("{{{}}}", members.join(","));
        prop_assert!(parse_key_file(HMAC, &"0".repeat(32), text.as_bytes()).is_err());
    }
}
