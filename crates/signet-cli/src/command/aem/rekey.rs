//! `signet aem rekey`

use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::Args;
use serde::Serialize;
use serde_json::json;
use signet_aem::rekey::{self, FileReport, Fit, Keys, Left, Plan, Rekeyed};

use super::{master, whole};
use crate::command::Outcome;
use crate::context::Context;
use crate::failure::Failure;
use crate::interrupt;
use crate::progress::Bar;
use crate::table;

const HELP: &str = "\
Protected strings are {…} with hexadecimal digits in .config, .cfg.json, .xml, .json and .properties files; hashes, type \
prefixes and interpolations are told apart. A file that is named itself is read whatever its ending.

First everything is read. A value that neither key opens stops all, unless --keep-others leaves it as it is. Then the files \
that change are copied into the backup, their successors are written beside them, and only when all are there they take \
their places, with the same owner and mode. What is cut short is completed with --finish, or taken back with --undo.

The keys are raw: 16 bytes. A master of 32 bytes is obfuscated by AEM and cannot be used outside of it.";

/// Stop AEM, or at least whatever writes to these files, before.
#[derive(Debug, Args)]
#[command(after_long_help = HELP)]
pub(crate) struct Rekey {
    /// The raw master that the values were protected with
    #[arg(long, value_name = "FILE", required_unless_present_any = ["finish", "undo"])]
    old: Option<PathBuf>,

    /// The raw master to protect them with
    #[arg(long, value_name = "FILE", required_unless_present_any = ["finish", "undo"])]
    new: Option<PathBuf>,

    /// Files, and directories with everything below them
    #[arg(value_name = "PATH", required_unless_present_any = ["finish", "undo"])]
    paths: Vec<PathBuf>,

    /// Only read, and say what there is
    #[arg(long)]
    dry_run: bool,

    /// Where the files as they were are kept; it must not be there yet
    #[arg(long, value_name = "DIR", default_value = "signet-rekey-backup")]
    backup: PathBuf,

    /// Leave values alone that neither key opens
    #[arg(long)]
    keep_others: bool,

    /// Complete what was cut short
    #[arg(long, value_name = "BACKUP", conflicts_with_all = ["old", "new", "paths", "dry_run", "undo"])]
    finish: Option<PathBuf>,

    /// Put the files back as they were
    #[arg(long, value_name = "BACKUP", conflicts_with_all = ["old", "new", "paths", "dry_run"])]
    undo: Option<PathBuf>,
}

impl Rekey {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        if let Some(backup) = &self.finish {
            let _step = changing(context, backup);
            let done = rekey::finish(backup)?;
            return answer(context, &done, "completed", &finished(&done));
        }
        if let Some(backup) = &self.undo {
            let _step = changing(context, backup);
            let done = rekey::undo(backup)?;
            let text = format!("{} as before.", files(done.files, "is", "are"));
            return answer(context, &done, "undone", &text);
        }
        let _step = interrupt::told(&context.output, || Failure::new("nothing was changed"));
        let old = master::read(self.old.as_deref().context("--old names no file")?)?;
        let new = master::read(self.new.as_deref().context("--new names no file")?)?;
        let keys = Keys {
            old: &old,
            new: &new,
        };
        // Only a bar wants to know how much there is, and finding out takes a tenth of the time.
        let total = match std::io::stderr().is_terminal() {
            true => Plan::survey(&self.paths)?,
            false => 0,
        };
        let plan = {
            let bar = Bar::bytes("Reading", total);
            let mut read = 0;
            Plan::make(&self.paths, keys, &mut |bytes| {
                read += bytes;
                bar.reach(read);
            })?
        };
        if self.dry_run {
            let text = long(context, || planned(&plan));
            context.output.answer(&Dry::of(&plan), &text)?;
            return Ok(match plan.count(Fit::Neither) {
                0 => Outcome::Done,
                _ => Outcome::Denied,
            });
        }
        self.apply(context, &plan, keys)
    }

    fn apply(&self, context: &Context, plan: &Plan, keys: Keys<'_>) -> anyhow::Result<Outcome> {
        if plan.count(Fit::Neither) > 0 && !self.keep_others {
            return Err(others(plan).into());
        }
        if plan.count(Fit::Old) == 0 {
            let text = format!(
                "There is nothing to do: no value in {} opens with the old key.\n{}",
                files(plan.read, "", ""),
                counts(plan)
            );
            context.output.answer(&Dry::of(plan), &text)?;
            return Ok(Outcome::Done);
        }
        if rekey::left(&self.backup)? == Left::Prepared {
            context.output.note(
                "An earlier run was cut short before it changed anything; it is cleared away.",
            );
        }
        let bytes: u64 = plan.changing().map(|file| size(&file.path)).sum();
        let _step = changing(context, &self.backup);
        let bar = Bar::bytes("Sealing anew", bytes);
        let mut written = 0;
        let done = plan.apply(keys, &self.backup, &mut |bytes| {
            written += bytes;
            bar.reach(written);
        })?;
        drop(bar);
        let text = long(context, || {
            table::table(&HEADER, plan.changing().map(row)) + "\n" + &finished(&done)
        });
        answer(context, &done, "completed", &text)
    }
}

