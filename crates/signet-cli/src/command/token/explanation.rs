//! What is found out about one token.

use serde::{Serialize, Serializer};
use serde_json::Value;
use signet_core::{
    Claims, Denied, Format, KeyId, Profile, Step as CoreStep, StepKind, UnixSeconds,
};
use signet_login::Site;

use super::advice::Advisor;
use super::{header, stored};

/// The checks in the order in which they are made.
pub(super) const CHECKS: [&str; 6] = [
    "key and MAC",
    "claims",
    "farm and zone",
    "times",
    "session",
    "user",
];

/// Every check that could be made, and what the token says, once it is known to be genuine.
#[derive(Debug, Serialize)]
pub(super) struct Explanation {
    kind: &'static str,
    /// The key that made it, or that its header names.
    kid: Option<String>,
    verdict: &'static str,
    #[serde(serialize_with = "code")]
    denied: Option<Denied>,
    steps: Vec<Step>,
    claims: Vec<Claim>,
}

/// One check.
#[derive(Debug, Serialize)]
pub(super) struct Step {
    pub(super) check: &'static str,
    #[serde(serialize_with = "code")]
    pub(super) denied: Option<Denied>,
    pub(super) meaning: Option<String>,
    pub(super) advice: Option<String>,
}

/// One claim.
#[derive(Debug, Serialize)]
pub(super) struct Claim {
    pub(super) name: &'static str,
    pub(super) value: Value,
    pub(super) meaning: &'static str,
}

impl Explanation {
    /// Everything that can be found out about `token` at `now`.
    pub(super) async fn of(token: &str, site: &Site, now: UnixSeconds) -> anyhow::Result<Self> {
        if token.contains('.') || !stored::is_one(token) {
            return Ok(encapsulated(token, site, now));
        }
        stored::explain(token, site, now).await
    }

    /// Puts together what was found.
    pub(super) fn new(
        kind: &'static str,
        kid: Option<KeyId>,
        outcomes: Vec<(&'static str, Result<(), Denied>)>,
        claims: Option<&Claims<'_>>,
        advisor: &Advisor<'_>,
    ) -> Self {
        let denied = outcomes.iter().find_map(|(_, outcome)| outcome.err());
        let step = |(check, outcome): (&'static str, Result<(), Denied>)| Step {
            check,
            denied: outcome.err(),
            meaning: outcome.err().map(|denied| denied.to_string()),
            advice: outcome.err().map(|denied| advisor.advise(denied, claims)),
        };
        Self {
            kind,
            kid: kid.map(|kid| kid.to_string()),
            verdict: if denied.is_none() { "ok" } else { "denied" },
            denied,
            steps: outcomes.into_iter().map(step).collect(),
            claims: claims.map(list).unwrap_or_default(),
        }
    }

    /// Replaces the advice of the first check that was denied.
    pub(super) fn advise(&mut self, advice: &str) {
        if let Some(step) = self.steps.iter_mut().find(|step| step.denied.is_some()) {
            step.advice = Some(advice.to_owned());
        }
    }

    /// The first reason to deny it, which is the one that a verdict names.
    pub(super) fn denied(&self) -> Option<Denied> {
        self.denied
    }

    pub(super) fn kind(&self) -> &'static str {
        self.kind
    }

    /// What it is, in a sentence.
    pub(super) fn what(&self) -> String {
        match (&self.kid, self.kind) {
            (Some(kid), "unreadable token") => format!("A token whose header names key {kid}."),
            (Some(kid), kind) => format!("A {kind}, made with key {kid}."),
            (None, "unreadable token") => "Something that is not readable as a token.".to_owned(),
            (None, kind) => format!("A {kind}."),
        }
    }

    pub(super) fn step(&self, check: &str) -> Option<&Step> {
        self.steps.iter().find(|step| step.check == check)
    }

    pub(super) fn claims(&self) -> &[Claim] {
        &self.claims
    }

    pub(super) fn claim(&self, name: &str) -> Option<&str> {
        self.find(name)?.value.as_str()
    }

    pub(super) fn expires_at(&self) -> Option<UnixSeconds> {
        self.find("exp")?.time()
    }

