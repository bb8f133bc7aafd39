//! HTTP Basic.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use data_encoding::BASE64;
use signet_core::{Clock as _, Denied};
use signet_login::{BasicMode, Event, Recognised};

use crate::support::*;

const ADDRESS: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 9));

async fn instance() -> Instance {
    let mut settings = settings();
    settings.basic = BasicMode::On;
    settings.throttle.account_failures = 5;
    Instance::with(settings).await
}

async fn try_as(instance: &Instance, id: &str, password: &str) -> Result<String, Denied> {
    let credentials = BASE64.encode(format!("{id}:{password}").as_bytes());
    let sent = headers(&[("authorization", &format!("Basic {credentials}"))]);
    let take = |found: Recognised<'_>| found.session.claims.subject.to_string();
    instance.site.basic.recognise(&sent, ADDRESS, take).await
}

// O7
#[tokio::test]
async fn it_is_off_unless_it_is_switched_on() {
    let instance = Instance::new().await;
    let sent = headers(&[("authorization", "Basic YWxpY2U6eA==")]);
    assert!(!instance.site.basic.applies(&sent));
    instance.configure(|settings| settings.basic = BasicMode::On);
    assert!(instance.site.basic.applies(&sent));
    for other in ["Bearer x", "Basic", "Basic !", "Digest a=b"] {
        let sent = headers(&[("authorization", other)]);
        assert!(!instance.site.basic.applies(&sent), "{other}");
    }
}

// O7: a hash takes long enough to tell whether one was made; the least of several times is compared.
#[tokio::test]
async fn a_success_is_remembered_for_a_minute_and_no_longer() {
    let instance = instance().await;
    let timed = async || {
        let begun = Instant::now();
        assert_eq!(
            try_as(&instance, "alice", PASSWORD).await.as_deref(),
            Ok("alice")
        );
        begun.elapsed()
    };
    let (mut hashed, mut remembered) = (Duration::MAX, Duration::MAX);
    for _ in 0..3 {
        hashed = hashed.min(timed().await);
        for _ in 0..5 {
            remembered = remembered.min(timed().await);
        }
        instance.time.pass(60);
    }
    assert!(remembered * 4 < hashed, "{remembered:?} against {hashed:?}");
    // Nor does the clock lengthen it by going back.
    timed().await;
    instance.time.set(instance.time.now().0 - 10_000);
    let after = timed().await;
    assert!(after * 8 > hashed, "{after:?} against {hashed:?}");
}

// O7
#[tokio::test]
async fn whatever_ends_sessions_ends_the_memory_at_once() {
    let instance = instance().await;
    let alice = subject("alice");
    let now = instance.time.now();
    assert!(try_as(&instance, "alice", PASSWORD).await.is_ok());
    instance
        .repository
        .set_password(&alice, Some(lasting("another one")), now)
        .await
        .unwrap();
    instance.follow().await;
    assert_eq!(
        try_as(&instance, "alice", PASSWORD).await,
        Err(Denied::CredentialsWrong)
    );
    assert!(try_as(&instance, "alice", "another one").await.is_ok());
    instance.repository.disable_user(&alice, now).await.unwrap();
    instance.follow().await;
    assert!(try_as(&instance, "alice", "another one").await.is_err());
    instance.repository.remove_user(&alice, now).await.unwrap();
    instance.follow().await;
    assert!(try_as(&instance, "alice", "another one").await.is_err());
}

// O7, L7
#[tokio::test]
async fn failures_are_throttled_before_they_are_hashed() {
    let instance = instance().await;
    for _ in 0..5 {
        assert_eq!(
            try_as(&instance, "alice", "wrong").await,
            Err(Denied::CredentialsWrong)
        );
    }
    assert_eq!(instance.site.tally.read(Event::LoginFailure), 5);
    for id in ["alice", "ALICE"] {
        assert!(try_as(&instance, id, PASSWORD).await.is_err());
    }
    assert_eq!(instance.site.tally.read(Event::LoginFailure), 5);
    assert_eq!(instance.site.tally.read(Event::Throttled), 2);
}

// O7
#[tokio::test]
async fn a_password_that_must_be_changed_opens_nothing() {
    let instance = instance().await;
    instance
        .add("bob", |user| user.password = Some(one_time()))
        .await;
    for _ in 0..2 {
        assert_eq!(
            try_as(&instance, "bob", PASSWORD).await,
            Err(Denied::CredentialsWrong)
        );
    }
}

#[tokio::test]
async fn the_memory_is_of_this_user_and_this_password() {
    let instance = instance().await;
    instance
        .add("bob", |user| {
            user.password = Some(lasting("the password of bob"));
        })
        .await;
    assert!(try_as(&instance, "alice", PASSWORD).await.is_ok());
    assert!(
        try_as(&instance, "bob", "the password of bob")
            .await
            .is_ok()
    );
    for (id, password) in [
        ("bob", PASSWORD),
        ("alice", "the password of bob"),
        ("alic", "e:x"),
        ("alice", ""),
    ] {
        assert!(try_as(&instance, id, password).await.is_err(), "{id}");
    }
}
