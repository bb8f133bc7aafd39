//! `signet audit archive`

use std::path::PathBuf;

use clap::Args;
use serde_json::json;

use crate::command::Outcome;
use crate::context::Context;

/// Put all lines away into a file, and begin anew
///
/// audit.log then begins with a line that says so and continues the chain. Keep the file: without it nobody can show what
/// the lines in it said. Running instances go on writing meanwhile.
#[derive(Debug, Args)]
pub(crate) struct Archive {
    /// A file that is not there yet
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

impl Archive {
    pub(super) fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        let archived = place.archive_log(context, &self.file)?;
        let file = self.file.display();
        let document = json!({
            "file": self.file,
            "first": archived.first,
            "last": archived.last.seq,
            "last_head": archived.last.to_string(),
            "head": archived.head.to_string(),
        });
        let lines = match archived.last.seq {
            last if last == archived.first => format!("Number {last} is"),
            last => format!("The numbers {} to {last} are", archived.first),
        };
        let text = format!(
            "{lines} in {file} now; the log goes on from there.\nHead to keep with it: {}\n",
            archived.last
        );
        context.output.answer(&document, &text)?;
        context.output.note(&format!(
            "`signet audit verify {file}` checks both together."
        ));
        Ok(Outcome::Done)
    }
}
