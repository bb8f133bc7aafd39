//! What monitoring plugins print, and their exit status (Monitoring Plugins Development Guidelines).

use signet_server::health::{CheckReport, HealthReport, Status};

use crate::output::visible;

/// So many checks are named in the first line.
const MOST: usize = 3;

/// 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN.
pub(super) fn exit_status(status: Status) -> u8 {
    match status {
        Status::Ok => 0,
        Status::Warn => 1,
        Status::TemporarilyUnavailable | Status::Critical => 2,
        Status::HealthCheckError => 3,
    }
}

fn word(status: Status) -> &'static str {
    match exit_status(status) {
        0 => "OK",
        1 => "WARNING",
        2 => "CRITICAL",
        _ => "UNKNOWN",
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
    let word = word(report.overall_result);
    let count = report.results.len();
    let bad: Vec<&CheckReport> = report
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
        assert_eq!(Status::ALL.map(exit_status), [0, 1, 2, 2, 3]);
        assert_eq!(
            Status::ALL.map(word),
            ["OK", "WARNING", "CRITICAL", "CRITICAL", "UNKNOWN"]
        );
    }
}
