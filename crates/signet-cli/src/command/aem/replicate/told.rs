//! What is shown of a copy: before it, afterwards, and why not.

use serde_json::{Value, json};
use signet_aem::Running;
use signet_aem::console::SameHmac;
use signet_aem::replication::{
    Damage, DamagedFile, KeyChange, Plan, Replicated, SameMaster, Target, Trial,
};

use super::Origin;
use super::proof::Proof;
use crate::failure::Failure;
use crate::table;

/// So many digits of a digest tell keys apart on a screen; the JSON document has all of them.
const SHOWN_DIGITS: usize = 16;
/// So many files are shown; the JSON document has all of them.
const SHOWN_FILES: usize = 20;

/// The plan for a script.
pub(super) fn plan(origin: &Origin, plan: &Plan) -> Value {
    json!({
        "state": "planned",
        "source": origin.document(),
        "targets": plan.targets,
        "harmless": plan.is_harmless(),
    })
}

/// The plan for people.
pub(super) fn planned(origin: &Origin, plan: &Plan, unseen: &[String]) -> String {
    let mut text = digests(origin, plan);
    text.push('\n');
    for target in &plan.targets {
        text.push_str(&format!("{}: {}\n", target.folder.display(), next(target)));
    }
    for line in costs(plan, unseen) {
        text.push_str(&format!("\n{line}\n"));
    }
    text.push_str("\nNothing was changed.\n");
    text
}

fn next(target: &Target) -> String {
    if target.is_done() {
        return "has the keys already".to_owned();
    }
    let mut what: Vec<_> = target
        .keys
        .iter()
        .filter(|change| !change.is_same())
        .map(|change| match change.old {
            Some(_) => format!("replaces {}", change.name.as_str()),
            None => format!("writes {}", change.name.as_str()),
        })
        .collect();
    if target.writes_storage {
        what.push("writes storage".to_owned());
    }
    let mut text = match what.is_empty() {
        true => "nothing to write".to_owned(),
        false => what.join(", "),
    };
    if target.unfinished {
        text.push_str("; completes an earlier run that was cut short");
    }
    if let Running::Yes { process } = target.running {
        text.push_str(&format!("; AEM runs, as process {process}"));
    }
    text
}

/// Source and targets side by side.
fn digests(origin: &Origin, plan: &Plan) -> String {
    let keys = origin.source.keys();
    let shown = |digest: &str| digest.chars().take(SHOWN_DIGITS).collect::<String>() + "…";
    let from = [format!("from {}", origin.name())];
    let from = from
        .into_iter()
        .chain(keys.iter().map(|key| shown(&key.digests().sha256)));
    let to = plan.targets.iter().map(|target| {
        let cell = |change: &KeyChange| match &change.old {
            Some(_) if change.is_same() => "the same".to_owned(),
            Some(old) => shown(old),
            None => "–".to_owned(),
        };
        std::iter::once(format!("to   {}", target.folder.display()))
            .chain(target.keys.iter().map(cell))
            .collect()
    });
    let header = std::iter::once(String::new()).chain(
        keys.iter()
            .map(|key| format!("{} (SHA-256)", key.name().as_str())),
    );
    table::rows(
        [header.collect(), from.collect()]
            .into_iter()
            .chain(to)
            .collect::<Vec<Vec<String>>>(),
    )
}

/// What the change breaks, a paragraph for each installation.
pub(super) fn costs(plan: &Plan, unseen: &[String]) -> Vec<String> {
    let mut paragraphs: Vec<_> = plan
        .targets
        .iter()
        .filter_map(|target| Some(cost(target, target.damage.as_ref()?)))
        .collect();
    if !paragraphs.is_empty() {
        paragraphs.extend(
            unseen.iter().map(|what| {
                format!("{what}: sealed with the old master, it does not open any more")
            }),
        );
    }
    paragraphs
}

