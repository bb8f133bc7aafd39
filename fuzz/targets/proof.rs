//! Any bytes as a challenge or an answer.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_bundle::{Answer, Challenge};

fuzz_target!(|data: &[u8]| {
    // Whatever is accepted is written as it was read, but for line ends.
    if let Ok(challenge) = Challenge::read(data) {
        assert!(is_same(data, &challenge.to_string()));
    }
    if let Ok(answer) = Answer::read(data) {
        assert!(is_same(data, &answer.to_string()));
    }
});

fn is_same(read: &[u8], written: &str) -> bool {
    String::from_utf8_lossy(read).replace("\r\n", "\n") == written
}
