use serde_json::json;
use signet_core::{IndexKey, Marks, UserIndex};

use super::*;
use crate::scratch::{NOW, Scratch, groups, id, ids, mark, user};
use crate::{MarkReason, SettingName};

async fn filled(scratch: &Scratch) -> Repository {
    let repository = scratch.open().await;
    for n in 0..20 {
        let mut new = user(&format!("user-{n:02}"));
        new.groups = groups(&[["a", "b", "c"][n % 3]]);
        repository.add_user(&new, NOW).await.unwrap();
        let mark = mark(n as u16, NOW.0 + 100);
        repository
            .add_mark(mark, None, MarkReason::Logout, NOW)
            .await
            .unwrap();
    }
    let name: SettingName = "token.zone".parse().unwrap();
    repository
        .set_setting(&name, &json!("www.example.com"))
        .await
        .unwrap();
    repository
}

#[tokio::test]
async fn changes_come_in_order_and_only_the_newer_ones() {
    let scratch = Scratch::new();
    let repository = filled(&scratch).await;
    let head = repository.head().await.unwrap();
    let none = repository.changes_since(head).await.unwrap();
    assert!(none.users.is_empty() && none.marks.is_empty() && none.settings.is_empty());
    assert_eq!((none.position, none.has_more()), (head, false));

    repository.end_sessions(&id("user-07"), NOW).await.unwrap();
    repository.remove_user(&id("user-03"), NOW).await.unwrap();
    repository.end_sessions(&id("user-11"), NOW).await.unwrap();
    repository.end_sessions(&id("user-07"), NOW).await.unwrap();
    let changes = repository.changes_since(head).await.unwrap();
    assert_eq!(ids(&changes.users), ["user-03", "user-11", "user-07"]);
    assert!(changes.users[0].deleted, "tombstones are changes");
    assert_eq!(changes.users[2].generation.0, 3);
    assert!(changes.marks.is_empty() && changes.groups.is_empty());
    assert_eq!(changes.head, repository.head().await.unwrap());
}

#[tokio::test]
async fn small_pages_add_up_to_the_whole() {
    let scratch = Scratch::new();
    let repository = filled(&scratch).await;
    let whole = repository.changes_since(Seq(0)).await.unwrap();
    assert!(!whole.has_more());
    for page in [1, 2, 3, 7, 19, 20, 21] {
        let mut position = Seq(0);
        let mut sum = Changes::default();
        loop {
            let changes = repository.changes(position, page).await.unwrap();
            assert!(changes.position > position, "it moves on");
            position = changes.position;
            let has_more = changes.has_more();
            sum.users.extend(changes.users);
            sum.marks.extend(changes.marks);
            sum.groups.extend(changes.groups);
            sum.settings.extend(changes.settings);
            if !has_more {
                break;
            }
        }
        assert_eq!(position, whole.head);
        assert_eq!(sum.users, whole.users, "{page}");
        assert_eq!(sum.marks, whole.marks, "{page}");
        assert_eq!(sum.groups, whole.groups, "{page}");
        assert_eq!(sum.settings, whole.settings, "{page}");
    }
}

#[tokio::test]
async fn applying_changes_twice_does_no_harm() {
    let scratch = Scratch::new();
    let repository = filled(&scratch).await;
    repository.remove_user(&id("user-05"), NOW).await.unwrap();
    let mut index = UserIndex::new(IndexKey([9; 16]));
    let mut marks = Marks::default();
    let extent = repository.extent().await.unwrap();
    assert_eq!((extent.users, extent.marks), (20, 20));
    for _ in 0..2 {
        repository
            .load(|changes| {
                index.extend(&changes.users);
                marks.extend(changes.marks);
            })
            .await
            .unwrap();
        assert_eq!((index.len(), marks.len()), (20, 20));
        assert!(index.find("user-05").unwrap().deleted);
        let user = index.find("user-04").unwrap();
        assert!(user.enabled && user.groups.contains("b"));
    }
}

#[tokio::test]
async fn an_empty_repository_loads_as_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut calls = 0;
    let position = repository.load(|_| calls += 1).await.unwrap();
    assert_eq!((position, calls), (Seq(0), 1));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_follows_while_others_write_misses_nothing() {
    let scratch = Scratch::new();
    let (writer, follower) = (scratch.open().await, scratch.open().await);
    let work = tokio::spawn(async move {
        for n in 0..150 {
            writer
                .add_user(&user(&format!("user-{n}")), NOW)
                .await
                .unwrap();
            if n % 3 == 0 {
                writer
                    .end_sessions(&id(&format!("user-{}", n / 2)), NOW)
                    .await
                    .unwrap();
            }
        }
    });
    let mut index = UserIndex::new(IndexKey([9; 16]));
    let mut position = Seq(0);
    loop {
        let done = work.is_finished();
        let changes = follower.changes_since(position).await.unwrap();
        assert!(changes.position >= position);
        position = changes.position;
        index = index.with(&changes.users);
        if done && !changes.has_more() {
            break;
        }
    }
    work.await.unwrap();
    let mut fresh = UserIndex::new(IndexKey([9; 16]));
    let end = follower
        .load(|changes| fresh = fresh.with(&changes.users))
        .await
        .unwrap();
    assert_eq!((position, index.len()), (end, 150));
    for n in 0..150 {
        let name = format!("user-{n}");
        assert_eq!(index.find(&name), fresh.find(&name), "{name}");
    }
}
