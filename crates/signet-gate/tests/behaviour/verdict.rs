//! What the gate answers to whom.

use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use proptest::prelude::*;
use signet_core::Clock as _;
use signet_login::TokenMode;

use crate::question::*;
use crate::support::*;

// P7, P6
#[tokio::test]
async fn a_user_passes_and_nobody_else() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let gate = gate(&instance, without_rules());
        let mut browser = instance.browser();
        for path in ["/auth/request", "/auth/forward"] {
            let verdict = ask(&gate, path, &HeaderMap::new(), PROXY).await;
            assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
        }
        browser.logs_in().await;
        for path in ["/auth/request", "/auth/forward"] {
            let verdict = ask(&gate, path, &browser.headers(), PROXY).await;
            assert_eq!(verdict.status(), StatusCode::OK);
            assert_eq!(verdict.headers()["remote-user"], "alice");
        }
        let copy = browser.clone();
        browser.log_out().await;
        for path in ["/auth/request", "/auth/forward"] {
            let verdict = ask(&gate, path, &copy.headers(), PROXY).await;
            assert_ne!(verdict.status(), StatusCode::OK, "S2");
        }
    }
}

// P7, S9: each proxy is told in its own way.
#[tokio::test]
async fn each_flavour_has_its_own_refusal() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let page = instance.browser().headers();
    let script = headers(&[("accept", "*/*"), ("sec-fetch-dest", "empty")]);
    let xhr = with(page.clone(), &[("x-requested-with", "XMLHttpRequest")]);
    for (path, sent, status) in [
        ("/auth/request", &page, 401),
        ("/auth/request", &script, 401),
        ("/auth/forward", &page, 302),
        ("/auth/forward", &script, 401),
        ("/auth/forward", &xhr, 401),
    ] {
        let verdict = ask(&gate, path, sent, PROXY).await;
        assert_eq!(verdict.status(), status, "{path} {sent:?}");
    }
    let post = with(
        page,
        &[("x-forwarded-method", "POST"), ("x-forwarded-uri", "/a")],
    );
    let verdict = ask(&gate, "/auth/forward", &post, PROXY).await;
    assert_eq!(
        verdict.status(),
        StatusCode::UNAUTHORIZED,
        "a form cannot be sent again"
    );
}

#[tokio::test]
async fn anything_below_and_any_method_is_a_question() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let methods = [
        "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "PATCH", "PROPFIND",
    ];
    for method in methods {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        for path in [
            "/auth/request",
            "/auth/request/",
            "/auth/request/a/b?c=d",
            "/auth/request//x",
        ] {
            let verdict = ask_with(&gate, method.clone(), path, &browser.headers(), STRANGER).await;
            assert_eq!(verdict.status(), StatusCode::OK, "{method} {path}");
            let verdict = ask_with(&gate, method.clone(), path, &HeaderMap::new(), STRANGER).await;
            assert_eq!(
                verdict.status(),
                StatusCode::UNAUTHORIZED,
                "{method} {path}"
            );
        }
    }
    for path in [
        "/",
        "/auth",
        "/auth/requests",
        "/auth/forward/",
        "/auth/forward/x",
        "/Auth/Request",
    ] {
        let uri = path.parse().unwrap();
        let sent = browser.headers();
        let verdict = gate.verdict(&Method::GET, &uri, &sent, PROXY).await;
        assert!(verdict.is_none(), "{path}");
    }
}

