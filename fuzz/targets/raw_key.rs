//! Any bytes as the raw key files of Granite.

#![no_main]

use libfuzzer_sys::fuzz_target;
use signet_keys::granite::{parse_raw_hmac, parse_raw_master};

fuzz_target!(|data: &[u8]| {
    match parse_raw_hmac(data) {
        Ok(key) => assert_eq!(key.expose(), data),
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
    match parse_raw_master(data) {
        Ok(key) => assert_eq!(*key, data),
        Err(error) => assert!(!error.to_string().is_empty() && !error.hint().is_empty()),
    }
});
