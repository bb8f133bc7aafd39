//! Any bytes as `Cookie` headers, one a line.

#![no_main]

use http::header::COOKIE;
use http::{HeaderMap, HeaderValue};
use libfuzzer_sys::fuzz_target;
use signet_login::cookie::{self, CookieScope};

fuzz_target!(|data: &[u8]| {
    let headers: Vec<HeaderValue> = data
        .split(|byte| *byte == b'\n')
        .filter_map(|line| HeaderValue::from_bytes(line).ok())
        .collect();
    for scope in [
        CookieScope::Host,
        CookieScope::Domain("example.com".to_owned()),
        CookieScope::Plain,
    ] {
        let name = scope.token_name();
        let forwards = map(headers.iter());
        let backwards = map(headers.iter().rev());
        let found = cookie::find(&forwards, name);
        // C4: whoever plants a cookie does not win by the order in which it is sent.
        assert_eq!(found, cookie::find(&backwards, name));
        if let Ok(value) = found {
            assert!(!value.is_empty() && !value.contains(&b';'));
            let pair = [name.as_bytes(), b"=", value].concat();
            let sent =
                |header: &HeaderValue| header.as_bytes().windows(pair.len()).any(|w| w == pair);
            assert!(headers.iter().any(sent), "no header says this");
        }
    }
});

fn map<'h>(headers: impl Iterator<Item = &'h HeaderValue>) -> HeaderMap {
    headers.map(|header| (COOKIE, header.clone())).collect()
}
