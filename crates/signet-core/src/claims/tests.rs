use super::*;
use proptest::prelude::*;
use serde_json::{Value, json};

fn example() -> Value {
    json!({
        "iss": "f1", "aud": "www.example.com", "sub": "zoë", "sid": "AAAAAAAAAAAAAAAAAAAAAA", "gen": 3,
        "iat": 1000, "exp": 2800, "auth_time": 1000, "amr": ["pwd"], "max": 44200,
    })
}

fn parse(claims: &Value) -> Result<Claims<'static>, ClaimsError> {
    let payload = claims.to_string().into_bytes().leak();
    Claims::parse(payload)
}

// T4
#[test]
fn every_mandatory_claim_must_be_there() {
    assert!(parse(&example()).is_ok());
    for name in [
        "iss",
        "aud",
        "sub",
        "sid",
        "gen",
        "iat",
        "exp",
        "auth_time",
        "amr",
        "max",
    ] {
        let mut claims = example();
        claims.as_object_mut().unwrap().remove(name);
        assert_eq!(parse(&claims), Err(ClaimsError::Missing(name)));
    }
}

// T4: RUSTSEC advisories tell of parsers that skipped an `exp` of the wrong type.
#[test]
fn a_claim_of_the_wrong_type_is_refused_not_skipped() {
    let wrong = [
        json!(null),
        json!(true),
        json!({}),
        json!([1]),
        json!(1.5),
        json!(-1),
        json!([["x"]]),
    ];
    for (name, value) in example().as_object().unwrap() {
        let other = if value.is_string() {
            json!(5)
        } else {
            json!("2800")
        };
        for bad in wrong.iter().chain([&other]) {
            let mut claims = example();
            claims[name] = bad.clone();
            assert_eq!(parse(&claims), Err(ClaimsError::Malformed), "{name}: {bad}");
        }
    }
    for name in ["usid", "name", "email", "groups"] {
        let mut claims = example();
        claims[name] = json!(5);
        assert_eq!(parse(&claims), Err(ClaimsError::Malformed), "{name}");
    }
}

// T4
#[test]
fn a_doubled_claim_is_refused() {
    let text = example().to_string();
    for (name, value) in example().as_object().unwrap() {
        let doubled = format!("{{\"{name}\":{value},{}", &text[1..]);
        assert_eq!(
            Claims::parse(doubled.as_bytes()),
            Err(ClaimsError::Malformed),
            "{name}"
        );
    }
    let disguised = format!("{{\"\\u0065xp\":9,{}", &text[1..]);
    assert_eq!(
        Claims::parse(disguised.as_bytes()),
        Err(ClaimsError::Malformed)
    );
}

#[test]
fn unknown_claims_are_ignored() {
    let mut claims = example();
    claims["jti"] = json!({"deep": [1, null, {"er": "x"}]});
    assert_eq!(parse(&claims), parse(&example()));
}

#[test]
fn times_must_be_in_order() {
    for (name, value) in [
        ("auth_time", 1001),
        ("exp", 999),
        ("max", 2799),
        ("iat", 2801),
    ] {
        let mut claims = example();
        claims[name] = json!(value);
        assert_eq!(parse(&claims), Err(ClaimsError::Times), "{name}");
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_again(
        subject in any::<String>(), name in any::<Option<String>>(), groups in any::<Option<Vec<String>>>(),
        session in any::<[u8; 16]>(), generation in any::<u32>(), iat in 0..u64::MAX / 4,
    ) {
        let claims = Claims {
            issuer: "f1".into(), audience: "z".into(), subject: subject.into(), session: SessionId(session),
            generation: Generation(generation), issued_at: UnixSeconds(iat), expires_at: UnixSeconds(iat + 5),
            auth_time: UnixSeconds(iat), methods: ["pwd", "otp"].into_iter().collect(),
            session_end: UnixSeconds(iat + 9), provider_session: None, name: name.map(Into::into), email: None,
            groups: groups.as_ref().map(|groups| groups.iter().map(String::as_str).collect()),
        };
        let json = claims.to_json();
        prop_assert!(serde_json::from_str::<Value>(&json).is_ok());
        let read = Claims::parse(json.as_bytes()).unwrap();
        prop_assert_eq!(read.groups.as_ref().map(StringList::to_vec), groups);
        prop_assert_eq!(read, claims);
    }

    // Both readers agree on every document the faster one takes.
    #[test]
    fn the_canonical_reader_takes_nothing_the_other_refuses(
        at in any::<prop::sample::Index>(), with in "[ -~]{0,3}", len in 0..4usize,
    ) {
        let full = concat!(
            r#"{"iss":"f","aud":"z","sub":"s","sid":"AAAAAAAAAAAAAAAAAAAAAA","gen":3,"iat":1000,"exp":2800,"#,
            r#""auth_time":1000,"amr":["pwd"],"max":44200,"usid":"u","name":"n","email":"e","groups":["g"]}"#,
        );
        let at = at.index(full.len());
        let end = (at + len).min(full.len());
        let text = format!("{}{with}{}", &full[..at], &full[end..]);
        if let Some(claims) = canonical::parse(&text) {
            prop_assert_eq!(claims.with_times_in_order(), Claims::parse_any_order(&text));
        }
        prop_assert!(canonical::parse(full).is_some());
    }

    #[test]
    fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _ = Claims::parse(&bytes);
    }
}
