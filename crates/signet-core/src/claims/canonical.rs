//! Reading claims exactly as [`Claims::to_json`] writes them, which is how nearly all tokens come back.
//!
//! Same order, no white space, nothing unknown: the names are compared whole instead of being looked up one by one.
//! Whatever stands differently is left to the reader that takes claims in any order.

use std::borrow::Cow;

use crate::json::{Malformed, Reader};
use crate::{Claims, Generation, UnixSeconds};

use super::{StringList, session};

/// The claims, or `None` if the text has another shape; it may still be good then.
#[inline]
pub(super) fn parse(text: &str) -> Option<Claims<'_>> {
    let mut from = Reader::new(text);
    let issuer = string(&mut from, r#"{"iss":""#)?;
    let audience = string(&mut from, r#","aud":""#)?;
    let subject = string(&mut from, r#","sub":""#)?;
    let session = session(&string(&mut from, r#","sid":""#)?).ok()?;
    let generation = Generation(number(&mut from, r#","gen":"#)?.try_into().ok()?);
    let issued_at = UnixSeconds(number(&mut from, r#","iat":"#)?);
    let expires_at = UnixSeconds(number(&mut from, r#","exp":"#)?);
    let auth_time = UnixSeconds(number(&mut from, r#","auth_time":"#)?);
    let methods = list(&mut from, r#","amr":"#)?;
    let session_end = UnixSeconds(number(&mut from, r#","max":"#)?);
    let provider_session = optional(&mut from, r#","usid":""#, Reader::string_behind_quote)?;
    let name = optional(&mut from, r#","name":""#, Reader::string_behind_quote)?;
    let email = optional(&mut from, r#","email":""#, Reader::string_behind_quote)?;
    let groups = optional(&mut from, r#","groups":"#, Reader::string_array)?;
    let groups = groups.map(|text| StringList(Cow::Borrowed(text)));
    from.literal("}").ok()?;
    from.is_at_end().then_some(Claims {
        issuer,
        audience,
        subject,
        session,
        generation,
        issued_at,
        expires_at,
        auth_time,
        methods,
        session_end,
        provider_session,
        name,
        email,
        groups,
    })
}

#[inline]
fn string<'a>(from: &mut Reader<'a>, before: &str) -> Option<Cow<'a, str>> {
    from.literal(before).ok()?;
    from.string_behind_quote().ok()
}

#[inline]
fn number(from: &mut Reader<'_>, before: &str) -> Option<u64> {
    from.literal(before).ok()?;
    from.number().ok()
}

#[inline]
fn list<'a>(from: &mut Reader<'a>, before: &str) -> Option<StringList<'a>> {
    from.literal(before).ok()?;
    from.string_array()
        .ok()
        .map(|text| StringList(Cow::Borrowed(text)))
}

/// `Some(None)` if `before` does not stand here; `None` if it does and no such value follows.
#[inline]
fn optional<'a, T>(
    from: &mut Reader<'a>,
    before: &str,
    read: impl FnOnce(&mut Reader<'a>) -> Result<T, Malformed>,
) -> Option<Option<T>> {
    match from.literal(before) {
        Ok(()) => read(from).ok().map(Some),
        Err(Malformed) => Some(None),
    }
}
