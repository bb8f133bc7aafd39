//! What can be learnt from answers, and from logs.

use std::io::Write;
use std::sync::{Arc, Mutex};

use http::{Method, StatusCode};
use signet_core::Clock as _;
use signet_login::exchange::{Request, Response};
use signet_login::{BasicMode, Recognised, Renewal, TokenMode};
use tracing_subscriber::fmt::MakeWriter;

use crate::support::*;

/// All that a client sees of an answer, what is random in it aside.
fn seen(response: &Response) -> (StatusCode, Vec<(String, String)>, String) {
    let csrf = hidden(response, "csrf").unwrap_or_default();
    let headers = response
        .headers()
        .iter()
        .map(|(name, value)| {
            let value = value.to_str().unwrap();
            let random = value.starts_with(FORM);
            (
                name.to_string(),
                if random { FORM } else { value }.to_owned(),
            )
        })
        .collect();
    let body = if csrf.is_empty() {
        text(response).to_owned()
    } else {
        text(response).replace(&csrf, "CSRF")
    };
    (response.status(), headers, body)
}

// T10, O4: whoever sends a token that is refused learns nothing about why.
#[tokio::test]
async fn all_refused_tokens_look_alike() {
    let instance = Instance::new().await;
    let mut tokens = Vec::new();

    let mut browser = instance.browser();
    browser.logs_in().await;
    let good = browser.token().unwrap().to_owned();
    let mut altered = good.clone();
    altered.replace_range(
        good.len() - 5..good.len() - 4,
        if good.as_bytes()[good.len() - 5] == b'A' {
            "B"
        } else {
            "A"
        },
    );
    tokens.push(("bad MAC", altered));
    tokens.push(("no token", "nonsense".to_owned()));
    browser.log_out().await;
    tokens.push(("logged out", good));

    let mut idle = instance.browser();
    idle.logs_in().await;
    tokens.push(("expired", idle.token().unwrap().to_owned()));
    instance.time.pass(3_600);

    for (id, end) in [("off", 0), ("gone", 1), ("changed", 2)] {
        instance.add(id, |_| {}).await;
        let mut browser = instance.browser();
        browser.log_in(id, PASSWORD).await;
        let (id, now) = (subject(id), instance.time.now());
        match end {
            0 => drop(instance.repository.disable_user(&id, now).await.unwrap()),
            1 => drop(instance.repository.remove_user(&id, now).await.unwrap()),
            _ => drop(instance.repository.end_sessions(&id, now).await.unwrap()),
        }
        instance.follow().await;
        tokens.push(("user", browser.token().unwrap().to_owned()));
    }
    instance.set_keys(&[key(9)]);
    let mut foreign = instance.browser();
    foreign.logs_in().await;
    tokens.push(("unknown key", foreign.token().unwrap().to_owned()));
    instance.set_keys(&[key(4)]);
    instance.configure(|settings| settings.mode = TokenMode::Repository);
    let mut stored = instance.browser();
    stored.logs_in().await;
    tokens.push(("stored, ended", stored.token().unwrap().to_owned()));
    stored.log_out().await;

    for (method, path) in [
        (Method::GET, "/whoami"),
        (Method::GET, "/"),
        (Method::GET, "/login"),
        (Method::GET, "/logout"),
        (Method::POST, "/logout"),
        (Method::POST, "/renew"),
    ] {
        let mut first = None;
        for (why, token) in &tokens {
            let mut browser = instance.browser();
            browser.cookies.insert(TOKEN.to_owned(), token.clone());
            let answer = match method {
                Method::POST => browser.post(path, &[]).await,
                _ => browser.get(path).await,
            };
            let seen = seen(&answer);
            let first = first.get_or_insert_with(|| seen.clone());
            assert_eq!(*first, seen, "{method} {path}: {why}");
        }
    }
}

// T14
#[tokio::test]
async fn a_token_in_the_address_is_not_looked_at() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let token = browser.token().unwrap();
    for name in [TOKEN, "login-token", "token", "access_token"] {
        let uri = format!("/whoami?{name}={token}");
        let answer = instance.browser().fetch(&uri).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    }
    for (name, value) in [
        ("authorization", format!("Bearer {token}")),
        ("x-login-token", token.to_owned()),
    ] {
        let sent = headers(&[(name, &value)]);
        let answer = instance
            .browser()
            .send(Method::GET, "/whoami", sent, vec![])
            .await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}");
    }
}

#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Log {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

// T14, K9, invariant 4
#[tokio::test]
async fn no_log_line_holds_a_secret() {
    let log = Log::default();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(log.clone())
        .finish();
    let guard = tracing::subscriber::set_default(subscriber);

    const WRONG: &str = "not-the-password-of-anybody";
    let mut secrets = vec![
        PASSWORD.to_owned(),
        WRONG.to_owned(),
        "BAQEBAQE".to_owned(),
        "04040404".to_owned(),
    ];
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| {
            settings.mode = mode;
            settings.basic = BasicMode::On;
        });
        let mut browser = instance.browser();
        browser.log_in("alice", WRONG).await;
        browser.logs_in().await;
        secrets.push(browser.token().unwrap().to_owned());
        secrets.extend(browser.cookies.values().cloned());
        instance.time.pass(1_000);
        browser.get("/whoami").await;
        secrets.push(browser.token().unwrap().to_owned());
        let mut altered = browser.clone();
        let token = format!("{}x", browser.token().unwrap());
        altered.cookies.insert(TOKEN.to_owned(), token);
        altered.whoami().await;
        for password in [PASSWORD, WRONG] {
            let credentials = format!("alice:{password}");
            let encoded = data_encoding::BASE64.encode(credentials.as_bytes());
            let sent = headers(&[("authorization", &format!("Basic {encoded}"))]);
            let take = |_: Recognised<'_>| ();
            let _ = instance
                .site
                .basic
                .recognise(&sent, browser.address, take)
                .await;
            secrets.push(encoded);
        }
        let mut loser = browser.clone();
        browser.log_out().await;
        loser.whoami().await;
        instance.repository.close().await;
        instance.browser().log_in("alice", PASSWORD).await;
        loser.whoami().await;
    }
    drop(guard);
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(
        log.contains("LOGIN_FAILED") && log.contains("REPOSITORY_UNAVAILABLE"),
        "{log}"
    );
    for secret in secrets {
        assert!(!log.contains(&secret), "{secret} in {log}");
    }
}

// Invariant 4: what is printed for a look inside holds no secret either.
#[tokio::test]
async fn debug_output_holds_no_secret() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.time.pass(400);
    let token = browser.token().unwrap().to_owned();
    let request = Request {
        method: Method::POST,
        uri: "/login".parse().unwrap(),
        headers: browser.headers(),
        client: browser.address,
        body: encode(&[("password", PASSWORD)]).into(),
    };
    let printed = format!("{request:?}");
    assert!(printed.contains("/login"), "{printed}");
    assert!(
        !printed.contains(&token) && !printed.contains("horse"),
        "{printed}"
    );
    let take = |found: Recognised<'_>| (found.cookie.clone(), format!("{found:?}"));
    let recognised = instance
        .site
        .tokens
        .recognise(&request.headers, Renewal::IfDue, take);
    let (cookie, printed) = recognised.await.unwrap();
    let cookie = cookie.unwrap();
    let value = cookie.to_str().unwrap().split(['=', ';']).nth(1).unwrap();
    assert!(value.len() > 100 && !printed.contains(value), "{printed}");
    assert!(!format!("{:?}", instance.site).contains("argon2"));
}