fn cost(target: &Target, damage: &Damage) -> String {
    let folder = target.folder.display();
    let mut text = match target.replaces_master() {
        true => format!(
            "{folder} gets another master: what was sealed with the old one does not open any more."
        ),
        false => format!("{folder} gets a master that does not open what is sealed in its files."),
    };
    text.push_str(&match (damage.values, damage.trial) {
        (0, _) if damage.read == 0 => {
            "\n  in files: no configuration was found to look into; --content names more places"
                .to_owned()
        }
        (0, _) => format!("\n  in files: nothing ({} read)", files(damage.read)),
        (values, Trial::Tried) => format!("\n  in files: {} will not open", counted(values)),
        (values, Trial::NewOnly) => format!(
            "\n  in files: {}; the new master does not open them, and whether the old one did cannot be tried: it is obfuscated by AEM, or there is none",
            counted(values)
        ),
        (values, _) => format!(
            "\n  in files: {}; what opens cannot be tried, because the new master is obfuscated by AEM, so all of them count",
            counted(values)
        ),
    });
    for file in damage.files.iter().take(SHOWN_FILES) {
        text.push_str(&format!("\n    {}", place(file)));
    }
    if let Some(more) = damage
        .files
        .len()
        .checked_sub(SHOWN_FILES)
        .filter(|n| *n > 0)
    {
        text.push_str(&format!("\n    and {} more; --json lists all", files(more)));
    }
    if damage.foreign > 0 {
        text.push_str(&format!(
            "\n  in files: {} opens with neither master; nothing changes for that",
            counted(damage.foreign)
        ));
    }
    if target.replaces_master() {
        text.push_str(
            "\n  in the repository, not seen from here: keystores of users, /etc/truststore, passwords of replication agents and of mail",
        );
    }
    if damage.values > 0 {
        text.push_str(&remedy(target, damage));
    }
    text
}

fn remedy(target: &Target, damage: &Damage) -> String {
    if damage.trial != Trial::Tried {
        return "\n  remedy: enter these secrets anew when AEM runs with the new master".to_owned();
    }
    let mut text = format!(
        "\n  remedy afterwards, best before AEM is started: signet aem rekey --old {} --new {}",
        signet_server::quoted(target.backup.join("master")),
        signet_server::quoted(target.directory().join("master")),
    );
    for file in damage.files.iter().take(SHOWN_FILES) {
        text.push_str(&format!(" {}", signet_server::quoted(&file.path)));
    }
    if damage.files.len() > SHOWN_FILES {
        text.push_str(" …");
    }
    text
}

fn place(file: &DamagedFile) -> String {
    let lines: Vec<_> = file.lines.iter().take(10).map(u64::to_string).collect();
    let more = if file.lines.len() > 10 { " …" } else { "" };
    let word = if file.lines.len() == 1 {
        "line"
    } else {
        "lines"
    };
    format!("{}: {word} {}{more}", file.path.display(), lines.join(", "))
}

fn counted(values: usize) -> String {
    match values {
        1 => "1 sealed value".to_owned(),
        many => format!("{many} sealed values"),
    }
}

fn files(count: usize) -> String {
    match count {
        1 => "1 file".to_owned(),
        many => format!("{many} files"),
    }
}

/// Why nothing was changed.
pub(super) fn refusal(plan: &Plan, unseen: &[String]) -> Failure {
    let lines = costs(plan, unseen);
    let lines = lines.iter().flat_map(|paragraph| paragraph.lines());
    Failure::new("nothing was changed: another master breaks what was sealed with the old one")
        .details(lines.map(ToOwned::to_owned).collect::<Vec<_>>())
        .hint("for tokens --only hmac is enough, and breaks nothing; with --accept both are copied")
}

/// Where it stopped, if some were changed before.
pub(super) fn stopped_at(done: &[Replicated], target: &Target) -> Option<String> {
    let changed: Vec<_> = done
        .iter()
        .filter(|done| done.backup.is_some())
        .map(|done| done.folder.display().to_string())
        .collect();
    (!changed.is_empty()).then(|| {
        format!(
            "{} did not get the keys; those that did already: {}. The same command goes on there",
            target.folder.display(),
            changed.join(", ")
        )
    })
}

