use std::collections::BTreeSet;
use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt as _;

use crate::scratch::{NOW, Scratch, id, password, user};
use crate::{IfMissing, Repository, RepositoryError, Seq, UserError};

fn set_mode(scratch: &Scratch, mode: u32) {
    fs::set_permissions(scratch.path(), Permissions::from_mode(mode)).unwrap();
}

async fn refused(scratch: &Scratch, if_missing: IfMissing) -> RepositoryError {
    match scratch.try_open(if_missing).await {
        Ok(_) => panic!("it was opened"),
        Err(error) => {
            assert!(error.hint().is_some(), "{error:?} says what to do");
            error
        }
    }
}

#[tokio::test]
async fn a_repository_is_made_only_on_request() {
    let scratch = Scratch::new();
    let error = refused(&scratch, IfMissing::Refuse).await;
    assert!(matches!(error, RepositoryError::Missing), "{error:?}");
    assert!(!scratch.path().exists());
    scratch.open().await.close().await;
    scratch.try_open(IfMissing::Refuse).await.unwrap();
}

// A full disk refuses what does not fit, and nothing longer than it is full (T13).
#[tokio::test]
async fn writing_goes_on_when_there_is_room_again() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let limit = |pages: u32| {
        let sql = sqlx::AssertSqlSafe(format!("PRAGMA max_page_count = {pages}"));
        sqlx::raw_sql(sql).execute(repository.store.writer())
    };
    limit(1).await.unwrap();
    let mut full = None;
    for number in 0..2_000 {
        let named = user(&format!("user-{number}"));
        if let Err(error) = repository.add_user(&named, NOW).await {
            full = Some(error);
            break;
        }
    }
    assert!(
        matches!(full, Some(UserError::Repository(RepositoryError::DiskFull))),
        "{full:?}"
    );
    limit(1_000_000).await.unwrap();
    repository.add_user(&user("bob"), NOW).await.unwrap();
}

#[tokio::test]
async fn every_file_is_private() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let files: Vec<_> = fs::read_dir(scratch.path().parent().unwrap())
        .unwrap()
        .map(|entry| entry.unwrap())
        .collect();
    assert_eq!(files.len(), 3, "the file, its log and its index");
    for file in files {
        let mode = file.metadata().unwrap().permissions().mode() & 0o777;
        assert_eq!(mode, 0o600, "{file:?}");
    }
}

#[tokio::test]
async fn a_file_that_others_can_read_is_refused() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    set_mode(&scratch, 0o644);
    let error = refused(&scratch, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::TooOpen { mode: 0o644 }),
        "{error:?}"
    );
    assert!(error.to_string().contains("0644"), "{error}");
}

#[tokio::test]
async fn a_read_only_file_is_refused() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    set_mode(&scratch, 0o400);
    let error = refused(&scratch, IfMissing::Create).await;
    assert!(matches!(error, RepositoryError::ReadOnly), "{error:?}");
}

#[tokio::test]
async fn what_is_no_repository_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    let text = "just text, longer than the header of a database has to be ".repeat(4);
    fs::write(scratch.path(), &text).unwrap();
    set_mode(&scratch, 0o600);
    let error = refused(&scratch, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::NotARepository),
        "{error:?}"
    );
    assert_eq!(fs::read_to_string(scratch.path()).unwrap(), text);

    let other = Scratch::new();
    let mut raw = other.raw().await;
    sqlx::raw_sql("CREATE TABLE recipes (name TEXT)")
        .execute(&mut raw)
        .await
        .unwrap();
    set_mode(&other, 0o600);
    let error = refused(&other, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::NotARepository),
        "{error:?}"
    );

    let folder = Scratch::new();
    fs::create_dir(folder.path()).unwrap();
    let error = refused(&folder, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::NotARepository),
        "{error:?}"
    );
}

#[tokio::test]
async fn an_emptied_file_is_no_new_repository_by_itself() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    fs::write(scratch.path(), "").unwrap();
    let error = refused(&scratch, IfMissing::Refuse).await;
    assert!(
        matches!(error, RepositoryError::NotARepository),
        "{error:?}"
    );
}

#[tokio::test]
async fn damage_is_an_error_and_never_an_answer() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for n in 0..500 {
        let name = format!("user-{n}");
        repository.add_user(&user(&name), NOW).await.unwrap();
    }
    repository.close().await;
    let mut bytes = fs::read(scratch.path()).unwrap();
    // Behind the first page, which only describes the tables.
    bytes[4_096..].fill(0xa5);
    fs::write(scratch.path(), bytes).unwrap();
    let error = match scratch.try_open(IfMissing::Refuse).await {
        Err(error) => error,
        Ok(repository) => repository.load(drop).await.unwrap_err(),
    };
    assert!(matches!(error, RepositoryError::Damaged(_)), "{error:?}");
}

#[tokio::test]
async fn a_row_that_no_version_writes_is_damage() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("UPDATE users SET id = 'al ice'")
        .execute(&mut raw)
        .await
        .unwrap();
    let error = repository.load(drop).await.unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged(_)), "{error:?}");
}

