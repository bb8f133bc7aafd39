use signet_core::{Generation, SessionId};

use super::*;
use crate::scratch::{NOW, Scratch, groups, id, mark, password, user};
use crate::{MarkReason, NewToken, RepositoryToken, Seq};

const LATER: UnixSeconds = UnixSeconds(NOW.0 + 60);

/// Copies the repository as a backup does, and opens the copy.
async fn put_away(repository: &Repository) -> (Scratch, Repository) {
    let old = Scratch::new();
    repository.copy_to(&old.path()).await.unwrap();
    let copy = old.open().await;
    (old, copy)
}

async fn end(repository: &Repository, n: u16) {
    let mark = mark(n, NOW.0 + 1_000 + u64::from(n));
    repository
        .add_mark(mark, Some(&id("alice")), MarkReason::Logout, NOW)
        .await
        .unwrap();
}

async fn token(repository: &Repository, name: &str) -> RepositoryToken {
    let new = NewToken {
        subject: id(name),
        generation: Generation(1),
        session: SessionId([1; 16]),
        auth_time: NOW,
        expires: UnixSeconds(NOW.0 + 1_800),
        session_end: UnixSeconds(NOW.0 + 43_200),
        methods: vec!["pwd".into()],
    };
    repository.create_token(&new, NOW).await.unwrap().0
}

async fn is_there(repository: &Repository, token: &RepositoryToken) -> bool {
    let found = repository.find_token(token.as_str(), NOW).await.unwrap();
    found.is_some()
}

async fn generation(repository: &Repository, name: &str) -> u32 {
    let account = repository.user(&id(name)).await.unwrap().unwrap();
    account.record.generation.0
}

// S6
#[tokio::test]
async fn sessions_that_were_ended_stay_ended() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for name in ["alice", "bob"] {
        repository.add_user(&user(name), NOW).await.unwrap();
    }
    end(&repository, 1).await;
    let logged_out = token(&repository, "alice").await;
    let (_old, old) = put_away(&repository).await;

    end(&repository, 2).await;
    end(&repository, 3).await;
    repository.end_sessions(&id("bob"), NOW).await.unwrap();
    let row = repository
        .find_token(logged_out.as_str(), NOW)
        .await
        .unwrap();
    repository.remove_token(row.unwrap().id).await.unwrap();
    let logged_in = token(&repository, "alice").await;
    repository
        .purge_marks(UnixSeconds(NOW.0 + 1_001))
        .await
        .unwrap();
    let head = repository.head().await.unwrap();

    let united = old.unite_from(&scratch.path(), LATER).await.unwrap();
    assert_eq!((united.marks, united.raised), (2, 1));
    let changes = old.changes_since(Seq(0)).await.unwrap();
    let ended: Vec<_> = changes
        .marks
        .iter()
        .map(|mark| mark.until.0 - NOW.0)
        .collect();
    assert_eq!(ended, [1_001, 1_002, 1_003], "none is taken back");
    assert_eq!(changes.floor, UnixSeconds(NOW.0 + 1_001));
    assert_eq!(generation(&old, "bob").await, 2);
    assert!(!is_there(&old, &logged_out).await);
    assert!(is_there(&old, &logged_in).await);

    // Who followed the newer one finds whatever changed behind what they know.
    let news = old.changes_since(head).await.unwrap();
    assert_eq!((news.marks.len(), news.users.len()), (2, 1));
    assert!(!news.has_more());
}

#[tokio::test]
async fn what_became_of_users_is_not_taken_back() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for name in ["alice", "gone", "shut", "changed", "untouched"] {
        let mut account = user(name);
        account.password = password("$argon2id$OLD$");
        account.groups = groups(&["editors"]);
        account.profile.name = Some(name.to_uppercase());
        repository.add_user(&account, NOW).await.unwrap();
    }
    let (_old, old) = put_away(&repository).await;
    repository.remove_user(&id("gone"), NOW).await.unwrap();
    repository.disable_user(&id("shut"), NOW).await.unwrap();
    repository
        .set_password(&id("changed"), password("$argon2id$NEW$"), NOW)
        .await
        .unwrap();
    repository
        .set_groups(&id("alice"), groups(&["others"]), NOW)
        .await
        .unwrap();
    repository.add_user(&user("newcomer"), NOW).await.unwrap();
    let untouched = old.user(&id("untouched")).await.unwrap();

    let united = old.unite_from(&scratch.path(), LATER).await.unwrap();
    assert_eq!(
        united,
        United {
            marks: 0,
            raised: 3,
            removed: 1,
            disabled: 1,
            passwords: 1,
            new: 1,
            continues: true,
        }
    );
    let find = async |name| old.user(&id(name)).await.unwrap().unwrap();
    let gone = find("gone").await;
    assert!(gone.record.deleted && !gone.record.enabled);
    assert!(gone.password.is_none() && gone.profile.name.is_none());
    assert_eq!(
        (gone.record.groups, gone.record.generation),
        (groups(&[]), Generation(2))
    );
    let shut = find("shut").await;
    assert!(!shut.record.enabled && !shut.record.deleted);
    assert_eq!(shut.profile.name.as_deref(), Some("SHUT"));
    assert_eq!(find("changed").await.password, password("$argon2id$NEW$"));
    let alice = find("alice").await;
    assert_eq!(
        alice.record.groups,
        groups(&["editors"]),
        "the rest is as it was put away"
    );
    assert_eq!(alice.password, password("$argon2id$OLD$"));
    assert_eq!(old.user(&id("untouched")).await.unwrap(), untouched);

    // Somebody who is made again goes on behind all sessions that there ever were.
    assert!(find("newcomer").await.record.deleted);
    let again = old.add_user(&user("newcomer"), LATER).await.unwrap();
    assert_eq!(again.record.generation, Generation(3));
    old.check().await.unwrap();
}

