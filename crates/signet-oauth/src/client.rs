//! One OAuth client: what is written down about it, and where.

use core::fmt;

use serde::Serialize;
use signet_repository::ClientBasis;
use signet_secret::Place;

use crate::{
    ClientName, CredentialKind, CredentialSource, Definition, DefinitionError, credential_place,
};

/// Where a client is written down.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// In the repository, by `signet client add`.
    Repository,
    /// In `signet.toml`, as `[client.NAME]`.
    Configuration,
    /// In both, so that nobody can say which one counts.
    Both,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Repository => "repository",
            Self::Configuration => "signet.toml",
            Self::Both => "repository and signet.toml",
        })
    }
}

/// Why what is written down about a client cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClientFault {
    /// It stands in two places.
    #[error("the client {0} is defined in signet.toml and in the repository")]
    DefinedTwice(ClientName),
    /// The definition in the repository cannot be read by this version.
    #[error("the definition of the client {name} in the repository cannot be read: {reason}")]
    Unreadable {
        /// The client.
        name: ClientName,
        /// What is wrong with it.
        reason: String,
    },
    /// The definition is incomplete.
    #[error("the definition of the client is not complete")]
    Incomplete(#[from] DefinitionError),
}

impl ClientFault {
    /// A stable name of the kind of failure.
    #[must_use]
    pub const fn code(&self) -> &'static str {
        match self {
            Self::DefinedTwice(_) => "CLIENT_DEFINED_TWICE",
            Self::Unreadable { .. } => "CLIENT_UNREADABLE",
            Self::Incomplete(_) => "CLIENT_INCOMPLETE",
        }
    }

    /// What to do about it.
    #[must_use]
    pub const fn hint(&self) -> &'static str {
        match self {
            Self::DefinedTwice(_) => {
                "take the section out of signet.toml, or the client out of the repository: signet client remove"
            }
            Self::Unreadable { .. } => {
                "run the version of signet that wrote it, or define it anew: signet client add --replace"
            }
            Self::Incomplete(_) => "define it anew: signet client add --replace",
        }
    }
}

/// One OAuth client.
#[derive(Clone, Debug)]
pub struct Client {
    /// Its name.
    pub name: ClientName,
    /// Where it is written down.
    pub origin: Origin,
    /// What of it was read from the repository.
    basis: ClientBasis,
    body: Result<Body, ClientFault>,
}

#[derive(Clone, Debug)]
struct Body {
    definition: Definition,
    credential: CredentialSource,
}

impl Client {
    /// A client whose definition is complete, or with what it lacks.
    #[must_use]
    pub fn new(
        name: ClientName,
        origin: Origin,
        definition: Definition,
        credential: CredentialSource,
    ) -> Self {
        let body = definition.check().map_err(ClientFault::from);
        Self {
            name,
            origin,
            basis: ClientBasis::default(),
            body: body.map(|()| Body {
                definition,
                credential,
            }),
        }
    }

    /// A client that cannot be used.
    pub(crate) const fn faulty(name: ClientName, origin: Origin, fault: ClientFault) -> Self {
        Self {
            name,
            origin,
            basis: ClientBasis {
                definition: None,
                secret: None,
            },
            body: Err(fault),
        }
    }

    /// The client, with what of it was read from the repository.
    pub(crate) fn based_on(self, basis: ClientBasis) -> Self {
        Self { basis, ..self }
    }

    /// What of it was read from the repository: a token of it is of no use any more once that has changed.
    pub(crate) const fn basis(&self) -> &ClientBasis {
        &self.basis
    }

    /// What is written down about it.
    ///
    /// # Errors
    /// Why that cannot be used.
    pub fn definition(&self) -> Result<&Definition, &ClientFault> {
        self.body.as_ref().map(|body| &body.definition)
    }

    /// Where its secret or private key is kept.
    ///
    /// # Errors
    /// Why the client cannot be used.
    pub fn credential(&self) -> Result<&CredentialSource, &ClientFault> {
        self.body.as_ref().map(|body| &body.credential)
    }

    /// The place that its secret or private key belongs to.
    ///
    /// # Errors
    /// Why the client cannot be used.
    pub fn place(&self) -> Result<Place, &ClientFault> {
        Ok(credential_place(&self.name, self.kind()?))
    }

    fn kind(&self) -> Result<CredentialKind, &ClientFault> {
        Ok(self.definition()?.auth().credential())
    }
}
