//! Whether the keys are where they should be, whole, private, and young enough.

use std::collections::BTreeSet;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use signet_core::{KeyId, KeyState, RingName, Seconds};
use signet_keys::{KeyFault, KeyProblem, ProviderName};

use super::age;
use crate::config::{Custody, Role};
use crate::health::{Checked, Finding, Ground, HealthCheck, KeyPlace, KeyPlaces, Storage};

pub(super) struct Keys;

impl HealthCheck for Keys {
    fn name(&self) -> &'static str {
        "keys"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["keys", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground).await) })
    }
}

async fn look(ground: &Ground) -> Vec<Finding> {
    let places = ground.keys().await;
    let directory = ground.path().join("keys");
    let mut findings = Vec::new();
    findings.extend(storage(places, &directory));
    findings.extend(in_two_places(places));
    findings.extend(root(&directory, ground.config().keys.custody));
    if let Some(why) = &places.revoked_fault {
        let file = directory.join("revoked");
        findings.push(
            Finding::critical("REVOKED_UNREADABLE", format!("{}: {why}", file.display()))
                .causes("a revoked key could be accepted again, so the instance does not start")
                .mend(format!("mend the line by hand (such as \"hmac <32 hexadecimal digits>\"), or restore {} from a backup", file.display())),
        );
    }
    let mut problems: Vec<KeyProblem> = match ground.instance() {
        // What the instance found when it read them, and what it did about it.
        Some(instance) => instance.key_problems().await,
        None => Vec::new(),
    };
    if let Some((used, place, _)) = places.in_use() {
        for problem in &place.problems {
            if problems.iter().all(|known| known.path != problem.path) {
                problems.push(problem.clone());
            }
        }
        // First what is wrong with a file, then what that means for its ring.
        findings.extend(problems.iter().filter(|problem| !is_ring(problem)).map(bad));
        findings.extend(rings(ground, used, place, &problems));
    }
    if findings.iter().all(Finding::is_good) {
        findings.insert(0, all_good(ground, places));
    }
    findings
}

/// What `storage` says, and whether that is where the keys are.
fn storage(places: &KeyPlaces, directory: &Path) -> Option<Finding> {
    let file = directory.join("storage");
    let file = file.display();
    match &places.storage {
        Storage::Garbage => {
            let used = if places.files.is_empty() && !places.rows.is_empty() {
                ProviderName::Repository
            } else {
                ProviderName::File
            };
            Some(
                Finding::critical(
                    "STORAGE_WRONG",
                    format!("{file} says neither \"file\" nor \"repository\""),
                )
                .causes("nobody knows where the keys are, so the instance does not start")
                .mend(format!(
                    "`printf {used} > '{file}'`: that is where the keys are"
                )),
            )
        }
        Storage::Unreadable(why) => Some(
            Finding::critical("STORAGE_WRONG", format!("{file} cannot be read: {why}"))
                .causes("nobody knows where the keys are, so the instance does not start")
                .mend(format!(
                    "make it a file that the instance's user can read: `ls -l '{file}'`"
                )),
        ),
        Storage::Tolerated(_) => Some(Finding::note(
            "STORAGE_LINE_END",
            format!("{file} has a line end or a byte order mark, which is harmless here"),
        )),
        Storage::Absent | Storage::Exact(_) => {
            let (used, place, elsewhere) = places.in_use()?;
            (place.is_empty() && !elsewhere.is_empty()).then(|| {
                let count = elsewhere.keys.len() + elsewhere.problems.len();
                let says = match places.storage {
                    Storage::Absent => format!("{file} is missing, which means \"file\""),
                    _ => format!("{file} says \"{used}\""),
                };
                Finding::critical(
                    "STORAGE_DISAGREES",
                    format!("{says}, and there is no key in {}; {count} are in {}", used.in_words(), used.other().in_words()),
                )
                .causes("nobody can log in, and no sealed secret opens; it looks like that when keys were left behind in an upgrade")
                .mend(format!("`signet keys relocate --to {used}` moves them to where they are looked for"))
            })
        }
    }
}

fn in_two_places(places: &KeyPlaces) -> Option<Finding> {
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
fn root(directory: &Path, custody: Custody) -> Option<Finding> {
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
            .mend(format!("run as its owner, or `chown -R {user} {path}`")),
        );
    }
    (mode & 0o077 != 0).then(|| {
        Finding::critical(
            "KEYS_OPEN_TO_OTHERS",
            format!("{path} has the mode {mode:04o}: others than its owner can reach it"),
        )
        .causes("whoever reads a key can log in as anybody, on every instance; the instance does not start")
        .mend(format!("`chmod 700 {path}`; if others could really read the keys, `signet keys rotate`, then revoke the old ones"))
    })
}