#[tokio::test]
async fn who_was_removed_before_and_made_again_is_removed_but_no_session_returns() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    repository.remove_user(&id("alice"), NOW).await.unwrap();
    let (_old, old) = put_away(&repository).await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    repository.end_sessions(&id("alice"), NOW).await.unwrap();
    old.unite_from(&scratch.path(), LATER).await.unwrap();
    let alice = old.user(&id("alice")).await.unwrap().unwrap();
    assert_eq!(
        (alice.record.deleted, alice.record.generation),
        (true, Generation(4))
    );
}

#[tokio::test]
async fn uniting_twice_or_with_the_same_changes_nothing_more() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let (_old, old) = put_away(&repository).await;
    let nothing = United {
        continues: true,
        ..United::default()
    };
    let united = old.unite_from(&scratch.path(), LATER).await.unwrap();
    assert_eq!(united, nothing);
    end(&repository, 1).await;
    repository.end_sessions(&id("alice"), NOW).await.unwrap();
    repository.add_user(&user("bob"), NOW).await.unwrap();
    old.unite_from(&scratch.path(), LATER).await.unwrap();
    let head = old.head().await.unwrap();
    let again = old.unite_from(&scratch.path(), LATER).await.unwrap();
    assert_eq!(
        again,
        United::default(),
        "the other is the further one by now"
    );
    assert_eq!(old.head().await.unwrap(), head);
}

#[tokio::test]
async fn the_newer_one_is_only_read_and_may_be_of_an_older_schema() {
    let old = Scratch::new();
    let repository = old.open().await;
    let newer = Scratch::new();
    let mut raw = newer.raw().await;
    let schema = include_str!("../../tests/fixtures/schema-1.sql");
    sqlx::raw_sql(schema).execute(&mut raw).await.unwrap();
    raw.close().await.unwrap();
    let mode = std::os::unix::fs::PermissionsExt::from_mode(0o600);
    std::fs::set_permissions(newer.path(), mode).unwrap();
    let before = std::fs::read(newer.path()).unwrap();

    let united = repository.unite_from(&newer.path(), LATER).await.unwrap();
    assert_eq!((united.marks, united.new), (1, 4));
    assert_eq!(std::fs::read(newer.path()).unwrap(), before);
    assert!(repository.head().await.unwrap() >= Seq(12));
    assert_eq!(repository.floor().await.unwrap().0, NOW.0 + 1);
}

#[tokio::test]
async fn what_cannot_be_read_changes_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let newer = Scratch::new();
    let error = repository
        .unite_from(&newer.path(), LATER)
        .await
        .unwrap_err();
    assert!(matches!(error, RepositoryError::Missing), "{error:?}");

    let other = newer.open().await;
    end(&other, 1).await;
    sqlx::raw_sql("UPDATE local_values SET value = 'x'; DROP TABLE memberships; DROP TABLE tokens")
        .execute(other.store.writer())
        .await
        .unwrap();
    other.close().await;
    repository
        .unite_from(&newer.path(), LATER)
        .await
        .unwrap_err();
    assert_eq!(repository.count_marks().await.unwrap(), 0);
    assert_eq!(repository.head().await.unwrap(), Seq(1));
}

// S6
#[tokio::test]
async fn every_session_can_be_ended_at_once() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for name in ["alice", "bob", "gone"] {
        repository.add_user(&user(name), NOW).await.unwrap();
    }
    repository.remove_user(&id("gone"), NOW).await.unwrap();
    let stored = token(&repository, "alice").await;
    let before = repository.head().await.unwrap();
    assert_eq!(repository.end_every_session(LATER).await.unwrap(), 2);
    for (name, expected) in [("alice", LEAP + 1), ("bob", LEAP + 1), ("gone", LEAP + 2)] {
        assert_eq!(generation(&repository, name).await, expected, "{name}");
    }
    assert!(!is_there(&repository, &stored).await);
    let changes = repository.changes_since(before).await.unwrap();
    assert_eq!((changes.users.len(), changes.has_more()), (3, false));
}

#[tokio::test]
async fn a_check_finds_damage() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    repository.check().await.unwrap();
    let mut raw = scratch.raw().await;
    sqlx::raw_sql(
        "PRAGMA foreign_keys = OFF; INSERT INTO memberships VALUES ('nobody', 'nothing')",
    )
    .execute(&mut raw)
    .await
    .unwrap();
    let error = repository.check().await.unwrap_err();
    assert!(matches!(error, RepositoryError::Damaged(_)), "{error:?}");
}
