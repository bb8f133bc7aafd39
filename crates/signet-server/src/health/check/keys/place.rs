//! Where the keys are: what `storage` says, both places at once, and the directory itself.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use signet_core::KeyId;
use signet_keys::ProviderName;

use crate::config::Custody;
use crate::health::{Finding, KeyPlace, KeyPlaces, Storage};
use crate::shell::quoted;

/// What `storage` says, and whether that is where the keys are.
pub(super) fn storage(places: &KeyPlaces, directory: &Path) -> Vec<Finding> {
    let file = directory.join("storage");
    let (quoted, file) = (quoted(&file), file.display());
    match &places.storage {
        Storage::Garbage => {
            let finding = Finding::critical(
                "STORAGE_WRONG",
                format!("{file} says neither \"file\" nor \"repository\""),
            );
            let says = |used| format!("`printf {used} > {quoted}`");
            let (files, rows) = (ProviderName::File, ProviderName::Repository);
            let remedy = match (places.files.has_any(), places.rows.has_any()) {
                (true, _) => format!("{}: that is where the keys are", says(files)),
                (false, true) => format!("{}: that is where the keys are", says(rows)),
                (false, false) if places.rows.unknown.is_some() => format!(
                    "there are no keys in files, and the check `repository` says why nobody sees whether they are there; if so, {}",
                    says(rows)
                ),
                (false, false) => format!("there are no keys in either place; {}", says(files)),
            };
            vec![finding.causes(UNKNOWN).mend(remedy)]
        }
        Storage::Unreadable(why) => vec![
            Finding::critical("STORAGE_WRONG", format!("{file} cannot be read: {why}"))
                .causes(UNKNOWN)
                .mend(format!(
                    "make it a file that the instance's user can read: `ls -l {quoted}`"
                )),
        ],
        Storage::Tolerated(_) => {
            let cause =
                format!("{file} has a line end or a byte order mark, which is harmless here");
            let mut findings = vec![Finding::note("STORAGE_LINE_END", cause)];
            findings.extend(disagrees(places, directory));
            findings
        }
        Storage::Absent | Storage::Exact(_) => disagrees(places, directory).into_iter().collect(),
    }
}

const UNKNOWN: &str = "nobody knows where the keys are, so the instance does not start";

/// That the keys are where nobody can see them now. They are not gone, so nothing is said that would replace them.
pub(super) fn unseen(places: &KeyPlaces) -> Option<Finding> {
    let (used, place, _) = places.in_use()?;
    let why = place.unknown.as_ref()?;
    Some(
        Finding::critical(
            "KEYS_UNKNOWN",
            format!("the keys are in {}, which cannot be read: {why}", used.in_words()),
        )
        .causes("nobody can log in, and no sealed secret opens, at the latest after the next start; that says nothing about the keys themselves")
        .mend("the check `repository` says what brings it back; make no keys until then"),
    )
}

/// Keys that were left behind in the other place.
fn disagrees(places: &KeyPlaces, directory: &Path) -> Option<Finding> {
    let (used, place, elsewhere) = places.in_use()?;
    if !place.is_empty() || !elsewhere.has_any() {
        return None;
    }
    let file = directory.join("storage");
    let says = match places.storage {
        Storage::Absent => format!("{} is missing, which means \"file\"", file.display()),
        _ => format!("{} says \"{used}\"", file.display()),
    };
    let count = elsewhere.keys.len() + elsewhere.problems.len();
    Some(
        Finding::critical(
            "STORAGE_DISAGREES",
            format!(
                "{says}, and there is no key in {}; {count} are in {}",
                used.in_words(),
                used.other().in_words()
            ),
        )
        .causes("nobody can log in, and no sealed secret opens, at the latest after the next start; it looks like that when keys were left behind in an upgrade")
        .mend(format!(
            "`signet keys relocate --to {used}` moves them to where they are looked for"
        )),
    )
}

/// The legacy place: it works, and is worth leaving.
pub(super) fn legacy(places: &KeyPlaces) -> Option<Finding> {
    let (used, place, _) = places.in_use()?;
    (used == ProviderName::Repository && place.has_any()).then(|| {
        Finding::note(
            "KEYS_IN_REPOSITORY",
            "the keys are in the repository, the legacy place",
        )
        .causes("whoever has a copy of the repository has the keys of the farm")
        .mend("`signet keys relocate --to file`, with `--rehearse` first")
    })
}

pub(super) fn in_two_places(places: &KeyPlaces) -> Option<Finding> {
    let (used, place, elsewhere) = places.in_use()?;
    if place.keys.is_empty() || elsewhere.keys.is_empty() {
        return None;
    }
    let ids = |place: &KeyPlace| place.keys.iter().map(|key| key.id).collect::<BTreeSet<_>>();
    let (here, there) = (ids(place), ids(elsewhere));
    let only_there: Vec<&KeyId> = there.difference(&here).collect();
    let cause = format!(
        "keys are in two places: {} in {}, which are in use, and {} in {}",
        here.len(),
        used.in_words(),
        there.len(),
        used.other().in_words()
    );
    let finding = Finding::warn("KEYS_IN_TWO_PLACES", cause);
    let finding = match only_there.as_slice() {
        [] => finding.causes(format!(
            "the copies in {} are one more thing to steal, and differ after the next rotation",
            used.other().in_words()
        )),
        [id] => finding.causes(format!(
            "one is in {} alone, where nothing reads it: {id}",
            used.other().in_words()
        )),
        ids => finding.causes(format!(
            "{} are in {} alone, where nothing reads them: {}",
            ids.len(),
            used.other().in_words(),
            listed(ids)
        )),
    };
    Some(finding.mend(format!(
        "`signet keys relocate --to {used}` unites them and removes the old copies"
    )))
}

fn listed(ids: &[&KeyId]) -> String {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    ids.join(", ")
}

/// The directory itself; those of the rings are looked at with their keys.
pub(super) fn root(directory: &Path, custody: Custody) -> Option<Finding> {
    let metadata = std::fs::metadata(directory).ok()?;
    let mode = metadata.mode() & 0o7777;
    let user = rustix::process::geteuid().as_raw();
    let path = directory.display();
    if custody == Custody::Mounted {
        return None;
    }
    if metadata.uid() != user {
        return Some(
            Finding::critical(
                "KEYS_OWNER",
                format!(
                    "{path} belongs to user {}, and this runs as user {user}",
                    metadata.uid()
                ),
            )
            .causes("whoever owns it can exchange the keys, so the instance does not start")
            .mend(format!("`chown -R {user} {}`", quoted(directory))),
        );
    }
    (mode & 0o077 != 0).then(|| {
        Finding::critical(
            "KEYS_OPEN_TO_OTHERS",
            format!("{path} has the mode {mode:04o}: others than its owner can reach it"),
        )
        .causes("whoever reads a key can log in as anybody, on every instance; the instance does not start")
        .mend(format!("`chmod 700 {}`; if others could really read the keys, `signet keys rotate`, then revoke the old ones", quoted(directory)))
    })
}
