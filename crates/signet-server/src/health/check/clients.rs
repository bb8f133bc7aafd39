//! Whether every OAuth client gets a token from its endpoint.

use std::sync::Arc;

use secrecy::ExposeSecret as _;
use signet_oauth::{Client, Clients, PATIENCE, TokenError, Tokens};
use signet_secret::MasterKeys;
use tokio::sync::Semaphore;
use tokio::task::JoinSet;

use super::secrets::{KEYS_FIRST, master, where_seen};
use crate::health::client_memory::{ClientMemory, Print};
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck, Status};
use crate::sighting::Sighting;

/// So many endpoints are asked at a time.
const AT_ONCE: usize = 8;

pub(super) struct OauthClients;

impl HealthCheck for OauthClients {
    fn name(&self) -> &'static str {
        "clients"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["clients", "oauth", "secrets"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(look(ground))
    }
}

async fn look(ground: &Ground) -> Result<Vec<Finding>, CheckError> {
    let repository = match ground.repository().await {
        Ok(repository) => repository,
        Err(why) => return Ok(vec![unknown(&why.to_string())]),
    };
    let configured = ground.config().clients(ground.path());
    let clients = Clients::load(repository, configured)
        .await
        .map_err(|error| CheckError::from(&error))?;
    if clients.is_empty() {
        return Ok(vec![Finding::good("there are no OAuth clients")]);
    }
    let keys = match master(ground).await {
        Ok(keys) => Arc::new(keys),
        Err(why) => return Ok(vec![unasked(&why)]),
    };
    let tokens = Arc::new(Tokens::new(ground.clock(), PATIENCE));
    let places = Arc::new(Semaphore::new(AT_ONCE));
    let mut asking = JoinSet::new();
    for (number, client) in clients.iter().cloned().enumerate() {
        let asked = Asked {
            keys: Arc::clone(&keys),
            tokens: Arc::clone(&tokens),
            memory: ground.client_memory(),
            client,
        };
        let places = Arc::clone(&places);
        asking.spawn(async move {
            let _place = places.acquire_owned().await;
            let (found, missing) = asked.look().await;
            (number, found, missing)
        });
    }
    let mut answers = Vec::new();
    while let Some(answer) = asking.join_next().await {
        // One that panicked makes the whole check one that failed.
        answers.push(answer.map_err(|_| CheckError::new("asking an endpoint panicked"))?);
    }
    answers.sort_by_key(|(number, ..)| *number);
    let missing = answers.iter().filter_map(|(_, _, missing)| *missing);
    let seen = ground.last_seen(missing.collect()).await;
    let mut findings = Vec::new();
    for (_, mut found, missing) in answers {
        if let Some(sightings) = missing.and_then(|key| seen.get(&key))
            && let Some(first) = found.first_mut()
        {
            first.cause.push_str(&where_seen(sightings));
            if let Some(better) = sightings.iter().find_map(Sighting::remedy) {
                first.remedy = format!("{better}. Else: {}", first.remedy);
            }
        }
        findings.append(&mut found);
    }
    Ok(findings)
}

/// Which clients there are stands in the repository.
fn unknown(why: &str) -> Finding {
    Finding::warn(
        "CLIENTS_UNKNOWN",
        format!("nobody knows which OAuth clients there are: {why}"),
    )
    .causes("none of them was asked for a token")
    .mend("the check `repository` says what is wrong there")
}

/// Their secrets cannot be opened now, which says nothing about the secrets.
fn unasked(why: &str) -> Finding {
    Finding::warn(
        "CLIENTS_UNKNOWN",
        format!("nobody knows whether the OAuth clients get tokens: {why}"),
    )
    .causes("none of them was asked for a token")
    .mend(KEYS_FIRST)
}

/// One client, and what is needed to ask for it.
struct Asked {
    client: Client,
    keys: Arc<MasterKeys>,
    tokens: Arc<Tokens>,
    memory: Arc<ClientMemory>,
}

type MissingKey = Option<signet_core::KeyId>;

impl Asked {
    async fn look(self) -> (Vec<Finding>, MissingKey) {
        // With the same definition and secret the answer of a moment ago will do; endpoints lock out who asks too often.
        let print = self.print();
        if let Some(print) = print
            && let Some(found) = self.memory.recall(&self.client.name, print)
        {
            return (found, None);
        }
        let checked = self.tokens.check(&self.client, &self.keys).await;
        let name = &self.client.name;
        let mut missing = None;
        let mut findings = vec![match &checked.result {
            Ok(_) => Finding::good(format!("the client {name} gets a token")),
            Err(error) => {
                missing = error.missing_key();
                failed(&self.client, error)
            }
        }];
        findings.extend(checked.warnings.iter().map(|warning| {
            Finding::warn(warning.code(), format!("the client {name}: {warning}"))
                .causes("it gets a token all the same")
                .mend(warning.hint())
        }));
        if let Some(print) = print {
            self.memory.keep(name, print, &findings);
        }
        (findings, missing)
    }

    /// What the answer depends on; `None` if the endpoint would not even be asked.
    fn print(&self) -> Option<Print> {
        let definition = self.client.definition().ok()?;
        let place = self.client.place().ok()?;
        let source = self.client.credential().ok()?;
        let secret = source
            .take(definition.auth().credential(), &place, &self.keys)
            .ok()?;
        let definition = serde_json::to_string(definition).ok()?;
        Some(self.memory.print(&definition, secret.expose_secret()))
    }
}

fn failed(client: &Client, error: &TokenError) -> Finding {
    let told = error.diagnosis(&client.name);
    // What the other side, or the way there, may mend by itself.
    let status = match error {
        TokenError::Connection(_) => Status::TemporarilyUnavailable,
        _ => Status::Critical,
    };
    let cause = format!("the client {} gets no token: {}", client.name, told.cause);
    Finding::new(status, told.code, cause)
        .causes(told.effect)
        .mend(told.remedy)
}

#[cfg(test)]
mod tests;
