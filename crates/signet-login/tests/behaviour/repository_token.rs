//! Tokens that only their own instance knows, by the rules of Apache Jackrabbit Oak.

use http::StatusCode;
use signet_login::TokenMode;

use crate::support::*;

async fn instance() -> Instance {
    let mut settings = settings();
    settings.mode = TokenMode::Repository;
    Instance::with(settings).await
}

#[tokio::test]
async fn expiry_is_reset_when_half_or_less_remains_and_by_page_loads_only() {
    let instance = instance().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let expires = async |browser: &mut Browser| {
        json(&browser.fetch("/whoami").await)["expires_at"]
            .as_u64()
            .unwrap()
    };
    assert_eq!(expires(&mut browser).await, START + 1_800);
    instance.time.pass(899);
    assert!(set_cookies(&browser.get("/whoami").await).is_empty());
    assert_eq!(expires(&mut browser).await, START + 1_800);
    instance.time.pass(1);
    browser.fetch("/whoami").await;
    assert_eq!(expires(&mut browser).await, START + 1_800);
    let before = browser.token().map(str::to_owned);
    let answer = browser.get("/whoami").await;
    assert_eq!(json(&answer)["expires_at"], START + 900 + 1_800);
    assert_eq!(browser.token(), before.as_deref(), "the token stays");
    assert!(set_cookies(&answer)[0].contains("Max-Age=1800"));
    instance.time.pass(1_799);
    assert_eq!(browser.whoami().await, StatusCode::OK);
    instance.time.pass(1);
    assert_eq!(
        browser.get("/whoami").await.status(),
        StatusCode::UNAUTHORIZED
    );
}

#[tokio::test]
async fn another_instance_refuses_it() {
    let first = instance().await;
    let second = first.neighbour().await;
    let mut browser = first.browser();
    browser.logs_in().await;
    browser.moves_to(&second);
    assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
    browser.moves_to(&first);
    assert_eq!(browser.whoami().await, StatusCode::OK);
}

#[tokio::test]
async fn its_parts_open_nothing_by_themselves() {
    let instance = instance().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let token = browser.token().unwrap().to_owned();
    let (id, key) = token.split_once('_').unwrap();
    let other = "0".repeat(32);
    for bad in [
        id.to_owned(),
        key.to_owned(),
        format!("{id}_{other}"),
        format!("{id}_"),
        token.to_uppercase(),
        format!("{token}0"),
        format!(" {token}x"),
        format!("\"{token}\""),
    ] {
        browser.cookies.insert(TOKEN.to_owned(), bad.clone());
        assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED, "{bad}");
    }
}

// S2: who cannot be recognised because nobody could look cannot be told that they are logged out.
#[tokio::test]
async fn a_logout_that_could_not_happen_is_not_claimed() {
    let instance = instance().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let csrf = browser.csrf("/logout").await;
    instance.repository.close().await;
    let answer = browser.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        browser.token().is_some(),
        "there is something left to log out of"
    );
    let answer = browser.get("/logout").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(browser.token().is_some());
}

#[tokio::test]
async fn an_encapsulated_logout_that_could_not_be_recorded_is_not_claimed_either() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let csrf = browser.csrf("/logout").await;
    instance.repository.close().await;
    let answer = browser.post("/logout", &[("csrf", &csrf)]).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(hidden(&answer, "csrf").is_some());
    // Invariant 1: recognising the session needs no repository.
    assert_eq!(browser.whoami().await, StatusCode::OK);
}
