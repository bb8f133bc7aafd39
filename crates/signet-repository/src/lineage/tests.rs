use super::*;
use crate::scratch::{NOW, Scratch, user};
use crate::{IfMissing, SettingName};

fn name() -> SettingName {
    LINEAGE.parse().unwrap()
}

async fn moments(repository: &Repository) -> Vec<String> {
    let text = repository.local_value(&name()).await.unwrap();
    parse(text.as_deref())
}

/// Copies the repository as a backup does, and opens the copy.
async fn put_away(repository: &Repository) -> (Scratch, Repository) {
    let old = Scratch::new();
    repository.note_moment().await.unwrap();
    repository.copy_to(&old.path()).await.unwrap();
    let copy = old.open().await;
    (old, copy)
}

async fn continues(newer: &Scratch, older: &Repository) -> bool {
    let united = older.unite_from(&newer.path(), NOW).await.unwrap();
    united.continues
}

#[tokio::test]
async fn every_repository_has_a_moment_of_its_own_from_the_start() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let first = moments(&one.open().await).await;
    assert_eq!((first.len(), first[0].len()), (1, 32));
    assert_ne!(moments(&other.open().await).await, first);
    let again = one.try_open(IfMissing::Refuse).await.unwrap();
    assert_eq!(moments(&again).await, first);

    // One that was made before there were any gets one, and nobody who waits for changes hears of it.
    let head = again.head().await.unwrap();
    again.set_local_value(&name(), "").await.unwrap();
    again.close().await;
    let opened = one.open().await;
    assert_eq!(moments(&opened).await.len(), 1);
    assert_ne!(moments(&opened).await, first);
    assert_eq!(opened.head().await.unwrap(), head);
}

// S6
#[tokio::test]
async fn what_was_put_away_is_continued_by_what_it_was_made_of() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (_first, first) = put_away(&repository).await;
    let (second_scratch, second) = put_away(&repository).await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    assert!(continues(&scratch, &first).await && continues(&scratch, &second).await);
    assert!(continues(&second_scratch, &first).await);
    let known = moments(&repository).await;
    assert_eq!((moments(&first).await, known.len()), (known, 3));
}

// S6
#[tokio::test]
async fn another_repository_continues_nothing() {
    let (scratch, empty) = (Scratch::new(), Scratch::new());
    let (_old, old) = put_away(&scratch.open().await).await;
    let other = empty.open().await;
    other.add_user(&user("bob"), NOW).await.unwrap();
    let before = moments(&old).await;
    assert!(!continues(&empty, &old).await);
    assert_eq!(moments(&old).await, before);

    // What says nothing about itself is unknown, on either side.
    other.set_local_value(&name(), "").await.unwrap();
    old.set_local_value(&name(), "").await.unwrap();
    assert!(!continues(&empty, &old).await);
}

// S6
#[tokio::test]
async fn a_state_from_before_continues_nothing_however_far_it_went_on() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let snapshot = Scratch::new();
    repository.copy_to(&snapshot.path()).await.unwrap();
    let (_old, old) = put_away(&repository).await;
    let set_back = snapshot.open().await;
    for name in ["alice", "bob"] {
        set_back.add_user(&user(name), NOW).await.unwrap();
    }
    assert!(!continues(&snapshot, &old).await);
}

#[tokio::test]
async fn a_lower_number_of_changes_continues_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let (_old, old) = put_away(&repository).await;
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("UPDATE counter SET seq = 0")
        .execute(&mut raw)
        .await
        .unwrap();
    assert!(!continues(&scratch, &old).await);
}

#[tokio::test]
async fn what_begins_anew_continues_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (_old, old) = put_away(&repository).await;
    repository.begin_lineage().await.unwrap();
    assert_eq!(moments(&repository).await.len(), 1);
    assert!(!continues(&scratch, &old).await);
}

#[tokio::test]
async fn the_list_of_moments_does_not_grow_for_ever() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let many = vec!["0"; MOMENTS].join(" ");
    repository.set_local_value(&name(), &many).await.unwrap();
    repository.note_moment().await.unwrap();
    let moments = moments(&repository).await;
    assert_eq!(moments.len(), MOMENTS);
    assert_eq!(moments.last().map(String::len), Some(32));
}
