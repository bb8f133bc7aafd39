use signet_core::SessionId;

use super::*;
use crate::scratch::{NOW, Scratch, id, user};

const LIFE: Seconds = Seconds(1_800);

fn session(n: u8) -> NewToken {
    NewToken {
        subject: id("alice"),
        generation: Generation(1),
        session: SessionId([n; 16]),
        auth_time: NOW,
        expires: NOW.plus(LIFE),
        session_end: NOW.plus(Seconds(4_000)),
        methods: vec!["pwd".to_owned(), "otp".to_owned()],
    }
}

fn after(seconds: u64) -> UnixSeconds {
    NOW.plus(Seconds(seconds))
}

#[tokio::test]
async fn a_token_opens_its_own_row() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (token, made) = repository.create_token(&session(1), NOW).await.unwrap();
    assert_eq!(token.as_str().len(), 36 + 1 + 32);
    let found = repository.find_token(token.as_str(), NOW).await.unwrap();
    assert_eq!(found, Some(made));
    let found = found.unwrap();
    assert_eq!(found.session, SessionId([1; 16]));
    assert_eq!(found.methods, ["pwd", "otp"]);
    assert_eq!(repository.head().await.unwrap().0, 0, "tokens stay here");
}

#[tokio::test]
async fn another_key_or_id_opens_nothing() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (first, _) = repository.create_token(&session(1), NOW).await.unwrap();
    let (second, _) = repository.create_token(&session(2), NOW).await.unwrap();
    let (id, key) = first.as_str().split_once('_').unwrap();
    let other = second.as_str().split_once('_').unwrap().1;
    for bad in [
        format!("{id}_{other}"),
        format!("{id}_{}", "0".repeat(32)),
        format!("{}_{key}", "0".repeat(36)),
        format!("00000000-0000-4000-8000-000000000000_{key}"),
        id.to_owned(),
        String::new(),
    ] {
        assert_eq!(
            repository.find_token(&bad, NOW).await.unwrap(),
            None,
            "{bad}"
        );
    }
}

// Invariant 4
#[tokio::test]
async fn only_a_hash_of_the_key_is_stored() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (token, row) = repository.create_token(&session(1), NOW).await.unwrap();
    let key = token.as_str().split_once('_').unwrap().1.as_bytes();
    assert!(!scratch.bytes().windows(32).any(|window| window == key));
    let raw = data_encoding::HEXLOWER.decode(key).unwrap();
    assert!(!scratch.bytes().windows(16).any(|window| window == raw));
    let shown = format!("{token:?} {row:?}");
    assert!(!shown.contains(std::str::from_utf8(key).unwrap()));
}

#[tokio::test]
async fn a_token_ends_at_its_expiry_and_with_its_session() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let mut long = session(1);
    long.expires = after(1_000_000);
    let (token, row) = repository.create_token(&long, NOW).await.unwrap();
    assert_eq!(row.expires, row.session_end);
    let find = async |at| repository.find_token(token.as_str(), at).await.unwrap();
    assert!(find(after(3_999)).await.is_some());
    assert!(find(after(4_000)).await.is_none());
}

#[tokio::test]
async fn the_expiry_is_reset_at_half_the_life_and_never_beyond_the_session() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (token, row) = repository.create_token(&session(1), NOW).await.unwrap();
    let reset = async |seconds| {
        let now = after(seconds);
        let row = repository
            .find_token(token.as_str(), now)
            .await
            .unwrap()
            .unwrap();
        repository.reset_expiration(&row, LIFE, now).await.unwrap()
    };
    assert_eq!(reset(899).await, None);
    assert_eq!(reset(900).await, Some(after(2_700)));
    assert_eq!(reset(901).await, None);
    assert_eq!(reset(2_600).await, Some(after(4_000)), "the session's end");
    assert_eq!(reset(3_999).await, None);
    // An old row does not shorten what was reset since, nor wake what expired.
    assert_eq!(
        repository
            .reset_expiration(&row, LIFE, after(1_000))
            .await
            .unwrap(),
        None
    );
    assert_eq!(
        repository
            .reset_expiration(&row, LIFE, after(5_000))
            .await
            .unwrap(),
        None
    );
}

#[tokio::test]
async fn expired_tokens_are_cleaned_up() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for n in 0..20 {
        repository.create_token(&session(n), NOW).await.unwrap();
    }
    let (kept, _) = repository
        .create_token(&session(99), after(100))
        .await
        .unwrap();
    let mut late = session(98);
    late.expires = after(3_000);
    repository.create_token(&late, NOW).await.unwrap();
    assert_eq!(
        repository
            .remove_expired_tokens(after(1_799))
            .await
            .unwrap(),
        0
    );
    assert_eq!(
        repository
            .remove_expired_tokens(after(1_800))
            .await
            .unwrap(),
        21
    );
    assert_eq!(
        repository
            .find_token(kept.as_str(), after(200))
            .await
            .unwrap(),
        None
    );
    // One in eight: 200 tokens that clean up nothing would be a chance of 1 in 10^11.
    for n in 0..200 {
        let mut next = session(n);
        next.expires = after(4_000);
        repository.create_token(&next, after(3_001)).await.unwrap();
    }
    assert_eq!(
        repository
            .remove_expired_tokens(after(3_001))
            .await
            .unwrap(),
        0
    );
}

#[tokio::test]
async fn logging_out_forgets_the_token() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let (token, row) = repository.create_token(&session(1), NOW).await.unwrap();
    assert!(repository.remove_token(row.id).await.unwrap());
    assert!(!repository.remove_token(row.id).await.unwrap());
    assert_eq!(
        repository.find_token(token.as_str(), NOW).await.unwrap(),
        None
    );
}

#[tokio::test]
async fn a_new_generation_takes_the_tokens_of_older_ones_along() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.add_user(&user("alice"), NOW).await.unwrap();
    let (token, _) = repository.create_token(&session(1), NOW).await.unwrap();
    let find = async || repository.find_token(token.as_str(), NOW).await.unwrap();
    repository
        .add_to_group(&id("alice"), "a".parse().unwrap(), NOW)
        .await
        .unwrap();
    assert!(find().await.is_some());
    repository.end_sessions(&id("alice"), NOW).await.unwrap();
    assert!(find().await.is_none());
}
