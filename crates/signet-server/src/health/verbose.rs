//! The text formats: one word for balancers, a table for people.

use std::fmt::Write as _;
use std::time::Duration;

use super::{CheckReport, HealthReport, Message, Status};

/// The widths of Felix's table, in characters: all of it, and its columns.
const TOTAL: usize = 140;
const NAME: usize = 30;
const RESULT: usize = 9;
const TIMING: usize = 22;
const LOG: usize = TOTAL - NAME - RESULT - TIMING;

impl HealthReport {
    /// The overall status, and nothing else: not even a newline, as Felix has it.
    #[must_use]
    pub fn to_text(&self) -> String {
        self.overall_result.as_str().to_owned()
    }

    /// A table with every message.
    #[must_use]
    pub fn to_verbose_text(&self) -> String {
        let line = "-".repeat(TOTAL);
        let title = format!("Overall Health Result: {}", self.overall_result);
        let header = format!(
            "{:NAME$}{:RESULT$}{:TIMING$}Logs",
            "Name", "Result", "Timing"
        );
        let mut text = format!("{line}\n{title:^TOTAL$}\n{line}\n{header}\n{line}\n");
        for result in &self.results {
            row(&mut text, result);
        }
        text.push_str(&line);
        text.push('\n');
        text
    }
}

fn row(text: &mut String, result: &CheckReport) {
    // Of `2026-11-22T06:49:06.000` the time of day.
    let at = result
        .finished_at
        .split('T')
        .next_back()
        .unwrap_or_default();
    let timing = format!("[{at}|{}]", span(Duration::from_millis(result.time_in_ms)));
    // A status that is longer than its column moves the rest of its row.
    let _ = write!(
        text,
        "{:NAME$}{:RESULT$}{timing:TIMING$}",
        result.name,
        format!("{} ", result.status),
    );
    let indent = " ".repeat(NAME + RESULT + TIMING);
    let mut lines = result.messages.iter().flat_map(wrapped).peekable();
    if lines.peek().is_none() {
        text.push('\n');
    }
    for (number, line) in lines.enumerate() {
        if number > 0 {
            text.push_str(&indent);
        }
        text.push_str(&line);
        text.push('\n');
    }
}

fn wrapped(message: &Message) -> Vec<String> {
    let status = match message.status {
        Status::Ok => String::new(),
        status => format!("{status} "),
    };
    let mut lines = vec![status];
    for word in message.message.split(' ') {
        let Some(line) = lines.last_mut() else { break };
        let blank = usize::from(!line.is_empty() && !line.ends_with(' '));
        if line.chars().count() + blank + word.chars().count() > LOG && !line.trim().is_empty() {
            lines.push(word.to_owned());
        } else {
            if blank > 0 {
                line.push(' ');
            }
            line.push_str(word);
        }
    }
    lines
}

/// `12ms`, `1.5sec`, `2min`: as Felix writes spans.
pub(super) fn span(span: Duration) -> String {
    let mut number = span.as_secs_f64() * 1_000.0;
    let mut unit = "ms";
    for (most, next) in [(1_000.0, "sec"), (60.0, "min"), (60.0, "h"), (24.0, "days")] {
        if number < most {
            break;
        }
        number /= most;
        unit = next;
    }
    let text = format!("{number:.1}");
    format!("{}{unit}", text.strip_suffix(".0").unwrap_or(&text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_as_in_felix() {
        for (milliseconds, text) in [
            (0, "0ms"),
            (999, "999ms"),
            (1_000, "1sec"),
            (1_540, "1.5sec"),
            (120_000, "2min"),
            (5_400_000, "1.5h"),
            (172_800_000, "2days"),
        ] {
            assert_eq!(span(Duration::from_millis(milliseconds)), text);
        }
    }

    #[test]
    fn the_table_has_the_columns_of_felix() {
        let report: HealthReport = serde_json::from_str(
            r#"{"overallResult":"WARN","results":[{"name":"disk","status":"WARN","timeInMs":1540,"finishedAt":"2026-11-22T06:49:06.000","tags":[],"messages":[{"status":"OK","message":"first"},{"status":"WARN","message":"second, which is quite long: it goes on and on until it does not fit into its column any more"}]},{"name":"none","status":"TEMPORARILY_UNAVAILABLE","timeInMs":0,"finishedAt":"2026-11-22T06:49:06.000","tags":[],"messages":[]}]}"#,
        )
        .unwrap();
        let text = report.to_verbose_text();
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], "-".repeat(140));
        assert_eq!(lines[1].trim(), "Overall Health Result: WARN");
        assert_eq!(
            lines[3],
            "Name                          Result   Timing                Logs"
        );
        assert_eq!(
            lines[5],
            "disk                          WARN     [06:49:06.000|1.5sec] first"
        );
        assert_eq!(lines[6].trim_start().split(' ').next(), Some("WARN"));
        assert_eq!(lines[7].find(|c| c != ' '), Some(61));
        assert!(lines[8].starts_with("none"), "{text}");
        assert!(lines.iter().all(|line| line.chars().count() <= 140));
    }
}