// P6
#[tokio::test]
async fn page_loads_renew_and_nothing_else_does() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.time.pass(400);
    let page = browser.headers();
    let mut script = page.clone();
    script.insert("sec-fetch-dest", HeaderValue::from_static("empty"));
    for (path, sent, renews) in [
        (
            "/auth/request",
            with(page.clone(), &[("x-original-uri", "/a")]),
            true,
        ),
        (
            "/auth/forward",
            with(page.clone(), &[("x-forwarded-uri", "/a")]),
            true,
        ),
        ("/auth/request/a", page.clone(), true),
        (
            "/auth/request",
            with(script, &[("x-original-uri", "/a")]),
            false,
        ),
        (
            "/auth/request",
            with(page.clone(), &[("x-original-uri", "/poll/x")]),
            false,
        ),
        (
            "/auth/request",
            with(page.clone(), &[("x-original-uri", "/poll")]),
            false,
        ),
        ("/auth/request/poll/x?y", page.clone(), false),
        // A path of more than one reading, or none, is not renewed for.
        (
            "/auth/request",
            with(page.clone(), &[("x-original-uri", "/a/../poll/x")]),
            false,
        ),
        ("/auth/request", page.clone(), false),
        (
            "/auth/request",
            with(
                page.clone(),
                &[("x-original-uri", "/a"), ("x-original-method", "POST")],
            ),
            false,
        ),
    ] {
        let verdict = ask(&gate, path, &sent, PROXY).await;
        assert_eq!(verdict.status(), StatusCode::OK);
        let cookie = verdict.headers().get("set-cookie");
        assert_eq!(cookie.is_some(), renews, "{path} {sent:?}");
        if let Some(cookie) = cookie {
            let cookie = cookie.to_str().unwrap();
            assert!(cookie.starts_with("__Host-login-token=") && cookie.contains("HttpOnly"));
        }
    }
    // The renewed one is as good.
    let sent = with(page, &[("x-original-uri", "/a")]);
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    browser.keep_cookies(&verdict);
    let verdict = ask(&gate, "/auth/request", &browser.headers(), PROXY).await;
    assert_eq!(verdict.status(), StatusCode::OK);
}

#[tokio::test]
async fn identity_is_complete_and_fits_into_headers() {
    let instance = Instance::new().await;
    instance
        .add("zo\u{eb}", |user| {
            user.profile.name = Some("Zo\u{eb}, 100%\r\nRemote-User: root".to_owned());
            user.profile.mail = Some("zoe@example.com".to_owned());
            user.groups = ["staff", "\u{7de8}\u{8f2f}"]
                .iter()
                .map(|name| name.parse().unwrap())
                .collect();
        })
        .await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.log_in("zo\u{eb}", PASSWORD).await;
    let verdict = ask(&gate, "/auth/request", &browser.headers(), PROXY).await;
    let told = verdict.headers();
    assert_eq!(told["remote-user"], "zo%C3%AB");
    assert_eq!(told["remote-groups"], "staff,%E7%B7%A8%E8%BC%AF");
    assert_eq!(
        told["remote-name"],
        "Zo%C3%AB%2C 100%25%0D%0ARemote-User: root"
    );
    assert_eq!(told["remote-email"], "zoe@example.com");
    // Who has no name, mail or groups is told so, too.
    let mut browser = instance.browser();
    browser.logs_in().await;
    let verdict = ask(&gate, "/auth/request", &browser.headers(), PROXY).await;
    for name in &IDENTITY[1..] {
        assert_eq!(verdict.headers()[*name], "");
    }
}

#[tokio::test]
async fn a_change_of_groups_acts_at_once() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let sent = with(browser.headers(), &[("x-original-uri", "/admin/x")]);
    assert_eq!(
        ask(&gate, "/auth/request", &sent, PROXY).await.status(),
        StatusCode::FORBIDDEN
    );
    let group = "administrators".parse().unwrap();
    let now = instance.time.now();
    instance
        .repository
        .add_to_group(&subject("alice"), group, now)
        .await
        .unwrap();
    instance.follow().await;
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    assert_eq!(verdict.headers()["remote-groups"], "administrators");
    instance
        .repository
        .set_groups(&subject("alice"), Default::default(), now)
        .await
        .unwrap();
    instance.follow().await;
    assert_eq!(
        ask(&gate, "/auth/request", &sent, PROXY).await.status(),
        StatusCode::FORBIDDEN
    );
}

// T13
#[tokio::test]
async fn faults_let_nobody_pass() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let gate = gate(&instance, without_rules());
        let mut browser = instance.browser();
        browser.logs_in().await;
        let sent = browser.headers();
        let passes = async || {
            let request = ask(&gate, "/auth/request", &sent, PROXY).await.status();
            let forward = ask(&gate, "/auth/forward", &sent, PROXY).await.status();
            assert_eq!(request == 200, forward == 200);
            request == 200
        };
        for present in [0, START - 61, START + 1_861, u64::MAX] {
            instance.time.set(present);
            assert!(!passes().await, "{mode:?} {present}");
        }
        instance.time.set(START);
        assert!(passes().await);
        instance.repository.close().await;
        assert_eq!(passes().await, mode == TokenMode::Encapsulated);
        instance.set_keys(&[]);
        assert!(!passes().await);
    }
}

