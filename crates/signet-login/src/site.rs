//! The public site of an instance: the endpoints that browsers see, and what they share.

use std::sync::Arc;

use signet_audit::AuditLog;
use signet_repository::Repository;

use crate::basic::BasicHandler;
use crate::credentials::Credentials;
use crate::endpoint::{self, Endpoint};
use crate::exchange::{Request, Response};
use crate::follow::Follower;
use crate::password::Passwords;
use crate::snapshots::Snapshots;
use crate::tally::Tally;
use crate::tokens::TokenHandler;

/// What the endpoints share.
#[derive(Debug)]
pub struct Site {
    /// The present state.
    pub snapshots: Arc<Snapshots>,
    /// The users and what else is stored.
    pub repository: Repository,
    /// Keeps the snapshots current.
    pub follower: Arc<Follower>,
    /// Makes, recognises, renews and ends sessions.
    pub tokens: TokenHandler,
    /// Checks user ids and passwords.
    pub credentials: Arc<Credentials>,
    /// Recognises users by HTTP Basic.
    pub basic: BasicHandler,
    /// What happened, in numbers.
    pub tally: Arc<Tally>,
    /// Where changes are recorded, if anywhere.
    pub audit: Option<AuditLog>,
}

impl Site {
    /// The site over this state; at most `hashing_places` passwords are hashed at a time.
    #[must_use]
    pub fn new(
        snapshots: Arc<Snapshots>,
        repository: Repository,
        follower: Arc<Follower>,
        hashing_places: usize,
    ) -> Self {
        let tally = Arc::<Tally>::default();
        let credentials = Arc::new(Credentials::new(
            Arc::clone(&snapshots),
            repository.clone(),
            Passwords::new(hashing_places),
            Arc::clone(&tally),
        ));
        Self {
            tokens: TokenHandler::new(
                Arc::clone(&snapshots),
                repository.clone(),
                Arc::clone(&follower),
                Arc::clone(&tally),
            ),
            basic: BasicHandler::new(Arc::clone(&snapshots), Arc::clone(&credentials)),
            snapshots,
            repository,
            follower,
            credentials,
            tally,
            audit: None,
        }
    }

    /// Records in `log` what users change about themselves; what cannot be recorded is not changed.
    #[must_use]
    pub fn with_audit(mut self, log: AuditLog) -> Self {
        self.audit = Some(log);
        self
    }

    /// The endpoint at `path`, if there is one.
    #[must_use]
    pub fn endpoint(path: &str) -> Option<&'static dyn Endpoint> {
        endpoint::at(path)
    }

    /// Answers a request: by the endpoint at its path, or that there is none.
    pub async fn answer(&self, request: &Request) -> Response {
        match Self::endpoint(request.uri.path()) {
            Some(endpoint) => endpoint.answer(self, request).await,
            None => endpoint::not_found(self, request),
        }
    }
}
