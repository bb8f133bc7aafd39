use super::*;
use crate::{Generation, Key, KeyMaterial, KeyState, Purpose, RingName, SessionId, UnixSeconds};
use data_encoding::BASE64URL_NOPAD as B64;
use serde_json::{Value, json};

fn key(seed: u8) -> Key {
    let mut key = Key::new(
        RingName::Hmac,
        "farm".parse().unwrap(),
        KeyMaterial::new([seed; 32]),
        UnixSeconds(1),
    );
    key.state = KeyState::Active;
    key
}

fn ring(seed: u8) -> KeyRing {
    KeyRing::new(&[key(seed)], [])
}

fn claims() -> Claims<'static> {
    Claims {
        issuer: "farm".into(),
        audience: "www.example.com".into(),
        subject: "alice".into(),
        session: SessionId([1; 16]),
        generation: Generation(2),
        issued_at: UnixSeconds(1_000),
        expires_at: UnixSeconds(2_800),
        auth_time: UnixSeconds(1_000),
        methods: ["pwd"].into_iter().collect(),
        session_end: UnixSeconds(44_200),
        provider_session: None,
        name: None,
        email: None,
        groups: None,
    }
}

fn open_with(token: &str, keys: &KeyRing) -> Result<Vec<u8>, Denied> {
    let mut scratch = Scratch::default();
    open(token.as_bytes(), keys, &mut scratch).map(|opened| opened.payload.to_vec())
}

fn signed() -> String {
    mint(&claims(), Format::Signed, &ring(1), [0; 16]).unwrap()
}

fn sealed() -> String {
    mint(&claims(), Format::Sealed, &ring(1), [7; 16]).unwrap()
}

fn segments(token: &str) -> Vec<String> {
    token.split('.').map(str::to_owned).collect()
}

/// Signs header and payload as they are with the real key, so that only the header can be at fault.
fn signed_with_header(header: &str) -> String {
    let secret = key(1).material.derive(Purpose::SignedSession);
    let payload = segments(&signed())[1].clone();
    let input = format!("{}.{payload}", B64.encode(header.as_bytes()));
    let key = jsonwebtoken::EncodingKey::from_secret(&*secret);
    let tag =
        jsonwebtoken::crypto::sign(input.as_bytes(), &key, jsonwebtoken::Algorithm::HS256).unwrap();
    format!("{input}.{tag}")
}

#[test]
fn the_headers_are_exactly_those_of_the_design() {
    let id = key(1).id;
    let header =
        |token: &str| String::from_utf8(B64.decode(segments(token)[0].as_bytes()).unwrap());
    assert_eq!(
        header(&signed()).unwrap(),
        format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}"}}"#)
    );
    assert_eq!(
        header(&sealed()).unwrap(),
        format!(r#"{{"typ":"login+jwt","alg":"dir","enc":"A128CBC-HS256","kid":"{id}"}}"#)
    );
}

