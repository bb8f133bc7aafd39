//! What a running instance tells about tokens, keys and secrets, and what of it is not in order.

mod judge;
mod providers;

use serde::Serialize;
use signet_keys::granite::GraniteKey;

use crate::console::{
    BundleState, Configuration, Console, ConsoleError, ConsoleFault, HealthResult, InstanceUrl,
    RunningBundle,
};
use crate::encapsulation::creation::creators;
use crate::felix::{CRYPTO, CRYPTO_FILE};
use crate::instance::{Instance, MasterFit};
use crate::{Finding, KeyName};
pub use providers::{Provider, ProviderKind, Secret, SecretState};

/// What the log says when an identity provider does not know the secret.
const INVALID_CLIENT: &str = "invalid_client";

/// What a running instance tells.
#[derive(Debug, Serialize)]
#[non_exhaustive]
pub struct Checkup {
    /// Which one.
    pub url: InstanceUrl,
    /// The bundle that decides where the keys are.
    pub crypto: Option<RunningBundle>,
    /// The bundle that holds them in files.
    pub crypto_file: Option<RunningBundle>,
    /// How many bundles there are.
    pub bundles: usize,
    /// Those that do nothing, though they were meant to.
    pub idle: Vec<RunningBundle>,
    /// What the token handler is told, in the order of the names.
    pub token_handler: Vec<Setting>,
    /// How long sessions last.
    pub sessions: Vec<Setting>,
    /// Which keys the repository holds; `None` where that cannot be seen.
    pub repository_keys: Option<Vec<KeyName>>,
    /// Whether the given `master` is that of the instance.
    pub master: Option<MasterFit>,
    /// Providers of identities, and their secrets.
    pub providers: Vec<Provider>,
    /// The health checks; `None` where they are not to be had.
    pub health: Option<Vec<HealthResult>>,
    /// The newest line of the log that says `invalid_client`.
    pub invalid_client: Option<String>,
    /// What is not in order, the worst first.
    pub findings: Vec<Finding>,
}

/// One property of a configuration, as the instance shows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Setting {
    /// What it is called.
    pub name: String,
    /// What it is; `None` where the console keeps it to itself.
    pub value: Option<String>,
    /// Whether it is set, and not the default.
    pub is_set: bool,
}

impl Setting {
    pub(crate) fn all(configuration: &Configuration) -> Vec<Self> {
        let properties = configuration.properties();
        let settings = properties.map(|(name, property)| Self {
            name: crate::console::quoted(name),
            value: property
                .value
                .shown()
                .map(|value| crate::console::quoted(&value)),
            is_set: property.is_set,
        });
        settings.collect()
    }
}

/// Looks at everything, and changes nothing. With a raw `master` it is also tried whether secrets open.
///
/// # Errors
///
/// The instance does not answer.
pub async fn check(
    console: &Console,
    master: Option<&GraniteKey>,
) -> Result<Checkup, ConsoleError> {
    let instance = Instance::ask(console, master).await?;
    let providers = providers::of(console, master).await?;
    let creators = creators(console).await?;
    let health = match console.health().await {
        Err(error) if !error.is_silence() => None,
        health => health?,
    };
    let log = console.log_lines(INVALID_CLIENT).await?;
    let mut checkup = Checkup {
        url: console.url().clone(),
        crypto: instance.bundle(CRYPTO).map(clean),
        crypto_file: instance.bundle(CRYPTO_FILE).map(clean),
        bundles: instance.bundles.len(),
        idle: instance.idle().map(clean).collect(),
        token_handler: Setting::all(&instance.handler),
        sessions: Setting::all(&instance.sessions)
            .into_iter()
            .chain(Setting::all(&instance.cleanup))
            .collect(),
        repository_keys: repository_keys(console).await?,
        master: instance.master,
        providers,
        health,
        invalid_client: log.and_then(|lines| lines.into_iter().next_back()),
        findings: Vec::new(),
    };
    checkup.findings = judge::findings(&instance, &checkup, creators);
    Ok(checkup)
}

/// A bundle whose words can be shown.
fn clean(bundle: &RunningBundle) -> RunningBundle {
    let mut bundle = bundle.clone();
    bundle.symbolic_name = crate::console::quoted(&bundle.symbolic_name);
    bundle.version = crate::console::quoted(&bundle.version);
    bundle
}

async fn repository_keys(console: &Console) -> Result<Option<Vec<KeyName>>, ConsoleError> {
    use crate::console::RepositoryKeyError;

    let mut names = Vec::new();
    for name in KeyName::ALL {
        match console.repository_key(name).await {
            Ok(Some(_)) => names.push(name),
            Ok(None) => {}
            Err(RepositoryKeyError::Console(error)) => match error.fault {
                ConsoleFault::Exchange(_) => return Err(error),
                _ => return Ok(None),
            },
            Err(_) => return Ok(None),
        }
    }
    Ok(Some(names))
}

/// Whether a bundle runs.
fn is_active(bundle: Option<&RunningBundle>) -> bool {
    bundle.is_some_and(|bundle| bundle.state == BundleState::Active)
}

#[cfg(test)]
mod tests;
