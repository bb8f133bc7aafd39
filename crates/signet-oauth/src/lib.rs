#![doc = include_str!("../README.md")]

mod access_token;
mod answer;
mod auth;
mod client;
mod clients;
mod clock;
mod credential;
mod definition;
mod endpoint;
mod error;
mod file;
mod name;
mod preset;
mod private_key;
mod quote;
mod request;
#[cfg(test)]
mod testing;
mod tokens;

pub use access_token::AccessToken;
pub use answer::{AnswerError, Looks, Refusal, read_answer};
pub use auth::{AuthMethod, CredentialKind};
pub use client::{Client, ClientFault, Origin};
pub use clients::{Clients, ConfiguredClient};
pub use clock::ClockOffset;
pub use credential::{CredentialError, CredentialSource, check, credential_place};
pub use definition::{ClientId, Definition, DefinitionError, Scope};
pub use endpoint::{TokenEndpoint, TokenEndpointError};
pub use error::{ClientWarning, Diagnosis, TokenError};
pub use name::{ClientName, ClientNameError};
pub use preset::Preset;
pub use quote::Quote;
pub use signet_http::{ConnectionError, Stage, TlsError};
pub use tokens::{Checked, Freshness, PATIENCE, Provenance, Tokens};
