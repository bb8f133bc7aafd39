//! Whose an installation is, and how to look at it as that user.

use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::shell::quoted;

/// Where the system keeps the names of its users.
const USERS: &str = "/etc/passwd";
/// So many files are asked whose they are, and so deep: somebody may have put anything there.
const MOST_FILES: usize = 10_000;
const MOST_DEPTH: usize = 4;

/// As whom this runs.
pub(crate) fn myself() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// A user's name where the system has one, else the number.
pub(crate) fn name(uid: u32) -> String {
    let table = fs::read_to_string(USERS).unwrap_or_default();
    name_in(&table, uid).unwrap_or_else(|| uid.to_string())
}

/// The name that a table as in passwd(5) has for a user.
fn name_in(table: &str, uid: u32) -> Option<String> {
    let uid = uid.to_string();
    table.lines().find_map(|line| {
        let mut fields = line.split(':');
        let name = fields.next().filter(|name| !name.is_empty())?;
        (fields.nth(1)? == uid).then(|| name.to_owned())
    })
}

/// The command line that does `command` as that user.
pub(crate) fn sudo(uid: u32, command: &str, data: &Path) -> String {
    let table = fs::read_to_string(USERS).unwrap_or_default();
    // sudo(8) takes a number behind a hash.
    let user = match name_in(&table, uid) {
        Some(name)
            if name
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"-_.".contains(&b)) =>
        {
            name
        }
        Some(name) => quoted(name),
        None => quoted(format!("#{uid}")),
    };
    format!("sudo -u {user} signet {command} --data {}", quoted(data))
}

/// What to do about an installation at `data` that belongs to `owner`, when this user wants to use it.
pub(crate) fn remedy(data: &Path, owner: u32, command: &str) -> String {
    let first = format!("run it as its owner: `{}`", sudo(owner, command, data));
    let other = first_of_others(data, owner);
    let user = myself();
    match other {
        Some(path) => format!(
            "{first}; not all of it is that user's ({} is not), which `chown -R {owner} {}` mends",
            path.display(),
            quoted(data)
        ),
        // The super-user has it because nobody else could use it then.
        None if user == 0 => first,
        None => format!(
            "{first}. Only if the instance is to run as {} from now on: `chown -R {user} {}`",
            name(user),
            quoted(data)
        ),
    }
}

/// The first thing below `data` that somebody else owns.
fn first_of_others(data: &Path, owner: u32) -> Option<PathBuf> {
    let mut left = vec![(data.to_owned(), 0)];
    let mut seen = 0;
    while let Some((directory, depth)) = left.pop() {
        let entries = fs::read_dir(&directory).into_iter().flatten().flatten();
        for entry in entries {
            seen += 1;
            if seen > MOST_FILES {
                return None;
            }
            let Ok(metadata) = entry.metadata() else {
                continue;
            };
            if metadata.uid() != owner {
                return Some(entry.path());
            }
            if metadata.is_dir() && depth < MOST_DEPTH {
                left.push((entry.path(), depth + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_user_is_found_by_number() {
        let table = "root:x:0:0:root:/root:/bin/sh\n# note\n\nwww:x:33:33::/:/bin/false\n";
        assert_eq!(name_in(table, 33).as_deref(), Some("www"));
        assert_eq!(name_in(table, 3), None);
        assert_eq!(
            sudo(4_000_000_001, "health", Path::new("/a b")),
            "sudo -u '#4000000001' signet health --data '/a b'"
        );
    }

    #[test]
    fn changing_the_owner_is_not_the_first_thing_to_do() {
        let scratch = tempfile::tempdir().unwrap();
        fs::create_dir(scratch.path().join("keys")).unwrap();
        let file = scratch.path().join("keys/storage");
        fs::write(&file, "file").unwrap();
        let owner = myself();
        let remedy = |owner| super::remedy(scratch.path(), owner, "doctor");
        assert!(
            remedy(owner).starts_with("run it as its owner: `sudo -u "),
            "{}",
            remedy(owner)
        );
        assert_eq!(remedy(owner).contains("chown"), owner != 0);
        // Nothing in it is that user's, so it is not consistently theirs.
        let other = owner + 1;
        let told = remedy(other);
        assert!(
            told.starts_with("run it as its owner: `sudo -u ")
                && told.ends_with(&format!(
                    "which `chown -R {other} {}` mends",
                    quoted(scratch.path())
                )),
            "{told}"
        );
    }
}
