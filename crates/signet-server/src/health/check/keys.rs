//! Whether the keys are where they should be, whole, private, and young enough.

mod place;
mod ring;

use std::path::Path;

use signet_core::RingName;
use signet_keys::{KeyFault, KeyProblem};

use super::age;
use crate::health::{Checked, Finding, Ground, HealthCheck, KeyPlaces, RevokedFault, Status};
use crate::shell::quoted;

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
    findings.extend(place::unseen(places));
    findings.extend(place::storage(places, &directory));
    findings.extend(place::in_two_places(places));
    findings.extend(place::legacy(places));
    findings.extend(place::root(&directory, ground.config().keys.custody));
    if let Some(fault) = &places.revoked_fault {
        findings.push(revoked_unreadable(fault, &directory.join("revoked")));
    }
    let mut problems: Vec<KeyProblem> = match ground.instance() {
        // What the instance found when it read them, and what it did about it.
        Some(instance) => instance.key_problems().await,
        None => Vec::new(),
    };
    if let Some((_, place, _)) = places.in_use() {
        for problem in &place.problems {
            if problems.iter().all(|known| known.path != problem.path) {
                problems.push(problem.clone());
            }
        }
    }
    // First what is wrong with a file, then what that means for its ring.
    if places.rows.unknown.is_some() {
        // Told with the place.
        problems.retain(|problem| !matches!(problem.fault, KeyFault::Provider { .. }));
    }
    findings.extend(problems.iter().filter_map(bad));
    findings.extend(ring::rings(ground, places, &problems));
    if findings.iter().all(|finding| finding.status == Status::Ok) {
        findings.insert(0, all_good(ground, places));
    }
    findings
}

fn revoked_unreadable(fault: &RevokedFault, file: &Path) -> Finding {
    let (why, remedy) = match fault {
        RevokedFault::Unreadable(why) => (
            why.clone(),
            format!(
                "make it a file that the instance's user can read: `ls -l {}`",
                quoted(file)
            ),
        ),
        RevokedFault::Line(number) => (
            format!("line {number} is not a ring and a key id"),
            format!(
                "mend the line by hand (such as \"hmac <32 hexadecimal digits>\"), or restore {} from a backup",
                file.display()
            ),
        ),
    };
    Finding::critical("REVOKED_UNREADABLE", format!("{}: {why}", file.display()))
        .causes("a revoked key could be accepted again, so the instance does not start")
        .mend(remedy)
}

fn bad(problem: &KeyProblem) -> Option<Finding> {
    if is_ring(problem) {
        return None;
    }
    let (code, effect) = match problem.fault {
        // Told from what is in both places.
        KeyFault::Elsewhere { .. } | KeyFault::Both { .. } => return None,
        KeyFault::Unfinished { .. } | KeyFault::Journal => {
            return Some(
                Finding::warn("RELOCATION_UNFINISHED", problem.to_string())
                    .causes(
                        "keys may be in two places; none is lost, and the instance runs with them",
                    )
                    .mend(problem.hint()),
            );
        }
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
    let finding = Finding::critical(code, problem.to_string()).causes(effect);
    Some(finding.mend(problem.hint()))
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

#[cfg(test)]
mod tests;
