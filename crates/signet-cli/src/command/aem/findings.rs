//! Findings about an installation or an instance, for people.

use std::fmt::Write as _;

use signet_aem::{Finding, Severity};

use crate::command::Outcome;
use crate::output::{Meaning, Output};

/// What it is, what it causes, what mends it.
pub(super) fn paragraph(output: Output, finding: &Finding) -> String {
    let (word, meaning) = match finding.severity {
        Severity::Critical => ("critical", Meaning::Bad),
        Severity::Warning => ("warning", Meaning::Careful),
        _ => ("note", Meaning::Helpful),
    };
    let word = output.paint(word, meaning);
    let mut text = String::new();
    // Writing to a string does not fail.
    let _ = writeln!(text, "{word}: {} ({})", finding.what, finding.code);
    let _ = writeln!(text, "  effect: {}", finding.effect);
    let _ = writeln!(text, "  remedy: {}", finding.remedy);
    text
}

/// No if a warning or worse is among them.
pub(super) fn outcome(findings: &[Finding]) -> Outcome {
    match findings.iter().map(|finding| finding.severity).max() {
        Some(Severity::Warning | Severity::Critical) => Outcome::Denied,
        _ => Outcome::Done,
    }
}
