//! Any bytes as the card of an instance.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_bundle::NodeCard;

fuzz_target!(|data: &[u8]| {
    if let Ok(card) = NodeCard::read(data) {
        // What is accepted means one instance, and is shown as it was read.
        let shown = card.to_string();
        assert_eq!(NodeCard::read(shown.as_bytes()), Ok(card));
        let text = String::from_utf8_lossy(data);
        assert!(
            text.split_whitespace().eq(shown.split(' '))
                || text.contains('#')
                || text.contains('\u{feff}')
        );
    }
});
