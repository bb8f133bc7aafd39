//! What is not as it should be, and what follows from it.

use std::fs;
use std::os::unix::fs::MetadataExt;

use super::Inspection;
use crate::felix::{CRYPTO, CRYPTO_FILE, Cache, Identity};
use crate::{Finding, FoundKey, KeyFile, KeyKind, KeyPlace, Running, Severity, Storage, shell};

/// Everything that is found, in the order of the places.
pub(super) fn findings(cache: &Cache, inspection: &Inspection) -> Vec<Finding> {
    let mut findings = Vec::new();
    bundles(cache, &mut findings);
    storage(inspection, &mut findings);
    keys(inspection, &mut findings);
    findings
}

fn bundles(cache: &Cache, findings: &mut Vec<Finding>) {
    for name in [CRYPTO, CRYPTO_FILE] {
        let named = cache.named(name);
        if named.len() > 1 {
            let ids: Vec<_> = named.iter().map(|bundle| bundle.id.to_string()).collect();
            findings.push(Finding::new(
                "BUNDLE_TWICE",
                Severity::Warning,
                format!(
                    "the bundle {name} is there more than once: {}",
                    ids.join(", ")
                ),
                "only one of them is used, and its data folder is the one that counts",
                "uninstall the others in the web console; of their data folders keep a copy first",
            ));
        }
        if !named.is_empty() {
            continue;
        }
        let possibly = cache.possibly(name);
        for bundle in &possibly {
            if let Identity::Unconfirmed { reason } = &bundle.identity {
                findings.push(Finding::new(
                    "BUNDLE_UNCONFIRMED",
                    Severity::Critical,
                    format!("bundle {} was installed as {name}, but {reason}", bundle.id),
                    "at its next start the framework removes a bundle that it cannot load, and with it the data folder: keys in it are lost",
                    format!("copy {} away before AEM is started again", bundle.data().display()),
                ));
            }
        }
        let unseen = unseen(cache);
        if possibly.is_empty() && !unseen.is_empty() {
            findings.push(Finding::new(
                "BUNDLE_UNSEEN",
                Severity::Critical,
                format!(
                    "no bundle {name} was found, but not all could be looked into: {}",
                    unseen.join("; ")
                ),
                "it may be one of these, and nothing can be said about the keys then",
                "run this as the user who owns the installation; if a directory is a link, put the directory itself there",
            ));
            continue;
        }
        if possibly.is_empty() {
            let (severity, effect) = match name {
                CRYPTO => (
                    Severity::Critical,
                    "without it nothing decides where the keys are",
                ),
                _ => (
                    Severity::Warning,
                    "keys cannot be kept in files; up to version 6.2 that is as it should be",
                ),
            };
            findings.push(Finding::new(
                "BUNDLE_MISSING",
                severity,
                format!("there is no bundle {name}"),
                effect,
                "check in the web console, under Bundles, that it is installed",
            ));
        }
    }
}

/// The bundles of which nothing tells what they are, and why; only the first ones, if they are many.
fn unseen(cache: &Cache) -> Vec<String> {
    const SHOWN: usize = 3;
    let unseen = cache
        .bundles
        .iter()
        .filter(|bundle| bundle.location.is_none());
    let reason = |identity: &Identity| match identity {
        Identity::Unconfirmed { reason } => Some(reason.clone()),
        Identity::Confirmed { .. } => None,
    };
    let mut unseen: Vec<_> = unseen
        .filter_map(|bundle| {
            Some(format!(
                "bundle {}: {}",
                bundle.id,
                reason(&bundle.identity)?
            ))
        })
        .collect();
    let more = unseen.len().saturating_sub(SHOWN);
    unseen.truncate(SHOWN);
    if more > 0 {
        unseen.push(format!("and {more} more"));
    }
    unseen
}

