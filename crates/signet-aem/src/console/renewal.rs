//! Letting a running instance read its keys again: the bundles that hold them are refreshed, and started where they do not by themselves.
//!
//! A refresh is one request: stopping and starting would be two, and in between nobody may be able to log in, because that needs
//! the very bundles.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::bundles::BundleState;
use super::{Console, ConsoleError, ConsoleFault, NotReady};

/// The time between two looks at the bundles.
const PAUSE: Duration = Duration::from_millis(500);

/// What is done with a bundle (Felix web console, `BundlesServlet`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum BundleAction {
    /// Start it.
    Start,
    /// Stop it.
    Stop,
    /// Stop it with all that use it, forget what they were wired to, and start them again. Its data folder stays.
    Refresh,
}

impl BundleAction {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Refresh => "refresh",
        }
    }
}

impl Console {
    /// Does something with the bundle of this number. It may not have happened yet when the console answers.
    ///
    /// # Errors
    ///
    /// The console does not answer, or knows no such bundle.
    pub async fn act(&self, bundle: u64, action: BundleAction) -> Result<(), ConsoleError> {
        let path = format!("/system/console/bundles/{bundle}");
        let answer = self.post(&path, &[("action", action.as_str())]).await?;
        let body = self.content(&path, answer)?;
        match serde_json::from_slice(&body) {
            // The console says `false` where it did nothing.
            Ok(serde_json::Value::Bool(false)) => Err(self.fault(&path, ConsoleFault::Missing)),
            Ok(serde_json::Value::Object(_)) => Ok(()),
            _ => Err(self.fault(&path, ConsoleFault::Unreadable("no state of a bundle"))),
        }
    }

    /// Refreshes these bundles, one after the other in this order, and waits until each is active again. One that does not come
    /// back by itself is started.
    ///
    /// # Errors
    ///
    /// A bundle is not there, or is not active when `patience` is over.
    pub async fn renew(&self, names: &[&str], patience: Duration) -> Result<(), NotReady> {
        let end = Instant::now() + patience;
        for name in names {
            let bundle = self.number_of(name).await?;
            match self.act(bundle, BundleAction::Refresh).await {
                // While the bundles are away nobody may be able to log in, and the answer itself may be lost.
                Ok(()) => {}
                Err(error) if is_passing(&error) => {}
                Err(error) => return Err(error.into()),
            }
            self.revive(name, bundle, end).await?;
        }
        Ok(())
    }

    /// Waits until a bundle is active, and starts it where it stays stopped.
    async fn revive(&self, name: &str, bundle: u64, end: Instant) -> Result<(), NotReady> {
        loop {
            let reason = match self.wait_until_active(&[name], Duration::ZERO, PAUSE).await {
                Ok(_) => return Ok(()),
                Err(reason) => reason,
            };
            match &reason {
                NotReady::Inactive { bundles, .. }
                    if bundles.iter().any(|(_, state)| {
                        matches!(state, Some(BundleState::Resolved | BundleState::Installed))
                    }) =>
                {
                    // It may be on its way by itself, and then this does nothing.
                    let _ = self.act(bundle, BundleAction::Start).await;
                }
                NotReady::Console(error) if !is_passing(error) => return Err(reason),
                _ => {}
            }
            if Instant::now() + PAUSE > end {
                return Err(reason);
            }
            sleep(PAUSE).await;
        }
    }

    async fn number_of(&self, name: &str) -> Result<u64, NotReady> {
        let bundles = self.bundles().await?;
        let mut found = bundles.iter().filter(|bundle| bundle.symbolic_name == name);
        match found.next_back() {
            Some(bundle) => Ok(bundle.id),
            None => Err(NotReady::Inactive {
                url: self.url().to_string(),
                bundles: vec![(name.to_owned(), None)],
            }),
        }
    }
}

