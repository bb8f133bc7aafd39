//! What proxies say about the original request, and what their clients make them say.

use http::{HeaderValue, Method, StatusCode};
use signet_gate::TrustedProxies;

use crate::question::*;
use crate::support::*;

/// An instance, a gate with rules, and a logged-in browser who is no administrator.
async fn scene() -> (Instance, std::sync::Arc<signet_gate::Gate>, Browser) {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let mut browser = instance.browser();
    browser.logs_in().await;
    (instance, gate, browser)
}

// P1
#[tokio::test]
async fn nobody_is_believed_who_is_not_named() {
    let (instance, _, browser) = scene().await;
    let trusting = gate(&instance, gate_settings());
    let mut settings = gate_settings();
    settings.trusted_proxies = TrustedProxies::default();
    let by_default = gate(&instance, settings);
    for sent in [
        with(browser.headers(), &[("x-original-uri", "/free")]),
        with(browser.headers(), &[("x-forwarded-uri", "/free")]),
        with(
            browser.headers(),
            &[("x-original-url", "https://www.example.com/free")],
        ),
    ] {
        let status = async |gate, peer| ask(gate, "/auth/request", &sent, peer).await.status();
        assert_eq!(status(&*trusting, PROXY).await, StatusCode::OK);
        assert_eq!(status(&*trusting, STRANGER).await, StatusCode::FORBIDDEN);
        assert_eq!(status(&*by_default, PROXY).await, StatusCode::FORBIDDEN);
    }
    // Nor is a path that a stranger appends.
    for peer in [PROXY, STRANGER] {
        let verdict = ask(&trusting, "/auth/request/free", &browser.headers(), peer).await;
        assert_eq!(verdict.status() == 200, peer == PROXY);
    }
}

// P4
#[tokio::test]
async fn rules_hold_for_every_spelling_of_a_path() {
    let (instance, gate, browser) = scene().await;
    for (path, status) in [
        ("/", 200),
        ("/free?x=/admin/", 200),
        ("/administrator", 200),
        ("/admin", 403),
        ("/admin/", 403),
        ("/admin/x?y", 403),
        ("/%61dmin/x", 403),
        ("/free/../admin/", 403),
        ("/free/%2e%2e/admin/", 403),
        ("/free/..%2fadmin/", 403),
        ("/free/..;/admin/", 403),
        ("//admin/", 403),
        ("/admin;x=y/", 403),
        ("/\\admin/", 403),
        ("/free%00", 403),
        ("/free#/x", 403),
        ("/%c0%af", 403),
        ("/%zz", 403),
    ] {
        let sent = with(browser.headers(), &[("x-original-uri", path)]);
        let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
        assert_eq!(verdict.status(), status, "{path}");
        let sent = with(browser.headers(), &[("x-forwarded-uri", path)]);
        let verdict = ask(&gate, "/auth/forward", &sent, PROXY).await;
        assert_eq!(verdict.status(), status, "{path}");
        if let Ok(uri) = format!("/auth/request{path}").parse::<http::Uri>() {
            // What the parser of the request line cuts off was never asked for.
            let cut = path.contains('#');
            let sent = browser.headers();
            let verdict = gate
                .verdict(&Method::GET, &uri, &sent, PROXY)
                .await
                .unwrap();
            assert!(cut || verdict.status() == status, "{path}");
        }
    }
    // Without a session a forbidden path is as unknown as any other.
    let sent = with(
        instance.browser().headers(),
        &[("x-original-uri", "/admin/")],
    );
    let verdict = ask(&gate, "/auth/request", &sent, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::UNAUTHORIZED);
}

// P1, P4: whatever a client adds to what its proxy says can only make the answer worse.
#[tokio::test]
async fn a_client_cannot_talk_over_its_proxy() {
    let (_instance, gate, browser) = scene().await;
    for by_proxy in ["x-original-uri", "x-forwarded-uri", "x-original-url"] {
        for by_client in ["x-original-uri", "x-forwarded-uri", "x-original-url"] {
            for pairs in [
                [(by_proxy, "/admin/x"), (by_client, "/free")],
                [(by_client, "/free"), (by_proxy, "/admin/x")],
            ] {
                let sent = with(browser.headers(), &pairs);
                for path in ["/auth/request", "/auth/forward"] {
                    let verdict = ask(&gate, path, &sent, PROXY).await;
                    assert_eq!(verdict.status(), StatusCode::FORBIDDEN, "{pairs:?}");
                }
            }
        }
        // Envoy appends the path, and may pass on what its client sent.
        for (by_client, status) in [("/free", 403), ("https://www.example.com/free", 403)] {
            let sent = with(browser.headers(), &[(by_proxy, by_client)]);
            let verdict = ask(&gate, "/auth/request/admin/x", &sent, PROXY).await;
            assert_eq!(verdict.status(), status, "{by_proxy}: {by_client}");
        }
        let sent = with(browser.headers(), &[(by_proxy, "/free?a=b")]);
        let verdict = ask(&gate, "/auth/request/free?a=b", &sent, PROXY).await;
        assert_eq!(verdict.status(), StatusCode::OK, "they agree");
    }
}