fn storage(inspection: &Inspection, findings: &mut Vec<Finding>) {
    let Some(file) = &inspection.storage_file else {
        return;
    };
    let (quoted, file) = (shell::word(file), file.display());
    match &inspection.storage {
        Storage::Bundle => {}
        Storage::Jcr => findings.push(Finding::new(
            "KEYS_IN_REPOSITORY",
            Severity::Warning,
            format!("{file} says JCR: the keys are in the repository, under /etc/key"),
            "copies of the repository carry the keys along; versions from 6.3 on can lose them out of sight at a restart, and then configured secrets no longer open (an IMS configuration says invalid_client)",
            "move them into files: signet aem relocate, which does what Adobe's article KA-23909 describes",
        )),
        Storage::Absent => findings.push(Finding::new(
            "STORAGE_ABSENT",
            Severity::Note,
            format!("there is no {file}"),
            "the bundle has not started on this installation, or its data folder was lost; what it does then is not public, and it probably makes new keys",
            "if AEM ran here before, put the keys and this file back before it is started",
        )),
        Storage::Untidy { word, bytes } => findings.push(Finding::new(
            "STORAGE_UNTIDY",
            Severity::Critical,
            format!("{file} has {bytes} bytes: {word} and something around it, mostly a newline"),
            "AEM compares the bytes; with more than the word it may look in the wrong place",
            format!("stop AEM, then: printf {word} > {quoted}"),
        )),
        Storage::Unknown { bytes } => findings.push(Finding::new(
            "STORAGE_UNKNOWN",
            Severity::Critical,
            format!("{file} has {bytes} bytes and says neither Bundle nor JCR"),
            "nobody knows where AEM will look for its keys",
            format!("stop AEM, then, if the keys are in files: printf Bundle > {quoted}; if they are in the repository: printf JCR > {quoted}"),
        )),
        Storage::Unreadable => findings.push(Finding::new(
            "STORAGE_UNREADABLE",
            Severity::Critical,
            format!("{file} cannot be read, or is no ordinary file"),
            "nothing can be said about where the keys are",
            "run this as the user who owns it",
        )),
    }
}

fn keys(inspection: &Inspection, findings: &mut Vec<Finding>) {
    let Some(place) = &inspection.key_place else {
        return;
    };
    if super::is_link_of_a_bundle(place) {
        findings.push(Finding::new(
            "DATA_IS_A_LINK",
            Severity::Critical,
            format!("{} is a symbolic link, which is not followed", place.directory().display()),
            "the framework makes no such link, and removes what it leads to along with the bundle",
            "if it is meant, name the directory with com.adobe.granite.crypto.keys.path in its place",
        ));
    }
    let is_open = |metadata: &fs::Metadata| metadata.is_dir() && metadata.mode() & 0o002 != 0;
    if fs::metadata(place.directory()).is_ok_and(|metadata| is_open(&metadata)) {
        findings.push(Finding::new(
            "KEYS_REPLACEABLE",
            Severity::Critical,
            format!(
                "every user of this machine can write into {}",
                place.directory().display()
            ),
            "whoever puts another hmac there can log in as anybody after the next start",
            format!("chmod o-w {}", shell::word(place.directory())),
        ));
    }
    let there: Vec<_> = inspection
        .keys
        .iter()
        .filter(|key| key.found.is_some())
        .collect();
    let directory = place.directory().display();
    if inspection.storage.means_repository() && !there.is_empty() {
        findings.push(Finding::new(
            "KEYS_IN_TWO_PLACES",
            Severity::Warning,
            format!("the keys are in the repository, and there are key files in {directory}, too"),
            "they can differ: whoever switches to files later may get others than before",
            "compare them with the properties of /etc/key before anything is switched",
        ));
    }
    if let (KeyPlace::Property { file, .. }, true) = (place, inspection.storage.means_repository())
    {
        findings.push(Finding::new(
            "PATH_UNUSED",
            Severity::Note,
            format!(
                "{} names {directory} for the keys, but they are in the repository",
                file.display()
            ),
            "the property has no effect",
            "remove it, or move the keys into files",
        ));
    }
    let digests: Vec<_> = there
        .iter()
        .filter_map(|key| Some(&key.found.as_ref()?.sha256))
        .collect();
    if matches!(digests.as_slice(), [hmac, master] if hmac == master) {
        findings.push(Finding::new(
            "KEYS_EQUAL",
            Severity::Critical,
            format!("hmac and master in {directory} are the same: one was taken for the other"),
            "what was sealed or signed with the real one is not accepted",
            "copy both again from another instance of the farm or from a backup",
        ));
    }
    for key in &inspection.keys {
        judge(inspection, key, findings);
    }
}

