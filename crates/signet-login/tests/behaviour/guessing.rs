//! Guessing passwords: how often one may, and what one learns.

use std::time::{Duration, Instant};

use http::StatusCode;
use signet_login::ThrottleSettings;

use crate::support::*;

const TIGHT: ThrottleSettings = ThrottleSettings {
    account_failures: 5,
    address_failures: 8,
    window: Duration::from_secs(500),
};

async fn tight() -> Instance {
    let mut settings = settings();
    settings.throttle = TIGHT;
    Instance::with(settings).await
}

// L7
#[tokio::test]
async fn an_account_is_guarded_whatever_it_is_called_and_wherever_from() {
    let instance = tight().await;
    let spellings = ["alice", "ALICE", "Alice ", "\u{430}lice", "al\u{456}ce"];
    for (n, spelling) in spellings.iter().enumerate() {
        let mut browser = instance.browser();
        browser.address = [198, 51, 100, n as u8].into();
        let answer = browser.log_in(spelling, "wrong").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{spelling}");
    }
    for spelling in spellings {
        let mut browser = instance.browser();
        browser.address = [203, 0, 113, 1].into();
        let answer = browser.log_in(spelling, PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS, "{spelling}");
        assert_eq!(header(&answer, "retry-after"), "100");
        assert_eq!(browser.token(), None);
    }
    instance.time.pass(100);
    instance.browser().logs_in().await;
}

// L7
#[tokio::test]
async fn an_address_is_guarded_whomever_it_asks_for() {
    let instance = tight().await;
    let mut browser = instance.browser();
    for n in 0..8 {
        let answer = browser.log_in(&format!("user-{n}"), "wrong").await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    }
    let answer = browser.log_in("alice", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::TOO_MANY_REQUESTS);
    browser.address = [198, 51, 100, 7].into();
    browser.logs_in().await;
}

// L7
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn attempts_made_at_once_do_not_slip_through() {
    for _ in 0..3 {
        let instance = tight().await;
        let mut browser = instance.browser();
        let csrf = browser.csrf("/login").await;
        let attempts = (0..50).map(|n| {
            let mut browser = browser.clone();
            browser.address = [198, 51, 100, n].into();
            let csrf = csrf.clone();
            tokio::spawn(async move {
                let fields = [
                    ("username", "alice"),
                    ("password", "wrong"),
                    ("csrf", &csrf),
                ];
                browser.post("/login", &fields).await.status()
            })
        });
        let mut looked_at = 0;
        for attempt in attempts.collect::<Vec<_>>() {
            match attempt.await.unwrap() {
                StatusCode::FORBIDDEN => looked_at += 1,
                status => assert_eq!(status, StatusCode::TOO_MANY_REQUESTS),
            }
        }
        assert_eq!(looked_at, 5);
    }
}

// L7: the least of several times, because whatever else the machine does only adds to it. Without a hash a refusal takes
// a hundredth of the time.
#[tokio::test]
async fn a_refusal_takes_as_long_whether_or_not_there_is_such_a_user() {
    let instance = Instance::new().await;
    instance
        .add("imported", |user| {
            let hash = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=".parse().unwrap();
            user.password = Some(signet_repository::Password::lasting(hash));
        })
        .await;
    instance.add("keyless", |user| user.password = None).await;
    let least = async |id: &str| {
        let mut least = Duration::MAX;
        for _ in 0..5 {
            let mut browser = instance.browser();
            let csrf = browser.csrf("/login").await;
            let fields = [("username", id), ("password", "wrong"), ("csrf", &csrf)];
            let begun = Instant::now();
            let answer = browser.post("/login", &fields).await;
            least = least.min(begun.elapsed());
            assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        }
        least
    };
    let known = least("alice").await;
    for id in ["nobody", "imported", "keyless", "no\u{200b}body"] {
        let other = least(id).await;
        assert!(other * 8 > known, "{id}: {other:?} against {known:?}");
    }
}

#[tokio::test]
async fn a_refusal_says_the_same_whether_or_not_there_is_such_a_user() {
    let instance = Instance::new().await;
    instance.add("nobodx", |user| user.enabled = false).await;
    let mut pages = Vec::new();
    for id in ["alicx", "alice", "nobodx"] {
        let mut browser = instance.browser();
        let csrf = browser.csrf("/login").await;
        let fields = [("username", id), ("password", "wrong"), ("csrf", &csrf)];
        let answer = browser.post("/login", &fields).await;
        let csrf = hidden(&answer, "csrf").unwrap();
        pages.push((
            answer.status(),
            text(&answer).replace(id, "ID").replace(&csrf, "CSRF"),
        ));
    }
    assert_eq!(pages[0], pages[1]);
    assert_eq!(pages[0], pages[2]);
}

// T13
#[tokio::test]
async fn a_clock_that_jumps_locks_nobody_out_for_long() {
    let instance = tight().await;
    instance.time.set(START + 10 * 31_536_000);
    instance.browser().log_in("alice", "wrong").await;
    instance.time.set(START);
    let mut browser = instance.browser();
    browser.log_in("alice", PASSWORD).await;
    instance.time.pass(500);
    browser.logs_in().await;
}

// T13: without a clock the guard still stands.
#[tokio::test]
async fn the_end_of_time_does_not_open_the_guard() {
    let instance = tight().await;
    for present in [0, u64::MAX] {
        instance.time.set(present);
        let mut last = StatusCode::OK;
        for _ in 0..6 {
            last = instance.browser().log_in("alice", "wrong").await.status();
        }
        assert_eq!(last, StatusCode::TOO_MANY_REQUESTS, "{present}");
    }
}

#[tokio::test]
async fn a_repository_that_does_not_answer_counts_against_nobody() {
    let instance = tight().await;
    let mut browser = instance.browser();
    instance.repository.close().await;
    for _ in 0..12 {
        let answer = browser.log_in("alice", PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