/// While files change: what whoever stops it is told.
fn changing(context: &Context, backup: &Path) -> interrupt::Step {
    let backup = whole(backup);
    let backup = signet_server::quoted(backup);
    interrupt::told(&context.output, move || {
        Failure::new("each file is as before or sealed anew, whole").hint(format!(
            "complete it with: signet aem rekey --finish {backup}, or go back with: signet aem rekey --undo {backup}; if there is nothing to complete, nothing was changed, and the same command begins anew"
        ))
    })
}

const HEADER: [&str; 4] = ["file", "to seal anew", "sealed anew before", "neither key"];

fn size(path: &Path) -> u64 {
    std::fs::metadata(path).map_or(0, |metadata| metadata.len())
}

fn row(file: &FileReport) -> Vec<String> {
    let count = |fit| file.count(fit).to_string();
    vec![
        file.path.display().to_string(),
        count(Fit::Old),
        count(Fit::New),
        count(Fit::Neither),
    ]
}

/// What there is to do, as a document. There may be a hundred thousand values, so nothing of them is copied.
#[derive(Serialize)]
struct Dry<'p> {
    state: &'static str,
    read: Read,
    old: usize,
    new: usize,
    neither: usize,
    files: &'p [FileReport],
}

#[derive(Serialize)]
struct Read {
    files: usize,
    bytes: u64,
}

impl<'p> Dry<'p> {
    fn of(plan: &'p Plan) -> Self {
        Self {
            state: "planned",
            read: Read {
                files: plan.read,
                bytes: plan.bytes,
            },
            old: plan.count(Fit::Old),
            new: plan.count(Fit::New),
            neither: plan.count(Fit::Neither),
            files: &plan.files,
        }
    }
}

fn planned(plan: &Plan) -> String {
    let mut text = String::new();
    if !plan.files.is_empty() {
        text = table::table(&HEADER, plan.files.iter().map(row)) + "\n";
    }
    text.push_str(&format!(
        "Read {}; nothing was changed.\n{}",
        files(plan.read, "", ""),
        counts(plan)
    ));
    for place in foreign(plan) {
        text.push_str(&format!("\nneither key opens: {place}"));
    }
    text
}

fn counts(plan: &Plan) -> String {
    format!(
        "Values to seal anew: {}; sealed anew before: {}; that neither key opens: {}.",
        plan.count(Fit::Old),
        plan.count(Fit::New),
        plan.count(Fit::Neither)
    )
}

fn foreign(plan: &Plan) -> impl Iterator<Item = String> {
    plan.files.iter().flat_map(|file| {
        let others = file.values.iter().filter(|value| value.fit == Fit::Neither);
        others.map(|value| format!("{}:{}", file.path.display(), value.line))
    })
}

fn others(plan: &Plan) -> Failure {
    const SHOWN: usize = 20;
    let count = plan.count(Fit::Neither);
    let mut details: Vec<_> = foreign(plan).take(SHOWN).collect();
    if count > SHOWN {
        details.push(format!("and {} more; --dry-run lists all", count - SHOWN));
    }
    Failure::new(format!(
        "nothing was changed: neither key opens {count} of the values"
    ))
    .details(details)
    .hint("were they protected by another installation? --keep-others leaves them as they are")
}

fn finished(done: &Rekeyed) -> String {
    format!(
        "Sealed {} anew in {}.\nThe files as they were are in {}; whoever has the old key can open what is in them.\nWhen AEM runs with the new key and all is well: rm -r {}",
        match done.values {
            1 => "1 value".to_owned(),
            many => format!("{many} values"),
        },
        files(done.files, "", ""),
        done.backup.display(),
        signet_server::quoted(whole(&done.backup))
    )
}

/// A text with a line for each file, which is made only where it is read.
fn long(context: &Context, text: impl FnOnce() -> String) -> String {
    match context.output.is_json() {
        true => String::new(),
        false => text(),
    }
}

fn files(count: usize, one: &str, many: &str) -> String {
    let text = match count {
        1 => format!("1 file {one}"),
        count => format!("{count} files {many}"),
    };
    text.trim_end().to_owned()
}

fn answer(context: &Context, done: &Rekeyed, state: &str, text: &str) -> anyhow::Result<Outcome> {
    let document = json!({
        "state": state,
        "files": done.files,
        "values": done.values,
        "backup": done.backup,
        "left_alone": done.left_alone,
    });
    context.output.answer(&document, text)?;
    for path in &done.left_alone {
        let path = path.display();
        context.output.warning(&format!(
            "{path} was changed by somebody else in between, and was left as it is; look at it, and run the command again with another --backup if values in it are still sealed with the old key"
        ));
    }
    Ok(match done.left_alone.is_empty() {
        true => Outcome::Done,
        false => Outcome::Denied,
    })
}
