//! OAuth clients that are written down in `signet.toml`.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Range;
use std::path::{Path, PathBuf};

use schemars::JsonSchema;
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use signet_oauth::{
    AuthMethod, ClientId, ClientName, ConfiguredClient, CredentialKind, CredentialSource,
    Definition, Preset, Scope, TokenEndpoint, credential_place,
};
use signet_secret::{SealedValue, SealedValueError};
use toml::Spanned;

/// An OAuth client, by its name.
#[derive(Clone, Debug, Deserialize, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientConfig {
    /// What is known beforehand about the endpoint: `generic` is nothing, `adobe-ims` is Adobe's Identity Management Service.
    #[serde(default)]
    #[schemars(with = "String", extend("x-type" = "`\"generic\"` or `\"adobe-ims\"`"))]
    pub preset: Preset,

    /// The URL that is asked for tokens: https, or plain http on this machine itself. Needed with `preset = "generic"`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "URL"))]
    pub token_endpoint: Option<TokenEndpoint>,

    /// The client's id at the endpoint.
    #[schemars(with = "String")]
    pub client_id: Spanned<ClientId>,

    /// How the client says who it is: `client_secret_basic`, `client_secret_post` or `private_key_jwt`. By default as the preset says: `client_secret_basic` for `generic`, `client_secret_post` for `adobe-ims`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "name"))]
    pub auth: Option<AuthMethod>,

    /// What the token is to be good for, in the words of the endpoint.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>")]
    pub scope: Option<Scope>,

    /// The secret, sealed for the place `client/NAME/secret`; `signet secret protect` seals it. Where neither this nor `secret_file` is given, the secret counts that the repository holds for that place.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "sealed value"))]
    pub secret: Option<Spanned<SealedText>>,

    /// The file that holds the secret and nothing else, relative to the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "path"))]
    pub secret_file: Option<PathBuf>,

    /// The private key as PEM, sealed for the place `client/NAME/private-key`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "sealed value"))]
    pub private_key: Option<Spanned<SealedText>>,

    /// The file that holds the private key as PEM, relative to the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "path"))]
    pub private_key_file: Option<PathBuf>,

    /// What the endpoint calls the key (`kid`), with `private_key_jwt`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key_id: Option<String>,

    /// Whom a signed statement is for (`aud`), with `private_key_jwt`; by default `token_endpoint`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub audience: Option<String>,

    /// Certificates that are trusted besides those of the system, as PEM, relative to the data directory.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<String>", extend("x-type" = "path"))]
    pub ca_file: Option<PathBuf>,
}

/// What is wrong with a client, and where in the file.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) key: String,
    pub(super) span: Range<usize>,
    pub(super) message: String,
}

/// The first client that cannot be used as it is written.
pub(super) fn check(clients: &BTreeMap<ClientName, ClientConfig>) -> Result<(), Wrong> {
    clients
        .iter()
        .try_for_each(|(name, client)| client.check(name))
}

impl ClientConfig {
    fn check(&self, name: &ClientName) -> Result<(), Wrong> {
        for (kind, field, value) in [
            (CredentialKind::Secret, "secret", &self.secret),
            (CredentialKind::PrivateKey, "private_key", &self.private_key),
        ] {
            if let Some(value) = value
                && let Err(error) = &value.get_ref().0
            {
                return Err(Wrong {
                    key: format!("client.{name}.{field}"),
                    span: value.span(),
                    message: unsealed(name, kind, *error),
                });
            }
        }
        let wrong = |message: String| {
            Err(Wrong {
                key: format!("client.{name}"),
                span: self.client_id.span(),
                message,
            })
        };
        let definition = self.definition(Path::new(""));
        if let Err(error) = definition.check() {
            return wrong(error.to_string());
        }
        let given = [
            ("secret", CredentialKind::Secret, self.secret.is_some()),
            (
                "secret_file",
                CredentialKind::Secret,
                self.secret_file.is_some(),
            ),
            (
                "private_key",
                CredentialKind::PrivateKey,
                self.private_key.is_some(),
            ),
            (
                "private_key_file",
                CredentialKind::PrivateKey,
                self.private_key_file.is_some(),
            ),
        ];
        let given: Vec<_> = given.iter().filter(|(_, _, is_given)| *is_given).collect();
        let auth = definition.auth();
        if let Some((field, ..)) = given.iter().find(|(_, kind, _)| *kind != auth.credential()) {
            return wrong(format!("{field} does not fit auth, which is \"{auth}\""));
        }
        if let [(one, ..), (other, ..), ..] = given.as_slice() {
            return wrong(format!("{one} and {other} are given, expected only one"));
        }
        Ok(())
    }

