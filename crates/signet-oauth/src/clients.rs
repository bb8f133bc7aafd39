//! All OAuth clients of an installation.

use std::collections::BTreeMap;

use signet_repository::{ClientBasis, ClientRow, Repository, RepositoryError};

use crate::{
    Client, ClientFault, ClientName, CredentialSource, Definition, Origin, credential_place,
};

/// A client as `signet.toml` defines it.
#[derive(Clone, Debug)]
pub struct ConfiguredClient {
    /// Its name.
    pub name: ClientName,
    /// What is written down about it.
    pub definition: Definition,
    /// Where its secret or private key is kept; [`CredentialSource::Missing`] leaves it to the repository.
    pub credential: CredentialSource,
}

/// All OAuth clients of an installation, by name: those of `signet.toml` and those of the repository.
#[derive(Clone, Debug, Default)]
pub struct Clients(BTreeMap<ClientName, Client>);

impl Clients {
    /// Reads the clients of the repository and adds those of `signet.toml`.
    ///
    /// A client in both can be used from neither, since each of two administrators would believe that theirs counts.
    /// Where `signet.toml` says nothing about the secret, the one counts that the repository holds for its place.
    ///
    /// # Errors
    /// If the repository cannot be read.
    pub async fn load(
        repository: &Repository,
        configured: impl IntoIterator<Item = ConfiguredClient>,
    ) -> Result<Self, RepositoryError> {
        let mut clients = BTreeMap::new();
        for row in repository.clients().await? {
            let client = stored(repository, row).await?;
            clients.insert(client.name.clone(), client);
        }
        for client in configured {
            let name = client.name.clone();
            let client = match clients.contains_key(&name) {
                true => {
                    let fault = ClientFault::DefinedTwice(name.clone());
                    Client::faulty(name.clone(), Origin::Both, fault)
                }
                false => configured_client(repository, client).await?,
            };
            clients.insert(name, client);
        }
        Ok(Self(clients))
    }

    /// The client of this name.
    #[must_use]
    pub fn find(&self, name: &ClientName) -> Option<&Client> {
        self.0.get(name)
    }

    /// All of them, by name.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &Client> {
        self.0.values()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

async fn stored(repository: &Repository, row: ClientRow) -> Result<Client, RepositoryError> {
    let name: ClientName = row
        .name
        .parse()
        .map_err(|_| RepositoryError::Damaged("the name of a client is none"))?;
    let written = row.definition.clone();
    let definition: Definition = match serde_json::from_value(row.definition) {
        Ok(definition) => definition,
        Err(error) => {
            let fault = ClientFault::Unreadable {
                name: name.clone(),
                reason: error.to_string(),
            };
            return Ok(Client::faulty(name, Origin::Repository, fault));
        }
    };
    let (credential, secret) = in_repository(repository, &name, &definition).await?;
    let basis = ClientBasis {
        definition: Some(written),
        secret: Some(secret),
    };
    Ok(Client::new(name, Origin::Repository, definition, credential).based_on(basis))
}

async fn configured_client(
    repository: &Repository,
    client: ConfiguredClient,
) -> Result<Client, RepositoryError> {
    let ConfiguredClient {
        name,
        definition,
        credential,
    } = client;
    let (credential, secret) = match credential {
        CredentialSource::Missing => {
            let (found, secret) = in_repository(repository, &name, &definition).await?;
            (found, Some(secret))
        }
        given => (given, None),
    };
    let basis = ClientBasis {
        definition: None,
        secret,
    };
    Ok(Client::new(name, Origin::Configuration, definition, credential).based_on(basis))
}

/// What the repository holds for the place of the client's secret, as it is used and as it is written.
async fn in_repository(
    repository: &Repository,
    name: &ClientName,
    definition: &Definition,
) -> Result<(CredentialSource, (String, Option<String>)), RepositoryError> {
    let place = credential_place(name, definition.auth().credential());
    let text = repository.secret(place.as_str()).await?;
    let source = CredentialSource::stored(text.as_deref());
    Ok((source, (place.to_string(), text)))
}

#[cfg(test)]
mod tests;
