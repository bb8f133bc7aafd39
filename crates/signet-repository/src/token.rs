//! Repository tokens as they travel and as they are stored.

use core::fmt;
use core::str::FromStr;

use data_encoding::HEXLOWER;
use signet_core::{Generation, SessionId, Subject, UnixSeconds};
use sqlx::Row as _;
use zeroize::Zeroizing;

use crate::sqlite::Row;
use crate::{RepositoryError, column};

/// Names the row of a token: a random UUID (RFC 9562, version 4). Of no use without the key.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenId(pub(crate) [u8; 16]);

impl TokenId {
    pub(crate) fn random() -> Result<Self, RepositoryError> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)?;
        bytes[6] = (bytes[6] & 0x0f) | 0x40;
        bytes[8] = (bytes[8] & 0x3f) | 0x80;
        Ok(Self(bytes))
    }
}

impl fmt::Display for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, byte) in self.0.iter().enumerate() {
            let hyphen = if matches!(place, 4 | 6 | 8 | 10) {
                "-"
            } else {
                ""
            };
            write!(f, "{hyphen}{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for TokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TokenId({self})")
    }
}

/// Why a text is not the id of a token.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the id of a token is a UUID in lower case")]
pub struct TokenIdError;

impl FromStr for TokenId {
    type Err = TokenIdError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.replace('-', "");
        let id = HEXLOWER
            .decode(digits.as_bytes())
            .ok()
            .and_then(|bytes| bytes.try_into().ok())
            .map(Self)
            .ok_or(TokenIdError)?;
        // Only the canonical form: hyphens in their places, lower case.
        (id.to_string() == text).then_some(id).ok_or(TokenIdError)
    }
}

/// A token as the browser holds it: `<uuid>_<32 hexadecimal digits>`. Whoever has it is the user.
#[derive(Clone)]
pub struct RepositoryToken(pub(crate) Zeroizing<String>);

impl RepositoryToken {
    /// The token as text, for the cookie and nothing else.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for RepositoryToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("RepositoryToken(…)")
    }
}

/// The two parts of a token: where its row is, and the key that opens it.
pub(crate) fn split(token: &str) -> Option<(TokenId, &str)> {
    let (id, key) = token.split_once('_')?;
    let is_key = key.len() == 32
        && key
            .bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
    is_key.then_some((id.parse().ok()?, key))
}

/// The session that a new token is for.
#[derive(Clone, Debug)]
pub struct NewToken {
    /// Whose session.
    pub subject: Subject,
    /// The generation of the user at login.
    pub generation: Generation,
    /// The session.
    pub session: SessionId,
    /// When the user proved who they are.
    pub auth_time: UnixSeconds,
    /// Until when the token is good; never later than `session_end`.
    pub expires: UnixSeconds,
    /// When the session ends, however often the token's expiry is reset.
    pub session_end: UnixSeconds,
    /// How the user proved who they are (RFC 8176).
    pub methods: Vec<String>,
}

/// What is stored of a token, the hash of its key aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenRow {
    /// The row's id.
    pub id: TokenId,
    /// Whose session.
    pub subject: Subject,
    /// The generation of the user at login.
    pub generation: Generation,
    /// The session.
    pub session: SessionId,
    /// When the user proved who they are.
    pub auth_time: UnixSeconds,
    /// When the token was made.
    pub created: UnixSeconds,
    /// Until when the token is good.
    pub expires: UnixSeconds,
    /// When the session ends.
    pub session_end: UnixSeconds,
    /// How the user proved who they are (RFC 8176).
    pub methods: Vec<String>,
}

impl TokenRow {
    /// The columns that [`TokenRow::read`] expects.
    pub(crate) fn read(row: &Row) -> Result<Self, RepositoryError> {
        Ok(Self {
            id: TokenId(column::id(row, 0)?),
            subject: column::subject(row, 1)?,
            generation: column::generation(row, 2)?,
            session: SessionId(column::id(row, 3)?),
            auth_time: column::time(row, 4)?,
            created: column::time(row, 5)?,
            expires: column::time(row, 6)?,
            session_end: column::time(row, 7)?,
            methods: serde_json::from_str(row.try_get(8)?)
                .map_err(|_| RepositoryError::Damaged("the methods of a token are no list"))?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";

    #[test]
    fn a_token_has_one_spelling() {
        let key = "00112233445566778899aabbccddeeff";
        let (id, found) = split(&format!("{ID}_{key}"))
            .map(|(i, k)| (i, k.to_owned()))
            .unwrap();
        assert_eq!((id.to_string().as_str(), found.as_str()), (ID, key));
        for bad in [
            String::new(),
            ID.to_owned(),
            format!("{ID}_"),
            format!("{ID}_{key}0"),
            format!("{ID}_{}", key.to_uppercase()),
            format!("{}_{key}", ID.to_uppercase()),
            format!("{}_{key}", ID.replace('-', "")),
            format!("{ID}-_{key}"),
            format!("{ID}_{ID}"),
        ] {
            assert!(split(&bad).is_none(), "{bad}");
        }
    }

    #[test]
    fn ids_are_random_uuids() {
        let id = TokenId::random().unwrap();
        let text = id.to_string();
        assert_eq!((text.len(), &text[14..15]), (36, "4"));
        assert!("89ab".contains(&text[19..20]));
        assert_ne!(id, TokenId::random().unwrap());
    }
}