fn judge(inspection: &Inspection, key: &KeyFile, findings: &mut Vec<Finding>) {
    let (name, path) = (key.name.as_str(), key.path.display());
    if let Some(reason) = &key.unreadable {
        findings.push(Finding::new(
            "KEY_UNREADABLE",
            Severity::Critical,
            format!("{path} cannot be read: {reason}"),
            "nothing can be said about this key",
            "run this as the user who owns it; a symbolic link is not followed",
        ));
        return;
    }
    let Some(found) = &key.found else {
        if inspection.storage.means_files() {
            let effect = match inspection.running {
                Running::Yes { .. } => {
                    "AEM runs with the key in memory, and loses it when it stops"
                }
                Running::No => {
                    "at its next start AEM makes a new one: what was sealed or signed with the old one is worthless"
                }
            };
            findings.push(Finding::new(
                "KEY_MISSING",
                Severity::Critical,
                format!("there is no {path}, but storage says that the keys are in files"),
                effect,
                format!("put {name} back from another instance of the farm or from a backup, with the same owner and mode 600"),
            ));
        }
        return;
    };
    kind(key, found, findings);
    custody(key, found, findings);
}

fn kind(key: &KeyFile, found: &FoundKey, findings: &mut Vec<Finding>) {
    let (name, path, bytes) = (key.name.as_str(), key.path.display(), found.bytes);
    let broken = |code, what: String, remedy: &str| {
        Finding::new(
            code,
            Severity::Critical,
            what,
            "AEM cannot use it: nothing that was sealed or signed with the real key is accepted",
            remedy.to_owned(),
        )
    };
    findings.extend(match found.kind {
        KeyKind::Raw => None,
        KeyKind::ObfuscatedOrForeign => Some(Finding::new(
            "KEY_OBFUSCATED",
            Severity::Note,
            format!("{path} has {bytes} bytes: obfuscated by AEM, or made by something else"),
            "it can be copied and compared, but sealed values cannot be opened with it outside of AEM: how it is obfuscated is not public",
            "nothing needs to be done",
        )),
        KeyKind::WebPage => Some(broken(
            "KEY_IS_A_PAGE",
            format!("{path} is a page of a web server, mostly its login, and no key"),
            "fetch it again, logged in; the right content is binary",
        )),
        KeyKind::Text => Some(broken(
            "KEY_IS_TEXT",
            format!("{path} is text of {bytes} bytes: a key is binary"),
            "write the bits themselves, not their digits",
        )),
        KeyKind::Empty => Some(broken(
            "KEY_EMPTY",
            format!("{path} is empty"),
            "copy it again from another instance of the farm or from a backup",
        )),
        KeyKind::WrongLength => Some(broken(
            "KEY_LENGTH",
            format!("{path} has {bytes} bytes, which no {name} has"),
            "copy it again, as binary; a newline at its end is one byte too many",
        )),
    });
}

fn custody(key: &KeyFile, found: &FoundKey, findings: &mut Vec<Finding>) {
    let (quoted, path) = (shell::word(&key.path), key.path.display());
    if found.mode & 0o007 != 0 {
        findings.push(Finding::new(
            "KEY_WORLD_READABLE",
            Severity::Critical,
            format!("{path} has the mode {:04o}: every user of this machine can reach it", found.mode),
            "whoever reads hmac can log in as anybody; whoever reads master can open every sealed secret",
            format!("chmod 600 {quoted}"),
        ));
    }
    let directory = key
        .path
        .parent()
        .and_then(|directory| fs::metadata(directory).ok());
    if let Some(directory) = directory.filter(|directory| directory.uid() != found.owner) {
        findings.push(Finding::new(
            "KEY_OWNER",
            Severity::Warning,
            format!(
                "{path} belongs to user {}, its directory to user {}",
                found.owner,
                directory.uid()
            ),
            "AEM may be unable to read the key, and then makes another",
            format!("chown {}:{} {quoted}", directory.uid(), directory.gid()),
        ));
    }
}