/// Whether it may be different in a moment: nobody can log in while the bundles are away.
fn is_passing(error: &ConsoleError) -> bool {
    error.is_silence()
        || matches!(
            error.fault,
            ConsoleFault::NotLoggedIn
                | ConsoleFault::LoginPage
                | ConsoleFault::Forbidden
                | ConsoleFault::Missing
                | ConsoleFault::Status(500..=599)
        )
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use serde_json::json;

    use super::*;
    use crate::console::testing::{Reply, Script, console};

    const FILE: &str = "com.adobe.granite.crypto.file";
    const CRYPTO: &str = "com.adobe.granite.crypto";
    const LONG: Duration = Duration::from_secs(30);

    fn list(file: u32, crypto: u32) -> Reply {
        let bundle = |id, name, state| json!({ "id": id, "symbolicName": name, "version": "1", "stateRaw": state });
        Reply::json(
            json!({ "data": [bundle(25, FILE, file), bundle(20, CRYPTO, crypto)] }).to_string(),
        )
    }

    /// The actions that were asked for, as `<number> <action>`.
    fn actions(script: &Script) -> Vec<String> {
        let asked = script.posted();
        asked
            .iter()
            .map(|asked| {
                let number = asked.path().rsplit('/').next().unwrap();
                format!("{number} {}", asked.field("action").unwrap())
            })
            .collect()
    }

    #[tokio::test]
    async fn both_are_refreshed_in_order() {
        let script = Script::play(|asked| match asked.method.as_str() {
            "POST" => Reply::json("{\"fragment\":false,\"stateRaw\":32}"),
            _ => list(32, 32),
        });
        console(&script).renew(&[FILE, CRYPTO], LONG).await.unwrap();
        assert_eq!(actions(&script), ["25 refresh", "20 refresh"]);
    }

    #[tokio::test]
    async fn one_that_stays_stopped_is_started_though_nobody_can_log_in_meanwhile() {
        let looks = Arc::new(Mutex::new(0));
        let started = Arc::new(Mutex::new(false));
        let (seen, start) = (looks.clone(), started.clone());
        let script = Script::play(move |asked| {
            if asked.method == "POST" {
                *start.lock().unwrap() |= asked.field("action").as_deref() == Some("start");
                return Reply::json("{\"fragment\":false,\"stateRaw\":4}");
            }
            let mut looks = seen.lock().unwrap();
            *looks += 1;
            match *looks {
                1 => list(32, 32),
                2 => Reply::status(401),
                3 => Reply::status(503),
                _ if *start.lock().unwrap() => list(32, 32),
                _ => list(4, 32),
            }
        });
        console(&script).renew(&[FILE], LONG).await.unwrap();
        assert_eq!(actions(&script), ["25 refresh", "25 start"]);
        assert!(*started.lock().unwrap());
    }

    #[tokio::test]
    async fn what_does_not_come_back_is_said() {
        let script = Script::play(|asked| match asked.method.as_str() {
            "POST" => Reply::json("{\"fragment\":false,\"stateRaw\":4}"),
            _ => list(4, 32),
        });
        let error = console(&script)
            .renew(&[FILE], Duration::ZERO)
            .await
            .unwrap_err();
        assert!(error.to_string().contains(FILE), "{error}");
        assert!(error.to_string().contains("Resolved"), "{error}");
    }

    #[tokio::test]
    async fn a_console_that_does_nothing_is_not_believed() {
        for (answer, is_known) in [("false", false), ("<html>", false), ("{}", true)] {
            let script = Script::play(move |_| Reply::json(answer));
            let done = console(&script).act(7, BundleAction::Stop).await;
            assert_eq!(done.is_ok(), is_known, "{answer}");
            assert_eq!(actions(&script), ["7 stop"]);
        }
        let script = Script::play(|_| Reply::json("{\"data\":[]}"));
        let error = console(&script).renew(&[FILE], LONG).await.unwrap_err();
        assert!(error.to_string().contains("not there"), "{error}");
    }
}
