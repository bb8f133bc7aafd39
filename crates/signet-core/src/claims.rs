//! What a token says, in the words of RFC 7519 and OpenID Connect where they have one.

mod canonical;

use std::borrow::Cow;

use crate::json::{Malformed, Reader, write_string, write_string_array};
use crate::{Generation, SessionId, UnixSeconds};

/// Why a payload is not a set of claims.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimsError {
    /// Not strict JSON in UTF-8, or a known claim doubled or of the wrong type.
    #[error("the claims are malformed")]
    Malformed,
    /// A mandatory claim is not there.
    #[error("the claim {0} is missing")]
    Missing(&'static str),
    /// The times contradict each other: `auth_time` ≤ `iat` ≤ `exp` ≤ `max` does not hold.
    #[error("the times contradict each other")]
    Times,
}

impl From<Malformed> for ClaimsError {
    fn from(_: Malformed) -> Self {
        Self::Malformed
    }
}

/// The claims of a session token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Claims<'a> {
    /// `iss`: the id of the farm that made the token.
    pub issuer: Cow<'a, str>,
    /// `aud`: the zone the token is for.
    pub audience: Cow<'a, str>,
    /// `sub`: the id of the user.
    pub subject: Cow<'a, str>,
    /// `sid`: the session, the same through all renewals.
    pub session: SessionId,
    /// `gen`: the generation of the user's record at login.
    pub generation: Generation,
    /// `iat`: when this token was made.
    pub issued_at: UnixSeconds,
    /// `exp`: until when this token is good.
    pub expires_at: UnixSeconds,
    /// `auth_time`: when the user proved who they are.
    pub auth_time: UnixSeconds,
    /// `amr`: how they proved it (RFC 8176), for example `pwd`.
    pub methods: StringList<'a>,
    /// `max`: when the whole session ends, whatever is renewed.
    pub session_end: UnixSeconds,
    /// `usid`: the session's id at the identity provider, where there is one.
    pub provider_session: Option<Cow<'a, str>>,
    /// `name`: what the user is called. Only in sealed tokens.
    pub name: Option<Cow<'a, str>>,
    /// `email`: the user's mail address. Only in sealed tokens.
    pub email: Option<Cow<'a, str>>,
    /// `groups`: the groups of a user who came from outside. Only in sealed tokens.
    pub groups: Option<StringList<'a>>,
}

impl<'a> Claims<'a> {
    /// Reads the claims from a payload whose MAC was verified.
    ///
    /// # Errors
    /// Anything but strict JSON with every mandatory claim exactly once, of the right type, and times in order.
    #[inline]
    pub fn parse(payload: &'a [u8]) -> Result<Self, ClaimsError> {
        let text = core::str::from_utf8(payload).map_err(|_| ClaimsError::Malformed)?;
        if let Some(claims) = canonical::parse(text) {
            return claims.with_times_in_order();
        }
        Self::parse_any_order(text)
    }

    fn parse_any_order(text: &'a str) -> Result<Self, ClaimsError> {
        let mut found = Found::default();
        Reader::new(text).object(|reader, name| found.take(reader, name))?;
        found.complete()?.with_times_in_order()
    }

    #[inline]
    fn with_times_in_order(self) -> Result<Self, ClaimsError> {
        let in_order = self.auth_time <= self.issued_at
            && self.issued_at <= self.expires_at
            && self.expires_at <= self.session_end;
        in_order.then_some(self).ok_or(ClaimsError::Times)
    }

    /// Writes the claims as the compact JSON that [`Claims::parse`] reads.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut json = String::with_capacity(320);
        let mut separator = '{';
        let mut member = |name: &str, write: &dyn Fn(&mut String)| {
            json.push(separator);
            separator = ',';
            write_string(name, &mut json);
            json.push(':');
            write(&mut json);
        };
        let text = |value: &str| {
            let value = value.to_owned();
            move |json: &mut String| write_string(&value, json)
        };
        let number = |value: u64| move |json: &mut String| json.push_str(&value.to_string());
        member("iss", &text(&self.issuer));
        member("aud", &text(&self.audience));
        member("sub", &text(&self.subject));
        member("sid", &text(&self.session.to_string()));
        member("gen", &number(self.generation.0.into()));
        member("iat", &number(self.issued_at.0));
        member("exp", &number(self.expires_at.0));
        member("auth_time", &number(self.auth_time.0));
        member("amr", &|json: &mut String| json.push_str(&self.methods.0));
        member("max", &number(self.session_end.0));
        for (name, value) in [
            ("usid", &self.provider_session),
            ("name", &self.name),
            ("email", &self.email),
        ] {
            if let Some(value) = value {
                member(name, &text(value));
            }
        }
        if let Some(groups) = &self.groups {
            member("groups", &|json: &mut String| json.push_str(&groups.0));
        }
        json.push('}');
        json
    }

    /// Whether the token says more about a person than the id: such claims travel only sealed.
    #[must_use]
    pub fn is_personal(&self) -> bool {
        self.name.is_some() || self.email.is_some() || self.groups.is_some()
    }
}

