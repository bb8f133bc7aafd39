//! Access tokens for those who ask: from the endpoint, or the one that is still good.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use signet_core::{Clock, UnixSeconds};
use signet_http::Limits;
use signet_repository::Repository;
use signet_secret::MasterKeys;
use tokio::sync::OnceCell;

use crate::clock::ClockOffset;
use crate::{
    AccessToken, AnswerError, AuthMethod, Client, ClientName, ClientWarning, Refusal, TokenError,
    answer, request,
};

/// An endpoint is waited for no longer than this.
pub const PATIENCE: Duration = Duration::from_secs(10);

/// Asks token endpoints, and keeps what they give until shortly before it ends.
pub struct Tokens {
    clock: Arc<dyn Clock>,
    patience: Duration,
    /// Requests on their way, which everybody shares who wants the same.
    flights: Mutex<HashMap<ClientName, Arc<Flight>>>,
}

type Flight = OnceCell<Result<AccessToken, Arc<TokenError>>>;

/// Whether a token that is kept will do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Freshness {
    /// It will.
    Kept,
    /// The endpoint is asked in any case.
    Fresh,
}

/// Where a token came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Provenance {
    /// From the repository, where it was kept.
    Kept,
    /// From the endpoint.
    Endpoint,
}

/// What a check of a client found.
#[derive(Debug)]
#[non_exhaustive]
pub struct Checked {
    /// The token, or why there is none.
    pub result: Result<AccessToken, TokenError>,
    /// What else is not as it should be.
    pub warnings: Vec<ClientWarning>,
}

impl Tokens {
    /// Waits for an endpoint as long as `patience`, in most places [`PATIENCE`].
    #[must_use]
    pub fn new(clock: Arc<dyn Clock>, patience: Duration) -> Self {
        Self {
            clock,
            patience,
            flights: Mutex::default(),
        }
    }

    /// A token of `client`: the one that is kept in the repository, or else one from the endpoint, which is kept.
    ///
    /// Those who ask at the same time share one request. A token that cannot be kept is handed out all the same;
    /// one that comes when the client has been replaced or removed in the meantime is not kept.
    ///
    /// # Errors
    /// Why there is none.
    pub async fn token(
        &self,
        client: &Client,
        keys: &MasterKeys,
        repository: &Repository,
        freshness: Freshness,
    ) -> Result<(AccessToken, Provenance), Arc<TokenError>> {
        if freshness == Freshness::Kept
            && let Some(token) = self.kept(client, keys, repository).await
        {
            return Ok((token, Provenance::Kept));
        }
        let flight = self.join(&client.name);
        let token = flight
            .get_or_init(|| async {
                let token = self.check(client, keys).await.result.map_err(Arc::new)?;
                self.keep(client, keys, repository, &token).await;
                Ok(token)
            })
            .await
            .clone();
        self.land(&client.name, &flight);
        token.map(|token| (token, Provenance::Endpoint))
    }

    /// Asks the endpoint, whatever is kept, and keeps nothing.
    pub async fn check(&self, client: &Client, keys: &MasterKeys) -> Checked {
        let mut warnings = Vec::new();
        let result = self.ask(client, keys, &mut warnings).await;
        if let Err(error) = &result {
            tracing::debug!(client = %client.name, code = error.code(), "no access token");
        }
        Checked { result, warnings }
    }

    async fn ask(
        &self,
        client: &Client,
        keys: &MasterKeys,
        warnings: &mut Vec<ClientWarning>,
    ) -> Result<AccessToken, TokenError> {
        let definition = client.definition().map_err(Clone::clone)?;
        let source = client.credential().map_err(Clone::clone)?;
        let place = client.place().map_err(Clone::clone)?;
        let endpoint = definition.endpoint().map_err(crate::ClientFault::from)?;
        let auth = definition.auth();
        if let Some((path, mode)) = source.open_to_others() {
            let path = path.to_owned();
            warnings.push(ClientWarning::FileOpen { path, mode });
        }
        let credential = source.take(auth.credential(), &place, keys)?;
        let (request, confidential) =
            request::build(definition, &endpoint, &credential, self.clock.now())?;
        let limits = Limits {
            deadline: self.patience,
            longest_body: answer::LONGEST_ANSWER,
        };
        let asked = self.clock.now();
        let answer =
            signet_http::exchange(&endpoint.server(definition), request, limits, asked).await?;
        let now = self.clock.now();
        let offset = ClockOffset::of(&answer.headers, now).filter(|offset| offset.is_off());
        match answer::read(&answer, &confidential, now) {
            // Its life began when it was asked for, at the earliest.
            Ok(granted) => {
                warnings.extend(offset.map(ClientWarning::ClockOff));
                Ok(AccessToken::new(granted, asked))
            }
            Err(source) => match offset {
                Some(offset) if auth == AuthMethod::PrivateKeyJwt && may_be_the_clock(&source) => {
                    Err(TokenError::ClockOff { offset, source })
                }
                _ => {
                    warnings.extend(offset.map(ClientWarning::ClockOff));
                    Err(source.into())
                }
            },
        }
    }

    async fn kept(
        &self,
        client: &Client,
        keys: &MasterKeys,
        repository: &Repository,
    ) -> Option<AccessToken> {
        let definition = client.definition().ok()?;
        let now: UnixSeconds = self.clock.now();
        let kept = match repository.client_token(client.name.as_str()).await {
            Ok(kept) => kept?,
            Err(error) => {
                tracing::warn!(client = %client.name, %error, "the kept token cannot be read");
                return None;
            }
        };
        AccessToken::open(&kept, &client.name, definition, keys)
            .filter(|token| token.is_served_at(now))
    }

    /// Keeps a token. Where that is not possible, every asker costs a request, which is worth a line in the log.
    async fn keep(
        &self,
        client: &Client,
        keys: &MasterKeys,
        repository: &Repository,
        token: &AccessToken,
    ) {
        let Ok(definition) = client.definition() else {
            return;
        };
        let name = &client.name;
        let sealed = match token.seal(name, definition, keys) {
            Ok(sealed) => sealed,
            Err(error) => {
                tracing::warn!(client = %name, code = error.code(), "the token is not kept");
                return;
            }
        };
        let put = repository.put_client_token(name.as_str(), &sealed, client.basis());
        match put.await {
            Ok(true) => {}
            Ok(false) => tracing::debug!(
                client = %name,
                "the client has changed in the meantime, and the token is not kept"
            ),
            Err(error) => tracing::warn!(client = %name, %error, "the token is not kept"),
        }
    }

    /// The request that is on its way for this client, or a new one.
    fn join(&self, name: &ClientName) -> Arc<Flight> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(flights.entry(name.clone()).or_default())
    }

    /// Whoever asks from now on makes a new request.
    fn land(&self, name: &ClientName, flight: &Arc<Flight>) {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        if flights
            .get(name)
            .is_some_and(|other| Arc::ptr_eq(other, flight))
        {
            flights.remove(name);
        }
    }
}

impl fmt::Debug for Tokens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tokens")
            .field("patience", &self.patience)
            .finish_non_exhaustive()
    }
}

/// Servers call a statement from another time by several words.
const fn may_be_the_clock(error: &AnswerError) -> bool {
    matches!(
        error,
        AnswerError::Refused {
            refusal: Refusal::InvalidClient | Refusal::InvalidRequest | Refusal::InvalidGrant,
            ..
        }
    )
}

#[cfg(test)]
mod tests;
