use http::header::{HeaderName, RETRY_AFTER};
use proptest::prelude::*;
use secrecy::ExposeSecret as _;

use super::*;

const NOW: UnixSeconds = UnixSeconds(1_800_000_000);
const SECRET: &str = "correct-horse-battery-staple";

fn confidential() -> Confidential {
    let mut confidential = Confidential::default();
    confidential.add(SECRET);
    confidential
}

fn answer(status: u16, headers: &[(HeaderName, &str)], body: &[u8]) -> Answer {
    let headers = headers.iter();
    Answer {
        status: StatusCode::from_u16(status).unwrap(),
        headers: headers
            .map(|(name, value)| (name.clone(), value.parse().unwrap()))
            .collect(),
        body: Some(body.to_vec().into()),
    }
}

fn given(status: u16, body: &str) -> Result<Granted, AnswerError> {
    read(&answer(status, &[], body.as_bytes()), &confidential(), NOW)
}

fn code(status: u16, body: &str) -> &'static str {
    let error = given(status, body).unwrap_err();
    assert!(!error.to_string().is_empty() && !error.hint().is_empty());
    error.code()
}

#[test]
fn a_token_is_found() {
    let body = r#"{"access_token":"abc.def","token_type":"bearer","expires_in":86399,"x":[1]}"#;
    let granted = given(200, body).unwrap();
    assert_eq!(granted.access_token.expose_secret(), "abc.def");
    assert_eq!(granted.expires_in, Some(Seconds(86_399)));
    assert_eq!(granted.scope, None);
    for (expires, seconds) in [
        ("\"3600\"", Some(3_600)),
        ("3600.5", Some(3_600)),
        ("0", Some(0)),
        ("-1", None),
        ("null", None),
        ("\"soon\"", None),
    ] {
        let body =
            format!(r#"{{"access_token":"a","token_type":"Bearer","expires_in":{expires}}}"#);
        assert_eq!(
            given(201, &body).unwrap().expires_in,
            seconds.map(Seconds),
            "{expires}"
        );
    }
}

// RFC 6749, section 5.2
#[test]
fn every_refusal_has_its_code() {
    for (word, expected) in [
        ("invalid_request", "CLIENT_INVALID_REQUEST"),
        ("invalid_client", "CLIENT_INVALID_CLIENT"),
        ("invalid_grant", "CLIENT_INVALID_GRANT"),
        ("unauthorized_client", "CLIENT_UNAUTHORIZED"),
        ("unsupported_grant_type", "CLIENT_UNSUPPORTED_GRANT_TYPE"),
        ("invalid_scope", "CLIENT_INVALID_SCOPE"),
        ("server_error", "CLIENT_REFUSED"),
    ] {
        let body = format!(r#"{{"error":"{word}","error_description":"because"}}"#);
        for status in [200, 400, 401, 503] {
            assert_eq!(code(status, &body), expected);
        }
        let said = given(400, &body).unwrap_err().to_string();
        assert_eq!(said, format!("the endpoint answers {word}: because"));
    }
}

#[test]
fn what_is_no_answer_is_told_apart() {
    for (status, body, expected) in [
        (200, "", "CLIENT_ANSWER_NOT_JSON"),
        (200, "<html>", "CLIENT_ANSWER_NOT_JSON"),
        (404, "<html>", "CLIENT_ANSWER_NOT_JSON"),
        (200, "[1]", "CLIENT_ANSWER_NOT_JSON"),
        (200, "{}", "CLIENT_ANSWER_WITHOUT_TOKEN"),
        (200, r#"{"access_token":5}"#, "CLIENT_ANSWER_WITHOUT_TOKEN"),
        (
            200,
            r#"{"access_token":"","token_type":"bearer"}"#,
            "CLIENT_TOKEN_MALFORMED",
        ),
        (
            200,
            r#"{"access_token":"a\u001b[2J","token_type":"bearer"}"#,
            "CLIENT_TOKEN_MALFORMED",
        ),
        (200, r#"{"access_token":"a"}"#, "CLIENT_TOKEN_TYPE"),
        (
            200,
            r#"{"access_token":"a","token_type":"DPoP"}"#,
            "CLIENT_TOKEN_TYPE",
        ),
        (500, "{}", "CLIENT_ANSWER_UNEXPLAINED"),
        (
            400,
            r#"{"access_token":"a","token_type":"bearer"}"#,
            "CLIENT_ANSWER_UNEXPLAINED",
        ),
        (503, "<html>", "CLIENT_ENDPOINT_UNAVAILABLE"),
        (502, "", "CLIENT_ENDPOINT_UNAVAILABLE"),
        (429, r#"{"error":"x"}"#, "CLIENT_RATE_LIMITED"),
        (302, "", "CLIENT_REDIRECTED"),
        (304, "", "CLIENT_REDIRECTED"),
    ] {
        assert_eq!(code(status, body), expected, "{status} {body}");
    }
    let large = Answer {
        body: None,
        ..answer(200, &[], b"")
    };
    let error = read(&large, &confidential(), NOW).unwrap_err();
    assert_eq!(error.code(), "CLIENT_ANSWER_TOO_LARGE");
}

#[test]
fn the_time_to_wait_is_told() {
    for (after, told) in [
        ("90", "90s"),
        ("86400", "1d"),
        ("86401", "more than a day"),
        ("18446744073709551615", "more than a day"),
        ("Mon, 31 Dec 2057 23:59:59 GMT", "more than a day"),
    ] {
        for status in [429, 503] {
            let limited = answer(status, &[(RETRY_AFTER, after)], b"");
            let error = read(&limited, &confidential(), NOW).unwrap_err();
            let told = format!("try again in {told}");
            assert!(error.to_string().ends_with(&told), "{error}");
        }
    }
}

// Invariant 4
#[test]
fn a_secret_that_comes_back_is_not_repeated() {
    let echo = format!("wrong secret {SECRET}");
    for (status, headers, body) in [
        (
            400,
            vec![],
            format!(r#"{{"error":"invalid_client","error_description":"{echo}"}}"#),
        ),
        (400, vec![], format!(r#"{{"error":"{echo}"}}"#)),
        (200, vec![], format!("<title>{echo}</title><html>")),
        (
            200,
            vec![],
            format!(r#"{{"access_token":"a","token_type":"{SECRET}"}}"#),
        ),
        (
            307,
            vec![(LOCATION, format!("https://example.com/{SECRET}"))],
            String::new(),
        ),
        (
            307,
            vec![(LOCATION, format!("https://example.com/?{SECRET}"))],
            String::new(),
        ),
        (
            307,
            vec![(LOCATION, format!("https://a:{SECRET}@example.com/"))],
            String::new(),
        ),
    ] {
        let headers: Vec<_> = headers
            .iter()
            .map(|(name, value): &(HeaderName, String)| (name.clone(), value.as_str()))
            .collect();
        let answer = answer(status, &headers, body.as_bytes());
        let error = read(&answer, &confidential(), NOW).unwrap_err();
        let said = format!("{error} {error:?}");
        assert!(!said.contains("horse"), "{said}");
    }
}

proptest! {
    #[test]
    fn any_answer_is_read(
        status in 100_u16..600,
        body in prop_oneof![
            proptest::collection::vec(any::<u8>(), 0..200),
            r#"\{("(access_token|token_type|expires_in|error|error_description|scope)":("[a-z]{0,6}"|[0-9e.-]{0,6}|null|\[\]|\{\}),?){0,5}\}"#
                .prop_map(String::into_bytes),
        ],
        kind in "[a-z/;= -]{0,20}",
        place in "[ -~]{0,40}",
    ) {
        let headers = [(CONTENT_TYPE, kind.as_str()), (LOCATION, &place), (RETRY_AFTER, &place)];
        match read(&answer(status, &headers, &body), &confidential(), NOW) {
            Ok(granted) => prop_assert!(!granted.access_token.expose_secret().is_empty()),
            Err(error) => prop_assert!(error.to_string().len() < 1_000),
        }
    }
}