// P1
#[tokio::test]
async fn malformed_words_of_a_proxy_are_refused() {
    let (_instance, gate, browser) = scene().await;
    for pairs in [
        &[("x-forwarded-uri", "free")][..],
        &[("x-forwarded-uri", "")],
        &[("x-original-uri", "http://host/free")],
        &[("x-original-url", "nonsense")],
        &[("x-original-url", "javascript://x/free")],
        &[("x-forwarded-uri", "/free"), ("x-forwarded-host", "a b")],
        &[("x-forwarded-uri", "/free"), ("x-forwarded-host", "a@b")],
        &[("x-forwarded-uri", "/free"), ("x-forwarded-host", "a, b")],
        &[("x-forwarded-uri", "/free"), ("x-forwarded-proto", "ftp")],
        &[("x-forwarded-uri", "/free"), ("x-forwarded-method", "G ET")],
        &[
            ("x-forwarded-uri", "/free"),
            ("x-forwarded-proto", "http"),
            ("x-forwarded-proto", "https"),
        ],
        &[
            ("x-forwarded-uri", "/free"),
            ("x-forwarded-host", "a"),
            ("x-forwarded-host", "b"),
        ],
    ] {
        let sent = with(browser.headers(), pairs);
        for path in ["/auth/request", "/auth/forward"] {
            let verdict = ask(&gate, path, &sent, PROXY).await;
            assert_eq!(verdict.status(), StatusCode::FORBIDDEN, "{pairs:?}");
        }
    }
    let mut sent = browser.headers();
    sent.insert(
        "x-forwarded-uri",
        HeaderValue::from_bytes(b"/fr\xe9e").unwrap(),
    );
    let verdict = ask(&gate, "/auth/forward", &sent, PROXY).await;
    assert_eq!(verdict.status(), StatusCode::FORBIDDEN);
}

// L3
#[tokio::test]
async fn the_login_leads_back_to_our_hosts_only() {
    let instance = Instance::new().await;
    let gate = gate(&instance, without_rules());
    for (scheme, host, uri, rd) in [
        ("https", "www.example.com", "/a?b=c", Some("/a?b=c")),
        (
            "https",
            "App.example.com",
            "/a",
            Some("https://app.example.com/a"),
        ),
        ("https", "evil.example", "/a", None),
        ("http", "www.example.com", "/a", None),
        ("https", "www.example.com:8443", "/a", None),
        ("https", "www.example.com", "//evil.example", None),
        ("https", "www.example.com", "/a/../b", None),
        ("https", "www.example.com", "/\\evil.example", None),
    ] {
        let sent = with(
            instance.browser().headers(),
            &[
                ("x-forwarded-proto", scheme),
                ("x-forwarded-host", host),
                ("x-forwarded-uri", uri),
            ],
        );
        let verdict = ask(&gate, "/auth/forward", &sent, PROXY).await;
        assert_eq!(verdict.status(), StatusCode::FOUND);
        let location = verdict.headers()["location"].to_str().unwrap();
        let expected = match rd {
            Some(rd) => format!(
                "{OWN}/login?{}",
                String::from_utf8(encode(&[("rd", rd)])).unwrap()
            ),
            None => format!("{OWN}/login"),
        };
        assert_eq!(location, expected, "{scheme}://{host}{uri}");
        // The login page takes it as it is.
        let page = instance
            .browser()
            .get(location.strip_prefix(OWN).unwrap())
            .await;
        assert_eq!(hidden(&page, "rd").as_deref(), Some(rd.unwrap_or_default()));
    }
    // From a stranger nothing is taken over.
    let sent = with(
        instance.browser().headers(),
        &[
            ("x-forwarded-host", "evil.example"),
            ("x-forwarded-uri", "/a"),
        ],
    );
    let verdict = ask(&gate, "/auth/forward", &sent, STRANGER).await;
    assert_eq!(verdict.headers()["location"], format!("{OWN}/login"));
}

// P1
#[tokio::test]
async fn the_address_of_a_client_is_what_our_proxies_say() {
    let instance = Instance::new().await;
    let gate = gate(&instance, gate_settings());
    let client =
        |value: &str, peer| gate.client_address(&headers(&[("x-forwarded-for", value)]), peer);
    assert_eq!(client("192.0.2.7", STRANGER), STRANGER);
    assert_eq!(
        client("192.0.2.7", PROXY),
        std::net::IpAddr::from([192, 0, 2, 7])
    );
    let spoofed = client("127.0.0.1, 192.0.2.7, 10.9.9.9", PROXY);
    assert_eq!(spoofed, std::net::IpAddr::from([192, 0, 2, 7]));
    assert_eq!(client("10.2.2.2, garbage", PROXY), PROXY);
}
