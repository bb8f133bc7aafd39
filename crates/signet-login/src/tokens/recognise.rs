//! Recognising a session in the cookies of a request, and renewing it when that is due.

use std::cell::RefCell;

use http::{HeaderMap, HeaderValue};
use signet_core::{Claims, Denied, Profile, Scratch, Session, UnixSeconds};
use signet_repository::{Account, TokenRow};

use super::TokenHandler;
use crate::cookie;
use crate::settings::{Settings, TokenMode};
use crate::tally::Event;

/// Whether a request may renew the token it shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Renewal {
    /// If one is due.
    IfDue,
    /// Not by this request.
    Never,
}

/// A session that was recognised.
#[derive(Debug)]
pub struct Recognised<'r> {
    /// The session.
    pub session: &'r Session<'r>,
    /// The cookie with the next token, if one was due.
    pub cookie: Option<HeaderValue>,
    /// The settings the verdict was reached with.
    pub settings: &'r Settings,
    /// When it was reached.
    pub now: UnixSeconds,
}

thread_local! {
    /// Each thread decodes into the same memory again and again.
    static SCRATCH: RefCell<Scratch> = RefCell::default();
}

impl TokenHandler {
    /// Decides about the token in the cookies of `headers`, and calls `take` with the session if it is good.
    ///
    /// An encapsulated token is decided without waiting for anything. A repository token is looked up in the repository.
    ///
    /// # Errors
    /// [`Denied`] with the reason, which is for the log and not for the client.
    pub async fn recognise<R>(
        &self,
        headers: &HeaderMap,
        renewal: Renewal,
        take: impl FnOnce(Recognised<'_>) -> R + Send,
    ) -> Result<R, Denied> {
        let name = self.snapshots.settings.load().cookies.token_name();
        let token = cookie::find(headers, name).map_err(|reason| self.refuse(reason))?;
        let result = if is_encapsulated(token) {
            self.verify(token, renewal, take)
        } else {
            self.look_up(token, renewal, take).await
        };
        match result {
            Ok(_) => self.tally.count(Event::Accepted),
            Err(reason) => {
                self.refuse(reason);
            }
        }
        result
    }

    fn verify<R>(
        &self,
        token: &[u8],
        renewal: Renewal,
        take: impl FnOnce(Recognised<'_>) -> R,
    ) -> Result<R, Denied> {
        let now = self.snapshots.clock.now();
        with_scratch(|scratch| {
            self.snapshots.with_verifier(|verifier, settings| {
                let session = verifier.verify(token, now, scratch)?;
                if let Profile::Encapsulated { key, .. } = session.profile {
                    self.seen.note(key, session.claims.session);
                }
                let cookie = match renewal {
                    Renewal::IfDue => self.renew(&session, settings, now),
                    Renewal::Never => None,
                };
                Ok(take(Recognised {
                    session: &session,
                    cookie,
                    settings,
                    now,
                }))
            })
        })
    }

    /// The next token of the session, if one is due. A session that cannot be renewed stays good until its token expires,
    /// and so does one of the kind that logins no longer make.
    fn renew(
        &self,
        session: &Session<'_>,
        settings: &Settings,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        if settings.mode != TokenMode::Encapsulated {
            return None;
        }
        let claims = session.renewed(&settings.policy, now)?;
        let expires_at = claims.expires_at;
        match self.mint(claims, settings.policy.format) {
            Ok(token) => {
                self.tally.count(Event::Renewed);
                settings.cookies.token(&token, expires_at.since(now))
            }
            Err(error) => {
                tracing::warn!(
                    code = "RENEWAL_FAILED",
                    error = &error as &dyn std::error::Error,
                    "a token could not be renewed"
                );
                None
            }
        }
    }

    async fn look_up<R>(
        &self,
        token: &[u8],
        renewal: Renewal,
        take: impl FnOnce(Recognised<'_>) -> R + Send,
    ) -> Result<R, Denied> {
        let now = self.snapshots.clock.now();
        let token = std::str::from_utf8(token).map_err(|_| Denied::TokenMalformed)?;
        let unavailable = |error: signet_repository::RepositoryError| {
            let error = &error as &dyn std::error::Error;
            tracing::error!(
                code = "REPOSITORY_UNAVAILABLE",
                error,
                "a token could not be looked up"
            );
            Denied::RepositoryUnavailable
        };
        let row = self
            .repository
            .find_token(token, now)
            .await
            .map_err(unavailable)?;
        let mut row = row.ok_or(Denied::TokenMalformed)?;
        let account = self
            .repository
            .user(&row.subject)
            .await
            .map_err(unavailable)?;
        let account = account.ok_or(Denied::UserUnknown)?;
        self.snapshots.with_verifier(|verifier, settings| {
            let claims = stored_claims(&row, &account, settings);
            verifier.admit(claims, Profile::Repository, now).map(|_| ())
        })?;
        let cookie = match renewal {
            Renewal::IfDue => self.reset(&mut row, token, now).await,
            Renewal::Never => None,
        };
        self.snapshots.with_verifier(|verifier, settings| {
            let claims = stored_claims(&row, &account, settings);
            let session = verifier.admit(claims, Profile::Repository, now)?;
            Ok(take(Recognised {
                session: &session,
                cookie,
                settings,
                now,
            }))
        })
    }

    /// Gives the stored token its full life again when half of it has passed, as Oak does.
    async fn reset(
        &self,
        row: &mut TokenRow,
        token: &str,
        now: UnixSeconds,
    ) -> Option<HeaderValue> {
        let settings = self.snapshots.settings.load_full();
        if settings.mode != TokenMode::Repository {
            return None;
        }
        match self
            .repository
            .reset_expiration(row, settings.policy.inactivity, now)
            .await
        {
            Ok(expires) => {
                row.expires = expires?;
                self.tally.count(Event::Renewed);
                settings.cookies.token(token, row.expires.since(now))
            }
            Err(error) => {
                let error = &error as &dyn std::error::Error;
                tracing::warn!(
                    code = "RENEWAL_FAILED",
                    error,
                    "a token could not be renewed"
                );
                None
            }
        }
    }
}

/// Encapsulated tokens are segments joined by dots; no repository token has one.
fn is_encapsulated(token: &[u8]) -> bool {
    token.contains(&b'.')
}

/// What a stored token amounts to, in the words of the encapsulated ones.
fn stored_claims<'r>(
    row: &'r TokenRow,
    account: &'r Account,
    settings: &'r Settings,
) -> Claims<'r> {
    Claims {
        issuer: "".into(),
        audience: settings.policy.zone.as_str().into(),
        subject: row.subject.as_str().into(),
        session: row.session,
        generation: row.generation,
        issued_at: row.created,
        expires_at: row.expires,
        auth_time: row.auth_time,
        methods: row.methods.iter().map(String::as_str).collect(),
        session_end: row.session_end,
        provider_session: None,
        name: account.profile.name.as_deref().map(Into::into),
        email: account.profile.mail.as_deref().map(Into::into),
        groups: None,
    }
}

fn with_scratch<R>(work: impl FnOnce(&mut Scratch) -> R) -> R {
    SCRATCH.with(|shared| match shared.try_borrow_mut() {
        Ok(mut scratch) => work(&mut scratch),
        // Whoever took a session decides about another one inside.
        Err(_) => work(&mut Scratch::default()),
    })
}
