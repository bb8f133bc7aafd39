//! Any bytes as a token, and as the claims inside one.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_core::token::mint;
use signet_core::{Claims, Format, Scratch, Seconds, UnixSeconds};
use signet_fuzz::{Farm, IV, NOW};

static FARM: LazyLock<Farm> = LazyLock::new(Farm::new);

fuzz_target!(|data: &[u8]| {
    let mut scratch = Scratch::default();
    for now in [UnixSeconds(0), NOW, UnixSeconds(u64::MAX)] {
        let _ = FARM.verifier().verify(data, now, &mut scratch);
    }
    if let Ok(claims) = Claims::parse(data) {
        survives_the_way(&claims);
    }
});

/// Claims that can be read can be written, sealed and read again, and say the same.
fn survives_the_way(claims: &Claims<'_>) {
    let json = claims.to_json();
    let again = Claims::parse(json.as_bytes()).expect("what was written can be read");
    assert_eq!(*claims, again);
    for format in [Format::Sealed, Format::Signed] {
        let Ok(token) = mint(claims, format, &FARM.keys, IV) else {
            continue;
        };
        let mut scratch = Scratch::default();
        if let Ok(session) = FARM.verifier().verify(token.as_bytes(), NOW, &mut scratch) {
            assert_eq!(*claims, session.claims);
            assert!(
                claims.issued_at <= NOW.plus(Seconds(60)),
                "made in the future"
            );
            assert!(claims.expires_at.plus(Seconds(60)) >= NOW, "expired");
            assert_eq!(claims.issuer, "farm");
            assert_eq!(claims.audience, FARM.policy.zone.as_str());
        }
    }
}
