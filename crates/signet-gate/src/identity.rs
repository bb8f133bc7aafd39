//! The headers that tell an upstream who is asking, and the ones a client sent in their place.

use http::header::HeaderName;
use http::{HeaderMap, HeaderValue};
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use signet_core::Session;

/// The id of the user.
pub const REMOTE_USER: HeaderName = HeaderName::from_static("remote-user");
/// The groups of the user, separated by commas.
pub const REMOTE_GROUPS: HeaderName = HeaderName::from_static("remote-groups");
/// What the user is called, percent-encoded UTF-8.
pub const REMOTE_NAME: HeaderName = HeaderName::from_static("remote-name");
/// The user's mail address, percent-encoded UTF-8.
pub const REMOTE_EMAIL: HeaderName = HeaderName::from_static("remote-email");

/// All of them. A positive verdict always carries each, if need be empty.
pub const ALL: [HeaderName; 4] = [REMOTE_USER, REMOTE_GROUPS, REMOTE_NAME, REMOTE_EMAIL];

/// What does not stand for itself in a header; everything outside ASCII does not either.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b',');

/// Writes who `session` belongs to into `headers`, in the place of whatever stood there.
pub fn write(session: &Session<'_>, headers: &mut HeaderMap) {
    let claims = &session.claims;
    headers.insert(REMOTE_USER, encoded(&claims.subject));
    headers.insert(REMOTE_GROUPS, groups(session));
    headers.insert(
        REMOTE_NAME,
        encoded(claims.name.as_deref().unwrap_or_default()),
    );
    headers.insert(
        REMOTE_EMAIL,
        encoded(claims.email.as_deref().unwrap_or_default()),
    );
}

/// Removes every header that an upstream could take for one of ours.
///
/// Servers that speak CGI or WSGI read `-`, `_`, `.` and whatever else is no letter or digit as the same character, and
/// ignore case (P2).
pub fn strip(headers: &mut HeaderMap) {
    let alike: Vec<HeaderName> = headers
        .keys()
        .filter(|name| is_alike(name))
        .cloned()
        .collect();
    for name in alike {
        headers.remove(name);
    }
}

/// Whether an upstream could take `name` for one of the identity headers.
#[must_use]
pub fn is_alike(name: &HeaderName) -> bool {
    let folded = |b: u8| if b.is_ascii_alphanumeric() { b } else { b'-' };
    let name = name.as_str();
    ALL.iter()
        .any(|own| name.bytes().map(folded).eq(own.as_str().bytes()))
}

fn groups(session: &Session<'_>) -> HeaderValue {
    match &session.groups {
        signet_core::Groups::Indexed(set) => join(set.iter().map(signet_core::GroupName::as_str)),
        signet_core::Groups::Carried(list) => join(list.to_vec().iter().map(String::as_str)),
    }
}

fn join<'g>(names: impl Iterator<Item = &'g str>) -> HeaderValue {
    let mut text = String::new();
    for name in names {
        if !text.is_empty() {
            text.push(',');
        }
        text.extend(utf8_percent_encode(name, ENCODED));
    }
    HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(""))
}

fn encoded(text: &str) -> HeaderValue {
    let plain = text
        .bytes()
        .all(|b| matches!(b, b' '..=b'~') && b != b'%' && b != b',');
    let value = if plain {
        HeaderValue::from_str(text)
    } else {
        HeaderValue::try_from(utf8_percent_encode(text, ENCODED).to_string())
    };
    // What was encoded is ASCII without controls, so it always is a header value.
    value.unwrap_or(HeaderValue::from_static(""))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    // P2, invariant 5
    #[test]
    fn every_spelling_of_an_identity_header_is_removed() {
        let mut headers = HeaderMap::new();
        for name in [
            "Remote-User",
            "remote_user",
            "REMOTE.USER",
            "Remote_Groups",
            "remote.groups",
            "Remote-Name",
            "remote_email",
            "Remote.Email",
            "remote~user",
            "Cookie",
            "X-Remote-User-Agent",
        ] {
            headers.append(
                name.parse::<HeaderName>().unwrap(),
                HeaderValue::from_static("x"),
            );
        }
        strip(&mut headers);
        let mut left: Vec<_> = headers.keys().map(HeaderName::as_str).collect();
        left.sort_unstable();
        assert_eq!(left, ["cookie", "x-remote-user-agent"]);
    }

    #[test]
    fn names_of_any_script_are_encoded() {
        assert_eq!(encoded("Zoë Müller"), "Zo%C3%AB M%C3%BCller");
        assert_eq!(encoded("100%, sure"), "100%25%2C sure");
        assert_eq!(encoded("a\r\nSet-Cookie: x"), "a%0D%0ASet-Cookie: x");
        assert_eq!(
            join(["staff", "編輯"].into_iter()),
            "staff,%E7%B7%A8%E8%BC%AF"
        );
    }

    proptest! {
        #[test]
        fn any_text_becomes_one_ascii_value(text in any::<String>()) {
            let value = encoded(&text);
            prop_assert!(value.to_str().is_ok());
            let decoded = percent_encoding::percent_decode(value.as_bytes()).decode_utf8().unwrap().into_owned();
            prop_assert_eq!(decoded, text);
        }
    }
}