/// A list of strings, kept as the JSON array it was read from, so that most requests never take it apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringList<'a>(Cow<'a, str>);

impl StringList<'_> {
    /// The strings, in the order they stand.
    #[must_use]
    pub fn to_vec(&self) -> Vec<String> {
        let mut strings = Vec::new();
        // The text was read once already, so reading it again cannot fail.
        let _ = Reader::new(&self.0).each_string(|text| strings.push(text.into_owned()));
        strings
    }

    /// The same list, independent of the token it was read from.
    #[must_use]
    pub fn into_owned(self) -> StringList<'static> {
        StringList(Cow::Owned(self.0.into_owned()))
    }
}

impl<'t> FromIterator<&'t str> for StringList<'static> {
    fn from_iter<I: IntoIterator<Item = &'t str>>(strings: I) -> Self {
        let mut json = String::new();
        write_string_array(strings, &mut json);
        Self(Cow::Owned(json))
    }
}

#[derive(Default)]
struct Found<'a> {
    issuer: Option<Cow<'a, str>>,
    audience: Option<Cow<'a, str>>,
    subject: Option<Cow<'a, str>>,
    session: Option<SessionId>,
    generation: Option<Generation>,
    issued_at: Option<UnixSeconds>,
    expires_at: Option<UnixSeconds>,
    auth_time: Option<UnixSeconds>,
    methods: Option<StringList<'a>>,
    session_end: Option<UnixSeconds>,
    provider_session: Option<Cow<'a, str>>,
    name: Option<Cow<'a, str>>,
    email: Option<Cow<'a, str>>,
    groups: Option<StringList<'a>>,
}

impl<'a> Found<'a> {
    #[inline]
    fn take(&mut self, reader: &mut Reader<'a>, name: &str) -> Result<(), Malformed> {
        match name {
            "iss" => once(&mut self.issuer, reader.string()?),
            "aud" => once(&mut self.audience, reader.string()?),
            "sub" => once(&mut self.subject, reader.string()?),
            "sid" => once(&mut self.session, session(&reader.string()?)?),
            "gen" => once(&mut self.generation, generation(reader.number()?)?),
            "iat" => once(&mut self.issued_at, UnixSeconds(reader.number()?)),
            "exp" => once(&mut self.expires_at, UnixSeconds(reader.number()?)),
            "auth_time" => once(&mut self.auth_time, UnixSeconds(reader.number()?)),
            "amr" => once(
                &mut self.methods,
                StringList(Cow::Borrowed(reader.string_array()?)),
            ),
            "max" => once(&mut self.session_end, UnixSeconds(reader.number()?)),
            "usid" => once(&mut self.provider_session, reader.string()?),
            "name" => once(&mut self.name, reader.string()?),
            "email" => once(&mut self.email, reader.string()?),
            "groups" => once(
                &mut self.groups,
                StringList(Cow::Borrowed(reader.string_array()?)),
            ),
            _ => reader.skip_value(),
        }
    }

    fn complete(self) -> Result<Claims<'a>, ClaimsError> {
        Ok(Claims {
            issuer: self.issuer.ok_or(ClaimsError::Missing("iss"))?,
            audience: self.audience.ok_or(ClaimsError::Missing("aud"))?,
            subject: self.subject.ok_or(ClaimsError::Missing("sub"))?,
            session: self.session.ok_or(ClaimsError::Missing("sid"))?,
            generation: self.generation.ok_or(ClaimsError::Missing("gen"))?,
            issued_at: self.issued_at.ok_or(ClaimsError::Missing("iat"))?,
            expires_at: self.expires_at.ok_or(ClaimsError::Missing("exp"))?,
            auth_time: self.auth_time.ok_or(ClaimsError::Missing("auth_time"))?,
            methods: self.methods.ok_or(ClaimsError::Missing("amr"))?,
            session_end: self.session_end.ok_or(ClaimsError::Missing("max"))?,
            provider_session: self.provider_session,
            name: self.name,
            email: self.email,
            groups: self.groups,
        })
    }
}

#[inline]
fn once<T>(slot: &mut Option<T>, value: T) -> Result<(), Malformed> {
    match slot.replace(value) {
        None => Ok(()),
        Some(_) => Err(Malformed),
    }
}

#[inline]
fn session(text: &str) -> Result<SessionId, Malformed> {
    let mut id = [0; 16];
    match crate::base64url::decode_into(text.as_bytes(), &mut id) {
        Some(bytes) if bytes.len() == 16 => Ok(SessionId(id)),
        _ => Err(Malformed),
    }
}

fn generation(number: u64) -> Result<Generation, Malformed> {
    u32::try_from(number).map(Generation).map_err(|_| Malformed)
}

#[cfg(test)]
mod tests;
