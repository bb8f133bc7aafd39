//! Any text as the target that a login is asked to lead back to.

#![no_main]

use std::path::Path;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_login::{Settings, redirect};
use signet_server::Config;

static SETTINGS: LazyLock<Settings> = LazyLock::new(|| {
    let text =
        "public_url = \"https://www.example.com\"\nlogin.redirect_hosts = [\"app.example.com\"]";
    match Config::parse(text, Path::new("signet.toml")) {
        Ok(config) => config.resolve().login,
        Err(error) => panic!("{error}"),
    }
});

fuzz_target!(|rd: &str| {
    let Some(target) = redirect::target(rd, &SETTINGS) else {
        return;
    };
    // L3: a browser that resolves it stays on a host of ours.
    assert!(target.starts_with("https://app.example.com/") || target.starts_with('/'));
    assert!(!target.starts_with("//") && !target.starts_with("/\\"));
    assert!(target.bytes().all(|byte| byte.is_ascii_graphic()));
    // What was allowed is allowed again, and means the same.
    assert_eq!(redirect::target(&target, &SETTINGS).as_ref(), Some(&target));
});
