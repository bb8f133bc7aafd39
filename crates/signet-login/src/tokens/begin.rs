//! Beginning a session: a login becomes a token, and the token a cookie.

use std::borrow::Cow;

use http::HeaderValue;
use signet_core::{
    Claims, Format, GroupName, MintError, SessionId, StringList, TokenPolicy, UnixSeconds, token,
};
use signet_repository::NewToken;

use super::{BeginError, Login, TokenHandler};
use crate::settings::{Settings, TokenMode};
use crate::tally::Event;

impl TokenHandler {
    /// Begins a session for a user who proved who they are, and returns the cookie that carries it.
    ///
    /// # Errors
    /// [`BeginError`] with the reason; no session was begun then.
    pub async fn begin(&self, login: &Login) -> Result<HeaderValue, BeginError> {
        let settings = self.snapshots.settings.load_full();
        let now = self.snapshots.clock.now();
        let session_end = now.plus(settings.policy.max_session);
        let expires = settings.policy.expiry(now, session_end);
        let token = match settings.mode {
            TokenMode::Encapsulated => {
                let claims = claims(login, &settings, SessionId(random()?), now);
                self.mint(claims, settings.policy.format)?
            }
            TokenMode::Repository => {
                let new = NewToken {
                    subject: login.account.record.subject.clone(),
                    generation: login.account.record.generation,
                    session: SessionId(random()?),
                    auth_time: now,
                    expires,
                    session_end,
                    methods: login.methods.iter().map(ToString::to_string).collect(),
                };
                let (token, _) = self.repository.create_token(&new, now).await?;
                token.as_str().to_owned()
            }
        };
        self.tally.count(Event::Login);
        settings
            .cookies
            .token(&token, expires.since(now))
            .ok_or(BeginError::Cookie)
    }

    /// Makes a token with the active key, for the farm of that key.
    pub(super) fn mint(
        &self,
        mut claims: Claims<'_>,
        format: Format,
    ) -> Result<String, BeginError> {
        let keys = self.snapshots.keys.load();
        let issuer = keys.issuer().ok_or(MintError::NoActiveKey)?;
        claims.issuer = Cow::Owned(issuer.to_string());
        Ok(token::mint(&claims, format, &keys, random()?)?)
    }
}

/// The claims of the first token of a session. Only a sealed one says more of a person than the id.
fn claims<'l>(
    login: &'l Login,
    settings: &'l Settings,
    session: SessionId,
    now: UnixSeconds,
) -> Claims<'l> {
    let TokenPolicy {
        zone,
        format,
        max_session,
        ..
    } = &settings.policy;
    let record = &login.account.record;
    let session_end = now.plus(*max_session);
    let sealed = *format == Format::Sealed;
    let from_outside = record.subject.provider().is_some();
    let personal = |text: &'l Option<String>| text.as_deref().filter(|_| sealed).map(Cow::Borrowed);
    Claims {
        // The farm is that of the key the token is made with.
        issuer: Cow::Borrowed(""),
        audience: zone.as_str().into(),
        subject: record.subject.as_str().into(),
        session,
        generation: record.generation,
        issued_at: now,
        expires_at: settings.policy.expiry(now, session_end),
        auth_time: now,
        methods: login.methods.iter().copied().collect(),
        session_end,
        provider_session: None,
        name: personal(&login.account.profile.name),
        email: personal(&login.account.profile.mail),
        groups: (sealed && from_outside)
            .then(|| -> StringList<'l> { record.groups.iter().map(GroupName::as_str).collect() }),
    }
}

fn random() -> Result<[u8; 16], getrandom::Error> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits)?;
    Ok(bits)
}
