//! Where an instance lives on its machine, and whether it is up.

use std::path::PathBuf;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::bundles::BundleState;
use super::{Console, ConsoleError, ConsoleFault, RunningBundle};

/// Pages of the console that name the home of Sling: that of its settings, and that of its launcher.
const PAGES: [(&str, &str); 2] = [
    ("/system/console/status-slingsettings.txt", "Sling Home"),
    ("/system/console/status-slingprops.txt", "sling.home"),
];

/// An instance that starts refuses credentials for a while; one that goes on with it is not waited for, this many times.
const MOST_REFUSALS: u32 = 10;

/// Why bundles are not active.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotReady {
    /// The instance gave no answer that says so, until the time was over.
    #[error("the instance is not ready")]
    Console(#[from] ConsoleError),
    /// It answers, and they are not.
    #[error("{url} answers, but these bundles are not active: {}", states(bundles))]
    Inactive {
        /// Where the instance is.
        url: String,
        /// The bundles, and what they do in place of running; nothing if they are not there.
        bundles: Vec<(String, Option<BundleState>)>,
    },
}

fn states(bundles: &[(String, Option<BundleState>)]) -> String {
    let states: Vec<_> = bundles
        .iter()
        .map(|(name, state)| match state {
            Some(state) => format!("{name} ({})", state.as_str()),
            None => format!("{name} (not there)"),
        })
        .collect();
    states.join(", ")
}

impl NotReady {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> &'static str {
        match self {
            Self::Console(error) => error.hint(),
            Self::Inactive { .. } => {
                "look into error.log why they do not start; AEM may also still be starting: try again then"
            }
        }
    }
}

impl Console {
    /// The home of Sling on the machine of the instance (`sling.home`), as that says it; `None` if it does not.
    ///
    /// # Errors
    ///
    /// There is no answer, or it says that the credentials are not good.
    pub async fn home(&self) -> Result<Option<PathBuf>, ConsoleError> {
        for (page, name) in PAGES {
            let body = match self.get(page).await {
                Ok(answer) => self.content(page, answer),
                Err(error) => Err(error),
            };
            match body {
                Ok(body) => {
                    if let Some(home) = property(&body, name) {
                        return Ok(Some(home));
                    }
                }
                Err(error) if error.is_silence() => return Err(error),
                Err(error) => match error.fault {
                    ConsoleFault::NotLoggedIn | ConsoleFault::LoginPage => return Err(error),
                    // Not every instance has each of the pages, and not everybody may see them.
                    _ => {}
                },
            }
        }
        Ok(None)
    }

    /// Waits until all bundles of these symbolic names are active, looking again after each `pause`, for `patience` at most.
    ///
    /// # Errors
    ///
    /// They are not, or the instance does not say so.
    pub async fn wait_until_active(
        &self,
        names: &[&str],
        patience: Duration,
        pause: Duration,
    ) -> Result<Vec<RunningBundle>, NotReady> {
        let end = Instant::now() + patience;
        let mut refusals = 0;
        loop {
            let reason = match self.bundles().await {
                Ok(bundles) => match inactive(&bundles, names) {
                    inactive if inactive.is_empty() => return Ok(bundles),
                    bundles => NotReady::Inactive {
                        url: self.url().to_string(),
                        bundles,
                    },
                },
                Err(error) => {
                    let is_refusal = matches!(error.fault, ConsoleFault::NotLoggedIn);
                    refusals = if is_refusal { refusals + 1 } else { 0 };
                    error.into()
                }
            };
            if refusals >= MOST_REFUSALS || Instant::now() + pause > end {
                return Err(reason);
            }
            sleep(pause).await;
        }
    }
}

fn inactive(bundles: &[RunningBundle], names: &[&str]) -> Vec<(String, Option<BundleState>)> {
    let state = |name: &str| {
        let states = bundles
            .iter()
            .filter(|bundle| bundle.symbolic_name == name)
            .map(|bundle| bundle.state);
        // Of several the one that runs counts.
        states.max_by_key(|state| *state == BundleState::Active)
    };
    names
        .iter()
        .map(|name| ((*name).to_owned(), state(name)))
        .filter(|(_, state)| *state != Some(BundleState::Active))
        .collect()
}

/// The value in a line `name = value`; a path of printable characters, or nothing.
fn property(body: &[u8], name: &str) -> Option<PathBuf> {
    let text = std::str::from_utf8(body).ok()?;
    let value = text.lines().find_map(|line| {
        let (key, value) = line.split_once('=')?;
        (key.trim() == name).then(|| value.trim())
    })?;
    let is_path = !value.is_empty()
        && value != "null"
        && value.len() <= 4096
        && !value.chars().any(char::is_control);
    is_path.then(|| PathBuf::from(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_home_is_read_from_either_page() {
        let settings = "Apache Sling Settings\n\nSling ID = 1\nSling Home = /opt/aem/crx-quickstart\nSling Home URL = file:/x\n";
        assert_eq!(
            property(settings.as_bytes(), "Sling Home"),
            Some("/opt/aem/crx-quickstart".into())
        );
        for bad in [
            "sling.home = \n",
            "sling.home = null\n",
            "sling.home = /a\u{1b}[2J\n",
            "sling.homes = /a\n",
            "<html>",
        ] {
            assert_eq!(property(bad.as_bytes(), "sling.home"), None, "{bad}");
        }
        assert_eq!(property(b"\xff", "sling.home"), None);
    }

    #[test]
    fn a_bundle_that_is_not_there_is_not_active() {
        let bundle = |name: &str, state| RunningBundle {
            id: 1,
            symbolic_name: name.to_owned(),
            version: "1".to_owned(),
            state,
            is_fragment: false,
        };
        let bundles = [
            bundle("a", BundleState::Active),
            bundle("b", BundleState::Resolved),
            bundle("c", BundleState::Active),
            bundle("c", BundleState::Installed),
        ];
        let found = inactive(&bundles, &["a", "b", "c", "d"]);
        assert_eq!(
            found,
            [
                ("b".to_owned(), Some(BundleState::Resolved)),
                ("d".to_owned(), None)
            ]
        );
        assert_eq!(states(&found), "b (Resolved), d (not there)");
    }
}
