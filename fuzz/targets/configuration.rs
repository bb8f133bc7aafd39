//! Any text as `signet.toml`.

#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use signet_server::Config;

fuzz_target!(|text: &str| {
    let path = Path::new("signet.toml");
    match Config::parse(text, path) {
        Ok(config) => {
            // Whatever is accepted can be used, and shown, and what is shown means the same.
            let resolved = config.resolve();
            assert!(!resolved.hosts.is_empty());
            let shown = config.to_toml();
            match Config::parse(&shown, path) {
                Ok(again) => assert_eq!(again.to_toml(), shown),
                Err(error) => panic!("what is shown is refused: {error}\n{shown}"),
            }
        }
        Err(error) => assert!(error.to_string().starts_with("signet.toml")),
    }
});
