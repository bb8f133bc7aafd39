//! Whether the repository answers, is the file that was opened, and can be written.

use std::path::Path;

use rustix::fs::{Access, access};
use rustix::io::Errno;
use signet_repository::RepositoryError;

use crate::chain;
use crate::health::ground::NoRepository;
use crate::health::{Checked, Finding, Ground, HealthCheck, Status, access};
use crate::shell::quoted;

const TOO_OPEN: &str = "REPOSITORY_OPEN_TO_OTHERS";

pub(super) struct RepositoryFile;

impl HealthCheck for RepositoryFile {
    fn name(&self) -> &'static str {
        "repository"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["repository", "storage"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground).await) })
    }
}

async fn look(ground: &Ground) -> Vec<Finding> {
    let path = ground.repository_path();
    // A running instance opened it long ago, and would not notice.
    let open = access::repository(&path);
    let mut findings = content(ground, &path).await;
    if open.is_empty() {
        return findings;
    }
    // The same is the reason why it was not opened.
    findings.retain(|finding| finding.code != TOO_OPEN && !finding.is_good());
    open.into_iter().chain(findings).collect()
}

async fn content(ground: &Ground, path: &Path) -> Vec<Finding> {
    let repository = match ground.repository().await {
        Ok(repository) => repository,
        Err(NoRepository::Older { found, known }) => {
            let cause =
                format!("the repository has the schema {found}, and this version writes {known}");
            return vec![
                Finding::note("REPOSITORY_OLDER", cause)
                    .causes("what is in it is not looked at here; the next start brings it up to date")
                    .mend("`signet serve`; an older version cannot open it afterwards, so make a backup first: `signet backup FILE`"),
            ];
        }
        Err(NoRepository::Closed(error)) => return vec![closed(path, error)],
    };
    let mut findings = Vec::new();
    match repository.head().await {
        Ok(head) => findings.push(Finding::good(format!(
            "{} answers; its last change has the number {}",
            path.display(),
            head.0
        ))),
        Err(error) => return vec![closed(path, &error)],
    }
    if !repository.is_in_place() {
        findings.push(
            Finding::critical(
                "REPOSITORY_REPLACED",
                format!("{} is another file than the one that was opened, or gone", path.display()),
            )
            .causes("the instance goes on with the old file, commands use the new one, and what is written into one is missing in the other")
            .mend("restart the instance"),
        );
    }
    findings.extend(unwritable(path));
    findings
}

fn closed(path: &Path, error: &RepositoryError) -> Finding {
    let (status, code) = match error {
        RepositoryError::Busy => (Status::TemporarilyUnavailable, "REPOSITORY_BUSY"),
        RepositoryError::Missing => (Status::Critical, "REPOSITORY_MISSING"),
        RepositoryError::Damaged(_) => (Status::Critical, "REPOSITORY_DAMAGED"),
        RepositoryError::TooOpen { .. } => (Status::Critical, TOO_OPEN),
        RepositoryError::NotARepository => (Status::Critical, "REPOSITORY_FOREIGN"),
        RepositoryError::NewerVersion { .. } => (Status::Critical, "REPOSITORY_NEWER"),
        RepositoryError::ReadOnly => (Status::Critical, "REPOSITORY_READ_ONLY"),
        _ => (Status::Critical, "REPOSITORY_UNAVAILABLE"),
    };
    let mend = match error {
        RepositoryError::Missing => {
            "is its disk mounted? Else restore it: `signet restore FILE --replace`; a first start makes a new one".to_owned()
        }
        RepositoryError::Damaged(_) | RepositoryError::NotARepository => {
            "stop the instance, and put a backup in its place: `signet restore FILE --replace`".to_owned()
        }
        error => error
            .hint()
            .unwrap_or("is the disk in order? The log says more")
            .to_owned(),
    };
    Finding::new(status, code, format!("{}: {}", path.display(), chain(error)))
        .causes("nobody can log in or out here, and no user can be changed; tokens that were made already are still verified by a running instance")
        .mend(mend)
}

/// Asks the system without writing anything; the super-user may write everything but a read-only disk.
fn unwritable(path: &Path) -> Option<Finding> {
    let directory = path.parent().unwrap_or(path);
    let refused = [path, directory]
        .into_iter()
        .find_map(|path| Some((path, access(path, Access::WRITE_OK).err()?)));
    let (place, errno) = refused?;
    let mend = match errno {
        Errno::ROFS => {
            "the disk is mounted read-only, often after an error: `dmesg`, `mount`".to_owned()
        }
        _ => format!(
            "make it writable for the instance's user: `ls -ld {}`",
            quoted(place)
        ),
    };
    Some(
        Finding::critical(
            "REPOSITORY_READ_ONLY",
            format!("{} cannot be written: {errno}", place.display()),
        )
        .causes("nobody can log in or out here, and no user can be changed")
        .mend(mend),
    )
}
