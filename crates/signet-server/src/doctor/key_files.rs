//! The files below `keys/`, one by one: also those that nothing reads, and what is in those that are refused unread.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use signet_core::RingName;
use signet_keys::{MAX_KEY_FILE_BYTES, parse_key_file};

use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck, read_at_most};
use crate::shell::quoted;

/// Somebody may have put anything there.
const MOST_FILES: usize = 10_000;

pub(super) struct KeyFiles;

impl HealthCheck for KeyFiles {
    fn name(&self) -> &'static str {
        "key-files"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["keys"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move {
            let keys = ground.path().join("keys");
            let looked = tokio::task::spawn_blocking(move || look(&keys)).await;
            looked.map_err(|_| CheckError::new("it was cancelled"))
        })
    }
}

fn look(keys: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut count = 0;
    for ring in RingName::ALL {
        for path in files(&keys.join(ring.as_str())) {
            count += 1;
            match path.extension() {
                Some(extension) if extension == "jwk" => findings.extend(key_file(ring, &path)),
                _ => findings.extend(stranger(ring, &path)),
            }
        }
    }
    let outside = files(keys).into_iter();
    findings.extend(outside.filter_map(|path| outside_of_rings(keys, &path)));
    if findings.is_empty() {
        findings.push(Finding::good(match count {
            0 => "there are no key files".to_owned(),
            1 => "the one key file holds nothing that does not belong there".to_owned(),
            n => format!("{n} key files hold nothing that does not belong there"),
        }));
    }
    findings
}

/// A key beside the directories of the rings.
fn outside_of_rings(keys: &Path, path: &Path) -> Option<Finding> {
    let name = path.file_name()?.to_string_lossy().into_owned();
    let stem = name.strip_suffix(".jwk")?;
    let finding = unread(path, "lies outside of hmac/ and master/");
    let ring = read_at_most(path, MAX_KEY_FILE_BYTES)
        .ok()
        .and_then(|bytes| {
            RingName::ALL
                .into_iter()
                .find(|ring| parse_key_file(*ring, stem, &bytes).is_ok())
        });
    Some(match ring {
        Some(ring) => finding.mend(format!(
            "`mv {} {}`",
            quoted(path),
            quoted(keys.join(ring.as_str()).join(&name))
        )),
        None => finding.mend(format!("it is no key: `rm {}`", quoted(path))),
    })
}

/// What is wrong with the content of a file that is refused unread, and what is harmless in one that is read.
fn key_file(ring: RingName, path: &Path) -> Option<Finding> {
    let stem = path.file_stem()?.to_string_lossy().into_owned();
    let bytes = read_at_most(path, MAX_KEY_FILE_BYTES).ok()?;
    match parse_key_file(ring, &stem, &bytes) {
        Ok(_) => {
            let bare = bytes.strip_prefix(b"\xef\xbb\xbf");
            let text = bare.unwrap_or(&bytes);
            let end = text.len() - text.trim_ascii_end().len();
            if bare.is_some() || end > 1 || text.ends_with(b"\r") {
                return Some(
                    Finding::note(
                        "KEY_FILE_LINE_END",
                        format!(
                            "{} has a byte order mark, or more than one line end",
                            path.display()
                        ),
                    )
                    .causes("nothing: it is read all the same")
                    .mend("nothing; an editor or a copying program put it there"),
                );
            }
            None
        }
        // The check `keys` looks into files that are private, and says the same of them.
        Err(_) if is_private(path) => None,
        Err(error) => Some(
            Finding::critical("KEY_BAD", format!("{}: {error}", path.display()))
                .causes("there is no such key here")
                .mend(error.hint(path)),
        ),
    }
}

fn is_private(path: &Path) -> bool {
    let user = rustix::process::geteuid().as_raw();
    fs::symlink_metadata(path).is_ok_and(|metadata| {
        metadata.is_file() && metadata.mode() & 0o077 == 0 && metadata.uid() == user
    })
}

/// A file that is not called like a key.
fn stranger(ring: RingName, path: &Path) -> Option<Finding> {
    let bytes = match read_at_most(path, MAX_KEY_FILE_BYTES) {
        Ok(bytes) => bytes,
        Err(error) => {
            return Some(unread(path, &format!("cannot be read: {error}")).mend("move it away"));
        }
    };
    let remove = || {
        format!(
            "`rm {}`, and copy the key's own file from another instance if one is missing",
            quoted(path)
        )
    };
    let text = bytes.trim_ascii_start();
    if text.is_empty() {
        return Some(unread(path, "is empty").mend(remove()));
    }
    if text.starts_with(b"<") {
        return Some(unread(path, "is a web page, not a key (a saved login page?)").mend(remove()));
    }
    if text.starts_with(b"{") {
        return Some(
            unread(path, "may be a key, but its name does not end in .jwk").mend(format!(
                "name it after the kid inside: `mv {} {}/KID.jwk`",
                quoted(path),
                quoted(parent(path))
            )),
        );
    }
    if matches!(bytes.len(), 16 | 32) {
        return Some(
            unread(path, &format!("holds {} raw bytes, as key files of AEM do", bytes.len()))
                .mend(format!("`signet keys import --help` says how the {ring} key of AEM is taken in; nothing is guessed")),
        );
    }
    Some(unread(path, "is no key").mend(format!(
        "move it away: `mv {} /somewhere/else`",
        quoted(path)
    )))
}

fn unread(path: &Path, what: &str) -> Finding {
    Finding::warn("KEY_FILE_UNREAD", format!("{} {what}", path.display()))
        .causes("nothing reads it, so if it was meant to be a key, that key is missing")
}

fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(path)
}

/// The files of a directory in order, the program's own aside.
fn files(directory: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let mut files: Vec<PathBuf> = entries
        .filter(|entry| !entry.file_name().as_encoded_bytes().starts_with(b"."))
        .filter(|entry| entry.file_type().is_ok_and(|kind| !kind.is_dir()))
        .map(|entry| entry.path())
        .take(MOST_FILES)
        .collect();
    files.sort();
    files
}
