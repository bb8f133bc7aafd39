//! What the endpoint gave, and how long it is handed out.

use core::fmt;

use secrecy::{ExposeSecret as _, SecretString};
use serde::{Deserialize, Serialize};
use signet_core::{Seconds, UnixSeconds};
use signet_repository::ClientToken;
use signet_secret::{MasterKeys, SealError, SealedValue};
use zeroize::{Zeroize, Zeroizing};

use crate::answer::Granted;
use crate::credential::token_place;
use crate::{ClientName, Definition};

/// A token whose end the endpoint does not tell is handed out for so long.
const UNKNOWN_LIFE: Seconds = Seconds(300);

/// A token is handed out for no longer than a day, however long it lives: what is revoked at the endpoint ends here, too.
const LONGEST_SERVED: Seconds = Seconds(86_400);

/// A longer life is a number for "for ever", or nonsense: a hundred years.
const LONGEST_LIFE: Seconds = Seconds(36_525 * 86_400);

/// A token is not handed out any more when it has so little life left.
const MARGIN: Seconds = Seconds(60);

/// A token that lives shorter than ten minutes keeps this part of its life as margin.
const MARGIN_PART: u64 = 10;

/// An access token (RFC 6749, section 1.4), to be presented as `Authorization: Bearer` (RFC 6750).
#[derive(Clone)]
pub struct AccessToken {
    value: SecretString,
    obtained: UnixSeconds,
    life: Option<Seconds>,
    scope: Option<String>,
}

impl AccessToken {
    pub(crate) fn new(granted: Granted, obtained: UnixSeconds) -> Self {
        Self {
            value: granted.access_token,
            obtained,
            life: granted.expires_in.map(|life| life.min(LONGEST_LIFE)),
            scope: granted.scope.map(|scope| scope.as_str().to_owned()),
        }
    }

    /// The token itself.
    #[must_use]
    pub const fn value(&self) -> &SecretString {
        &self.value
    }

    /// When it ends, if the endpoint said so.
    #[must_use]
    pub fn expires(&self) -> Option<UnixSeconds> {
        self.life.map(|life| self.obtained.plus(life))
    }

    /// What it is good for, if the endpoint said so.
    #[must_use]
    pub fn scope(&self) -> Option<&str> {
        self.scope.as_deref()
    }

    /// Until when it is handed out: shortly before it ends, and for no longer than a day.
    #[must_use]
    pub fn served_until(&self) -> UnixSeconds {
        match self.life {
            None => self.obtained.plus(UNKNOWN_LIFE),
            Some(life) => {
                let margin = MARGIN.0.min(life.0 / MARGIN_PART);
                let served = Seconds(life.0 - margin).min(LONGEST_SERVED);
                self.obtained.plus(served)
            }
        }
    }

    /// Whether it is handed out at `now`. One from the future is not, since its life cannot be told.
    pub(crate) fn is_served_at(&self, now: UnixSeconds) -> bool {
        self.obtained <= now.plus(MARGIN) && now < self.served_until()
    }

    /// The token as it is kept: sealed for the client, together with the definition that it was asked for with.
    pub(crate) fn seal(
        &self,
        name: &ClientName,
        definition: &Definition,
        keys: &MasterKeys,
    ) -> Result<ClientToken, SealError> {
        let kept = Kept {
            access_token: self.value.expose_secret().to_owned(),
            obtained: self.obtained.0,
            life: self.life.map(|life| life.0),
            scope: self.scope.clone(),
            definition: definition.clone(),
        };
        // The text is as long as what is in it, and some words.
        let room = kept.access_token.len() * 2 + 8 * 1_024;
        let mut text = Zeroizing::new(Vec::with_capacity(room));
        if serde_json::to_writer(&mut *text, &kept).is_err() {
            return Err(SealError::Cipher);
        }
        let sealed = keys.seal(&token_place(name), &text)?;
        Ok(ClientToken {
            value: sealed.to_string(),
            expires: self.served_until(),
        })
    }

    /// The token that is kept, unless it does not open or was asked for with another definition.
    pub(crate) fn open(
        kept: &ClientToken,
        name: &ClientName,
        definition: &Definition,
        keys: &MasterKeys,
    ) -> Option<Self> {
        let sealed: SealedValue = kept.value.parse().ok()?;
        let text = keys.open(&token_place(name), &sealed).ok()?;
        let mut kept: Kept = serde_json::from_slice(&text).ok()?;
        (kept.definition == *definition).then(|| Self {
            value: std::mem::take(&mut kept.access_token).into(),
            obtained: UnixSeconds(kept.obtained),
            life: kept.life.map(Seconds),
            scope: kept.scope.take(),
        })
    }
}

impl fmt::Debug for AccessToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AccessToken")
            .field("expires", &self.expires())
            .field("scope", &self.scope)
            .finish_non_exhaustive()
    }
}

/// What is sealed.
#[derive(Deserialize, Serialize)]
struct Kept {
    access_token: String,
    obtained: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    life: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    scope: Option<String>,
    definition: Definition,
}

impl Drop for Kept {
    fn drop(&mut self) {
        self.access_token.zeroize();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: UnixSeconds = UnixSeconds(1_800_000_000);

    fn living(life: Option<u64>) -> AccessToken {
        AccessToken {
            value: "abc".into(),
            obtained: NOW,
            life: life.map(Seconds),
            scope: None,
        }
    }

    #[test]
    fn a_token_is_handed_out_until_shortly_before_its_end() {
        for (life, served) in [
            (Some(u64::MAX), 86_400),
            (Some(86_401), 86_341),
            (Some(86_400), 86_340),
            (Some(600), 540),
            (Some(100), 90),
            (Some(9), 9),
            (Some(0), 0),
            (None, 300),
        ] {
            let token = living(life);
            assert_eq!(token.served_until().since(NOW), Seconds(served), "{life:?}");
            assert!(!token.is_served_at(NOW.plus(Seconds(served))));
            assert_eq!(token.is_served_at(NOW), served > 0);
        }
        assert!(!living(Some(u64::MAX)).is_served_at(NOW.minus(Seconds(61))));
        assert!(!format!("{:?}", living(None)).contains("abc"));
    }

    #[test]
    fn a_life_without_end_ends() {
        let granted = Granted {
            access_token: "abc".into(),
            expires_in: Some(Seconds(u64::MAX)),
            scope: None,
        };
        let token = AccessToken::new(granted, NOW);
        assert_eq!(token.expires(), Some(NOW.plus(LONGEST_LIFE)));
        assert_eq!(token.served_until(), NOW.plus(Seconds(86_400)));
    }
}
