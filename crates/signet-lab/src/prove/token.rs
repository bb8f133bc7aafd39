//! What can be read off a token without its key.

use data_encoding::BASE64URL_NOPAD;

/// The id of the key a compact JWS or JWE was made with, from its protected header
/// (RFC 7515, section 4.1.4); `None` for any other token.
pub(super) fn key_id(token: &str) -> Option<String> {
    let (header, _) = token.split_once('.')?;
    let header = BASE64URL_NOPAD.decode(header.as_bytes()).ok()?;
    let header: serde_json::Value = serde_json::from_slice(&header).ok()?;
    header.get("kid")?.as_str().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_id_is_read_from_the_header_alone() {
        let header = BASE64URL_NOPAD.encode(br#"{"typ":"login+jwt","alg":"HS256","kid":"k1"}"#);
        assert_eq!(key_id(&format!("{header}.x.y")).as_deref(), Some("k1"));
        assert_eq!(key_id("3f_9a"), None);
        assert_eq!(key_id("e30.x.y"), None);
    }
}