// T14
#[tokio::test]
async fn a_token_in_the_address_opens_nothing() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let token = browser.token().unwrap();
    for path in [
        "/auth/request?login-token=",
        "/auth/request/a?__Host-login-token=",
    ] {
        let verdict = ask(&gate, &format!("{path}{token}"), &HeaderMap::new(), PROXY).await;
        assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
    }
    let uri = format!("/a?__Host-login-token={token}");
    let sent = headers(&[
        ("x-original-uri", &uri),
        ("authorization", &format!("Bearer {token}")),
    ]);
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
}

// T10
#[tokio::test]
async fn refused_tokens_look_alike() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    let mut browser = instance.browser();
    browser.logs_in().await;
    let expired = browser.headers();
    let mut altered = browser.clone();
    let token = format!(
        "{}A",
        &browser.token().unwrap()[..browser.token().unwrap().len() - 1]
    );
    altered.cookies.insert(TOKEN.to_owned(), token);
    instance.time.pass(10_000);
    for path in ["/auth/request", "/auth/forward"] {
        let one = ask(&gate, path, &expired, PROXY).await;
        let other = ask(&gate, path, &altered.headers(), PROXY).await;
        assert_eq!(
            (one.status(), one.headers()),
            (other.status(), other.headers())
        );
    }
}

// P5
#[tokio::test]
async fn no_agent_or_path_is_exempt() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    for (name, value) in [
        ("user-agent", "kube-probe/1.30"),
        ("user-agent", "GoogleHC/1.0"),
        ("x-original-uri", "/healthz"),
        ("x-original-uri", "/login"),
        ("x-original-method", "OPTIONS"),
        ("upgrade", "websocket"),
    ] {
        let verdict = ask(&gate, "/auth/request", &headers(&[(name, value)]), PROXY).await;
        assert_eq!(
            verdict.status(),
            StatusCode::UNAUTHORIZED,
            "{name}: {value}"
        );
    }
}

thread_local! {
    static GATE: (tokio::runtime::Runtime, std::sync::Arc<signet_gate::Gate>) = {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let instance = runtime.block_on(Instance::new());
        let gate = gate(&instance, gate_settings());
        // The repository's file may go: nobody is looked up by what follows, or not found.
        (runtime, gate)
    };
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    // T13, P7, invariant 3
    #[test]
    fn no_headers_pass_without_a_session(
        pairs in proptest::collection::vec(
            (
                prop::sample::select(vec![
                    "cookie", "authorization", "remote-user", "x-forwarded-uri", "x-forwarded-host", "x-forwarded-proto",
                    "x-forwarded-method", "x-forwarded-for", "x-original-uri", "x-original-url", "x-original-method",
                    "accept", "sec-fetch-dest", "host",
                ]),
                prop_oneof![
                    "[ -~]{0,40}",
                    "(__Host-)?login-token=[A-Za-z0-9._-]{0,80}(; __Host-login-token=[a-z.]{0,9})?",
                    "/[a-z/.%;]{0,20}",
                ],
            ),
            0..8,
        ),
        path in r"/auth/(request(/[a-z/.%]{0,12})?|forward)",
        trusted in any::<bool>(),
    ) {
        let sent: HeaderMap = pairs
            .iter()
            .filter_map(|(name, value)| {
                Some((HeaderName::from_static(name), HeaderValue::from_str(value).ok()?))
            })
            .collect();
        prop_assume!(path.parse::<http::Uri>().is_ok());
        let peer = if trusted { PROXY } else { STRANGER };
        GATE.with(|(runtime, gate)| {
            let verdict = runtime.block_on(ask(gate, &path, &sent, peer));
            prop_assert_ne!(verdict.status(), StatusCode::OK);
            if let Some(location) = verdict.headers().get("location") {
                prop_assert!(location.to_str().unwrap().starts_with("https://www.example.com/login"));
            }
            Ok(())
        })?;
    }

    // T13
    #[test]
    fn no_bytes_pass_as_a_token(bytes in proptest::collection::vec(any::<u8>(), 0..400)) {
        let cookie = [&b"__Host-login-token="[..], &bytes].concat();
        let Ok(cookie) = HeaderValue::from_bytes(&cookie) else { return Ok(()) };
        let mut sent = HeaderMap::new();
        sent.insert("cookie", cookie);
        GATE.with(|(runtime, gate)| {
            let verdict = runtime.block_on(ask(gate, "/auth/request", &sent, PROXY));
            prop_assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
            Ok(())
        })?;
    }
}
