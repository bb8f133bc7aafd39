//! `signet backup --check`

use std::path::Path;

use anyhow::Context as _;
use serde_json::json;
use signet_backup::OpenedBackup;

use super::{Opening, contents, described};
use crate::command::Outcome;
use crate::context::Context;
use crate::moment;
use crate::progress::Bar;

/// Reads all of a backup, and says what is in it.
pub(super) fn run(context: &Context, file: &Path, opening: &Opening) -> anyhow::Result<Outcome> {
    let unseal = opening.unseal(context, file)?;
    let place = file.display().to_string();
    let failed = || format!("the backup {place} cannot be used");
    let backup = OpenedBackup::open(file, &unseal).with_context(failed)?;
    let bar = Bar::bytes("Reading", backup.manifest().bytes());
    let manifest = backup.check(|done| bar.reach(done)).with_context(failed)?;
    drop(bar);
    let mut document = described(&manifest);
    if let Some(object) = document.as_object_mut() {
        let names: Vec<_> = manifest
            .entries
            .iter()
            .map(|entry| entry.name.as_str())
            .collect();
        object.insert("file".into(), json!(place));
        object.insert("whole".into(), json!(true));
        object.insert("contents".into(), json!(names));
    }
    let farm = manifest
        .farm
        .as_ref()
        .map_or_else(|| "none".to_owned(), ToString::to_string);
    let text = format!(
        "{place} is whole, and as it was made.\n  made      {}, by signet {}\n  instance  {}  {}\n  farm      {farm}\n  holds     {}",
        moment::seen_from(context.now(), manifest.made),
        crate::output::visible(&manifest.program),
        manifest.node_id(),
        manifest.node.name(),
        contents(&manifest),
    );
    context.output.answer(&document, &text)?;
    Ok(Outcome::Done)
}
