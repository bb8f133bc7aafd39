//! What a running instance tells about tokens and keys.

use serde::Serialize;
use signet_keys::granite::GraniteKey;

use crate::console::{BundleState, Configuration, Console, ConsoleError, RunningBundle};
use crate::felix::{CRYPTO, CRYPTO_FILE};

/// The configuration of the token handler.
pub(crate) const TOKEN_HANDLER: &str =
    "com.day.crx.security.token.impl.impl.TokenAuthenticationHandler";
/// Whether its tokens are encapsulated.
pub(crate) const ENCAPSULATED: &str = "token.encapsulated";
/// For which part of the repository it is there; it is switched off by leaving that empty.
pub(crate) const PATH: &str = "path";
/// How long a session lasts (Oak, `TokenConfigurationImpl`).
pub(crate) const SESSIONS: &str =
    "org.apache.jackrabbit.oak.security.authentication.token.TokenConfigurationImpl";
/// Clears away what is left of sessions.
pub(crate) const CLEANUP: &str = "com.day.crx.security.token.impl.TokenCleanupTask";

/// What a running instance tells about tokens and keys.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) bundles: Vec<RunningBundle>,
    pub(crate) handler: Configuration,
    pub(crate) sessions: Configuration,
    pub(crate) cleanup: Configuration,
    pub(crate) master: Option<MasterFit>,
}

/// Whether a raw `master` is that of an instance: the instance protects a text, and the key opens it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum MasterFit {
    /// It is.
    Fits,
    /// It is not.
    Foreign,
    /// The instance has no page for that.
    Unknown,
}

impl Instance {
    /// Asks the instance.
    pub(crate) async fn ask(
        console: &Console,
        master: Option<&GraniteKey>,
    ) -> Result<Self, ConsoleError> {
        Ok(Self {
            bundles: console.bundles().await?,
            handler: console.whole_configuration(TOKEN_HANDLER).await?,
            sessions: console.configuration(SESSIONS).await?,
            cleanup: console.configuration(CLEANUP).await?,
            master: match master {
                Some(master) => Some(MasterFit::of(console, master).await?),
                None => None,
            },
        })
    }

    /// The bundle of this name; of several the newest.
    pub(crate) fn bundle(&self, name: &str) -> Option<&RunningBundle> {
        bundle(&self.bundles, name)
    }

    /// Bundles that do nothing, though they were meant to.
    pub(crate) fn idle(&self) -> impl Iterator<Item = &RunningBundle> {
        self.bundles.iter().filter(|bundle| is_idle(bundle))
    }
}

/// The bundle of this name; of several the newest.
pub(crate) fn bundle<'b>(bundles: &'b [RunningBundle], name: &str) -> Option<&'b RunningBundle> {
    let named = bundles.iter().filter(|bundle| bundle.symbolic_name == name);
    named.max_by_key(|bundle| bundle.id)
}

/// The two bundles of the keys, each with its state if that is not what it must be.
pub(crate) fn crypto_at_fault(
    bundles: &[RunningBundle],
) -> impl Iterator<Item = (&'static str, Option<BundleState>)> {
    [CRYPTO, CRYPTO_FILE].into_iter().filter_map(|name| {
        let state = bundle(bundles, name).map(|bundle| bundle.state);
        (state != Some(BundleState::Active)).then_some((name, state))
    })
}

/// A fragment is at its end when it is resolved; a bundle that starts may wait for its first use.
fn is_idle(bundle: &RunningBundle) -> bool {
    match bundle.state {
        BundleState::Active | BundleState::Starting => false,
        BundleState::Resolved => !bundle.is_fragment,
        _ => true,
    }
}

impl MasterFit {
    /// Whether `master` opens what the instance protects.
    async fn of(console: &Console, master: &GraniteKey) -> Result<Self, ConsoleError> {
        /// Long enough that a wrong key does not open it to the same by chance.
        const TEXT: &str = "signet asks whether this instance has the master that it was given";
        let value = match console.protect(TEXT).await {
            Err(error) if error.is_missing() => return Ok(Self::Unknown),
            value => value?,
        };
        Ok(match value.open(master) {
            Ok(text) if text.as_str() == TEXT => Self::Fits,
            _ => Self::Foreign,
        })
    }
}
