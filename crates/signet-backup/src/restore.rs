//! Putting a backup back, without taking back what ended since.

mod check;
mod extract;
mod present;
mod steps;
mod unite;
mod work;

use std::path::{Path, PathBuf};

use signet_bundle::NodeId;
use signet_core::UnixSeconds;

pub use present::{Installation, Present};
use steps::{Step, Steps};
pub use unite::Kept;
use work::{Work, written};

use crate::{Manifest, OpenedBackup, RestoreError};

/// How a backup is put back.
#[derive(Clone, Debug)]
pub struct RestoreOptions {
    /// Whether an installation may be there already.
    pub existing: Existing,
    /// What becomes of sessions that nobody can say of whether they were ended since.
    pub sessions: Sessions,
    /// What becomes of the identity of the instance.
    pub identity: Identity,
    /// Whose backup it must be, if that matters.
    pub from: Option<NodeId>,
    /// The present.
    pub now: UnixSeconds,
}

/// Whether an installation may be there already.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Existing {
    /// No: nothing is restored then.
    #[default]
    Refuse,
    /// It is kept aside, and what must never be taken back is united with the backup.
    Replace,
}

/// What becomes of sessions that nobody can say of whether they were ended since.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Sessions {
    /// They are ended: everybody logs in again.
    #[default]
    End,
    /// They stay, and one that was ended after the backup lives again until its time.
    Keep,
}

/// What becomes of the identity of the instance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Identity {
    /// It is the one in the backup. An instance that still has it is a clone.
    #[default]
    Restored,
    /// A new one is made when it is needed.
    New,
}

/// A backup that was put back.
#[derive(Debug)]
#[non_exhaustive]
pub struct Restored {
    /// The backup.
    pub manifest: Manifest,
    /// Where it is now.
    pub path: PathBuf,
    /// Where that is which was there before.
    pub aside: Option<PathBuf>,
    /// What was united with it; `None` where nothing was there.
    pub kept: Option<Kept>,
    /// How many users must log in again, where it is not known which sessions were ended; `None` also if those were to stay.
    pub ended: Option<u64>,
    /// Where the configuration in the backup had the repository outside the data directory; it is inside now.
    pub repository_moved_from: Option<PathBuf>,
    /// An earlier run had been cut short when everything was prepared, and was finished now.
    pub was_finished: bool,
}

/// Puts `backup` back into the data directory at `data`.
///
/// Everything is prepared and checked beside it first; then one step puts it in its place. Whenever the process dies,
/// there is either what was there before or all of the backup, and the same call again does the rest.
///
/// `aide` is told how far it is, and asked before what is prepared gets into its place.
///
/// # Errors
/// [`RestoreError`] says what is in the way; nothing has changed then.
pub async fn restore(
    backup: OpenedBackup,
    data: &Path,
    options: &RestoreOptions,
    aide: &mut dyn RestoreAide,
) -> Result<Restored, RestoreError> {
    run(backup, data, options, aide, &Steps::default()).await
}

/// Who stands by while a backup is put back.
pub trait RestoreAide {
    /// So many bytes of the backup are written.
    fn reached(&mut self, _bytes: u64) {}

    /// Everything is prepared in the data directory `prepared`, whole and on the disk, and gets into its place next. What is
    /// added to it now comes along.
    ///
    /// # Errors
    /// It must not get there; then nothing was changed.
    fn prepared(&mut self, _prepared: &Path) -> Result<(), Unready> {
        Ok(())
    }
}

/// One that is told nothing.
impl RestoreAide for () {}

/// Why what was prepared must not get into its place.
#[derive(Debug)]
pub struct Unready {
    /// Why.
    pub source: Box<dyn std::error::Error + Send + Sync>,
    /// What to do about it.
    pub hint: String,
}

async fn run(
    backup: OpenedBackup,
    data: &Path,
    options: &RestoreOptions,
    aide: &mut dyn RestoreAide,
    steps: &Steps,
) -> Result<Restored, RestoreError> {
    let target = work::real(data)?;
    check_maker(backup.manifest(), options)?;
    let needed = backup.manifest().bytes();
    let (work, finished) = Work::new(&target, steps)?;
    if let Some(plan) = finished.filter(|plan| plan.backup == backup.manifest().id) {
        let manifest = backup.manifest().clone();
        work.clear(steps)?;
        return Ok(Restored {
            manifest,
            path: target,
            aside: plan.aside,
            kept: None,
            ended: None,
            repository_moved_from: None,
            was_finished: true,
        });
    }
    let restored = match check_room(work.directory(), needed) {
        Ok(()) => prepare_and_place(backup, &target, &work, options, aide, steps).await,
        Err(error) => Err(error),
    };
    match restored {
        Ok(restored) => {
            work.clear(steps).map_err(|error| error.untidied(&target))?;
            Ok(restored)
        }
        Err(error) => {
            // What was prepared holds keys in the clear. If this fails, the next restore removes it.
            let _ = work.discard(steps);
            Err(error)
        }
    }
}

