//! The forms: what they take, where they lead, and who may send them.

use http::header::CONTENT_TYPE;
use http::{HeaderValue, Method, StatusCode};

use crate::support::*;

fn credentials(csrf: &str) -> [(&str, &str); 3] {
    [
        ("username", "alice"),
        ("password", PASSWORD),
        ("csrf", csrf),
    ]
}

// L1
#[tokio::test]
async fn a_login_needs_the_form_that_was_shown_to_this_browser() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let foreign = instance.browser().csrf("/login").await;
    let logged_in = {
        let mut other = instance.browser();
        other.logs_in().await;
        other.csrf("/logout").await
    };
    let cut = &csrf[..csrf.len() - 1];
    for bad in ["", "x", &foreign, &logged_in, cut] {
        let answer = browser.post("/login", &credentials(bad)).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{bad}");
        assert_eq!(browser.token(), None);
    }
    let doubled = [&credentials(&csrf)[..], &[("csrf", &csrf)]].concat();
    let answer = browser.post("/login", &doubled).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // The field without the cookie is nothing, nor is the cookie of somebody else.
    let mut bare = instance.browser();
    let answer = bare.post("/login", &credentials(&csrf)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    instance.time.pass(12 * 3_600 + 1);
    let answer = browser.post("/login", &credentials(&csrf)).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    // The page that says so has a fresh form on it.
    let csrf = hidden(&answer, "csrf").unwrap();
    let answer = browser.post("/login", &credentials(&csrf)).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
}

// L1
#[tokio::test]
async fn a_login_sent_by_another_site_is_refused_whatever_it_carries() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    for (name, value) in [
        ("origin", "https://evil.example"),
        ("origin", "null"),
        ("origin", "https://www.example.com.evil.example"),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-site", "same-site"),
        ("referer", "https://evil.example/"),
    ] {
        for path in ["/login", "/j_security_check"] {
            let mut sent = browser.headers();
            sent.remove("sec-fetch-site");
            sent.insert(name, HeaderValue::from_static(value));
            let fields = [
                &credentials(&csrf)[..],
                &[("j_username", "alice"), ("j_password", PASSWORD)],
            ]
            .concat();
            let answer = browser.post_with(path, &fields, sent).await;
            assert_eq!(
                answer.status(),
                StatusCode::FORBIDDEN,
                "{path} {name}: {value}"
            );
            assert_eq!(browser.token(), None);
        }
    }
}

// L1
#[tokio::test]
async fn a_logout_needs_the_form_of_this_very_session() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let mut other = instance.browser();
    other.logs_in().await;
    let foreign = other.csrf("/logout").await;
    let csrf = browser.csrf("/logout").await;
    for bad in ["", "x", &foreign] {
        let answer = browser.post("/logout", &[("csrf", bad)]).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN);
        assert_eq!(browser.whoami().await, StatusCode::OK);
    }
    let mut sent = browser.headers();
    sent.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    sent.insert("origin", HeaderValue::from_static("https://evil.example"));
    let answer = browser.post_with("/logout", &[("csrf", &csrf)], sent).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.whoami().await, StatusCode::OK);
    // GET only asks.
    browser.get("/logout").await;
    assert_eq!(browser.whoami().await, StatusCode::OK);
}

// L1: a form of another site comes without our cookies (SameSite=Lax), so there is no session to be seen;
// but what the answer to such a navigation says of cookies, the browser does.
#[tokio::test]
async fn another_site_cannot_make_a_browser_forget_its_token() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let sent = headers(&[
        ("accept", HTML),
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-dest", "document"),
        ("origin", "https://evil.example"),
    ]);
    let answer = browser.post_with("/logout", &[], sent).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(browser.token().is_some());
    // An image there asks without cookies, too.
    let sent = headers(&[
        ("sec-fetch-site", "cross-site"),
        ("sec-fetch-dest", "image"),
    ]);
    browser.send(Method::GET, "/logout", sent, vec![]).await;
    assert!(browser.token().is_some());
}

// L1
#[tokio::test]
async fn renewal_is_not_for_other_sites() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.time.pass(400);
    let mut sent = browser.headers();
    sent.insert("sec-fetch-site", HeaderValue::from_static("cross-site"));
    let answer = browser.send(Method::POST, "/renew", sent, vec![]).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(set_cookies(&answer).is_empty());
}

