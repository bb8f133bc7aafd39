//! Any bytes as a manifest, as a `bundle.info`, and as content with protected strings.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_aem::format::{bundle_info, protected_strings, symbolic_name};

fuzz_target!(|data: &[u8]| {
    if let Some(name) = symbolic_name(data) {
        assert!(!name.is_empty() && !name.contains(';'));
    }
    if let Some((_, location)) = bundle_info(data) {
        assert!(!location.contains('\n'));
    }
    let Ok(found) = protected_strings(data) else {
        panic!("bytes in memory are always read");
    };
    for string in found {
        let start = usize::try_from(string.offset).expect("it is within the input");
        let digits = &data[start..start + string.digits];
        assert!(digits.iter().all(u8::is_ascii_hexdigit));
        assert!(string.digits >= 64 && string.digits % 32 == 0);
        assert_eq!(data[start - 1], b'{');
        let lines = data[..start].iter().filter(|byte| **byte == b'\n').count();
        assert_eq!(string.line, lines as u64 + 1);
    }
});
