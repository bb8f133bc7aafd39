//! HTTP Basic at the gate.

use data_encoding::BASE64;
use http::{HeaderMap, StatusCode};
use signet_login::BasicMode;

use crate::question::*;
use crate::support::*;

fn credentials(id: &str, password: &str) -> HeaderMap {
    let encoded = BASE64.encode(format!("{id}:{password}").as_bytes());
    headers(&[("authorization", &format!("Basic {encoded}"))])
}

// O7
#[tokio::test]
async fn it_opens_the_gate_only_where_it_is_switched_on() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let right = credentials("alice", PASSWORD);
    let verdict = ask(&gate, "/auth/request", &right, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
    instance.configure(|settings| settings.basic = BasicMode::On);
    for path in ["/auth/request", "/auth/forward"] {
        let verdict = ask(&gate, path, &right, PROXY).await;
        assert_eq!(verdict.headers()["remote-user"], "alice");
        assert!(!verdict.headers().contains_key("set-cookie"));
        let wrong = credentials("alice", "wrong");
        let verdict = ask(&gate, path, &wrong, PROXY).await;
        assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
    }
    instance.configure(|settings| settings.basic = BasicMode::Off);
    let verdict = ask(&gate, "/auth/request", &right, PROXY).await;
    assert_eq!(
        verdict.status(),
        StatusCode::UNAUTHORIZED,
        "nor is it remembered"
    );
}

// O7, T13
#[tokio::test]
async fn wrong_credentials_are_not_made_up_for_by_anything() {
    let instance = Instance::new().await;
    instance.configure(|settings| settings.basic = BasicMode::On);
    instance
        .add("bob", |user| user.password = Some(one_time()))
        .await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.logs_in().await;
    for (id, password) in [
        ("alice", "wrong"),
        ("nobody", "x"),
        ("bob", PASSWORD),
        ("", ""),
    ] {
        let mut sent = credentials(id, password);
        sent.extend(browser.headers());
        let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
        assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED, "{id}");
    }
    instance.repository.close().await;
    let verdict = ask(
        &gate,
        "/auth/request",
        &credentials("alice", PASSWORD),
        PROXY,
    )
    .await;
    assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
}

// L7: the address that is throttled is that of the client, not of the proxy.
#[tokio::test]
async fn guessing_through_a_proxy_is_counted_against_the_client() {
    let instance = Instance::new().await;
    instance.configure(|settings| {
        settings.basic = BasicMode::On;
        settings.throttle.address_failures = 3;
    });
    let gate = gate(&instance, without_rules());
    let from = |address: &str, id: &str, password: &str| {
        with(credentials(id, password), &[("x-forwarded-for", address)])
    };
    for n in 0..3 {
        let sent = from("192.0.2.66", &format!("user-{n}"), "wrong");
        ask(&gate, "/auth/request", &sent, PROXY).await;
    }
    let sent = from("192.0.2.66", "alice", PASSWORD);
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
    let sent = from("192.0.2.67", "alice", PASSWORD);
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::OK);
}
