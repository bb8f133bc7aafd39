//! The hidden field that proves a form was shown by the farm to this very browser.
//!
//! Any instance verifies what any other made: the field is a MAC under a key derived from the `hmac` ring, over the
//! name of the form, the value of a cookie that only this browser has (or the session), and the time.

use http::HeaderMap;
use signet_core::{KeyRing, Purpose, Seconds, UnixSeconds, base64url};

use crate::cookie::{self, CookieScope};

/// How long a form may stay open before it must be loaded again.
pub const FORM_LIFE: Seconds = Seconds(12 * 3_600);

/// The field for `form`, bound to `binding`. `None` while no key is active.
#[must_use]
pub fn issue(keys: &KeyRing, form: &str, binding: &[u8], now: UnixSeconds) -> Option<String> {
    let time = now.0.to_be_bytes();
    let tag = keys.authenticate(Purpose::FormToken, &[form.as_bytes(), binding, &time])?;
    let mut field = base64url::encode(&time);
    field.push('.');
    base64url::encode_onto(&tag, &mut field);
    Some(field)
}

/// Whether `field` was issued for this form and binding, not longer than [`FORM_LIFE`] ago.
#[must_use]
pub fn is_good(
    keys: &KeyRing,
    form: &str,
    binding: &[u8],
    field: &str,
    now: UnixSeconds,
    skew: Seconds,
) -> bool {
    let Some((time, tag)) = field.split_once('.') else {
        return false;
    };
    let mut issued = [0; 8];
    let mut received = [0; 32];
    let whole = base64url::decode_into(time.as_bytes(), &mut issued).map(|bytes| bytes.len());
    let tagged = base64url::decode_into(tag.as_bytes(), &mut received).map(|bytes| bytes.len());
    if (whole, tagged) != (Some(8), Some(32)) {
        return false;
    }
    let parts: [&[u8]; 3] = [form.as_bytes(), binding, &issued];
    let issued = UnixSeconds(u64::from_be_bytes(issued));
    keys.is_authentic(Purpose::FormToken, &parts, &received)
        && issued <= now.plus(skew)
        && now <= issued.plus(FORM_LIFE)
}

/// The value of the browser's form cookie, if it has a well-formed one: tabs opened side by side share it.
#[must_use]
pub fn browser_binding(headers: &HeaderMap, cookies: &CookieScope) -> Option<String> {
    let value = cookie::find(headers, cookies.form_name()).ok()?;
    let bytes = base64url::decode(value)?;
    (bytes.len() == 16).then(|| base64url::encode(&bytes))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing;

    const NOW: UnixSeconds = UnixSeconds(1_000_000);

    // L1
    #[test]
    fn a_field_is_good_for_its_form_browser_and_time_only() {
        let keys = testing::keys();
        let field = issue(&keys, "login", b"browser", NOW).unwrap();
        let good = |form: &str, binding: &[u8], field: &str, now| {
            is_good(&keys, form, binding, field, now, Seconds(60))
        };
        assert!(good("login", b"browser", &field, NOW));
        assert!(good("login", b"browser", &field, NOW.plus(FORM_LIFE)));
        assert!(!good(
            "login",
            b"browser",
            &field,
            NOW.plus(Seconds(FORM_LIFE.0 + 1))
        ));
        assert!(!good("login", b"browser", &field, NOW.minus(Seconds(61))));
        assert!(!good("logout", b"browser", &field, NOW));
        assert!(!good("login", b"other", &field, NOW));
        for bad in [
            "",
            ".",
            "a.b",
            &field[..field.len() - 1],
            &format!("{field}A"),
        ] {
            assert!(!good("login", b"browser", bad, NOW), "{bad}");
        }
        assert!(!is_good(
            &KeyRing::default(),
            "login",
            b"browser",
            &field,
            NOW,
            Seconds(60)
        ));
    }
}
