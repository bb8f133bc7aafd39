//! `signet token mint`

use std::borrow::Cow;

use anyhow::Context as _;
use clap::Args;
use serde_json::json;
use signet_core::{
    Claims, Format, GroupName, SessionId, StringList, Subject, TokenPolicy, UnixSeconds, token,
};
use signet_keys::{Effect, KeyProblem};
use signet_repository::{Account, UserError};
use signet_server::config::Span;

use crate::choice::one_of;
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::{instance, moment};

/// How the user proved who they are (the claim amr): not at all, an administrator spoke for them.
const METHOD: &str = "cli";

/// Make a token for a user and print it: for tests and scripts
///
/// Whoever has the token is the user until it expires. It is a session like any other: logging out, disabling and
/// "signet user end-sessions" end it.
#[derive(Debug, Args)]
pub(crate) struct Mint {
    /// The user's id
    user: Subject,

    /// The format, in the place of token.format
    #[arg(long, value_name = "FORMAT", value_parser = one_of::<Format>(&["sealed", "signed"]))]
    format: Option<Format>,

    /// How long the token lives, at most token.max_session [default: token.inactivity]
    #[arg(long, value_name = "SPAN")]
    life: Option<Span>,
}

impl Mint {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let instance = instance::open(context).await?;
        let site = instance.site();
        let account = site.repository.find_for_login(&self.user).await?;
        let account = account.ok_or_else(|| UserError::Unknown(self.user.clone()))?;
        if !account.record.enabled {
            let failure = Failure::new(format!("{} is disabled", self.user));
            let hint = format!("signet user enable {}", self.user);
            return Err(failure.hint(hint).into());
        }
        let policy = self.policy(&site.snapshots.settings.load().policy)?;
        let now = context.now();
        let keys = site.snapshots.keys.load();
        let issuer = keys.issuer().ok_or_else(|| no_key(context))?;
        let session = SessionId(random()?);
        let claims = claims(&account, &policy, issuer.as_str(), session, now);
        let expires = claims.expires_at;
        let token = token::mint(&claims, policy.format, &keys, random()?)
            .context("the token could not be made")?;
        let document = json!({
            "token": token,
            "user": self.user.as_str(),
            "format": policy.format.as_str(),
            "session": session.to_string(),
            "expires": expires.0,
        });
        context.output.answer(&document, &token)?;
        context.output.note(&format!(
            "{} is logged in with it until {}.",
            self.user,
            moment::seen_from(now, expires)
        ));
        site.repository.close().await;
        Ok(Outcome::Done)
    }

    /// The policy of the instance with what the arguments say in its place.
    fn policy(&self, policy: &TokenPolicy) -> Result<TokenPolicy, Failure> {
        let inactivity = self.life.map_or(policy.inactivity, |life| life.0);
        if inactivity > policy.max_session {
            let message = format!(
                "a token lives for at most {}, the end of every session",
                policy.max_session
            );
            return Err(
                Failure::new(message).hint("choose a shorter --life, or raise token.max_session")
            );
        }
        Ok(TokenPolicy {
            format: self.format.unwrap_or(policy.format),
            inactivity,
            ..policy.clone()
        })
    }
}

/// No key makes tokens. What is wrong with the keys says what to do: where they lie elsewhere, another one is not made.
fn no_key(context: &Context) -> Failure {
    let failure = Failure::new("no key is active, so no token can be made");
    let loaded = context
        .place()
        .and_then(|place| Ok(place.keys()?.load(None)?));
    let problem = loaded
        .ok()
        .and_then(|loaded| loaded.problems.into_iter().find(is_the_reason));
    match problem {
        Some(problem) => failure.details([problem.to_string()]).hint(problem.hint()),
        None => failure.hint("signet keys list shows the keys, signet keys rotate makes one"),
    }
}

fn is_the_reason(problem: &KeyProblem) -> bool {
    problem.effect == Effect::Unused
}

/// What a login would say. Only a sealed token says more of a person than the id.
fn claims<'a>(
    account: &'a Account,
    policy: &'a TokenPolicy,
    issuer: &'a str,
    session: SessionId,
    now: UnixSeconds,
) -> Claims<'a> {
    let record = &account.record;
    let session_end = now.plus(policy.max_session);
    let sealed = policy.format == Format::Sealed;
    let personal = |text: &'a Option<String>| text.as_deref().filter(|_| sealed).map(Cow::Borrowed);
    let from_outside = record.subject.provider().is_some();
    Claims {
        issuer: issuer.into(),
        audience: policy.zone.as_str().into(),
        subject: record.subject.as_str().into(),
        session,
        generation: record.generation,
        issued_at: now,
        expires_at: policy.expiry(now, session_end),
        auth_time: now,
        methods: [METHOD].into_iter().collect(),
        session_end,
        provider_session: None,
        name: personal(&account.profile.name),
        email: personal(&account.profile.mail),
        groups: (sealed && from_outside)
            .then(|| -> StringList<'a> { record.groups.iter().map(GroupName::as_str).collect() }),
    }
}

fn random() -> anyhow::Result<[u8; 16]> {
    let mut bits = [0; 16];
    getrandom::fill(&mut bits).context("the system gives no random bits")?;
    Ok(bits)
}