    /// The client as it is asked for tokens; `directory` is what relative paths start from.
    pub(super) fn client(&self, name: &ClientName, directory: &Path) -> ConfiguredClient {
        let sealed = self.secret.as_ref().or(self.private_key.as_ref());
        let file = self.secret_file.as_ref().or(self.private_key_file.as_ref());
        let credential = match (sealed.map(|value| &value.get_ref().0), file) {
            (Some(Ok(sealed)), _) => CredentialSource::Sealed(sealed.clone()),
            (Some(Err(error)), _) => CredentialSource::Damaged(*error),
            (None, Some(file)) => CredentialSource::File(directory.join(file)),
            (None, None) => CredentialSource::Missing,
        };
        ConfiguredClient {
            name: name.clone(),
            definition: self.definition(directory),
            credential,
        }
    }

    fn definition(&self, directory: &Path) -> Definition {
        Definition {
            token_endpoint: self.token_endpoint.clone(),
            auth: self.auth,
            scope: self.scope.clone(),
            audience: self.audience.clone(),
            key_id: self.key_id.clone(),
            ca_file: self.ca_file.as_ref().map(|file| directory.join(file)),
            ..Definition::new(self.preset, self.client_id.get_ref().clone())
        }
    }
}

/// The value itself may be the secret, so nothing of it is repeated.
fn unsealed(name: &ClientName, kind: CredentialKind, error: SealedValueError) -> String {
    let place = credential_place(name, kind);
    match error {
        SealedValueError::NotSealed => format!(
            "expected a sealed value; a {} in the clear is neither accepted nor repeated here: take this line out, and write what `signet secret protect {place}` prints",
            kind.words()
        ),
        other => format!("{other}; {}", other.hint()),
    }
}

/// A text that must be a sealed value. Whether it is one is judged where the name of its client is known, so that the
/// message can say what to type; until then nothing of another text is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SealedText(Result<SealedValue, SealedValueError>);

impl SealedText {
    /// The sealed value.
    ///
    /// # Errors
    /// Why it is none; a configuration that was read holds no such text.
    pub const fn value(&self) -> Result<&SealedValue, SealedValueError> {
        match &self.0 {
            Ok(value) => Ok(value),
            Err(error) => Err(*error),
        }
    }
}

impl<'de> Deserialize<'de> for SealedText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(SealedVisitor)
    }
}

/// Takes numbers and truth values, too: an error of serde would repeat them, and a secret may look like one.
struct SealedVisitor;

const NOT_SEALED: SealedText = SealedText(Err(SealedValueError::NotSealed));

impl Visitor<'_> for SealedVisitor {
    type Value = SealedText;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a sealed value")
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<SealedText, E> {
        Ok(SealedText(text.parse()))
    }

    fn visit_i64<E: Error>(self, _: i64) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }

    fn visit_u64<E: Error>(self, _: u64) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }

    fn visit_i128<E: Error>(self, _: i128) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }

    fn visit_u128<E: Error>(self, _: u128) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }

    fn visit_bool<E: Error>(self, _: bool) -> Result<SealedText, E> {
        Ok(NOT_SEALED)
    }
}

impl Serialize for SealedText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match &self.0 {
            Ok(value) => value.serialize(serializer),
            Err(error) => Err(serde::ser::Error::custom(error)),
        }
    }
}

#[cfg(test)]
mod tests;