async fn prepare_and_place(
    backup: OpenedBackup,
    target: &Path,
    work: &Work,
    options: &RestoreOptions,
    aide: &mut dyn RestoreAide,
    steps: &Steps,
) -> Result<Restored, RestoreError> {
    let present = Present::of(target)?;
    let here = match (&present, options.existing) {
        (Present::Nothing, _) => None,
        (Present::Installation(here), Existing::Replace) => Some(&**here),
        (Present::Installation(here), Existing::Refuse) => {
            return Err(RestoreError::Present {
                path: target.to_owned(),
                what: here.described(),
            });
        }
    };
    // Nobody starts on what is there until it is aside.
    let _claim = here.map(Installation::claim).transpose()?;
    if let Some(here) = here {
        check_farm(here, backup.manifest())?;
    }

    let prepared = work.data();
    let mut progress = |bytes| aide.reached(bytes);
    let manifest = extract::extract(backup, &prepared, options.identity, steps, &mut progress)?;
    written(steps.reach(Step::Check), &prepared)?;
    let repository_moved_from = extract::place_repository(&prepared)?;
    let checked = check::check(&prepared, &manifest, options.identity).await?;
    let finished = unite_and_end(here, &checked, options, steps).await;
    checked.repository.close().await;
    let (kept, ended) = finished?;
    extract::sync_tree(&prepared, steps)?;
    aide.prepared(&prepared)?;
    let aside = work.put_in_place(&manifest.id, options.now, steps)?;
    Ok(Restored {
        manifest,
        path: target.to_owned(),
        aside,
        kept,
        ended,
        repository_moved_from,
        was_finished: false,
    })
}

async fn unite_and_end(
    here: Option<&Installation>,
    checked: &check::Checked,
    options: &RestoreOptions,
    steps: &Steps,
) -> Result<(Option<Kept>, Option<u64>), RestoreError> {
    let now = options.now;
    let kept = match here {
        Some(here) => Some(unite::unite(here, checked, now, steps).await?),
        None => None,
    };
    // One that never knew the sessions in the backup cannot tell either which of them ended.
    if kept.as_ref().is_some_and(Kept::tells_what_ended) {
        return Ok((kept, None));
    }
    written(steps.reach(Step::EndSessions), checked.directory.path())?;
    if options.sessions == Sessions::Keep {
        // What lives again here is not vouched for when a backup is put back over it.
        checked.repository.begin_lineage().await?;
        return Ok((kept, None));
    }
    let ended = checked.repository.end_every_session(now).await?;
    Ok((kept, Some(ended)))
}

fn check_maker(manifest: &Manifest, options: &RestoreOptions) -> Result<(), RestoreError> {
    let found = manifest.node_id();
    match options.from {
        Some(expected) if expected != found => Err(RestoreError::OtherNode { expected, found }),
        _ => Ok(()),
    }
}

/// Keys of one farm are of no use in another, and would be mixed with its own.
fn check_farm(here: &Installation, manifest: &Manifest) -> Result<(), RestoreError> {
    match (here.farm()?, &manifest.farm) {
        (Some(farm), Some(backup)) if farm != *backup => Err(RestoreError::OtherFarm {
            path: here.path().to_owned(),
            here: farm.to_string(),
            backup: backup.to_string(),
        }),
        _ => Ok(()),
    }
}

fn check_room(directory: &Path, needed: u64) -> Result<(), RestoreError> {
    let Ok(space) = rustix::fs::statvfs(directory) else {
        return Ok(());
    };
    let free = space.f_bavail.saturating_mul(space.f_frsize);
    match needed < free {
        true => Ok(()),
        false => Err(RestoreError::NoRoom {
            path: directory.to_owned(),
            needed,
            free,
        }),
    }
}

#[cfg(test)]
mod tests;
