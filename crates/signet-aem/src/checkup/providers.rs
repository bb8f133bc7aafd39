//! Configurations of identity providers, and how they keep their secrets.

use serde::Serialize;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;

use crate::console::{Configuration, Console, ConsoleError, PropertyValue, quoted};

/// What a configuration is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ProviderKind {
    /// Users log in with an account elsewhere.
    Oauth,
    /// AEM itself asks Adobe's identity service for a token.
    Ims,
    /// What it sends when it does: the secret.
    ImsSecret,
    /// Users log in with an assertion.
    Saml,
}

/// Factory, names, and the property that holds the secret.
const KINDS: [(ProviderKind, &str, &[&str]); 4] = [
    (
        ProviderKind::Oauth,
        "com.adobe.granite.auth.oauth.provider",
        &["oauth.client.secret"],
    ),
    (
        ProviderKind::Ims,
        "com.adobe.granite.auth.oauth.accesstoken.provider",
        &[],
    ),
    (
        ProviderKind::ImsSecret,
        "com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl",
        &["auth.ims.client.secret"],
    ),
    (
        ProviderKind::Saml,
        "com.adobe.granite.auth.saml.SamlAuthenticationHandler",
        &["keyStorePassword"],
    ),
];

/// Where a configuration says what it is called.
const NAMES: [&str; 6] = [
    "auth.token.provider.title",
    "name",
    "oauth.config.id",
    "customizer.type",
    "serviceProviderEntityId",
    "idpUrl",
];

/// Configuration of an identity provider.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Provider {
    /// What it is for.
    pub kind: ProviderKind,
    /// The configuration.
    pub pid: String,
    /// What it is called, if it says so.
    pub name: Option<String>,
    /// Its client there, if it has one.
    pub client: Option<String>,
    /// How its secrets are kept.
    pub secrets: Vec<Secret>,
}

/// A secret of a configuration, without showing it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Secret {
    /// The property.
    pub name: &'static str,
    /// How it is kept.
    pub state: SecretState,
}

/// How a secret is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum SecretState {
    /// There is none.
    Empty,
    /// Anybody who sees the configuration can read it.
    Clear,
    /// Protected; with which key was not tried.
    Protected,
    /// Protected, and the given `master` opens it.
    Opens,
    /// Protected, and the given `master` does not open it.
    DoesNotOpen,
    /// Put in when the instance starts, from elsewhere.
    Placeholder,
    /// The console keeps it to itself.
    Hidden,
}

/// All that are configured.
pub(super) async fn of(
    console: &Console,
    master: Option<&GraniteKey>,
) -> Result<Vec<Provider>, ConsoleError> {
    let mut providers = Vec::new();
    for (kind, factory, secrets) in KINDS {
        let found = console.configurations_of(factory).await?;
        providers.extend(
            found
                .iter()
                .map(|found| provider(kind, secrets, found, master)),
        );
    }
    Ok(providers)
}

fn provider(
    kind: ProviderKind,
    secrets: &[&'static str],
    found: &Configuration,
    master: Option<&GraniteKey>,
) -> Provider {
    let secret = |name: &&'static str| Secret {
        name,
        state: state(found, name, master),
    };
    let client = ["auth.token.provider.client.id", "oauth.client.id"];
    Provider {
        kind,
        pid: quoted(found.pid()),
        name: NAMES.iter().find_map(|name| found.text(name)).map(quoted),
        client: client.iter().find_map(|name| found.text(name)).map(quoted),
        secrets: secrets.iter().map(secret).collect(),
    }
}

fn state(found: &Configuration, name: &str, master: Option<&GraniteKey>) -> SecretState {
    let Some(property) = found.property(name).filter(|property| property.is_set) else {
        return SecretState::Empty;
    };
    if matches!(property.value, PropertyValue::Hidden(_)) {
        return SecretState::Hidden;
    }
    let Some(text) = found.text(name) else {
        return SecretState::Empty;
    };
    match (text.parse::<GraniteValue>(), master) {
        (Ok(_), None) => SecretState::Protected,
        (Ok(value), Some(master)) => match value.open(master) {
            Ok(_) => SecretState::Opens,
            Err(_) => SecretState::DoesNotOpen,
        },
        (Err(_), _) if text.starts_with("$[") || text.starts_with("${") => SecretState::Placeholder,
        (Err(_), _) => SecretState::Clear,
    }
}
