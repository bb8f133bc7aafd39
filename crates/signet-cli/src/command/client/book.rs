//! The clients of an installation, as the commands read them.

use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use signet_oauth::{
    AccessToken, Client, ClientFault, ClientName, ClientWarning, Clients, CredentialSource,
};
use signet_repository::{Repository, RepositoryError};

use crate::failure::Failure;
use crate::place::Place;

/// All clients, those of `signet.toml` and those of the repository.
pub(super) async fn read(place: &Place, repository: &Repository) -> anyhow::Result<Clients> {
    let configured = place.config().clients(place.directory().path());
    Ok(Clients::load(repository, configured).await?)
}

/// The client of this name.
pub(super) fn find(clients: &Clients, name: &ClientName) -> Result<Client, Failure> {
    clients.find(name).cloned().ok_or_else(|| {
        Failure::new(format!("there is no client {name}"))
            .hint("signet client list shows those there are, signet client add makes one")
    })
}

/// Leaves nothing of a secret that was replaced or removed in the log of recent writes.
/// Where somebody else uses the log just now, it is emptied when they are done.
pub(super) async fn settle(repository: &Repository) -> anyhow::Result<()> {
    match repository.checkpoint().await {
        Ok(()) | Err(RepositoryError::Busy | RepositoryError::LogInUse) => Ok(()),
        Err(error) => Err(error.into()),
    }
}

/// A client as a document.
pub(super) fn document(client: &Client) -> Value {
    let mut document = json!({
        "name": client.name,
        "defined_in": client.origin,
    });
    let more = match (client.definition(), client.credential()) {
        (Ok(definition), Ok(credential)) => json!({
            "preset": definition.preset,
            "token_endpoint": definition.endpoint().ok(),
            "client_id": definition.client_id,
            "auth": definition.auth(),
            "scope": definition.scope,
            "audience": definition.audience,
            "key_id": definition.key_id,
            "ca_file": definition.ca_file,
            "credential": credential_document(credential),
        }),
        (Err(fault), _) | (_, Err(fault)) => json!({ "fault": fault_document(fault) }),
    };
    if let (Some(document), Value::Object(more)) = (document.as_object_mut(), more) {
        document.extend(more);
    }
    document
}

fn credential_document(credential: &CredentialSource) -> Value {
    match credential {
        CredentialSource::Sealed(sealed) => json!({ "sealed_with": sealed.key().to_string() }),
        CredentialSource::File(path) => json!({ "file": path }),
        CredentialSource::Damaged(error) => json!({ "damaged": error.to_string() }),
        _ => Value::Null,
    }
}

fn fault_document(fault: &ClientFault) -> Value {
    json!({ "code": fault.code(), "cause": whole(fault), "remedy": fault.hint() })
}

/// An error with its causes, on one line.
pub(super) fn whole(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

/// Where the secret is, in a few words.
pub(super) fn credential_words(credential: &CredentialSource) -> String {
    match credential {
        CredentialSource::Sealed(sealed) => format!("sealed with {}", sealed.key()),
        CredentialSource::File(path) => format!("in {}", path.display()),
        CredentialSource::Damaged(_) => "damaged".to_owned(),
        _ => "missing".to_owned(),
    }
}

/// A token as a document, with the token itself only if it was asked for.
pub(super) fn token_document(token: &AccessToken, shown: TokenItself) -> Value {
    let mut document = json!({
        "expires": token.expires().map(|time| time.0),
        "kept_until": token.served_until().0,
        "scope": token.scope(),
    });
    if shown == TokenItself::Shown
        && let Some(document) = document.as_object_mut()
    {
        let value = token.value().expose_secret();
        document.insert("access_token".to_owned(), value.into());
        document.insert("token_type".to_owned(), "Bearer".into());
    }
    document
}

/// Whether a document holds the token itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenItself {
    Shown,
    Hidden,
}

pub(super) fn warning_document(warning: &ClientWarning) -> Value {
    json!({ "code": warning.code(), "cause": warning.to_string(), "remedy": warning.hint() })
}
