//! `signet doctor`

use std::sync::Arc;

use clap::Args;
use serde::Serialize;
use signet_server::doctor;
use signet_server::health::{Examined, Finding, Status};

use super::Outcome;
use crate::context::Context;
use crate::output::{Meaning, Output, visible};
use crate::progress::Bar;

/// Find everything that could be wrong, what it causes, and the command that mends it
///
/// Looks at the data directory without changing anything in it, whether or not an instance runs, and however broken it is.
/// Exit status 1 if something is wrong; what is harmless is told as a note.
#[derive(Debug, Args)]
pub(crate) struct Doctor {
    /// Tell what is in order as well
    #[arg(long)]
    all: bool,
}

#[derive(Serialize)]
struct Document<'f> {
    data: &'f std::path::Path,
    worst: Status,
    findings: Vec<Found<'f>>,
}

/// One finding, and the check that found it.
#[derive(Serialize)]
struct Found<'f> {
    check: &'static str,
    #[serde(flatten)]
    finding: &'f Finding,
}

impl Doctor {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let examined = {
            let _bar = Bar::unknown("looking at everything");
            doctor::examine(context.data(), Arc::new(signet_server::system_clock)).await
        };
        let findings = sorted(&examined, self.all);
        let worst = examined
            .iter()
            .map(Examined::status)
            .max()
            .unwrap_or_default();
        let text = text(&context.output, &findings, &examined);
        let document = Document {
            data: context.data(),
            worst,
            findings,
        };
        context.output.answer(&document, &text)?;
        Ok(match worst {
            Status::Ok => Outcome::Done,
            _ => Outcome::Denied,
        })
    }
}

/// The worst first; what is in order only if that is wanted.
fn sorted(examined: &[Examined], all: bool) -> Vec<Found<'_>> {
    let mut findings: Vec<Found<'_>> = examined
        .iter()
        .flat_map(|examined| {
            examined.findings.iter().map(|finding| Found {
                check: examined.name,
                finding,
            })
        })
        .filter(|found| all || !found.finding.is_good())
        .collect();
    findings.sort_by_key(|found| {
        let finding = found.finding;
        (std::cmp::Reverse(finding.status), finding.is_good())
    });
    findings
}

fn text(output: &Output, findings: &[Found<'_>], examined: &[Examined]) -> String {
    let mut paragraphs: Vec<String> = findings
        .iter()
        .map(|found| paragraph(output, found))
        .collect();
    paragraphs.push(summary(examined));
    paragraphs.join("\n\n")
}

fn paragraph(output: &Output, found: &Found<'_>) -> String {
    let finding = found.finding;
    let (label, meaning) = match finding.status {
        Status::Ok if finding.is_good() => ("in order", Meaning::Good),
        Status::Ok => ("note", Meaning::Helpful),
        Status::Warn => ("WARN", Meaning::Careful),
        status => (status.as_str(), Meaning::Bad),
    };
    let mut text = output.paint(label, meaning);
    if finding.is_good() {
        text.push_str(&format!(" {}: {}", found.check, visible(&finding.cause)));
        return text;
    }
    text.push_str(&format!(
        " {} ({})\n  {}",
        finding.code,
        found.check,
        visible(&finding.cause)
    ));
    if !finding.effect.is_empty() {
        text.push_str(&format!("\n  effect: {}", visible(&finding.effect)));
    }
    if !finding.remedy.is_empty() {
        text.push_str(&format!("\n  to mend it: {}", visible(&finding.remedy)));
    }
    text
}

fn summary(examined: &[Examined]) -> String {
    let all = || examined.iter().flat_map(|examined| &examined.findings);
    let wrong = all().filter(|finding| finding.status > Status::Ok).count();
    let notes = all()
        .filter(|finding| finding.status == Status::Ok && !finding.is_good())
        .count();
    let checks = examined.len();
    let wrong = match wrong {
        0 => "Nothing is wrong".to_owned(),
        1 => "1 thing is wrong".to_owned(),
        n => format!("{n} things are wrong"),
    };
    let notes = match notes {
        0 => String::new(),
        1 => ", 1 is worth knowing".to_owned(),
        n => format!(", {n} are worth knowing"),
    };
    let checks = match checks {
        1 => "1 check".to_owned(),
        n => format!("{n} checks"),
    };
    format!("{wrong}{notes}; {checks}.")
}
