//! Who may reach the files of an installation: the user that the instance runs as, and nobody else.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use super::{Finding, Status};
use crate::owner;
use crate::shell::quoted;

/// That this user is the wrong one to look at the installation at `data`; `command` is what looks.
///
/// Then nothing else is said: whatever a stranger does not see would look as if it were not there.
pub(crate) fn stranger(data: &Path, command: &str) -> Option<Finding> {
    let user = owner::myself();
    let unknown = |code, cause: String| {
        Finding::new(Status::HealthCheckError, code, cause)
            .causes("nobody knows how it stands there: nothing in it was judged")
    };
    let metadata = match fs::metadata(data) {
        Ok(metadata) => metadata,
        Err(error) if is_denied(&error) => {
            let cause = format!(
                "{} cannot be reached by the user {}: {error}",
                data.display(),
                owner::name(user)
            );
            return Some(unknown("DATA_UNREADABLE", cause).mend(format!(
                "run it as the user that the instance runs as: `sudo -u USER signet {command} --data {}`",
                quoted(data)
            )));
        }
        Err(_) => return None,
    };
    if metadata.uid() != user {
        let cause = format!(
            "{} belongs to the user {}, and this runs as the user {}",
            data.display(),
            owner::name(metadata.uid()),
            owner::name(user)
        );
        let remedy = owner::remedy(data, metadata.uid(), command);
        return Some(unknown("DATA_OWNER", cause).mend(remedy));
    }
    let error = fs::read_dir(data).err().filter(is_denied)?;
    let cause = format!("{} cannot be read: {error}", data.display());
    Some(unknown("DATA_UNREADABLE", cause).mend(format!("`chmod 700 {}`", quoted(data))))
}

fn is_denied(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::PermissionDenied
}

/// The data directory itself.
pub(crate) fn directory(data: &Path) -> Option<Finding> {
    let metadata = fs::metadata(data).ok()?;
    let (mode, user) = (metadata.mode() & 0o7777, owner::myself());
    let path = data.display();
    if metadata.uid() != user {
        let (of, user) = (owner::name(metadata.uid()), owner::name(user));
        return Some(
            Finding::critical(
                "DATA_OWNER",
                format!("{path} belongs to the user {of}, and this runs as the user {user}"),
            )
            .causes("whoever owns it can change everything in it, so the instance does not start as this user")
            .mend(owner::remedy(data, metadata.uid(), "serve")),
        );
    }
    (mode & 0o077 != 0).then(|| {
        Finding::critical(
            "DATA_OPEN_TO_OTHERS",
            format!("{path} has the mode {mode:04o}: other users of this machine can read it"),
        )
        .causes("they see configuration and users, and reach whatever below it is open as well; the instance does not start")
        .mend(format!("`chmod 700 {}`", quoted(data)))
    })
}

/// The files of the repository: the database gives all of them the mode of the main one when it makes them.
pub(crate) fn repository(path: &Path) -> Vec<Finding> {
    ["", "-wal", "-shm"]
        .into_iter()
        .filter_map(|suffix| {
            let mut name = OsString::from(path);
            name.push(suffix);
            repository_file(&PathBuf::from(name))
        })
        .collect()
}

fn repository_file(path: &Path) -> Option<Finding> {
    let metadata = fs::metadata(path).ok()?;
    let (mode, user) = (metadata.mode() & 0o7777, owner::myself());
    if metadata.uid() != user {
        let (of, name) = (owner::name(metadata.uid()), owner::name(user));
        return Some(
            Finding::critical(
                "REPOSITORY_OWNER",
                format!(
                    "{} belongs to the user {of}, and this runs as the user {name}",
                    path.display()
                ),
            )
            .causes("whoever owns it can change users and passwords")
            .mend(format!("`chown {user} {}`", quoted(path))),
        );
    }
    (mode & 0o077 != 0).then(|| {
        Finding::critical(
            "REPOSITORY_OPEN_TO_OTHERS",
            format!(
                "{} has the mode {mode:04o} instead of 0600: others than its owner can reach it",
                path.display()
            ),
        )
        .causes("it holds password hashes and recent changes; an instance that is started does not open it")
        .mend(format!(
            "`chmod 600 {}`; change the passwords if others may have read it",
            quoted(path)
        ))
    })
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{PermissionsExt as _, chown};

    use super::*;

    #[test]
    fn what_others_can_reach_is_told_file_by_file() {
        let scratch = tempfile::tempdir().unwrap();
        let path = scratch.path().join("re po'.db");
        assert_eq!(repository(&path), []);
        for (suffix, mode) in [("", 0o600), ("-wal", 0o640), ("-shm", 0o604)] {
            let file = scratch.path().join(format!("re po'.db{suffix}"));
            fs::write(&file, "").unwrap();
            fs::set_permissions(&file, fs::Permissions::from_mode(mode)).unwrap();
        }
        let found = repository(&path);
        let codes: Vec<_> = found.iter().map(|finding| finding.code).collect();
        assert_eq!(codes, ["REPOSITORY_OPEN_TO_OTHERS"; 2], "{found:#?}");
        assert!(
            found[0].remedy.starts_with("`chmod 600 '")
                && found[0].remedy.contains(r"re po'\''.db-wal'`"),
            "{}",
            found[0]
        );
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o700)).unwrap();
        assert_eq!(directory(scratch.path()), None);
        assert_eq!(stranger(scratch.path(), "health"), None);
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        assert_eq!(
            directory(scratch.path()).unwrap().code,
            "DATA_OPEN_TO_OTHERS"
        );
    }

    /// A directory of another user.
    fn elsewhere(scratch: &Path) -> PathBuf {
        if owner::myself() != 0 {
            // All of it is the super-user's; below /etc, services have files of their own.
            return "/usr/share".into();
        }
        fs::write(scratch.join("format"), "1").unwrap();
        for path in [scratch.join("format"), scratch.to_owned()] {
            chown(path, Some(65_534), None).unwrap();
        }
        scratch.to_owned()
    }

    #[test]
    fn a_stranger_is_sent_to_the_owner() {
        let scratch = tempfile::tempdir().unwrap();
        let theirs = elsewhere(scratch.path());
        let finding = stranger(&theirs, "health").unwrap();
        assert_eq!(
            (finding.code, finding.status),
            ("DATA_OWNER", Status::HealthCheckError)
        );
        assert!(
            finding.remedy.starts_with("run it as its owner: `sudo -u ")
                && finding.remedy.contains(" signet health --data '")
                && !finding.remedy.contains("chown -R 0"),
            "{finding}"
        );
    }
}