/// Whether each ring can do its work.
fn rings(
    ground: &Ground,
    used: ProviderName,
    place: &KeyPlace,
    problems: &[KeyProblem],
) -> Vec<Finding> {
    let mut findings = Vec::new();
    let kept = problems.iter().any(is_ring);
    for ring in RingName::ALL {
        match place.maker(ring) {
            Some(key) => findings.extend(overdue(ground, ring, key)),
            None => {
                let bad = problems
                    .iter()
                    .filter(|problem| is_of(problem, ring))
                    .count();
                findings.push(no_maker(ground, used, place, ring, bad, kept));
            }
        }
    }
    findings
}

fn no_maker(
    ground: &Ground,
    used: ProviderName,
    place: &KeyPlace,
    ring: RingName,
    bad: usize,
    kept: bool,
) -> Finding {
    let cause = match (place.of(ring).count(), bad) {
        (0, 0) => format!("there is no key of the ring {ring} in {}", used.in_words()),
        (0, _) => format!(
            "no key of the ring {ring} in {} can be used",
            used.in_words()
        ),
        (1, _) => format!("no key of the ring {ring} is active, and there is one that is not"),
        (n, _) => format!("no key of the ring {ring} is active, and there are {n} that are not"),
    };
    let pending = place.of(ring).find(|key| key.state == KeyState::Pending);
    let mend = match (pending, ground.config().role) {
        (Some(key), _) => format!("`signet keys activate {}`", key.id),
        (None, _) if bad > 0 => {
            "mend what is said above of its files; it is noticed within 2 seconds".to_owned()
        }
        (None, Role::Publish) => format!(
            "copy keys/{ring}/*.jwk from the author, or `signet keys import BUNDLE`; they are noticed within 2 seconds"
        ),
        (None, _) => format!(
            "copy keys/{ring}/*.jwk from another instance or a backup; only if there is none, `signet keys rotate --ring {ring}`"
        ),
    };
    let finding = match ring {
        RingName::Hmac => Finding::critical("NO_ACTIVE_KEY", cause).causes(match kept {
            true => "the instance goes on with the keys in its memory, until it ends",
            false => "nobody can log in here",
        }),
        RingName::Master => Finding::warn("NO_ACTIVE_KEY", cause)
            .causes("no secret can be sealed here, and what was sealed with a key that is missing does not open"),
    };
    finding.mend(mend)
}

/// Whether the key should have been followed by another.
fn overdue(ground: &Ground, ring: RingName, key: &signet_core::Key) -> Option<Finding> {
    let every = ground.rotate_every()?;
    let old = ground.now().since(key.activated.unwrap_or(key.created));
    // The instance rotates by itself when it is time; a day later it has not.
    if ring != RingName::Hmac || old.0 <= every.0.saturating_add(DAY.0) {
        return None;
    }
    Some(
        Finding::warn(
            "KEY_OVERDUE",
            format!(
                "key {} of the ring {ring} is {} old, and keys.rotate_every is {}",
                key.id,
                age(old),
                age(every)
            ),
        )
        .causes("a key that was stolen unnoticed stays good for longer than you wanted")
        .mend(format!(
            "`signet keys rotate --ring {ring}`; the log says why it was not done by itself"
        )),
    )
}

const DAY: Seconds = Seconds(86_400);

fn bad(problem: &KeyProblem) -> Finding {
    let (code, effect) = match problem.fault {
        KeyFault::Mode { .. } => (
            "KEY_OPEN_TO_OTHERS",
            "whoever reads it can do what the key can; it is not used here, now or after the next start",
        ),
        KeyFault::Writable { .. } | KeyFault::Owner { .. } => (
            "KEY_OWNER",
            "somebody else can exchange it; it is not used here, now or after the next start",
        ),
        _ => (
            "KEY_BAD",
            "what this key made or sealed is not accepted here, now or after the next start",
        ),
    };
    Finding::critical(code, problem.to_string())
        .causes(effect)
        .mend(problem.hint())
}

/// Whether the problem is with a key of this ring, or with where it lies.
fn is_of(problem: &KeyProblem, ring: RingName) -> bool {
    let row = format!(", {ring}/");
    !is_ring(problem)
        && (problem
            .path
            .components()
            .any(|part| part.as_os_str() == ring.as_str())
            || problem.path.to_string_lossy().contains(&row))
}

/// Problems of a ring as a whole are told by [`rings`].
fn is_ring(problem: &KeyProblem) -> bool {
    matches!(
        problem.fault,
        KeyFault::LastActiveGone(_) | KeyFault::NoActiveKey(_)
    )
}

fn all_good(ground: &Ground, places: &KeyPlaces) -> Finding {
    let Some((used, place, _)) = places.in_use() else {
        return Finding::good("no keys");
    };
    let makers = RingName::ALL.into_iter().filter_map(|ring| {
        let key = place.maker(ring)?;
        let old = ground.now().since(key.activated.unwrap_or(key.created));
        Some(format!("{ring} {} active for {}", key.id, age(old)))
    });
    let makers: Vec<String> = makers.collect();
    Finding::good(format!(
        "{} keys in {} are in order: {}",
        place.keys.len(),
        used.in_words(),
        makers.join(", ")
    ))
}
