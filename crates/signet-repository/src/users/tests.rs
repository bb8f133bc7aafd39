use super::*;
use crate::scratch::{NOW, Scratch, groups, hash, id, password, user};
use crate::{PasswordKind, Seq};

const LATER: UnixSeconds = UnixSeconds(NOW.0 + 60);

#[tokio::test]
async fn a_user_is_what_was_given() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let alice = NewUser {
        subject: id("alice"),
        profile: UserProfile {
            name: Some("Alice \u{9673}".to_owned()),
            mail: Some("alice@example.com".to_owned()),
        },
        password: Some(Password::one_time(hash("$2y$05$abc"))),
        groups: groups(&["editors", "administrators"]),
        enabled: true,
    };
    let made = repository.add_user(&alice, NOW).await.unwrap();
    let found = repository
        .find_for_login(&id("alice"))
        .await
        .unwrap()
        .unwrap();
    assert_eq!(found, made);
    assert_eq!(found.record.generation, Generation(1));
    assert_eq!(found.record.groups, alice.groups);
    assert_eq!(found.profile, alice.profile);
    assert!(found.must_change());
    assert_eq!(found.password.unwrap().hash.as_str(), "$2y$05$abc");
    assert_eq!((found.created, found.changed), (NOW, NOW));
    assert!(
        repository
            .find_for_login(&id("bob"))
            .await
            .unwrap()
            .is_none()
    );
    assert!(matches!(
        repository.add_user(&alice, NOW).await,
        Err(UserError::Exists(_))
    ));
}

#[tokio::test]
async fn what_ends_sessions_raises_the_generation_and_nothing_else_does() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let alice = id("alice");
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let generation = |account: Account| account.record.generation.0;
    let r = &repository;
    let profile = UserProfile {
        name: Some("A".to_owned()),
        mail: None,
    };
    assert_eq!(
        generation(r.update_profile(&alice, profile, LATER).await.unwrap()),
        1
    );
    assert_eq!(
        generation(r.set_groups(&alice, groups(&["a"]), LATER).await.unwrap()),
        1
    );
    assert_eq!(
        generation(r.set_password(&alice, password("x"), LATER).await.unwrap()),
        2
    );
    let (old, new) = (hash("x"), hash("$argon2id$y"));
    assert_eq!(
        generation(
            r.upgrade_password_hash(&alice, &old, new, LATER)
                .await
                .unwrap()
        ),
        2
    );
    assert_eq!(generation(r.disable_user(&alice, LATER).await.unwrap()), 3);
    assert_eq!(generation(r.disable_user(&alice, LATER).await.unwrap()), 3);
    assert_eq!(generation(r.enable_user(&alice, LATER).await.unwrap()), 3);
    assert_eq!(r.end_sessions(&alice, LATER).await.unwrap(), Generation(4));
    assert_eq!(
        generation(r.set_password(&alice, None, LATER).await.unwrap()),
        5
    );
    assert_eq!(generation(r.remove_user(&alice, LATER).await.unwrap()), 6);
}

#[tokio::test]
async fn a_stronger_hash_replaces_only_the_one_it_was_made_from() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut alice = user("alice");
    alice.password = Some(Password::one_time(hash("old")));
    repository.add_user(&alice, NOW).await.unwrap();
    let upgrade = |from: &'static str, to: &'static str| {
        let repository = repository.clone();
        async move {
            let account = repository
                .upgrade_password_hash(&id("alice"), &hash(from), hash(to), LATER)
                .await
                .unwrap();
            account.password.unwrap()
        }
    };
    assert_eq!(upgrade("other", "wrong").await.hash, hash("old"));
    let upgraded = upgrade("old", "new").await;
    assert_eq!(upgraded.hash, hash("new"));
    assert_eq!(upgraded.kind, PasswordKind::OneTime);
}

#[tokio::test]
async fn a_tombstone_keeps_id_and_generation_and_nothing_else() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut alice = user("alice");
    alice.profile.mail = Some("alice@example.com".to_owned());
    alice.password = password("x");
    alice.groups = groups(&["editors"]);
    repository.add_user(&alice, NOW).await.unwrap();
    repository.remove_user(&id("alice"), LATER).await.unwrap();

    let tombstone = repository.user(&id("alice")).await.unwrap().unwrap();
    assert!(tombstone.record.deleted && !tombstone.record.enabled);
    assert_eq!(tombstone.record.generation, Generation(2));
    assert!(tombstone.record.groups.is_empty());
    assert_eq!(
        (tombstone.profile, tombstone.password),
        (UserProfile::default(), None)
    );
    assert!(
        repository
            .find_for_login(&id("alice"))
            .await
            .unwrap()
            .is_none()
    );
    assert_eq!(repository.count_users().await.unwrap(), 0);
    for attempt in [
        repository.remove_user(&id("alice"), LATER).await,
        repository.enable_user(&id("alice"), LATER).await,
        repository.set_password(&id("alice"), None, LATER).await,
    ] {
        assert!(matches!(attempt, Err(UserError::Unknown(_))));
    }

    let again = repository.add_user(&user("alice"), LATER).await.unwrap();
    assert_eq!(
        again.record.generation,
        Generation(3),
        "continues, never starts anew"
    );
    assert!(again.record.enabled && !again.record.deleted);
    assert_eq!((again.created, again.password), (LATER, None));
}

