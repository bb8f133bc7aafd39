//! The header of a token that no key here can open: who could have made it?

use data_encoding::BASE64URL_NOPAD;
use serde_json::Value;
use signet_core::KeyId;

/// The key that the header names. Nothing but this explanation believes it.
pub(super) fn kid(token: &str) -> Option<KeyId> {
    let (segment, _) = token.split_once('.')?;
    let header = BASE64URL_NOPAD.decode(segment.as_bytes()).ok()?;
    let header: Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_kid_of_ours_is_shown() {
        let token = |header: &str| format!("{}.x.y", BASE64URL_NOPAD.encode(header.as_bytes()));
        let ours = "00112233445566778899aabbccddeeff";
        let named = kid(&token(&format!("{{\"alg\":\"HS256\",\"kid\":\"{ours}\"}}")));
        assert_eq!(named.unwrap().to_string(), ours);
        assert_eq!(kid(&token("{\"kid\":\"../../etc/passwd\"}")), None);
        assert_eq!(kid(&token("{}")), None);
        assert_eq!(kid("no token"), None);
    }
}
