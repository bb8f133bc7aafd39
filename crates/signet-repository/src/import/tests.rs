use signet_core::Generation;

use super::*;
use crate::scratch::{NOW, Scratch, groups, hash, id, password, user};
use crate::{Seq, UserPage, UserProfile};

fn people(count: u64) -> impl Iterator<Item = NewUser> + Send {
    (0..count).map(|n| NewUser {
        subject: id(&format!("user-{n:06}")),
        profile: UserProfile {
            name: Some(format!("User {n}")),
            mail: Some(format!("user-{n}@example.com")),
        },
        password: password("$argon2id$v=19$m=19456,t=2,p=1$c2FsdHNhbHRzYWx0$aGFzaGhhc2hoYXNo"),
        groups: groups(&["everyone", ["a", "b", "c"][n as usize % 3]]),
        enabled: true,
    })
}

#[tokio::test]
async fn ten_thousand_users_are_imported_and_again() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut told = Vec::new();
    let done = repository
        .import_users(people(10_000), Existing::Refuse, NOW, |n| told.push(n))
        .await
        .unwrap();
    assert_eq!((done.added, done.total()), (10_000, 10_000));
    assert!(told.is_sorted() && told.len() >= 50);
    assert_eq!(told.last(), Some(&10_000));
    assert_eq!(repository.count_users().await.unwrap(), 10_000);
    let one = repository.user(&id("user-004321")).await.unwrap().unwrap();
    assert_eq!(one.record.groups, groups(&["b", "everyone"]));
    assert_eq!(one.profile.name.as_deref(), Some("User 4321"));
    let head = repository.head().await.unwrap();
    assert_eq!(head, Seq(10_004), "users and four groups");

    let mut seen = 0;
    repository
        .load(|changes| seen += changes.users.len())
        .await
        .unwrap();
    assert_eq!(seen, 10_000);

    let again = repository
        .import_users(people(10_000), Existing::Replace, NOW, |_| ())
        .await
        .unwrap();
    assert_eq!((again.kept, again.total()), (10_000, 10_000));
    assert_eq!(repository.head().await.unwrap(), head, "nothing changed");
}

#[tokio::test]
async fn who_exists_is_refused_kept_or_replaced() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut alice = user("alice");
    alice.password = password("first");
    repository.add_user(&alice, NOW).await.unwrap();
    alice.password = password("second");
    alice.groups = groups(&["new"]);
    let import = async |existing, users: Vec<NewUser>| {
        repository.import_users(users, existing, NOW, |_| ()).await
    };

    let refused = import(Existing::Refuse, vec![user("bob"), alice.clone()]).await;
    assert!(matches!(refused, Err(UserError::Exists(who)) if who == id("alice")));
    assert!(
        repository.user(&id("bob")).await.unwrap().is_none(),
        "all or nobody"
    );

    let kept = import(Existing::Keep, vec![alice.clone()]).await.unwrap();
    assert_eq!((kept.kept, kept.total()), (1, 1));

    let replaced = import(Existing::Replace, vec![alice.clone()])
        .await
        .unwrap();
    assert_eq!((replaced.changed, replaced.total()), (1, 1));
    let account = repository.user(&id("alice")).await.unwrap().unwrap();
    assert_eq!(account.record.generation, Generation(2), "another password");
    assert_eq!(account.record.groups, alice.groups);

    alice.password = None;
    alice.enabled = false;
    import(Existing::Replace, vec![alice]).await.unwrap();
    let account = repository.user(&id("alice")).await.unwrap().unwrap();
    assert_eq!(account.record.generation, Generation(3), "shut out");
    assert_eq!(
        account.password.unwrap().hash,
        hash("second"),
        "none given, none taken"
    );
}

#[tokio::test]
async fn look_alikes_and_doubles_within_a_file_are_found() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let import = async |existing, names: &[&str]| {
        let users: Vec<_> = names.iter().map(|name| user(name)).collect();
        repository.import_users(users, existing, NOW, |_| ()).await
    };
    assert!(matches!(
        import(Existing::Keep, &["alice", "bob", "Alice"]).await,
        Err(UserError::LookAlike { .. })
    ));
    assert!(matches!(
        import(Existing::Refuse, &["alice", "alice"]).await,
        Err(UserError::Exists(_))
    ));
    let done = import(Existing::Keep, &["alice", "bob", "alice"])
        .await
        .unwrap();
    assert_eq!((done.added, done.kept), (2, 1));
    assert_eq!(
        import(Existing::Refuse, &[]).await.unwrap(),
        Imported::default()
    );
}

#[tokio::test]
async fn who_was_removed_comes_back_with_the_next_generation() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    repository.remove_user(&id("alice"), NOW).await.unwrap();
    let done = repository
        .import_users([user("alice")], Existing::Refuse, NOW, |_| ())
        .await
        .unwrap();
    assert_eq!(done.added, 1);
    let list = repository.users(&UserPage::default()).await.unwrap();
    assert_eq!(list[0].record.generation, Generation(3));
}
