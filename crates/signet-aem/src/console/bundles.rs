//! The bundles of a running instance.

use serde::{Deserialize, Serialize};

use super::{Console, ConsoleError, ConsoleFault};

const BUNDLES: &str = "/system/console/bundles.json";

/// A bundle of a running instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct RunningBundle {
    /// Its number, which is also that of its directory.
    pub id: u64,
    /// Which bundle it is.
    pub symbolic_name: String,
    /// Its version.
    pub version: String,
    /// What it does.
    pub state: BundleState,
    /// Whether it only adds to another one: such a bundle is never more than resolved.
    pub is_fragment: bool,
}

/// The state of a bundle (OSGi Core, section 4.4.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum BundleState {
    /// Its packages are missing something.
    Installed,
    /// It could start.
    Resolved,
    /// It is starting, or waits for its first use.
    Starting,
    /// It runs.
    Active,
    /// It is stopping.
    Stopping,
    /// It has gone.
    Uninstalled,
    /// A number that the standard does not know.
    Unknown,
}

impl BundleState {
    const fn of(raw: u32) -> Self {
        match raw {
            1 => Self::Uninstalled,
            2 => Self::Installed,
            4 => Self::Resolved,
            8 => Self::Starting,
            16 => Self::Stopping,
            32 => Self::Active,
            _ => Self::Unknown,
        }
    }

    /// The word of the web console.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Installed => "Installed",
            Self::Resolved => "Resolved",
            Self::Starting => "Starting",
            Self::Active => "Active",
            Self::Stopping => "Stopping",
            Self::Uninstalled => "Uninstalled",
            Self::Unknown => "unknown",
        }
    }
}

#[derive(Deserialize)]
struct List {
    data: Vec<Row>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Row {
    id: u64,
    #[serde(default)]
    symbolic_name: String,
    #[serde(default)]
    version: String,
    state_raw: u32,
    #[serde(default)]
    fragment: bool,
}

impl Console {
    /// All bundles.
    ///
    /// # Errors
    ///
    /// The console does not answer, or not with a list of bundles.
    pub async fn bundles(&self) -> Result<Vec<RunningBundle>, ConsoleError> {
        let answer = self.get(BUNDLES).await?;
        let body = self.content(BUNDLES, answer)?;
        let list: List = serde_json::from_slice(&body)
            .map_err(|_| self.fault(BUNDLES, ConsoleFault::Unreadable("no list of bundles")))?;
        let bundles = list.data.into_iter().map(|row| RunningBundle {
            id: row.id,
            symbolic_name: row.symbolic_name,
            version: row.version,
            state: BundleState::of(row.state_raw),
            is_fragment: row.fragment,
        });
        Ok(bundles.collect())
    }
}