    fn find(&self, name: &str) -> Option<&Claim> {
        self.claims.iter().find(|claim| claim.name == name)
    }
}

impl Claim {
    /// The point in time that it is, if it is one.
    pub(super) fn time(&self) -> Option<UnixSeconds> {
        let is_time = matches!(self.name, "iat" | "exp" | "auth_time" | "max");
        self.value.as_u64().filter(|_| is_time).map(UnixSeconds)
    }

    pub(super) fn text(&self) -> String {
        match &self.value {
            Value::String(text) => text.clone(),
            Value::Array(items) => items
                .iter()
                .filter_map(Value::as_str)
                .collect::<Vec<_>>()
                .join(", "),
            other => other.to_string(),
        }
    }
}

fn encapsulated(token: &str, site: &Site, now: UnixSeconds) -> Explanation {
    let snapshots = &site.snapshots;
    let keys = snapshots.keys.load_full();
    snapshots.with_verifier(|verifier, settings| {
        signet_core::explain(verifier, token.as_bytes(), now, |steps, found| {
            let named = header::kid(token);
            let (kind, kid) = match found.map(|(_, profile)| profile) {
                Some(Profile::Encapsulated {
                    format: Format::Sealed,
                    key,
                }) => ("sealed token", Some(key)),
                Some(Profile::Encapsulated {
                    format: Format::Signed,
                    key,
                }) => ("signed token", Some(key)),
                _ => ("unreadable token", named),
            };
            let advisor = Advisor {
                keys: &keys,
                settings,
                now,
                named,
            };
            let outcomes = steps.iter().map(named_step).collect();
            Explanation::new(
                kind,
                kid,
                outcomes,
                found.map(|(claims, _)| claims),
                &advisor,
            )
        })
    })
}

fn named_step(step: &CoreStep) -> (&'static str, Result<(), Denied>) {
    let [mac, claims, origin, time, marks, user] = CHECKS;
    let check = match step.kind {
        StepKind::Mac => mac,
        StepKind::Claims => claims,
        StepKind::Origin => origin,
        StepKind::Time => time,
        StepKind::Marks => marks,
        StepKind::User => user,
    };
    (check, step.outcome)
}

fn list(claims: &Claims<'_>) -> Vec<Claim> {
    let optional = |text: &Option<std::borrow::Cow<'_, str>>| -> Value { text.as_deref().into() };
    let all = [
        ("sub", claims.subject.as_ref().into(), "the user"),
        ("name", optional(&claims.name), "what the user is called"),
        ("email", optional(&claims.email), "the user's mail address"),
        (
            "groups",
            claims
                .groups
                .as_ref()
                .map(signet_core::StringList::to_vec)
                .into(),
            "groups of a user from outside",
        ),
        (
            "iss",
            optional_text(&claims.issuer),
            "the farm that made it",
        ),
        ("aud", claims.audience.as_ref().into(), "the zone it is for"),
        (
            "sid",
            claims.session.to_string().into(),
            "the session, the same through all renewals",
        ),
        (
            "gen",
            claims.generation.0.into(),
            "the generation of the user at login",
        ),
        (
            "auth_time",
            claims.auth_time.0.into(),
            "when the user logged in",
        ),
        (
            "amr",
            claims.methods.to_vec().into(),
            "how the user proved who they are",
        ),
        ("iat", claims.issued_at.0.into(), "when this token was made"),
        ("exp", claims.expires_at.0.into(), "when this token expires"),
        (
            "max",
            claims.session_end.0.into(),
            "when the session ends, however often it is renewed",
        ),
        (
            "usid",
            optional(&claims.provider_session),
            "the session at the identity provider",
        ),
    ];
    all.into_iter()
        .filter(|(_, value, _)| !value.is_null())
        .map(|(name, value, meaning)| Claim {
            name,
            value,
            meaning,
        })
        .collect()
}

/// A stored token names no farm.
fn optional_text(text: &str) -> Value {
    if text.is_empty() {
        Value::Null
    } else {
        text.into()
    }
}

fn code<S: Serializer>(denied: &Option<Denied>, serializer: S) -> Result<S::Ok, S::Error> {
    denied.map(Denied::code).serialize(serializer)
}