#[tokio::test]
async fn programs_log_in_where_aem_has_them_log_in() {
    let instance = Instance::new().await;
    let mut program = instance.browser();
    let right = [("j_username", "alice"), ("j_password", PASSWORD)];
    let wrong = [("j_username", "alice"), ("j_password", "wrong")];
    let validate = ("j_validate", "true");

    let answer = program
        .post_with("/j_security_check", &right, headers(&[]))
        .await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(program.whoami().await, StatusCode::OK);
    let mut program = instance.browser();
    let fields = [&right[..], &[validate]].concat();
    let answer = program
        .post_with("/j_security_check", &fields, headers(&[]))
        .await;
    assert_eq!((answer.status(), location(&answer)), (StatusCode::OK, ""));
    assert_eq!(program.whoami().await, StatusCode::OK);

    let mut program = instance.browser();
    let fields = [&wrong[..], &[validate]].concat();
    let answer = program
        .post_with("/j_security_check", &fields, headers(&[]))
        .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert!(answer.body().is_empty() && program.token().is_none());
    // From a page of our own, as AEM's login page does it.
    let mut page = instance.browser();
    let answer = page.post("/j_security_check", &right).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    // The other set of names counts for nothing here.
    let answer = instance
        .browser()
        .post_with("/j_security_check", &credentials(""), headers(&[]))
        .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

// L3
#[tokio::test]
async fn a_login_leads_back_to_our_hosts_and_nowhere_else() {
    let instance = Instance::new().await;
    for (rd, to) in [
        ("/reports?a=b", "/reports?a=b"),
        ("https://app.example.com/x", "https://app.example.com/x"),
        ("https://www.example.com/x", "/x"),
        ("", "/"),
        ("//evil.example", "/"),
        (r"/\evil.example", "/"),
        ("https:evil.example", "/"),
        ("https://evil.example/", "/"),
        ("https://www.example.com@evil.example/", "/"),
        ("/%2f%2fevil.example", "/"),
        ("/..;/x", "/"),
        ("/\r\nSet-Cookie: a=b", "/"),
        ("javascript:alert(1)", "/"),
        ("https://www\u{3002}example.com/", "/"),
    ] {
        let mut browser = instance.browser();
        let query = encode(&[("rd", rd)]);
        let page = browser
            .get(&format!("/login?{}", String::from_utf8(query).unwrap()))
            .await;
        let carried = hidden(&page, "rd").unwrap();
        assert_eq!(carried, if to == "/" { "" } else { to }, "{rd:?}");
        let csrf = hidden(&page, "csrf").unwrap();
        let fields = [&credentials(&csrf)[..], &[("rd", rd)]].concat();
        assert_eq!(
            location(&browser.post("/login", &fields).await),
            to,
            "{rd:?}"
        );

        let fields = [
            ("j_username", "alice"),
            ("j_password", PASSWORD),
            ("resource", rd),
        ];
        let answer = instance
            .browser()
            .post_with("/j_security_check", &fields, headers(&[]))
            .await;
        assert_eq!(location(&answer), to, "{rd:?}");

        let csrf = browser.csrf("/logout").await;
        let answer = browser
            .post("/logout", &[("csrf", &csrf), ("rd", rd)])
            .await;
        let to = if to == "/" {
            "/login?notice=signed-out"
        } else {
            to
        };
        assert_eq!(location(&answer), to, "{rd:?}");
    }
}

// L3
#[tokio::test]
async fn a_failed_login_carries_no_refused_target_on() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let fields = [
        ("username", "alice"),
        ("password", "wrong"),
        ("csrf", &csrf),
        ("rd", "//evil.example"),
    ];
    let answer = browser.post("/login", &fields).await;
    assert_eq!(hidden(&answer, "rd").as_deref(), Some(""));
    assert!(!text(&answer).contains("evil.example"));
}

// L9
#[tokio::test(flavor = "multi_thread")]
async fn ten_tabs_log_in_at_once() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let mut forms = Vec::new();
    for _ in 0..10 {
        forms.push(browser.csrf("/login").await);
    }
    assert_eq!(browser.cookies.len(), 1, "one state cookie for all tabs");
    let tabs = forms.into_iter().map(|csrf| {
        let mut tab = browser.clone();
        tokio::spawn(async move {
            let answer = tab.post("/login", &credentials(&csrf)).await;
            (answer.status(), tab.whoami().await)
        })
    });
    for tab in tabs.collect::<Vec<_>>() {
        let outcome = tab.await.unwrap();
        assert_eq!(outcome, (StatusCode::SEE_OTHER, StatusCode::OK));
    }
}

