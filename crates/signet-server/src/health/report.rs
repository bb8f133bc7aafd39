//! What the checks found, in the JSON shape of Apache Felix Health Checks.

use std::cmp::Reverse;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use signet_core::UnixSeconds;

use super::{Examined, Status};

/// What the checks found: `{"overallResult":…,"results":[…]}`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct HealthReport {
    /// The worst status of all; `OK` where there is none.
    pub overall_result: Status,
    /// Each check, the worst first, then by name.
    pub results: Vec<CheckReport>,
}

/// What one check found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct CheckReport {
    /// The name of the check.
    pub name: String,
    /// The worst status of its messages.
    pub status: Status,
    /// How long it took, in milliseconds.
    pub time_in_ms: u64,
    /// When it was done, in UTC: `2026-11-22T06:49:06.000`.
    pub finished_at: String,
    /// What it belongs to.
    pub tags: Vec<String>,
    /// What it found.
    pub messages: Vec<Message>,
}

/// One thing that a check found.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Message {
    /// How bad it is.
    pub status: Status,
    /// What is so, what it causes, and what mends it.
    pub message: String,
}

impl HealthReport {
    /// The report of these checks.
    #[must_use]
    pub fn new(examined: &[Examined]) -> Self {
        let results = examined.iter().map(CheckReport::new).collect();
        Self {
            overall_result: Status::Ok,
            results,
        }
        .settled()
    }

    /// The same with one check more.
    #[must_use]
    pub fn with(mut self, examined: &Examined) -> Self {
        self.results.push(CheckReport::new(examined));
        self.settled()
    }

    /// The document that is sent.
    #[must_use]
    pub fn to_json(&self) -> String {
        // There is nothing in it that JSON cannot say.
        serde_json::to_string(self).unwrap_or_default()
    }

    fn settled(mut self) -> Self {
        self.results
            .sort_by(|one, other| one.order().cmp(&other.order()));
        let statuses = self.results.iter().map(|result| result.status);
        self.overall_result = statuses.max().unwrap_or_default();
        self
    }
}

impl CheckReport {
    fn new(examined: &Examined) -> Self {
        let messages = examined.findings.iter().map(|finding| Message {
            status: finding.status,
            message: finding.to_string(),
        });
        Self {
            name: examined.name.to_owned(),
            status: examined.status(),
            time_in_ms: milliseconds(examined.took),
            finished_at: finished_at(examined.finished),
            tags: examined.tags.iter().map(|tag| (*tag).to_owned()).collect(),
            messages: messages.collect(),
        }
    }

    fn order(&self) -> (Reverse<Status>, &str) {
        (Reverse(self.status), &self.name)
    }
}

pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Felix writes no zone; here it is UTC.
fn finished_at(time: UnixSeconds) -> String {
    let timestamp = i64::try_from(time.0)
        .ok()
        .and_then(|seconds| Timestamp::from_second(seconds).ok())
        .unwrap_or(Timestamp::MAX);
    timestamp.strftime("%Y-%m-%dT%H:%M:%S%.3f").to_string()
}

#[cfg(test)]
mod tests;
