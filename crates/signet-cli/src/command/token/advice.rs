//! What to do about a token that is denied, for the one who runs the instance.

use signet_core::{Claims, Denied, KeyId, KeyRing, UnixSeconds};
use signet_login::Settings;

use crate::moment;

/// What an advice can refer to.
pub(super) struct Advisor<'a> {
    pub(super) keys: &'a KeyRing,
    pub(super) settings: &'a Settings,
    pub(super) now: UnixSeconds,
    /// The key that the token's header names.
    pub(super) named: Option<KeyId>,
}

impl Advisor<'_> {
    /// What to do, in one or more lines.
    pub(super) fn advise(&self, denied: Denied, claims: Option<&Claims<'_>>) -> String {
        let user = claims.map_or("ID", |claims| &claims.subject);
        match denied {
            Denied::TokenMissing => "Copy the value of the cookie login-token.".to_owned(),
            Denied::TokenMalformed => {
                "It is cut off, or not made by Signet: copy the whole value of the cookie.".to_owned()
            }
            Denied::KeyUnknown => self.unknown_key(),
            Denied::KeyRevoked => {
                "The key was revoked on purpose; the user has to log in again.".to_owned()
            }
            Denied::MacInvalid => {
                "Copy it again, whole. If that changes nothing, somebody altered it or made it up.".to_owned()
            }
            Denied::ClaimsInvalid => {
                "Something else than Signet makes tokens with this key: find out what holds the key file, then signet keys rotate."
                    .to_owned()
            }
            Denied::IssuerForeign => {
                "It names another farm than its key belongs to; the user has to log in again here.".to_owned()
            }
            Denied::ZoneForeign => format!(
                "It is for zone {}, this instance accepts {}.\n\
                 Set token.zone (by default the host of public_url) to the same value on all instances.",
                claims.map_or("another", |claims| &claims.audience),
                self.settings.policy.zone
            ),
            Denied::FromTheFuture => format!(
                "The clock here says {}; token.skew allows {} of difference.\n\
                 Compare it with that of the instance that made the token, and set up NTP on both.",
                moment::utc(self.now),
                self.settings.policy.skew
            ),
            Denied::Expired => format!(
                "The user has to log in again. A token lives for {} (token.inactivity) unless a page load renews it,\n\
                 a session for {} (token.max_session).",
                self.settings.policy.inactivity, self.settings.policy.max_session
            ),
            Denied::SessionEnded => {
                "The user logged out or logged in anew, or an administrator ended the session; log in again.".to_owned()
            }
            Denied::SessionForgotten => {
                "The session is older than anything remembered here; log in again.".to_owned()
            }
            Denied::UserUnknown => format!(
                "signet user list shows who is here; signet user add {user} adds the user.\n\
                 Until instances synchronise, each instance needs its own record of the user."
            ),
            Denied::UserDisabled => format!("signet user enable {user}"),
            Denied::GenerationOld => {
                "The password was changed, the user was disabled or made anew, or all sessions were ended; log in again."
                    .to_owned()
            }
            Denied::RepositoryUnavailable => {
                "Look into the instance's log for why the repository does not answer.".to_owned()
            }
            _ => "The user has to log in again.".to_owned(),
        }
    }

    fn unknown_key(&self) -> String {
        let named = match self.named {
            Some(kid) => format!("It was made with key {kid}."),
            None => "Its header names no key of Signet.".to_owned(),
        };
        let here: Vec<_> = self.keys.verifying().map(|kid| kid.to_string()).collect();
        let here = match here.is_empty() {
            true => "No key is here.".to_owned(),
            false => format!("Here are: {}.", here.join(", ")),
        };
        let copy = match self.named {
            Some(kid) => format!(
                "\nCopy keys/hmac/{kid}.jwk from the instance that made it, then signet keys refresh."
            ),
            None => String::new(),
        };
        format!("{named} {here}{copy}")
    }
}