/// What was done, for people.
pub(super) fn done(
    origin: &Origin,
    before: &Plan,
    after: &Plan,
    done: &[Replicated],
    proofs: &[Proof],
) -> String {
    let mut text = digests(origin, after);
    text.push('\n');
    for (target, done) in before.targets.iter().zip(done) {
        text.push_str(&format!(
            "{}: {}\n",
            target.folder.display(),
            was_done(done)
        ));
    }
    for proof in proofs {
        text.push_str(&format!("{}: {}\n", proof.url, said(proof)));
    }
    let is_fine = proofs.iter().all(Proof::is_fine);
    let is_asked = proofs.iter().all(|proof| proof.failure.is_none());
    text.push_str(match (after.is_done(), is_fine) {
        (false, _) => "\nNot all of them have the keys now: somebody changed them meanwhile.\n",
        (true, false) if !is_asked => {
            "\nThe files are equal, but not every instance could be asked: repeat this command for the proof.\n"
        }
        (true, false) => {
            "\nThe files are equal, but not every instance uses them: restart those that do not.\n"
        }
        (true, true) => "\nAll of them have the keys.\n",
    });
    let is_started = after
        .targets
        .iter()
        .any(|target| target.running != Running::No);
    if !is_started && done.iter().any(|done| done.backup.is_some()) {
        let is_lost = |target: &Target| {
            target
                .damage
                .as_ref()
                .is_some_and(|damage| damage.values > 0)
        };
        text.push_str(match before.targets.iter().any(is_lost) {
            true => "Next: seal the values anew that were told before, and start AEM. Whoever was logged in there logs in again.\n",
            false => "Next: start AEM. Whoever was logged in there logs in again.\n",
        });
    }
    text
}

fn was_done(done: &Replicated) -> String {
    let Some(backup) = &done.backup else {
        return "nothing to do, it had the keys already".to_owned();
    };
    let mut names: Vec<_> = done.keys.iter().map(|name| name.as_str()).collect();
    if done.storage {
        names.push("storage");
    }
    let backup = backup.display();
    format!(
        "{} copied; as they were they are in {backup}",
        names.join(" and ")
    )
}

fn said(proof: &Proof) -> String {
    if let Some(failure) = &proof.failure {
        return format!("could not be asked: {failure}");
    }
    let master = match proof.master {
        SameMaster::Yes => "seals with this master".to_owned(),
        SameMaster::No => "seals with ANOTHER master".to_owned(),
        SameMaster::Unknown(why) => {
            format!("whether it seals with this master is not known: {why}")
        }
        _ => "says nothing about its master".to_owned(),
    };
    let hmac = match &proof.hmac {
        None => return master,
        Some(SameHmac::Yes) => "shares tokens with the first instance".to_owned(),
        Some(SameHmac::No) => "does NOT take tokens of the first instance".to_owned(),
        Some(SameHmac::Unknown(why)) => {
            format!("whether it takes tokens of the first instance is not known: {why}")
        }
        Some(_) => "says nothing about tokens".to_owned(),
    };
    format!("{master}; {hmac}")
}

/// What was done, for a script.
pub(super) fn document(
    origin: &Origin,
    plan: &Plan,
    done: &[Replicated],
    proofs: &[Proof],
    is_equal: bool,
) -> Value {
    let targets = plan.targets.iter().zip(done).map(|(target, done)| {
        json!({
            "folder": target.folder,
            "state": if done.backup.is_some() { "changed" } else { "unchanged" },
            "keys": target.keys,
            "storage": done.storage,
            "backup": done.backup,
            "damage": target.damage,
        })
    });
    json!({
        "state": "replicated",
        "equal": is_equal,
        "source": origin.document(),
        "targets": targets.collect::<Vec<_>>(),
        "proofs": proofs,
    })
}
