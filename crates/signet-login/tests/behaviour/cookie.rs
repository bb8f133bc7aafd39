//! The cookies: where they go, how large they are, and what two of them mean.

use http::StatusCode;
use signet_core::MAX_TOKEN_BYTES;
use signet_login::TokenMode;
use signet_login::cookie::CookieScope;

use crate::support::*;

// C1, C2, C5
#[tokio::test]
async fn every_cookie_is_bound_to_the_host_and_lives_no_longer_than_its_token() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let mut browser = instance.browser();
        let page = browser.get("/login").await;
        let csrf = hidden(&page, "csrf").unwrap();
        let fields = [
            ("username", "alice"),
            ("password", PASSWORD),
            ("csrf", &csrf),
        ];
        let answer = browser.post("/login", &fields).await;
        let all = [set_cookies(&page), set_cookies(&answer)].concat();
        assert_eq!(all.len(), 3);
        for cookie in all {
            assert!(cookie.starts_with("__Host-login-"), "{cookie}");
            for attribute in ["; Path=/;", "; Secure", "; HttpOnly", "; SameSite=Lax"] {
                assert!(cookie.contains(attribute), "{cookie}");
            }
            assert!(!cookie.contains("Domain"), "{cookie}");
        }
        let token = set_cookies(&answer)[0];
        assert!(token.contains("; Max-Age=1800;"), "{token}");
    }
}

// C1
#[tokio::test]
async fn a_shared_domain_is_asked_for_by_name() {
    let instance = Instance::new().await;
    instance.configure(|settings| settings.cookies = CookieScope::Domain("example.com".to_owned()));
    let mut browser = instance.browser();
    let answer = browser.log_in("alice", PASSWORD).await;
    let token = set_cookies(&answer)[0];
    assert!(token.starts_with("__Secure-login-token="));
    assert!(token.contains("; Domain=example.com; Secure;"));
    assert_eq!(browser.whoami().await, StatusCode::OK);
    // The cookie that is made forgotten is the one that was set.
    let out = browser.log_out().await;
    let forget = set_cookies(&out)[0];
    assert!(forget.starts_with("__Secure-login-token=; Path=/; Max-Age=0; Domain=example.com"));
}

// C3, C6
#[tokio::test]
async fn a_session_is_one_small_cookie() {
    let instance = Instance::new().await;
    instance
        .add("bob", |user| {
            user.profile.name = Some("Bob Example".to_owned());
            user.profile.mail = Some("bob@example.com".to_owned());
        })
        .await;
    let mut browser = instance.browser();
    let answer = browser.log_in("bob", PASSWORD).await;
    let tokens = set_cookies(&answer).into_iter();
    let tokens: Vec<_> = tokens.filter(|cookie| cookie.starts_with(TOKEN)).collect();
    assert_eq!(tokens.len(), 1);
    assert!(tokens[0].len() <= 1_024, "{}", tokens[0].len());
    assert!(browser.cookie_header().len() <= 1_536);
}

// C3: the largest profile that is let in still fits, and one more byte is refused.
#[tokio::test]
async fn no_cookie_is_larger_than_browsers_keep() {
    let instance = Instance::new().await;
    let (mut made, mut refused) = (0, 0);
    for (n, length) in [100, 2_000, 2_200, 2_300, 2_400, 3_500]
        .into_iter()
        .enumerate()
    {
        let id = format!("user-{n}");
        instance
            .add(&id, |user| user.profile.name = Some("x".repeat(length)))
            .await;
        let mut browser = instance.browser();
        let answer = browser.log_in(&id, PASSWORD).await;
        for cookie in set_cookies(&answer) {
            assert!(cookie.len() <= 3_584, "{}", cookie.len());
        }
        match browser.token() {
            Some(token) => {
                assert!(token.len() <= MAX_TOKEN_BYTES);
                assert_eq!(browser.whoami().await, StatusCode::OK);
                made += 1;
            }
            None => refused += 1,
        }
    }
    assert!(made >= 2 && refused >= 1, "{made} {refused}");
}

// C4
#[tokio::test]
async fn two_different_tokens_are_none_in_any_order() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let token = browser.token().unwrap().to_owned();
    for (cookies, status) in [
        (vec![format!("{TOKEN}={token}; {TOKEN}=evil")], 401),
        (vec![format!("{TOKEN}=evil; {TOKEN}={token}")], 401),
        (
            vec![format!("{TOKEN}=evil"), format!("{TOKEN}={token}")],
            401,
        ),
        (vec![format!("{TOKEN}={token}; {TOKEN}=")], 401),
        (vec![format!("{TOKEN}={token}; {TOKEN}={token}")], 200),
        (vec![format!("a=b; {TOKEN}={token}; c=d")], 200),
        (vec![format!("login-token={token}")], 401),
        (vec![format!("__host-login-token={token}")], 401),
    ] {
        let mut sent = headers(&[]);
        for cookie in &cookies {
            sent.append("cookie", cookie.parse().unwrap());
        }
        let mut browser = instance.browser();
        let answer = browser
            .send(http::Method::GET, "/whoami", sent, vec![])
            .await;
        assert_eq!(
            answer.status(),
            status,
            "{}",
            cookies.join(" | ").replace(&token, "TOKEN")
        );
    }
}

#[tokio::test]
async fn a_doubled_form_cookie_is_no_form_cookie() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    let csrf = browser.csrf("/login").await;
    let binding = browser.cookies.get(FORM).unwrap().clone();
    let mut sent = browser.headers();
    sent.insert("origin", OWN.parse().unwrap());
    let cookies = format!("{FORM}={binding}; {FORM}=AAAAAAAAAAAAAAAAAAAAAA");
    sent.insert("cookie", cookies.parse().unwrap());
    let fields = [
        ("username", "alice"),
        ("password", PASSWORD),
        ("csrf", &csrf),
    ];
    let answer = browser.post_with("/login", &fields, sent).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}
