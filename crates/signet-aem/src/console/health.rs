//! The health checks of a running instance.
//!
//! Shapes: apache/felix-dev, `healthcheck`, `HealthCheckExecutorServlet`, `ResultJsonSerializer`, `HealthCheckWebconsolePlugin`.
//! The servlet has to be configured, which on AEM it is not by itself; the page of the web console is there where the checks are.

mod page;

use http::StatusCode;
use serde::{Deserialize, Serialize};

use super::quote::quoted;
use super::{Console, ConsoleError, ConsoleFault};

const SERVLET: &str = "/system/health";
const PAGE: &str = "/system/console/healthcheck";
/// So many messages of one check are kept.
const MOST_MESSAGES: usize = 20;
/// So many checks are looked at.
const MOST_CHECKS: usize = 1_000;

/// What a check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum HealthStatus {
    /// All is well.
    Ok,
    /// Something will be wrong.
    Warn,
    /// Something is wrong that will pass.
    TemporarilyUnavailable,
    /// Something is wrong.
    Critical,
    /// The check itself failed.
    Error,
    /// A word that is not known.
    Unknown,
}

/// A check and what it found. Its words are those of the instance, made harmless.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct HealthResult {
    /// What it is called.
    pub name: String,
    /// What it says.
    pub status: HealthStatus,
    /// Why.
    pub messages: Vec<String>,
}

impl HealthStatus {
    fn parse(word: &str) -> Self {
        match word {
            "OK" => Self::Ok,
            "WARN" => Self::Warn,
            "TEMPORARILY_UNAVAILABLE" => Self::TemporarilyUnavailable,
            "CRITICAL" => Self::Critical,
            "HEALTH_CHECK_ERROR" => Self::Error,
            _ => Self::Unknown,
        }
    }

    /// The word that the instance has for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Warn => "WARN",
            Self::TemporarilyUnavailable => "TEMPORARILY_UNAVAILABLE",
            Self::Critical => "CRITICAL",
            Self::Error => "HEALTH_CHECK_ERROR",
            Self::Unknown => "unknown",
        }
    }
}

impl HealthResult {
    fn new(name: &str, status: &str, messages: impl IntoIterator<Item = String>) -> Self {
        let mut messages: Vec<_> = messages
            .into_iter()
            .map(|message| quoted(&message))
            .filter(|message| !message.is_empty())
            .collect();
        messages.truncate(MOST_MESSAGES);
        Self {
            name: quoted(name),
            status: HealthStatus::parse(status),
            messages,
        }
    }
}

impl Console {
    /// Runs all health checks; `None` where neither the servlet nor the page of the web console is there.
    ///
    /// # Errors
    ///
    /// The instance does not answer, or neither place with results.
    pub async fn health(&self) -> Result<Option<Vec<HealthResult>>, ConsoleError> {
        for question in ["?format=json&tags=*", "?format=json"] {
            let path = format!("{SERVLET}{question}");
            let answer = match self.get(&path).await {
                // Somebody else's servlet, or a rule that keeps it for monitors: the page is still to be asked.
                Err(error) if !error.is_silence() => break,
                answer => answer?,
            };
            // The servlet says by its status how bad it is.
            let may_be = answer.status == StatusCode::OK || answer.status.is_server_error();
            let body = answer.body.filter(|_| may_be).unwrap_or_default();
            match parse(&body) {
                None => break,
                // It does not know the star: its own tags, then.
                Some(results) if results.is_empty() => {}
                Some(results) => return Ok(Some(results)),
            }
        }
        for question in ["?tags=*", "?tags="] {
            let path = format!("{PAGE}{question}");
            let answer = self.get(&path).await?;
            let body = match self.content(&path, answer) {
                Err(error) if error.is_missing() => return Ok(None),
                body => body?,
            };
            let results = page::parse(&body).ok_or_else(|| {
                self.fault(&path, ConsoleFault::Unreadable("no page of health checks"))
            })?;
            if !results.is_empty() {
                return Ok(Some(results));
            }
        }
        Ok(Some(Vec::new()))
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(rename = "overallResult")]
    _overall_result: String,
    results: Vec<Row>,
}

#[derive(Deserialize)]
struct Row {
    name: String,
    status: String,
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Deserialize)]
struct Message {
    #[serde(default)]
    status: String,
    #[serde(default)]
    message: String,
    /// A stack trace, of which the first line says what it is.
    #[serde(default)]
    exception: Option<String>,
}

fn parse(body: &[u8]) -> Option<Vec<HealthResult>> {
    let document: Document = serde_json::from_slice(body).ok()?;
    let results = document.results.into_iter().take(MOST_CHECKS);
    let results = results.map(|row| {
        // What is well needs no words.
        let messages = row.messages.into_iter().filter(|m| m.status != "OK");
        let messages = messages.map(|message| {
            let exception = message.exception.unwrap_or_default();
            let exception = exception.lines().next().unwrap_or_default();
            format!("{} {exception}", message.message)
        });
        HealthResult::new(&row.name, &row.status, messages)
    });
    Some(results.collect())
}

#[cfg(test)]
mod tests;