#[tokio::test]
async fn ids_that_look_alike_are_refused() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("paypal"), NOW).await.unwrap();
    repository.add_user(&user("gone"), NOW).await.unwrap();
    repository.remove_user(&id("gone"), NOW).await.unwrap();
    let before = repository.head().await.unwrap();
    for (wanted, existing) in [
        ("PayPal", "paypal"),
        ("p\u{430}ypal", "paypal"),
        ("Gone", "gone"),
    ] {
        match repository.add_user(&user(wanted), NOW).await {
            Err(UserError::LookAlike {
                existing: found, ..
            }) => assert_eq!(found, id(existing)),
            other => panic!("{wanted}: {other:?}"),
        }
    }
    assert_eq!(repository.head().await.unwrap(), before);
}

#[tokio::test]
async fn a_generation_without_a_successor_fails_instead_of_ending_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let mut raw = scratch.raw().await;
    sqlx::raw_sql("UPDATE users SET generation = 4294967295")
        .execute(&mut raw)
        .await
        .unwrap();
    assert!(matches!(
        repository.end_sessions(&id("alice"), NOW).await,
        Err(UserError::GenerationExhausted(_))
    ));
}

#[tokio::test]
async fn what_changes_nothing_has_no_number() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut alice = user("alice");
    alice.groups = groups(&["a", "b"]);
    let made = repository.add_user(&alice, NOW).await.unwrap();
    let r = &repository;
    let subject = &alice.subject;
    let a: GroupName = "a".parse().unwrap();
    for account in [
        r.enable_user(subject, LATER).await.unwrap(),
        r.update_profile(subject, UserProfile::default(), LATER)
            .await
            .unwrap(),
        r.set_groups(subject, groups(&["b", "a"]), LATER)
            .await
            .unwrap(),
        r.add_to_group(subject, a, LATER).await.unwrap(),
        r.remove_from_group(subject, &"c".parse().unwrap(), LATER)
            .await
            .unwrap(),
    ] {
        assert_eq!(account, made);
    }
    assert_eq!(r.head().await.unwrap(), made.seq);
}

#[tokio::test]
async fn groups_are_made_on_first_use_and_counted() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for (name, in_groups) in [("alice", &["a", "b"][..]), ("bob", &["b"])] {
        let mut new = user(name);
        new.groups = groups(in_groups);
        repository.add_user(&new, NOW).await.unwrap();
    }
    let counts = async || -> Vec<(String, u64)> {
        let groups = repository.groups().await.unwrap();
        groups
            .iter()
            .map(|group| (group.name.to_string(), group.members))
            .collect()
    };
    assert_eq!(counts().await, [("a".to_owned(), 1), ("b".to_owned(), 2)]);
    let a: GroupName = "a".parse().unwrap();
    let account = repository
        .remove_from_group(&id("alice"), &a, LATER)
        .await
        .unwrap();
    assert_eq!(account.record.groups, groups(&["b"]));
    assert_eq!(account.seq, repository.head().await.unwrap());
    repository.remove_user(&id("bob"), LATER).await.unwrap();
    assert_eq!(counts().await, [("a".to_owned(), 0), ("b".to_owned(), 1)]);
}

#[tokio::test]
async fn the_list_is_paged_and_filtered_by_prefix() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for name in ["bob", "alice", "al", "zoe", "albert", "alina", "google:1"] {
        repository.add_user(&user(name), NOW).await.unwrap();
    }
    repository.remove_user(&id("alina"), NOW).await.unwrap();
    let list = async |page: UserPage| -> Vec<String> {
        let accounts = repository.users(&page).await.unwrap();
        accounts
            .iter()
            .map(|account| account.record.subject.to_string())
            .collect()
    };
    let all = list(UserPage::default()).await;
    assert_eq!(all, ["al", "albert", "alice", "bob", "google:1", "zoe"]);
    let al = UserPage {
        prefix: "al".to_owned(),
        ..UserPage::default()
    };
    assert_eq!(list(al.clone()).await, ["al", "albert", "alice"]);
    let second = UserPage {
        after: Some(id("al")),
        limit: 1,
        ..al.clone()
    };
    assert_eq!(list(second).await, ["albert"]);
    let with_tombstones = UserPage {
        tombstones: Tombstones::Show,
        ..al
    };
    assert_eq!(
        list(with_tombstones).await,
        ["al", "albert", "alice", "alina"]
    );
    assert_eq!(repository.count_users().await.unwrap(), 6);
    assert_eq!(repository.head().await.unwrap(), Seq(8));
}
