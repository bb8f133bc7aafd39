//! The data directory itself: whose it is, who may read it, where it lies, and what lies about in it.

use std::fs;
use std::path::{Path, PathBuf};

use signet_keys::atomic;

use crate::data::{DataDirectory, DataError};
use crate::health::{Checked, Finding, Ground, HealthCheck, access, chain};
use crate::shell::quoted;

/// What handing over the first administrator's password leaves behind.
const FIRST_PASSWORD: &str = "first-password";

pub(super) struct Directory;

impl HealthCheck for Directory {
    fn name(&self) -> &'static str {
        "directory"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["storage"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground.path())) })
    }
}

fn look(data: &Path) -> Vec<Finding> {
    let mut findings = Vec::new();
    findings.extend(format(data));
    findings.extend(access::directory(data));
    findings.extend(in_git(data));
    findings.extend(first_password(data));
    findings.extend(leftovers(data));
    if findings.is_empty() {
        findings.push(Finding::good(format!(
            "{} is a data directory of this version, for its owner alone",
            data.display()
        )));
    }
    findings
}

/// Whether it is a data directory of this version.
fn format(data: &Path) -> Option<Finding> {
    let format = data.join("format");
    if fs::metadata(&format).is_ok_and(|metadata| !metadata.is_file()) {
        return Some(
            Finding::critical(
                "DATA_UNREADABLE",
                format!("{} is not a file", format.display()),
            )
            .causes("the instance does not start here")
            .mend(format!("move it away, then `echo 1 > {}`", quoted(&format))),
        );
    }
    match DataDirectory::open(data) {
        // Owner and mode are told below, also where the rest cannot be used.
        Ok(_) | Err(DataError::TooOpen { .. } | DataError::NotOurs { .. }) => None,
        Err(error) => Some(unusable(data, &error)),
    }
}

fn unusable(data: &Path, error: &DataError) -> Finding {
    let code = match error {
        DataError::Missing(_) => "DATA_MISSING",
        DataError::Foreign(_) => "DATA_FOREIGN",
        DataError::Version { .. } => "DATA_VERSION",
        _ => "DATA_UNREADABLE",
    };
    let effect = match error {
        DataError::Missing(_) => "there is nothing to look at; a first start makes it",
        DataError::Foreign(_) => {
            "the instance does not start here: the file `format` is lost, or this is the wrong directory"
        }
        _ => "the instance does not start here",
    };
    let remedy = match error {
        DataError::Foreign(_)
            if data.join("signet.toml").exists() || data.join("keys").exists() =>
        {
            format!(
                "if this is an installation of this version that lost the file: `echo 1 > {}`; else name the right directory with --data",
                quoted(data.join("format"))
            )
        }
        error => error.hint(),
    };
    Finding::critical(code, chain(error))
        .causes(effect)
        .mend(remedy)
}

/// A key in a work tree is one `git add` away from being published.
fn in_git(data: &Path) -> Option<Finding> {
    let keys = data.join("keys");
    let existing = [keys.as_path(), data]
        .into_iter()
        .find_map(|path| path.canonicalize().ok())?;
    let tree = existing
        .ancestors()
        .find(|directory| fs::symlink_metadata(directory.join(".git")).is_ok())?;
    Some(
        Finding::critical(
            "KEYS_IN_GIT",
            format!("{} is inside the git work tree {}", existing.display(), tree.display()),
        )
        .causes("a key there is one `git add` away from being published, so the instance does not start")
        .mend(format!(
            "stop the instance and move the data directory out of it: `mv {} DIR`; if the keys were ever committed, they are known: `signet keys rotate`, then revoke the old ones",
            quoted(data)
        )),
    )
}

fn first_password(data: &Path) -> Option<Finding> {
    let path = data.join(FIRST_PASSWORD);
    path.exists().then(|| {
        Finding::warn(
            "FIRST_PASSWORD_LEFT",
            format!("{} is still there", path.display()),
        )
        .causes("whoever reads it can log in as the first administrator, unless the password was changed since")
        .mend(format!("log in with it, choose another, then `rm {}`", quoted(&path)))
    })
}

/// Temporary files whose writers are gone: a living one holds a lock on its own.
fn leftovers(data: &Path) -> Option<Finding> {
    let places = [
        "",
        "keys",
        "keys/hmac",
        "keys/master",
        "keys/granite",
        "node",
        "backups",
        "run",
    ];
    let mut left: Vec<PathBuf> = places
        .iter()
        .flat_map(|place| atomic::leftovers(&data.join(place)))
        .collect();
    left.sort();
    let first = left.first()?;
    let count = match left.len() {
        1 => format!("a writer that crashed left {}", first.display()),
        n => format!(
            "writers that crashed left {n} temporary files, such as {}",
            first.display()
        ),
    };
    Some(
        Finding::note("LEFTOVERS", count)
            .causes("they are not read; they may hold a part of a key, for their owner alone")
            .mend("the next change in the same directory removes them; those below keys/ go with `signet keys list`"),
    )
}
