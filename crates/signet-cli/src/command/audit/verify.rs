//! `signet audit verify`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use signet_audit::{Head, Problem, Reason, Verification};

use crate::command::Outcome;
use crate::context::Context;
use crate::output::Meaning;
use crate::progress::Bar;

/// Check that nothing was altered, removed, inserted or cut off; exit status 1 if it was
///
/// Every line is checked against its own hash and that of the line before, and the end against audit.head. Whoever can write
/// to the data directory could write all of it anew, hashes included: only a head that was kept elsewhere shows that. The
/// last line of the answer is one to keep, and the running instance logs one at its start; --head checks against it.
#[derive(Debug, Args)]
pub(crate) struct Verify {
    /// Earlier files that audit.log continues, the oldest first
    #[arg(value_name = "FILE")]
    earlier: Vec<PathBuf>,

    /// Number and hash of a line, as this command or the log of an instance told them before; can be given several times
    #[arg(long, value_name = "NUMBER:HASH")]
    head: Vec<Head>,
}

impl Verify {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let log = context.place()?.directory().audit_log();
        let bar = Bar::unknown("checking the audit log");
        let found = log.verify(&self.earlier, &self.head)?;
        drop(bar);
        let document = json!({
            "holds": found.holds(),
            "file": log.path(),
            "entries": found.entries,
            "head": found.head.map(|head| head.to_string()),
            "problem_count": found.problem_count,
            "problems": found.problems.iter().map(problem).collect::<Vec<_>>(),
            "notes": found.notes.iter().map(ToString::to_string).collect::<Vec<_>>(),
        });
        context.output.answer(&document, &text(context, &found))?;
        for note in &found.notes {
            context.output.note(&format!("note: {note}"));
        }
        if found.holds() {
            return Ok(Outcome::Done);
        }
        if let Some(hint) = hint(&found) {
            context.output.note(&format!("hint: {hint}"));
        }
        Ok(Outcome::Denied)
    }
}

fn problem(problem: &Problem) -> serde_json::Value {
    json!({
        "file": problem.path,
        "line": problem.line,
        "code": problem.reason.code(),
        "message": problem.reason.to_string(),
        "reason": problem.reason,
    })
}

fn text(context: &Context, found: &Verification) -> String {
    let mut text = String::new();
    for problem in &found.problems {
        let path = problem.path.display();
        let line = problem.line;
        text.push_str(&format!("{path}:{line}: {}\n", problem.reason));
    }
    let more = found.problem_count - found.problems.len() as u64;
    if more > 0 {
        text.push_str(&format!("and {more} more\n"));
    }
    let entries = match found.entries {
        1 => "1 line".to_owned(),
        count => format!("{count} lines"),
    };
    if found.holds() {
        let good = context.output.paint("The chain holds", Meaning::Good);
        text.push_str(&format!("{good}: {entries}.\n"));
    } else {
        let bad = context.output.paint("The chain is broken", Meaning::Bad);
        let places = match found.problem_count {
            1 => "in 1 place".to_owned(),
            count => format!("in {count} places"),
        };
        text.push_str(&format!("{bad} {places}, of {entries}.\n"));
    }
    if let Some(head) = found.head.filter(|_| found.holds()) {
        text.push_str(&format!("Head to keep elsewhere: {head}\n"));
    }
    text
}

fn hint(found: &Verification) -> Option<&'static str> {
    let begins_late = |problem: &Problem| {
        problem.line == 1 && matches!(problem.reason, Reason::Missing { first: 1, .. })
    };
    let unchecked = |problem: &Problem| matches!(problem.reason, Reason::Unchecked { .. });
    if found
        .problems
        .iter()
        .any(|problem| begins_late(problem) || unchecked(problem))
    {
        return Some(
            "if earlier files were put away, name them, the oldest first: signet audit verify FILE…",
        );
    }
    Some(
        "what stands in a line that is whole still shows in `signet audit show`; compare with a backup, and find out who could write to the data directory",
    )
}
