//! What must never end in a session: other zones, faults of clock and repository, and bytes at random.

use http::{HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use signet_core::Format;
use signet_login::TokenMode;

use crate::support::*;

// T8
#[tokio::test]
async fn a_token_is_for_its_own_zone() {
    for format in [Format::Sealed, Format::Signed] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.policy.format = format);
        let mut browser = instance.browser();
        browser.logs_in().await;
        for zone in [
            "www.example.com.evil",
            "ww.example.com",
            "example.com",
            "www.example.co",
        ] {
            instance.configure(|settings| settings.policy.zone = zone.parse().unwrap());
            assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED, "{zone}");
        }
        instance.configure(|settings| settings.policy.zone = "www.example.com".parse().unwrap());
        assert_eq!(browser.whoami().await, StatusCode::OK);
    }
}

// T5: what the farm made for another purpose is no session.
#[tokio::test]
async fn a_form_field_is_no_token() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let binding = browser.cookies.get(FORM).unwrap().clone();
    for blob in [csrf, binding] {
        browser.cookies.insert(TOKEN.to_owned(), blob);
        assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
    }
}

// T13
#[tokio::test]
async fn a_wrong_clock_lets_nobody_in() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let mut browser = instance.browser();
        browser.logs_in().await;
        for present in [
            0,
            1,
            START - 61,
            START + 1_861,
            u64::MAX / 1_000,
            u64::MAX - 1,
            u64::MAX,
        ] {
            instance.time.set(present);
            for path in ["/whoami", "/"] {
                let status = browser.clone().get(path).await.status();
                assert!(!status.is_success(), "{mode:?} {present} {path}: {status}");
            }
            for path in ["/login", "/logout", "/renew", "/j_security_check"] {
                browser.clone().get(path).await;
                let status = browser.clone().post(path, &[]).await.status();
                assert!(!status.is_success(), "{mode:?} {present} {path}: {status}");
            }
        }
        instance.time.set(START);
        assert_eq!(browser.whoami().await, StatusCode::OK);
    }
}

// T13
#[tokio::test]
async fn without_a_repository_nobody_logs_in() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let mut stored = instance.browser();
        stored.logs_in().await;
        instance.repository.close().await;
        let mut browser = instance.browser();
        let answer = browser.log_in("alice", PASSWORD).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        assert_eq!(browser.token(), None);
        let fields = [
            ("j_username", "alice"),
            ("j_password", PASSWORD),
            ("j_validate", "true"),
        ];
        let answer = browser.post("/j_security_check", &fields).await;
        assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
        if mode == TokenMode::Repository {
            assert_eq!(stored.whoami().await, StatusCode::UNAUTHORIZED);
        }
    }
}

// T13
#[tokio::test]
async fn without_a_key_nobody_logs_in_and_nobody_is_recognised() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let csrf = instance.browser().csrf("/login").await;
    instance.set_keys(&[]);
    assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
    let answer = browser.get("/login").await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    let fields = [
        ("j_username", "alice"),
        ("j_password", PASSWORD),
        ("csrf", &csrf),
    ];
    let answer = browser.post("/j_security_check", &fields).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    // T13, invariant 3
    #[test]
    fn no_bytes_in_a_cookie_are_a_session(
        bytes in proptest::collection::vec(any::<u8>(), 0..300),
        path in prop::sample::select(vec!["/whoami", "/", "/renew", "/logout", "/login"]),
    ) {
        thread_local! {
            static RUNTIME: (tokio::runtime::Runtime, Instance) = {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let instance = runtime.block_on(Instance::new());
                (runtime, instance)
            };
        }
        let cookie = [TOKEN.as_bytes(), b"=", &bytes].concat();
        let Ok(cookie) = HeaderValue::from_bytes(&cookie) else { return Ok(()) };
        RUNTIME.with(|(runtime, instance)| {
            let mut browser = instance.browser();
            let mut sent = browser.headers();
            sent.insert("cookie", cookie);
            let method = if path == "/renew" { Method::POST } else { Method::GET };
            let answer = runtime.block_on(browser.send(method, path, sent, vec![]));
            let is_page = path == "/login";
            prop_assert_eq!(answer.status().is_success(), is_page);
            prop_assert!(browser.token().is_none());
            Ok(())
        })?;
    }

    #[test]
    fn no_form_of_random_bytes_is_a_login(body in proptest::collection::vec(any::<u8>(), 0..200), kind in "(application/x-www-form-urlencoded)?[ -~]{0,10}") {
        thread_local! {
            static RUNTIME: (tokio::runtime::Runtime, Instance) = {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                let instance = runtime.block_on(Instance::new());
                (runtime, instance)
            };
        }
        RUNTIME.with(|(runtime, instance)| {
            let mut browser = instance.browser();
            let mut sent = browser.headers();
            if let Ok(kind) = HeaderValue::from_str(&kind) {
                sent.insert("content-type", kind);
            }
            for path in ["/login", "/logout"] {
                let answer = runtime.block_on(browser.send(Method::POST, path, sent.clone(), body.clone()));
                prop_assert!(!answer.status().is_success());
                prop_assert!(browser.token().is_none());
            }
            Ok(())
        })?;
    }
}
