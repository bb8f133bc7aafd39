//! HTTP Basic (RFC 7617), for programs that cannot log in with a form. Off by default.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use data_encoding::BASE64;
use http::HeaderMap;
use http::header::AUTHORIZATION;
use secrecy::{ExposeSecret, SecretString};
use signet_core::{Claims, Denied, Generation, Profile, Purpose, Seconds, SessionId, UnixSeconds};
use signet_repository::Account;
use zeroize::Zeroizing;

use crate::credentials::{CredentialError, Credentials};
use crate::settings::{BasicMode, Settings};
use crate::snapshots::Snapshots;
use crate::tokens::Recognised;

/// How long a success is remembered, so that not every request costs a password hash (O7).
const MEMORY: Seconds = Seconds(60);
/// How many successes are remembered.
const MOST: usize = 10_000;

/// Recognises users by the user id and password that stand in the request.
#[derive(Debug)]
pub struct BasicHandler {
    snapshots: Arc<Snapshots>,
    credentials: Arc<Credentials>,
    remembered: Mutex<HashMap<[u8; 32], Remembered>>,
}

#[derive(Clone, Debug)]
struct Remembered {
    account: Arc<Account>,
    until: UnixSeconds,
}

/// User id and password as they stand in a request.
struct Presented {
    user: String,
    password: SecretString,
}

impl BasicHandler {
    /// A handler that asks `credentials`.
    #[must_use]
    pub fn new(snapshots: Arc<Snapshots>, credentials: Arc<Credentials>) -> Self {
        Self {
            snapshots,
            credentials,
            remembered: Mutex::default(),
        }
    }

    /// Whether the handler is switched on and the request carries credentials for it.
    #[must_use]
    pub fn applies(&self, headers: &HeaderMap) -> bool {
        self.snapshots.settings.load().basic == BasicMode::On && presented(headers).is_some()
    }

    /// Decides about the credentials in `headers`, and calls `take` with the session of this one request.
    ///
    /// # Errors
    /// [`Denied`] with the reason. A password that must be changed first opens nothing here.
    pub async fn recognise<R>(
        &self,
        headers: &HeaderMap,
        client: IpAddr,
        take: impl FnOnce(Recognised<'_>) -> R + Send,
    ) -> Result<R, Denied> {
        let presented = presented(headers).ok_or(Denied::TokenMissing)?;
        let now = self.snapshots.clock.now();
        let account = match self.remembered(&presented, now) {
            Some(account) => account,
            None => self.check(presented, client, now).await?,
        };
        self.snapshots.with_verifier(|verifier, settings| {
            let claims = claims(&account, settings, now);
            let session = verifier.admit(claims, Profile::Basic, now)?;
            Ok(take(Recognised {
                session: &session,
                cookie: None,
                settings,
                now,
            }))
        })
    }

    async fn check(
        &self,
        presented: Presented,
        client: IpAddr,
        now: UnixSeconds,
    ) -> Result<Arc<Account>, Denied> {
        let password = presented.password.clone();
        let account = self
            .credentials
            .check(&presented.user, password, client)
            .await;
        let account = Arc::new(account.map_err(|error| match error {
            CredentialError::Unavailable => Denied::RepositoryUnavailable,
            CredentialError::Throttled(_) | CredentialError::Wrong => Denied::CredentialsWrong,
        })?);
        if account.must_change() {
            return Err(Denied::CredentialsWrong);
        }
        self.remember(&presented, &account, now);
        Ok(account)
    }

    fn remembered(&self, presented: &Presented, now: UnixSeconds) -> Option<Arc<Account>> {
        let generation = self
            .snapshots
            .index
            .load()
            .find(&presented.user)?
            .generation;
        let fingerprint = self.fingerprint(presented, generation)?;
        let remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let found = remembered
            .get(&fingerprint)
            .filter(|found| now < found.until);
        // A clock that went back must not lengthen the memory.
        let found = found.filter(|found| found.until <= now.plus(MEMORY));
        found.map(|found| Arc::clone(&found.account))
    }

    fn remember(&self, presented: &Presented, account: &Arc<Account>, now: UnixSeconds) {
        let Some(fingerprint) = self.fingerprint(presented, account.record.generation) else {
            return;
        };
        let mut remembered = self
            .remembered
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        if remembered.len() >= MOST {
            remembered.retain(|_, one| now < one.until);
        }
        if remembered.len() < MOST {
            let account = Arc::clone(account);
            remembered.insert(
                fingerprint,
                Remembered {
                    account,
                    until: now.plus(MEMORY),
                },
            );
        }
    }

    /// Depends on the generation, so a new password or "end all sessions" forgets at once.
    fn fingerprint(&self, presented: &Presented, generation: Generation) -> Option<[u8; 32]> {
        let parts: [&[u8]; 3] = [
            presented.user.as_bytes(),
            presented.password.expose_secret().as_bytes(),
            &generation.0.to_be_bytes(),
        ];
        self.snapshots
            .keys
            .load()
            .authenticate(Purpose::BasicMemory, &parts)
    }
}

/// The credentials of a request, if it has exactly one `Authorization` header and that is a well-formed `Basic`.
fn presented(headers: &HeaderMap) -> Option<Presented> {
    let mut all = headers.get_all(AUTHORIZATION).iter();
    let header = all.next()?.as_bytes();
    if all.next().is_some() {
        return None;
    }
    let (scheme, encoded) = header.split_at_checked(6)?;
    if !scheme.eq_ignore_ascii_case(b"basic ") {
        return None;
    }
    let decoded = Zeroizing::new(BASE64.decode(encoded.trim_ascii()).ok()?);
    let text = std::str::from_utf8(&decoded).ok()?;
    let (user, password) = text.split_once(':')?;
    Some(Presented {
        user: user.to_owned(),
        password: password.into(),
    })
}

/// The claims of a session that lasts for one request.
fn claims<'a>(account: &'a Account, settings: &'a Settings, now: UnixSeconds) -> Claims<'a> {
    Claims {
        issuer: "".into(),
        audience: settings.policy.zone.as_str().into(),
        subject: account.record.subject.as_str().into(),
        session: SessionId([0; 16]),
        generation: account.record.generation,
        issued_at: now,
        expires_at: now,
        auth_time: now,
        methods: ["pwd"].into_iter().collect(),
        session_end: now,
        provider_session: None,
        name: account.profile.name.as_deref().map(Into::into),
        email: account.profile.mail.as_deref().map(Into::into),
        groups: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    fn read(values: &[&str]) -> Option<(String, String)> {
        let headers = values
            .iter()
            .map(|value| (AUTHORIZATION, HeaderValue::from_str(value).unwrap()))
            .collect();
        presented(&headers).map(|found| (found.user, found.password.expose_secret().to_owned()))
    }

    #[test]
    fn only_one_well_formed_header_is_read() {
        let alice = Some(("alice".to_owned(), "a:b".to_owned()));
        assert_eq!(read(&["Basic YWxpY2U6YTpi"]), alice);
        assert_eq!(read(&["bAsIc YWxpY2U6YTpi"]), alice);
        for bad in [
            &[][..],
            &["Basic"],
            &["Basic "],
            &["Basic YWxpY2U"],
            &["Basic !!!!"],
            &["Bearer YWxpY2U6YTpi"],
            &["Basic YWxpY2U6YTpi", "Basic YWxpY2U6YTpi"],
            &["Basic /////w=="],
        ] {
            assert_eq!(read(bad), None, "{bad:?}");
        }
    }
}
