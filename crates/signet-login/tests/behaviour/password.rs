//! Passwords that must be changed, and hashes that came from elsewhere.

use http::StatusCode;
use signet_core::Clock as _;
use signet_login::exchange::Response;

use crate::support::*;

const NEW: &str = "an entirely new one";

async fn instance() -> Instance {
    let instance = Instance::new().await;
    instance
        .add("bob", |user| user.password = Some(one_time()))
        .await;
    instance
}

async fn choose(browser: &mut Browser, password: &str, new: &str, again: &str) -> Response {
    let csrf = browser.csrf("/login").await;
    let fields = [
        ("username", "bob"),
        ("password", password),
        ("new_password", new),
        ("new_password_again", again),
        ("csrf", &csrf),
    ];
    browser.post("/login", &fields).await
}

// O1
#[tokio::test]
async fn a_one_time_password_is_good_for_choosing_another_and_nothing_else() {
    let instance = instance().await;
    let mut browser = instance.browser();
    let answer = browser.log_in("bob", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert!(text(&answer).contains(r#"name="new_password""#));
    assert_eq!(browser.token(), None);

    for (new, again) in [
        ("", ""),
        ("short", "short"),
        (NEW, "another one"),
        (NEW, ""),
        (PASSWORD, PASSWORD),
    ] {
        let answer = choose(&mut browser, PASSWORD, new, again).await;
        assert_eq!(answer.status(), StatusCode::FORBIDDEN, "{new}");
        assert!(text(&answer).contains(r#"name="new_password""#));
        assert_eq!(browser.token(), None, "{new}");
    }
    let answer = choose(&mut browser, "wrong", NEW, NEW).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);

    let answer = choose(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert_eq!(browser.whoami().await, StatusCode::OK);
    let again = instance.browser().log_in("bob", PASSWORD).await;
    assert_eq!(again.status(), StatusCode::FORBIDDEN);
    let mut other = instance.browser();
    other.log_in("bob", NEW).await;
    assert_eq!(other.whoami().await, StatusCode::OK);
}

// S1, S3
#[tokio::test]
async fn choosing_a_password_ends_older_sessions() {
    let instance = Instance::new().await;
    let mut old = instance.browser();
    instance.add("bob", |_| {}).await;
    old.log_in("bob", PASSWORD).await;
    assert_eq!(old.whoami().await, StatusCode::OK);
    instance
        .repository
        .set_password(&subject("bob"), Some(one_time()), instance.time.now())
        .await
        .unwrap();
    instance.follow().await;
    assert_eq!(old.whoami().await, StatusCode::UNAUTHORIZED);
    let mut browser = instance.browser();
    choose(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!(browser.whoami().await, StatusCode::OK);
    assert_eq!(old.whoami().await, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_lasting_password_is_not_changed_by_a_login() {
    let instance = Instance::new().await;
    instance.add("bob", |_| {}).await;
    choose(&mut instance.browser(), PASSWORD, NEW, NEW).await;
    let answer = instance.browser().log_in("bob", NEW).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn programs_are_refused_until_a_new_password_is_chosen() {
    let instance = instance().await;
    let mut program = instance.browser();
    let fields = [
        ("j_username", "bob"),
        ("j_password", PASSWORD),
        ("j_validate", "true"),
    ];
    let answer = program
        .post_with("/j_security_check", &fields, headers(&[]))
        .await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(program.token(), None);
}

#[tokio::test]
async fn an_imported_hash_is_replaced_at_the_first_login_and_sessions_stay() {
    let instance = Instance::new().await;
    let imported = "{SHA}W6ph5Mm5Pz8GgiULbPgzG37mj9g=";
    instance
        .add("carol", |user| {
            let hash = imported.parse().unwrap();
            user.password = Some(signet_repository::Password::lasting(hash));
        })
        .await;
    let stored = async || {
        let account = instance.repository.user(&subject("carol")).await.unwrap();
        account.unwrap().password.unwrap().hash.as_str().to_owned()
    };
    instance.browser().log_in("carol", "wrong").await;
    assert_eq!(stored().await, imported);
    let mut browser = instance.browser();
    browser.log_in("carol", "password").await;
    assert!(stored().await.starts_with("$argon2id$"));
    assert_eq!(browser.whoami().await, StatusCode::OK);
    instance.follow().await;
    assert_eq!(browser.whoami().await, StatusCode::OK);
    let mut again = instance.browser();
    again.log_in("carol", "password").await;
    assert_eq!(again.whoami().await, StatusCode::OK);
}

#[tokio::test]
async fn a_password_that_its_owner_chose_is_recorded() {
    let instance = instance().await;
    let mut browser = instance.browser();
    choose(&mut browser, PASSWORD, NEW, "another one").await;
    assert!(instance.audit().is_empty());
    choose(&mut browser, PASSWORD, NEW, NEW).await;
    let entries = instance.audit();
    assert_eq!(entries.len(), 1);
    let entry = &entries[0];
    assert_eq!(
        (entry.action.as_str(), entry.object.as_str()),
        ("user.passwd", "bob")
    );
    assert_eq!(entry.who.to_string(), "user bob");
    assert_eq!(entry.from.to_string(), "192.0.2.1");
    assert_eq!(entry.instance, "publish-1");
    assert_eq!(entry.time, instance.time.now());
    let log = instance.site.audit.as_ref().unwrap();
    let file = std::fs::read_to_string(log.path()).unwrap();
    assert!(!file.contains(NEW) && !file.contains(PASSWORD));
}

// Nothing that has begun is dropped between the change and its line.
#[tokio::test]
async fn a_browser_that_does_not_wait_leaves_a_line_all_the_same() {
    let instance = instance().await;
    let log = instance.site.audit.as_ref().unwrap();
    let pending = log.path().with_extension("pending");
    let begun = async {
        while !pending.exists() {
            tokio::task::yield_now().await;
        }
    };
    let mut browser = instance.browser();
    tokio::select! {
        biased;
        () = begun => {}
        _ = choose(&mut browser, PASSWORD, NEW, NEW) => panic!("it was answered first"),
    }
    while pending.exists() {
        tokio::task::yield_now().await;
    }
    let entries = instance.audit();
    assert_eq!(entries.len(), 1);
    assert_eq!(entries[0].action.as_str(), "user.passwd");
    instance.browser().log_in("bob", NEW).await;
}

#[tokio::test]
async fn a_password_that_cannot_be_recorded_stays() {
    let instance = instance().await;
    let log = instance.site.audit.as_ref().unwrap().path().to_owned();
    std::fs::create_dir(&log).unwrap();
    let mut browser = instance.browser();
    let answer = choose(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!(answer.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(browser.token(), None);
    std::fs::remove_dir(&log).unwrap();
    let answer = choose(&mut browser, PASSWORD, NEW, NEW).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn sessions_are_noted_by_the_key_of_their_token() {
    let instance = Instance::new().await;
    let seen = || instance.site.tokens.seen().estimates();
    assert_eq!(seen().len(), 1);
    assert_eq!(seen()[0].1, 0);
    for count in 1..=3 {
        let mut browser = instance.browser();
        browser.log_in("alice", PASSWORD).await;
        for _ in 0..3 {
            assert_eq!(browser.whoami().await, StatusCode::OK);
        }
        assert_eq!(seen()[0].1, count);
    }
}
