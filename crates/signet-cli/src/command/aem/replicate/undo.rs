//! Keys put back as they were.

use std::path::PathBuf;

use serde_json::json;
use signet_aem::Running;
use signet_aem::replication::{Ground, PutBack, ReplicationError, Undo};

use super::super::service::Service;
use crate::command::Outcome;
use crate::context::Context;
use crate::interrupt;

pub(super) async fn run(
    context: &Context,
    places: &[PathBuf],
    service: &Service,
) -> anyhow::Result<Outcome> {
    let mut standing = interrupt::told(&context.output, super::stopped::unchanged);
    let mut undos = Vec::new();
    for place in places {
        undos.push(Undo::find(place)?);
    }
    // On all of them, before the first is changed.
    for undo in &undos {
        if let (Running::Yes { process }, false) = (undo.running, service.can_stop()) {
            return Err(ReplicationError::Running {
                folder: undo.folder.clone(),
                process,
            }
            .into());
        }
    }
    let mut done: Vec<PutBack> = Vec::new();
    for undo in &undos {
        let words = super::stopped::going_back(undo);
        standing = interrupt::told(&context.output, || words);
        service.stop(context, &undo.folder).await?;
        done.push(undo.apply(Ground::Stopped)?);
        service.start(context, &undo.folder).await?;
    }
    drop(standing);
    let text: String = done.iter().map(told).collect();
    context
        .output
        .answer(&json!({ "state": "undone", "targets": done }), &text)?;
    for path in done.iter().flat_map(|done| &done.left_alone) {
        context.output.warning(&format!(
            "{} was changed by somebody else since, and was left as it is",
            path.display()
        ));
    }
    Ok(match done.iter().all(|done| done.left_alone.is_empty()) {
        true => Outcome::Done,
        false => Outcome::Denied,
    })
}

fn told(done: &PutBack) -> String {
    let names: Vec<_> = done.keys.iter().map(|name| name.as_str()).collect();
    let keys = match names.is_empty() {
        true => "no key had been changed".to_owned(),
        false => format!("{} as before", names.join(" and ")),
    };
    format!(
        "{}: {keys}. What was sealed with the other master since does not open any more.\n",
        done.folder.display()
    )
}
