//! What monitoring plugins print, and their exit status (Monitoring Plugins Development Guidelines).

use std::cmp::Reverse;

use signet_server::health::{CheckReport, HealthReport, Status};

use crate::output::visible;

/// So many checks are named in the first line.
const MOST: usize = 3;

/// That of the worst result. A check that failed hides nothing that is known to be wrong: only where nothing is critical,
/// nobody knows how it stands.
pub(super) fn exit_status(report: &HealthReport) -> u8 {
    let statuses = report.results.iter().map(|result| status(result.status));
    statuses.max_by_key(|status| rank(*status)).unwrap_or(OK)
}

const OK: u8 = 0;
const WARNING: u8 = 1;
const CRITICAL: u8 = 2;
pub(super) const UNKNOWN: u8 = 3;

fn status(status: Status) -> u8 {
    match status {
        Status::Ok => OK,
        Status::Warn => WARNING,
        Status::TemporarilyUnavailable | Status::Critical => CRITICAL,
        Status::HealthCheckError => UNKNOWN,
    }
}

fn word(status: u8) -> &'static str {
    match status {
        OK => "OK",
        WARNING => "WARNING",
        CRITICAL => "CRITICAL",
        _ => "UNKNOWN",
    }
}

/// How urgent it is.
fn rank(status: u8) -> u8 {
    match status {
        CRITICAL => 3,
        UNKNOWN => 2,
        other => other,
    }
}

/// The first line when nobody knows how it stands.
pub(super) fn unknown(why: &str) -> String {
    one_line(&format!("SIGNET UNKNOWN - {why}"))
}

/// A summary in the first line, then a line for each finding.
pub(super) fn text(report: &HealthReport) -> String {
    let mut lines = vec![summary(report)];
    for result in &report.results {
        if result.messages.is_empty() {
            lines.push(format!("{} {}", result.status, result.name));
        }
        for message in &result.messages {
            lines.push(one_line(&format!(
                "{} {}: {}",
                message.status, result.name, message.message
            )));
        }
    }
    lines.join("\n")
}

fn summary(report: &HealthReport) -> String {
    let word = word(exit_status(report));
    let count = report.results.len();
    let mut bad: Vec<&CheckReport> = report
        .results
        .iter()
        .filter(|result| result.status != Status::Ok)
        .collect();
    if bad.is_empty() {
        let checks = if count == 1 {
            "1 check is"
        } else {
            &format!("{count} checks are")
        };
        return format!("SIGNET {word} - {checks} in order");
    }
    // What the word stands for is named, whatever else there is.
    bad.sort_by_key(|result| Reverse(rank(status(result.status))));
    let mut causes: Vec<String> = bad.iter().take(MOST).map(|result| cause(result)).collect();
    if bad.len() > MOST {
        causes.push(format!("and {} more", bad.len() - MOST));
    }
    one_line(&format!(
        "SIGNET {word} - {} ({} of {count} checks)",
        causes.join("; "),
        bad.len()
    ))
}

/// The worst of what a check found, without effect and remedy.
fn cause(result: &CheckReport) -> String {
    let worst = result
        .messages
        .iter()
        .find(|message| message.status == result.status)
        .map_or("", |message| message.message.as_str());
    let cause = worst.split("; ").next().unwrap_or_default();
    let cause = cause.split(". ").next().unwrap_or_default();
    format!("{}: {cause}", result.name)
}

/// What stands behind a bar would be read as numbers.
fn one_line(text: &str) -> String {
    visible(text).replace('|', "/")
}

#[cfg(test)]
mod tests {
    use signet_server::health::Message;

    use super::*;

    fn result(name: &str, status: Status, message: &str) -> CheckReport {
        CheckReport {
            name: name.to_owned(),
            status,
            time_in_ms: 1,
            finished_at: String::new(),
            tags: Vec::new(),
            messages: vec![Message {
                status,
                message: message.to_owned(),
            }],
        }
    }

    fn report(results: Vec<CheckReport>) -> HealthReport {
        HealthReport {
            overall_result: results.iter().map(|r| r.status).max().unwrap(),
            results,
        }
    }

    #[test]
    fn the_first_line_sums_it_up() {
        let good = report(vec![result("disk", Status::Ok, "60 GB are free")]);
        assert_eq!(
            text(&good),
            "SIGNET OK - 1 check is in order\nOK disk: 60 GB are free"
        );
        let bad = report(vec![
            result(
                "keys",
                Status::Critical,
                "NO_ACTIVE_KEY: none is active; nobody can log in. To mend it: a | b",
            ),
            result("disk", Status::Warn, "DISK_LOW: little. To mend it: df"),
            result("clock", Status::Ok, "fine"),
        ]);
        let text = text(&bad);
        let mut lines = text.lines();
        assert_eq!(
            lines.next(),
            Some(
                "SIGNET CRITICAL - keys: NO_ACTIVE_KEY: none is active; disk: DISK_LOW: little (2 of 3 checks)"
            )
        );
        assert_eq!(
            lines.next(),
            Some(
                "CRITICAL keys: NO_ACTIVE_KEY: none is active; nobody can log in. To mend it: a / b"
            )
        );
    }

    #[test]
    fn the_exit_status_is_that_of_plugins() {
        let alone = |status| report(vec![result("disk", status, "")]);
        let all = Status::ALL.map(alone);
        assert_eq!(all.each_ref().map(exit_status), [0, 1, 2, 2, 3]);
        assert_eq!(
            all.each_ref().map(|report| word(exit_status(report))),
            ["OK", "WARNING", "CRITICAL", "CRITICAL", "UNKNOWN"]
        );
    }

    #[test]
    fn a_check_that_failed_hides_nothing_critical() {
        for critical in [Status::Critical, Status::TemporarilyUnavailable] {
            let failed = Status::HealthCheckError;
            let bad = report(vec![
                result("clients", failed, "CHECK_FAILED: it took too long"),
                result("clock", failed, "CHECK_FAILED: it took too long"),
                result("audit", failed, "CHECK_FAILED: it took too long"),
                result("disk", Status::Warn, "DISK_LOW: little"),
                result("keys", critical, "NO_ACTIVE_KEY: none is active"),
            ]);
            // The document says what the checks of Felix say.
            assert_eq!(bad.overall_result, failed);
            assert_eq!(exit_status(&bad), 2);
            let first = summary(&bad);
            assert!(
                first.starts_with(
                    "SIGNET CRITICAL - keys: NO_ACTIVE_KEY: none is active; clients: "
                ),
                "{first}"
            );
        }
        let failed = report(vec![
            result("disk", Status::Warn, "DISK_LOW: little"),
            result("clock", Status::HealthCheckError, "CHECK_FAILED: late"),
        ]);
        assert_eq!(exit_status(&failed), 3);
        let first = summary(&failed);
        assert!(first.starts_with("SIGNET UNKNOWN - clock: "), "{first}");
    }
}
