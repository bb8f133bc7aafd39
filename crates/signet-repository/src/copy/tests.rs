use std::os::unix::fs::PermissionsExt as _;

use super::*;
use crate::scratch::{NOW, Scratch, id, user};
use crate::{IfMissing, RepositoryOptions, RepositoryUrl, Seq};

async fn open(path: &Path) -> Repository {
    let url = RepositoryUrl::sqlite(path);
    let options = RepositoryOptions::new(url, IfMissing::Refuse);
    Repository::open(options).await.unwrap()
}

#[tokio::test]
async fn a_copy_is_whole_private_and_opens() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let repository = scratch.open().await;
    for n in 0..300 {
        let name = format!("user-{n}");
        repository.add_user(&user(&name), NOW).await.unwrap();
    }
    repository.copy_to(&elsewhere.path()).await.unwrap();
    let mode = elsewhere.path().metadata().unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    let copy = open(&elsewhere.path()).await;
    assert_eq!(copy.count_users().await.unwrap(), 300);
    assert_eq!(copy.head().await.unwrap(), Seq(300));
    repository.add_user(&user("later"), NOW).await.unwrap();
    assert!(copy.user(&id("later")).await.unwrap().is_none());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_copy_is_of_one_moment() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let repository = scratch.open().await;
    repository.add_user(&user("first"), NOW).await.unwrap();
    let writer = tokio::spawn({
        let repository = repository.clone();
        async move {
            for n in 0..300 {
                let name = format!("user-{n}");
                repository.add_user(&user(&name), NOW).await.unwrap();
            }
        }
    });
    repository.copy_to(&elsewhere.path()).await.unwrap();
    writer.await.unwrap();
    let copy = open(&elsewhere.path()).await;
    assert_eq!(
        copy.head().await.unwrap().0,
        copy.count_users().await.unwrap()
    );
}

#[tokio::test]
async fn what_is_there_is_not_overwritten() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let repository = scratch.open().await;
    for text in ["", "precious"] {
        fs::write(elsewhere.path(), text).unwrap();
        let error = repository.copy_to(&elsewhere.path()).await.unwrap_err();
        assert!(matches!(error, RepositoryError::CopyExists), "{error:?}");
        assert_eq!(fs::read_to_string(elsewhere.path()).unwrap(), text);
    }
}

// O6
#[tokio::test]
async fn what_was_removed_is_not_copied() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let repository = scratch.open().await;
    for n in 0..200 {
        let mut person = user(&format!("user-{n:03}"));
        person.profile.mail = Some(format!("PERSONAL-{n:03}@example.com"));
        repository.add_user(&person, NOW).await.unwrap();
    }
    for n in 0..200 {
        let subject = id(&format!("user-{n:03}"));
        repository.remove_user(&subject, NOW).await.unwrap();
    }
    repository.copy_to(&elsewhere.path()).await.unwrap();
    let bytes = elsewhere.bytes();
    assert!(!bytes.windows(9).any(|window| window == b"PERSONAL-"));
}

#[tokio::test]
async fn a_copy_that_fails_leaves_no_file() {
    let (scratch, elsewhere) = (Scratch::new(), Scratch::new());
    let repository = scratch.open().await;
    repository.close().await;
    repository.copy_to(&elsewhere.path()).await.unwrap_err();
    assert!(!elsewhere.path().exists());
}
