//! Any bytes as the answer of a token endpoint: the status, headers one a line, an empty line, the body.

#![no_main]

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use libfuzzer_sys::fuzz_target;
use signet_core::UnixSeconds;

const NOW: UnixSeconds = UnixSeconds(1_900_000_000);

fuzz_target!(|data: &[u8]| {
    let (status, rest) = split(data, b"\n");
    let (head, body) = split(rest, b"\n\n");
    let status = std::str::from_utf8(status)
        .ok()
        .and_then(|text| text.parse().ok());
    let headers: HeaderMap = head
        .split(|byte| *byte == b'\n')
        .filter_map(|line| {
            let (name, value) = split(line, b":");
            let name = HeaderName::from_bytes(name).ok()?;
            Some((name, HeaderValue::from_bytes(value).ok()?))
        })
        .collect();
    match signet_oauth::read_answer(status.unwrap_or(StatusCode::OK), &headers, body, NOW) {
        Ok(token) => assert!(token.served_until() >= NOW),
        Err(error) => {
            let said = error.to_string();
            assert!(said.chars().count() < 700, "too much is repeated");
            assert!(
                !said.chars().any(char::is_control),
                "what moves the cursor is repeated"
            );
        }
    }
});

fn split<'d>(data: &'d [u8], at: &[u8]) -> (&'d [u8], &'d [u8]) {
    let found = data.windows(at.len()).position(|window| window == at);
    match found {
        Some(place) => (&data[..place], &data[place + at.len()..]),
        None => (data, b""),
    }
}
