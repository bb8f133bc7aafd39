//! Any bytes as the content of a key file.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_core::{KeyMaterial, RingName};
use signet_keys::parse_key_file;

/// So many characters of base64url in a row, a digit among them, are no word of an error.
const SECRET: usize = 16;

fuzz_target!(|data: &[u8]| {
    for ring in RingName::ALL {
        // The name that the files of the corpus have.
        let stem = KeyMaterial::new([7; 32]).id(ring).to_string();
        match parse_key_file(ring, &stem, data) {
            Ok(key) => {
                assert_eq!(key.ring, ring);
                assert_eq!(key.id, key.material.id(ring));
                assert_eq!(key.id.to_string(), stem);
            }
            Err(error) => keeps_the_secret(data, &format!("{error} {error:?}")),
        }
        assert!(parse_key_file(ring, "another-name", data).is_err());
    }
});

/// An error repeats nothing of what may be a key.
fn keeps_the_secret(data: &[u8], error: &str) {
    const MEMBER: &[u8] = b"\"k\":\"";
    let Some(start) = data.windows(MEMBER.len()).position(|bytes| bytes == MEMBER) else {
        return;
    };
    let value = &data[start + MEMBER.len()..];
    let value = value.split(|byte| *byte == b'"').next().unwrap_or_default();
    for part in value.windows(SECRET) {
        let is_base64url = |byte: &u8| byte.is_ascii_alphanumeric() || b"-_".contains(byte);
        let is_key = part.iter().all(is_base64url) && part.iter().any(u8::is_ascii_digit);
        let repeated = error.as_bytes().windows(SECRET).any(|bytes| bytes == part);
        assert!(
            !(is_key && repeated),
            "the error repeats what the file holds"
        );
    }
}