#[tokio::test]
async fn a_full_disk_changes_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let before = repository.head().await.unwrap();
    let mut write = repository.write().await.unwrap();
    // The database's own way to run out of space.
    sqlx::raw_sql("PRAGMA max_page_count = 1")
        .execute(write.connection())
        .await
        .unwrap();
    drop(write);
    let mut large = user("bob");
    large.profile.name = Some("x".repeat(100_000));
    let error = repository.add_user(&large, NOW).await.unwrap_err();
    assert!(
        matches!(error, UserError::Repository(RepositoryError::DiskFull)),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    assert_eq!(repository.head().await.unwrap(), before);
    assert!(repository.user(&id("bob")).await.unwrap().is_none());
}

#[tokio::test]
async fn a_newer_schema_is_refused_and_left_alone() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("INSERT INTO migrations VALUES (7, 'later', 'x')")
        .execute(&mut raw)
        .await
        .unwrap();
    let error = refused(&scratch, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::NewerVersion { found: 7, known: 2 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn another_history_of_the_schema_is_refused() {
    let scratch = Scratch::new();
    scratch.open().await.close().await;
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("UPDATE migrations SET checksum = 'x'")
        .execute(&mut raw)
        .await
        .unwrap();
    let error = refused(&scratch, IfMissing::Create).await;
    assert!(
        matches!(error, RepositoryError::ForeignMigration { version: 1 }),
        "{error:?}"
    );
}

#[tokio::test]
async fn many_open_a_new_repository_at_once() {
    let scratch = Scratch::new();
    let (a, b, c, d) = tokio::join!(
        scratch.open(),
        scratch.open(),
        scratch.open(),
        scratch.open()
    );
    for repository in [a, b, c, d] {
        assert_eq!(repository.head().await.unwrap(), Seq(0));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_who_write_at_once_lose_nothing() {
    let scratch = Scratch::new();
    let first = scratch.open().await;
    let second = scratch.open().await;
    first.add_user(&user("shared"), NOW).await.unwrap();
    let work = |repository: Repository, name: &'static str| async move {
        let mut seqs = Vec::new();
        for n in 0..100 {
            let group = format!("{name}-{n}").parse().unwrap();
            let account = repository
                .add_to_group(&id("shared"), group, NOW)
                .await
                .unwrap();
            seqs.push(account.seq);
        }
        seqs
    };
    let (left, right) = tokio::join!(
        tokio::spawn(work(first.clone(), "left")),
        tokio::spawn(work(second.clone(), "right"))
    );
    let (left, right) = (left.unwrap(), right.unwrap());
    let account = first.user(&id("shared")).await.unwrap().unwrap();
    assert_eq!(account.record.groups.iter().count(), 200, "no update lost");
    let mut all = [left.clone(), right.clone()].concat();
    for seqs in [&left, &right] {
        assert!(seqs.is_sorted_by(|a, b| a < b), "each sees its own order");
    }
    all.sort_unstable();
    all.dedup();
    assert_eq!(all.len(), 200, "no number twice");
    // The user, and for each of the 200 a group and the user again.
    assert_eq!(second.head().await.unwrap(), Seq(401));
}

#[tokio::test]
async fn what_is_dropped_half_way_is_undone() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut write = repository.write().await.unwrap();
    assert_eq!(write.seq().await.unwrap(), Seq(1));
    drop(write);
    assert_eq!(repository.head().await.unwrap(), Seq(0));
    let account = repository.add_user(&user("alice"), NOW).await.unwrap();
    assert_eq!(account.seq, Seq(1));
}

// O6
#[tokio::test]
async fn what_was_removed_is_gone_from_the_files() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    // An order that splits and merges pages everywhere.
    let shuffled = |n: u32| n * 7_919 % 600;
    for n in (0..600).map(shuffled) {
        let mut user = user(&format!("user-{n:03}"));
        user.password = password(&format!("$argon2id$SECRET-{n:03}$"));
        user.profile.mail = Some(format!("PERSONAL-{n:03}@example.com"));
        repository.add_user(&user, NOW).await.unwrap();
    }
    repository.checkpoint().await.unwrap();
    for n in (0..600).map(shuffled).filter(|n| n % 3 != 0) {
        let subject = id(&format!("user-{n:03}"));
        if n % 3 == 1 {
            repository.remove_user(&subject, NOW).await.unwrap();
        } else {
            let other = password("$argon2id$OTHER$");
            repository.set_password(&subject, other, NOW).await.unwrap();
        }
    }
    let before = found(&scratch, "SECRET-");
    assert!(before.len() > 300, "the log has what was replaced");

    // Of a value that was moved about, a fragment can be left between the rows, but none is whole.
    repository.checkpoint().await.unwrap();
    let whole: BTreeSet<_> = found(&scratch, "SECRET-").into_iter().flatten().collect();
    assert!(whole.iter().all(|n| n % 3 == 0), "{whole:?}");
    let whole: BTreeSet<_> = found(&scratch, "PERSONAL-").into_iter().flatten().collect();
    assert!(whole.iter().all(|n| n % 3 != 1), "{whole:?}");

    repository.rewrite().await.unwrap();
    let kept: BTreeSet<_> = (0..600).step_by(3).map(Some).collect();
    assert_eq!(found(&scratch, "SECRET-"), kept, "no fragment either");
}

/// The numbers that stand behind `needle` anywhere in the files; `None` where something else stands there.
fn found(scratch: &Scratch, needle: &str) -> BTreeSet<Option<u32>> {
    let bytes = scratch.bytes();
    bytes
        .windows(needle.len() + 3)
        .filter_map(|window| window.strip_prefix(needle.as_bytes()))
        .map(|digits| std::str::from_utf8(digits).ok()?.parse().ok())
        .collect()
}