// T1, T3
#[test]
fn no_other_header_is_accepted_though_the_signature_is_right() {
    let id = key(1).id;
    let good = format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}"}}"#);
    assert!(open_with(&signed_with_header(&good), &ring(1)).is_ok());
    for bad in [
        format!(r#"{{"alg":"HS256","typ":"login+jwt","kid":"{id}"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"none","kid":"{id}"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"HS512","kid":"{id}"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"RS256","kid":"{id}"}}"#),
        format!(r#"{{"typ":"JWT","alg":"HS256","kid":"{id}"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}","kid":"{id}"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}","zip":"DEF"}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}","jwk":{{}}}}"#),
        format!(r#"{{"typ":"login+jwt","alg":"HS256","kid":"{id}","crit":["exp"]}}"#),
        format!(r#"{{"typ": "login+jwt","alg":"HS256","kid":"{id}"}}"#),
        r#"{"typ":"login+jwt","alg":"HS256"}"#.to_owned(),
        r#"{"typ":"login+jwt","alg":"HS256","kid":"../../etc/passwd"}"#.to_owned(),
        format!(
            r#"{{"typ":"login+jwt","alg":"HS256","kid":"{}"}}"#,
            "a".repeat(4_000)
        ),
        format!(
            r#"{{"typ":"login+jwt","alg":"HS256","kid":"{}"}}"#,
            key(2).id
        ),
    ] {
        assert!(
            open_with(&signed_with_header(&bad), &ring(1)).is_err(),
            "{bad}"
        );
    }
}

// T1
#[test]
fn an_unsigned_token_is_refused() {
    let parts = segments(&signed());
    for bad in [
        format!("{}.{}.", parts[0], parts[1]),
        format!("{}.{}", parts[0], parts[1]),
        format!("{}.{}.{}.", parts[0], parts[1], parts[2]),
        format!("{}..{}", parts[0], parts[2]),
        parts[0].clone(),
        format!("{}.", parts[0]),
        String::new(),
    ] {
        assert!(open_with(&bad, &ring(1)).is_err(), "{bad}");
    }
}

// T9
#[test]
fn a_truncated_tag_is_refused() {
    for token in [signed(), sealed()] {
        for cut in 1..30 {
            assert!(open_with(&token[..token.len() - cut], &ring(1)).is_err());
        }
    }
    let mut parts = segments(&sealed());
    for length in [0, 1, 8, 12, 15] {
        parts[4] = B64.encode(&B64.decode(segments(&sealed())[4].as_bytes()).unwrap()[..length]);
        assert!(open_with(&parts.join("."), &ring(1)).is_err());
    }
}

// T5
#[test]
fn the_formats_do_not_pass_for_each_other() {
    let secret = key(1).material.derive(Purpose::FormToken);
    let header = jsonwebtoken::Header {
        typ: Some("login+jwt".to_owned()),
        kid: Some(key(1).id.to_string()),
        ..Default::default()
    };
    let payload: Value = serde_json::from_str(&claims().to_json()).unwrap();
    let form = jsonwebtoken::encode(
        &header,
        &payload,
        &jsonwebtoken::EncodingKey::from_secret(&*secret),
    )
    .unwrap();
    assert_eq!(open_with(&form, &ring(1)), Err(Denied::MacInvalid));
    let (s, j) = (segments(&signed()), segments(&sealed()));
    let mixed = format!("{}.{}.{}", j[0], s[1], s[2]);
    assert!(open_with(&mixed, &ring(1)).is_err());
}

// Invariant 2: with a wrong MAC the payload stays what it was in the buffer: ciphertext.
#[test]
fn nothing_is_decrypted_before_the_mac_is_right() {
    let mut parts = segments(&sealed());
    parts[4] = B64.encode(&[0; 16]);
    let mut scratch = Scratch::default();
    let denied = open(parts.join(".").as_bytes(), &ring(1), &mut scratch).unwrap_err();
    assert_eq!(denied, Denied::MacInvalid);
    let ciphertext = B64.decode(parts[3].as_bytes()).unwrap();
    assert_eq!(&scratch.0[..ciphertext.len()], ciphertext);
}

#[test]
fn every_key_of_the_ring_verifies_until_it_is_revoked() {
    let (old, mut new) = (key(1), key(2));
    new.created = UnixSeconds(2);
    let both = KeyRing::new(&[old.clone(), new.clone()], []);
    for token in [signed(), sealed()] {
        assert!(open_with(&token, &both).is_ok());
        assert_eq!(
            open_with(&token, &KeyRing::new([&new], [])),
            Err(Denied::KeyUnknown)
        );
        assert_eq!(
            open_with(&token, &KeyRing::new([&old, &new], [old.id])),
            Err(Denied::KeyRevoked)
        );
    }
}

// T12
#[test]
fn a_signed_token_carries_nothing_personal() {
    let named = Claims {
        name: Some("Alice".into()),
        ..claims()
    };
    assert_eq!(
        mint(&named, Format::Signed, &ring(1), [0; 16]),
        Err(MintError::Personal)
    );
    let sealed = mint(&named, Format::Sealed, &ring(1), [0; 16]).unwrap();
    assert!(!sealed.contains(&B64.encode(b"Alice")));
}

// C3
#[test]
fn a_token_that_no_cookie_could_hold_is_not_made() {
    let named = Claims {
        name: Some("x".repeat(4_000).into()),
        ..claims()
    };
    assert!(matches!(
        mint(&named, Format::Sealed, &ring(1), [0; 16]),
        Err(MintError::TooLarge(_))
    ));
    assert_eq!(
        open_with(&"a".repeat(100_000), &ring(1)),
        Err(Denied::TokenMalformed)
    );
}

#[test]
fn jsonwebtoken_reads_what_we_sign() {
    let secret = key(1).material.derive(Purpose::SignedSession);
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::HS256);
    validation.set_audience(&["www.example.com"]);
    validation.set_issuer(&["farm"]);
    validation.validate_exp = false;
    let read = jsonwebtoken::decode::<Value>(
        signed(),
        &jsonwebtoken::DecodingKey::from_secret(&*secret),
        &validation,
    )
    .unwrap();
    assert_eq!(read.header.kid, Some(key(1).id.to_string()));
    assert_eq!(
        read.claims,
        serde_json::from_str::<Value>(&claims().to_json()).unwrap()
    );
}

#[test]
fn we_read_what_jsonwebtoken_signs() {
    #[derive(serde::Serialize)]
    struct Header {
        typ: &'static str,
        alg: &'static str,
        kid: String,
    }
    let header = Header {
        typ: "login+jwt",
        alg: "HS256",
        kid: key(1).id.to_string(),
    };
    let token = signed_with_header(&serde_json::to_string(&header).unwrap());
    let payload = open_with(&token, &ring(1)).unwrap();
    let read: Value = serde_json::from_slice(&payload).unwrap();
    assert_eq!(read["sub"], json!("alice"));
}

// RFC 7518, appendix B.1, with our own framing around it: the MAC is over AAD, IV, ciphertext and AL.
#[test]
fn the_same_claims_never_look_the_same_twice() {
    let one = mint(&claims(), Format::Sealed, &ring(1), [1; 16]).unwrap();
    let two = mint(&claims(), Format::Sealed, &ring(1), [2; 16]).unwrap();
    assert_eq!(segments(&one)[0], segments(&two)[0]);
    assert!((2..5).all(|part| segments(&one)[part] != segments(&two)[part]));
}