#[tokio::test]
async fn other_methods_are_refused_with_those_that_are_allowed() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    for (path, allowed) in [
        ("/login", "GET, HEAD, POST"),
        ("/j_security_check", "POST"),
        ("/logout", "GET, HEAD, POST"),
        ("/renew", "POST"),
        ("/whoami", "GET, HEAD"),
        ("/", "GET, HEAD"),
        ("/login/style.css", "GET, HEAD"),
    ] {
        for method in [
            "GET", "HEAD", "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PROPFIND",
        ] {
            if allowed.split(", ").any(|allowed| allowed == method) {
                continue;
            }
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let sent = browser.headers();
            let request = signet_login::exchange::Request {
                method: method.clone(),
                uri: path.parse().unwrap(),
                headers: sent,
                client: browser.address,
                body: Default::default(),
            };
            let answer = browser.site.answer(&request).await;
            assert_eq!(
                answer.status(),
                StatusCode::METHOD_NOT_ALLOWED,
                "{method} {path}"
            );
            assert_eq!(header(&answer, "allow"), allowed, "{method} {path}");
        }
    }
    let answer = browser.get("/nowhere").await;
    assert_eq!(answer.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn head_says_what_get_says() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    for path in [
        "/login",
        "/logout",
        "/whoami",
        "/",
        "/login/style.css",
        "/nowhere",
    ] {
        let sent = browser.headers();
        let head = browser.send(Method::HEAD, path, sent, vec![]).await;
        let get = browser.get(path).await;
        assert_eq!(head.status(), get.status(), "{path}");
        for name in ["content-type", "cache-control", "vary"] {
            assert_eq!(header(&head, name), header(&get, name), "{path} {name}");
        }
    }
}

#[tokio::test]
async fn malformed_forms_log_nobody_in() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let good = encode(&credentials(&csrf));
    let form = "application/x-www-form-urlencoded";
    let long = [&good[..], b"&x=", &[b'x'; 16_000][..]].concat();
    let bodies: Vec<(&str, Vec<u8>, u16)> = vec![
        ("", good.clone(), 400),
        ("text/plain", good.clone(), 400),
        ("multipart/form-data; boundary=x", good.clone(), 400),
        ("application/json", b"{}".to_vec(), 400),
        (form, [&good[..], b"&\xff"].concat(), 400),
        (form, vec![], 403),
        (form, b"&&&===;;;%%%".to_vec(), 403),
        (form, [&good[..], b"&username=bob"].concat(), 403),
        (form, [&good[..], b"&password=x"].concat(), 403),
        (form, encode(&[("username", "alice"), ("csrf", &csrf)]), 403),
        (
            form,
            [&b"username=%ff%fe&password=x&csrf="[..], csrf.as_bytes()].concat(),
            403,
        ),
        // What is wrong is what is missing or doubled, not what nobody asked for.
        (
            "Application/X-WWW-Form-Urlencoded; charset=utf-8",
            long,
            303,
        ),
    ];
    for (kind, body, status) in bodies {
        let mut sent = browser.headers();
        sent.insert("origin", HeaderValue::from_static(OWN));
        if !kind.is_empty() {
            sent.insert(CONTENT_TYPE, HeaderValue::from_str(kind).unwrap());
        }
        let mut browser = browser.clone();
        let answer = browser.send(Method::POST, "/login", sent, body).await;
        assert_eq!(answer.status(), status, "{kind}");
        assert_eq!(browser.token().is_some(), status == 303, "{kind}");
    }
}

#[tokio::test]
async fn a_browser_is_told_in_a_page_what_went_wrong() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let mut sent = browser.headers();
    sent.insert(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    let answer = browser.post_with("/login", &credentials(&csrf), sent).await;
    assert_eq!(answer.status(), StatusCode::BAD_REQUEST);
    assert!(text(&answer).contains("<h1"));

    instance.set_keys(&[]);
    let answer = browser.post("/login", &credentials(&csrf)).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(text(&answer).contains("<h1"));
}

#[tokio::test]
async fn pages_cannot_be_framed_and_carry_nothing_unescaped() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let evil = r#""><script>alert(1)</script>"#;
    let fields = [("username", evil), ("password", "x"), ("csrf", &csrf)];
    let answer = browser.post("/login", &fields).await;
    assert!(!text(&answer).contains("<script>alert"));
    assert_eq!(header(&answer, "x-frame-options"), "DENY");
    assert!(header(&answer, "content-security-policy").contains("frame-ancestors 'none'"));
    assert_eq!(header(&answer, "x-content-type-options"), "nosniff");
    assert_eq!(header(&answer, "referrer-policy"), "same-origin");
}

#[tokio::test]
async fn a_token_that_is_too_large_ends_in_a_clear_page_and_no_loop() {
    let instance = Instance::new().await;
    instance
        .add("huge", |user| user.profile.name = Some("x".repeat(4_000)))
        .await;
    let mut browser = instance.browser();
    let answer = browser.log_in("huge", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::INTERNAL_SERVER_ERROR);
    assert!(hidden(&answer, "csrf").is_some() && location(&answer).is_empty());
    assert_eq!(browser.token(), None);
    // Without the profile there is room.
    instance.configure(|settings| settings.policy.format = signet_core::Format::Signed);
    browser.log_in("huge", PASSWORD).await;
    assert_eq!(browser.whoami().await, StatusCode::OK);
}
