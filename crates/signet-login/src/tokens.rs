//! The token handler: makes, recognises, renews and ends sessions, whichever kind of token carries them.

mod begin;
mod recognise;

use std::sync::Arc;

use http::{HeaderMap, HeaderValue};
use signet_core::{Denied, Mark, MintError, Session, Subject, UnixSeconds};
use signet_repository::{Account, MarkReason, Marked, Repository, RepositoryError, UserError};

pub use recognise::{Recognised, Renewal};

use crate::cookie;
use crate::follow::Follower;
use crate::seen::Seen;
use crate::snapshots::Snapshots;
use crate::tally::{Event, Tally};

/// What was proven about who is logging in.
#[derive(Debug)]
pub struct Login {
    /// The user.
    pub account: Account,
    /// How it was proven (RFC 8176), for example `pwd`.
    pub methods: Vec<&'static str>,
}

/// Why no session was begun.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BeginError {
    /// No key is active, or the claims do not fit into a cookie.
    #[error("no token could be made")]
    Mint(#[from] MintError),
    /// The repository did not take the token.
    #[error("the repository did not take the token")]
    Repository(#[from] RepositoryError),
    /// The system gave no random bits.
    #[error("no random bits")]
    Random(#[from] getrandom::Error),
    /// The token is no value of a header.
    #[error("the cookie could not be written")]
    Cookie,
}

/// Why a session could not be ended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EndError {
    /// The repository did not take the mark.
    #[error("the repository did not take the mark")]
    Mark(#[from] UserError),
    /// The repository could not be read or written.
    #[error("the repository did not answer")]
    Repository(#[from] RepositoryError),
}

/// Makes, recognises, renews and ends sessions.
#[derive(Debug)]
pub struct TokenHandler {
    snapshots: Arc<Snapshots>,
    repository: Repository,
    follower: Arc<Follower>,
    tally: Arc<Tally>,
    seen: Seen,
}

/// What must be known of a session to end it after the request that showed it is over.
#[derive(Clone, Debug)]
pub struct EndedSession {
    id: signet_core::SessionId,
    subject: Option<Subject>,
    until: UnixSeconds,
}

impl EndedSession {
    /// Whose session it is; `None` if the token names nobody who can exist here.
    #[must_use]
    pub fn subject(&self) -> Option<&Subject> {
        self.subject.as_ref()
    }
}

impl TokenHandler {
    /// A handler over these snapshots and this repository.
    #[must_use]
    pub fn new(
        snapshots: Arc<Snapshots>,
        repository: Repository,
        follower: Arc<Follower>,
        tally: Arc<Tally>,
    ) -> Self {
        let seen = Seen::default();
        seen.watch(snapshots.keys.load().verifying());
        Self {
            snapshots,
            repository,
            follower,
            tally,
            seen,
        }
    }

    /// How many sessions were seen with each key. Whoever exchanges the keys tells it which ones to watch, and somebody must
    /// turn its windows.
    #[must_use]
    pub fn seen(&self) -> &Seen {
        &self.seen
    }

    /// What to keep of `session` to end it later.
    #[must_use]
    pub fn to_end(&self, session: &Session<'_>) -> EndedSession {
        let skew = self.snapshots.settings.load().policy.skew;
        EndedSession {
            id: session.claims.session,
            subject: session.claims.subject.parse().ok(),
            until: session.claims.session_end.plus(skew),
        }
    }

    /// Ends a session: from the return of this on, this instance refuses every token of it, stored or encapsulated.
    ///
    /// Returns what became of the mark: one too many ends all sessions of the user.
    ///
    /// # Errors
    /// If the repository did not take the mark; the session then goes on.
    pub async fn end(
        &self,
        session: &EndedSession,
        reason: MarkReason,
    ) -> Result<Marked, EndError> {
        let now = self.snapshots.clock.now();
        let mark = Mark {
            id: session.id.into(),
            until: session.until,
        };
        // A user from outside may have no record here; then the mark stands without a user.
        let known = match &session.subject {
            Some(subject) => self
                .repository
                .user(subject)
                .await?
                .map(|user| user.record.subject),
            None => None,
        };
        let marked = self
            .repository
            .add_mark(mark, known.as_ref(), reason, now)
            .await?;
        self.follower.catch_up().await?;
        if reason == MarkReason::Logout {
            self.tally.count(Event::Logout);
        }
        Ok(marked)
    }

    /// Whether the request shows a token at all, good or not.
    #[must_use]
    pub fn is_shown(&self, headers: &HeaderMap) -> bool {
        let name = self.snapshots.settings.load().cookies.token_name();
        !matches!(cookie::find(headers, name), Err(Denied::TokenMissing))
    }

    /// The cookie that makes a browser forget its token.
    #[must_use]
    pub fn forget(&self) -> Option<HeaderValue> {
        self.snapshots.settings.load().cookies.forget_token()
    }

    fn refuse(&self, reason: Denied) -> Denied {
        self.tally.count_denied(reason);
        tracing::debug!(code = reason.code(), "token refused");
        reason
    }
}
