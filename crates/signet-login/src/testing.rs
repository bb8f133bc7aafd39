//! What the tests of this crate share: settings and keys as a small farm has them.

use signet_core::{
    Format, Key, KeyMaterial, KeyRing, KeyState, RingName, Seconds, TokenPolicy, UnixSeconds,
};

use crate::cookie::CookieScope;
use crate::settings::{BasicMode, Settings, ThrottleSettings, TokenMode};

pub(crate) fn settings() -> Settings {
    Settings {
        policy: TokenPolicy {
            zone: "www.example.com".parse().unwrap(),
            format: Format::Sealed,
            inactivity: Seconds(1_800),
            renewal_interval: Seconds(300),
            max_session: Seconds(43_200),
            skew: Seconds(60),
        },
        mode: TokenMode::Encapsulated,
        public_url: "https://www.example.com".parse().unwrap(),
        own_origins: vec!["https://www.example.com".to_owned()],
        cookies: CookieScope::Host,
        redirect_hosts: vec!["www.example.com".to_owned(), "app.example.com".to_owned()],
        basic: BasicMode::Off,
        password_least: 8,
        throttle: ThrottleSettings::default(),
        instance: "publish-1".to_owned(),
    }
}

pub(crate) fn keys() -> KeyRing {
    let mut key = Key::new(
        RingName::Hmac,
        "farm".parse().unwrap(),
        KeyMaterial::new([4; 32]),
        UnixSeconds(1),
    );
    key.state = KeyState::Active;
    KeyRing::new(&[key], [])
}
