//! Room on the disks of the data directory and of the repository.

use std::fs;
use std::path::Path;

use rustix::fs::{StatVfs, statvfs};

use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck};
use crate::shell::quoted;

/// Less than this is too little for the repository's log and for the next key.
const CRITICAL_BYTES: u64 = 50 * MB;
const WARN_BYTES: u64 = 500 * MB;
/// A backup, and a repository that is written anew, each lie beside the repository while they are made.
/// A share of the disk says nothing: a tenth of a large one is more than an installation ever needs.
const WARN_REPOSITORIES: u64 = 2;
/// Less than so many free files is as bad as no room.
const CRITICAL_FILES: u64 = 100;
const MB: u64 = 1_000_000;

pub(super) struct Disk;

impl HealthCheck for Disk {
    fn name(&self) -> &'static str {
        "disk"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["disk", "storage", "system"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move {
            let data = ground.path().to_owned();
            let repository = ground.repository_path();
            let looked = tokio::task::spawn_blocking(move || look(&data, &repository)).await;
            looked.map_err(|_| CheckError::new("it was cancelled"))?
        })
    }
}

fn look(data: &Path, repository: &Path) -> Result<Vec<Finding>, CheckError> {
    let enough = fs::metadata(repository).map_or(WARN_BYTES, |file| enough_for(file.len()));
    let (place, room) = Room::at(data)?;
    let mut findings = vec![judge(&place, &room, enough)];
    // The repository may lie elsewhere.
    if let Ok((place, other)) = Room::at(repository)
        && other.file_system != room.file_system
    {
        findings.push(judge(&place, &other, enough));
    }
    Ok(findings)
}

/// What a file system has left for this user.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Room {
    free: u64,
    total: u64,
    /// How many files can be made; `None` where there is no limit.
    files: Option<u64>,
    file_system: u64,
}

impl Room {
    /// At `path`, or where it would be made.
    fn at(path: &Path) -> Result<(String, Self), CheckError> {
        let mut error = None;
        for path in path.ancestors() {
            match statvfs(path) {
                Ok(stat) => return Ok((path.display().to_string(), Self::from(stat))),
                Err(errno) => error = Some(errno),
            }
        }
        let why = error.map_or_else(String::new, |errno| format!(": {errno}"));
        Err(CheckError::new(format!(
            "the disk of {} tells nothing{why}",
            path.display()
        )))
    }
}

impl From<StatVfs> for Room {
    fn from(stat: StatVfs) -> Self {
        Self {
            free: stat.f_bavail.saturating_mul(stat.f_frsize),
            total: stat.f_blocks.saturating_mul(stat.f_frsize),
            files: (stat.f_files > 0).then_some(stat.f_favail),
            file_system: stat.f_fsid,
        }
    }
}

/// How many bytes should be free beside a repository of so many.
fn enough_for(repository: u64) -> u64 {
    WARN_BYTES.max(repository.saturating_mul(WARN_REPOSITORIES))
}

fn judge(place: &str, room: &Room, enough: u64) -> Finding {
    let share = (u128::from(room.free) * 100)
        .checked_div(u128::from(room.total))
        .unwrap_or(100);
    let free = format!(
        "{} ({share} %) are free on the disk of {place}",
        size(room.free)
    );
    let quoted = quoted(place);
    let mend = format!("make room: `df -h {quoted}`, `du -xhd 1 {quoted}` show where it went");
    if room.free < CRITICAL_BYTES {
        return Finding::critical("DISK_FULL", format!("only {free}"))
            .causes("logins, logouts and key changes fail as soon as nothing is left; nothing that is stored is lost")
            .mend(mend);
    }
    if let Some(files) = room.files.filter(|files| *files < CRITICAL_FILES) {
        return Finding::critical(
            "DISK_FULL",
            format!("only {files} more files can be made on the disk of {place}"),
        )
        .causes("logins, logouts and key changes fail as soon as nothing is left; nothing that is stored is lost")
        .mend(format!("remove files that nobody needs: `df -i {quoted}` counts them"));
    }
    if room.free < enough {
        let enough = size(enough);
        return Finding::warn("DISK_LOW", format!("only {free}, and {enough} should be"))
            .causes("a backup or a move of the keys may not fit; when nothing is left, logins, logouts and key changes fail")
            .mend(mend);
    }
    Finding::good(free)
}

/// `1.2 GB`, `40 MB`.
fn size(bytes: u64) -> String {
    match bytes {
        GB.. => format!("{}.{} GB", bytes / GB, bytes % GB / (GB / 10)),
        _ => format!("{} MB", bytes / MB),
    }
}

const GB: u64 = 1_000 * MB;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    fn room(free: u64, total: u64) -> Room {
        Room {
            free,
            total,
            files: None,
            file_system: 1,
        }
    }

    #[test]
    fn room_is_judged_by_what_the_installation_needs() {
        for (free, total, repository, status, words) in [
            (
                60 * GB,
                100 * GB,
                GB,
                Status::Ok,
                "60.0 GB (60 %) are free on the disk of /data",
            ),
            // Little of a large disk is plenty.
            (9 * GB, 300 * GB, GB, Status::Ok, "9.0 GB (3 %) are free"),
            (
                9 * GB,
                300 * GB,
                5 * GB,
                Status::Warn,
                "only 9.0 GB (3 %) are free on the disk of /data, and 10.0 GB should be",
            ),
            (
                499 * MB,
                1_000 * MB,
                0,
                Status::Warn,
                "only 499 MB (49 %) are free on the disk of /data, and 500 MB should be",
            ),
            (
                49 * MB,
                100 * MB,
                0,
                Status::Critical,
                "only 49 MB (49 %) are free",
            ),
            (0, 0, 0, Status::Critical, "only 0 MB (100 %) are free"),
        ] {
            let finding = judge("/data", &room(free, total), enough_for(repository));
            assert_eq!(finding.status, status, "{finding}");
            assert!(finding.cause.starts_with(words), "{finding}");
            // In what monitoring plugins print, numbers stand behind a bar.
            assert!(!finding.to_string().contains('|'), "{finding}");
        }
    }

    #[test]
    fn no_more_files_is_no_room() {
        let room = Room {
            files: Some(99),
            ..room(60 * GB, 100 * GB)
        };
        let finding = judge("/da ta", &room, WARN_BYTES);
        assert!(finding.remedy.contains("`df -i '/da ta'`"), "{finding}");
        let finding = judge("/data", &room, WARN_BYTES);
        assert_eq!(finding.status, Status::Critical);
        assert_eq!(
            finding.cause,
            "only 99 more files can be made on the disk of /data"
        );
    }

    #[test]
    fn a_directory_that_is_not_there_has_the_disk_of_the_one_above() {
        let scratch = tempfile::tempdir().unwrap();
        let missing = scratch.path().join("a").join("b");
        let (place, _) = Room::at(&missing).unwrap();
        assert_eq!(place, scratch.path().display().to_string());
        // One disk is told once.
        let findings = look(scratch.path(), &missing).unwrap();
        assert_eq!(findings.len(), 1);
    }
}
