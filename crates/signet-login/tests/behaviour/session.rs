//! The life of a session: begun, renewed, replaced, ended.

use http::{HeaderValue, Method, StatusCode};
use signet_core::{Clock as _, Format, Scratch, Seconds};
use signet_login::TokenMode;

use crate::support::*;

#[tokio::test]
async fn a_user_logs_in_is_recognised_and_logs_out() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    assert_eq!(location(&browser.get("/").await), "/login");
    browser.logs_in().await;

    let answer = browser.fetch("/whoami").await;
    assert_eq!(answer.status(), StatusCode::OK);
    assert_eq!(json(&answer)["user"], "alice");
    assert_eq!(json(&answer)["instance"], "publish-1");
    let home = browser.get("/").await;
    assert!(text(&home).contains("publish-1") && text(&home).contains("alice"));

    let out = browser.log_out().await;
    assert_eq!(out.status(), StatusCode::SEE_OTHER);
    assert_eq!(location(&out), "/login?notice=signed-out");
    assert_eq!(browser.token(), None);
    assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
}

// T11: 128 bits that no other login had.
#[tokio::test]
async fn every_login_has_a_session_id_of_its_own() {
    let instance = Instance::new().await;
    let mut seen = std::collections::BTreeSet::new();
    for _ in 0..20 {
        let mut browser = instance.browser();
        browser.logs_in().await;
        let token = browser.token().unwrap().to_owned();
        let session = instance.site.snapshots.with_verifier(|verifier, _| {
            let mut scratch = Scratch::default();
            let session = verifier.verify(token.as_bytes(), instance.time.now(), &mut scratch);
            session.unwrap().claims.session
        });
        // Each half differs as well: no part of it is a counter or a clock.
        let (first, second) = session.0.split_at(8);
        assert!(seen.insert(first.to_vec()) && seen.insert(second.to_vec()));
    }
}

// S1
#[tokio::test]
async fn a_login_replaces_the_session_that_was_there() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        instance.add("mallory", |_| {}).await;
        let mut browser = instance.browser();
        browser.log_in("mallory", PASSWORD).await;
        let mut thief = browser.clone();
        assert_eq!(thief.whoami().await, StatusCode::OK);

        browser.logs_in().await;
        assert_ne!(browser.token(), thief.token());
        assert_eq!(thief.whoami().await, StatusCode::UNAUTHORIZED);
        assert_eq!(
            json(&browser.fetch("/whoami").await)["user"],
            "alice",
            "{mode:?}"
        );
    }
}

// S1
#[tokio::test]
async fn nothing_a_browser_had_before_survives_its_login() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser
        .cookies
        .insert(TOKEN.to_owned(), "planted".to_owned());
    let csrf = browser.csrf("/login").await;
    let before = browser.cookies.clone();
    let fields = [
        ("username", "alice"),
        ("password", PASSWORD),
        ("csrf", &csrf),
    ];
    let answer = browser.post("/login", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    assert!(!browser.cookies.contains_key(FORM));
    assert_ne!(browser.token(), before.get(TOKEN).map(String::as_str));
    // The form is spent with its cookie.
    assert_eq!(
        browser.post("/login", &fields).await.status(),
        StatusCode::FORBIDDEN
    );
}

// S1: more than 64 marks of one user end all sessions, but not the one that is beginning.
#[tokio::test]
async fn logging_in_again_and_again_ends_in_a_session_each_time() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    for round in 0..70 {
        browser.logs_in().await;
        assert_eq!(browser.whoami().await, StatusCode::OK, "round {round}");
    }
}

// S2
#[tokio::test]
async fn after_a_logout_copies_and_their_renewals_are_refused() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let mut copy = browser.clone();
    instance.time.pass(400);
    let mut renewed = browser.clone();
    renewed.get("/whoami").await;
    assert_ne!(renewed.token(), copy.token());

    browser.log_out().await;
    for thief in [&mut copy, &mut renewed] {
        for _ in 0..2 {
            assert_eq!(thief.whoami().await, StatusCode::UNAUTHORIZED);
            assert_eq!(
                thief.get("/whoami").await.status(),
                StatusCode::UNAUTHORIZED
            );
            assert_eq!(
                thief.post("/renew", &[]).await.status(),
                StatusCode::UNAUTHORIZED
            );
            // Marks are purged when their time has come; the floor stands in for them.
            instance
                .repository
                .purge_ended_marks(instance.time.now())
                .await
                .unwrap();
            instance.follow().await;
        }
    }
}

// S3
#[tokio::test]
async fn whatever_ends_a_users_sessions_ends_them_for_ever() {
    for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
        let instance = Instance::new().await;
        instance.configure(|settings| settings.mode = mode);
        let repository = &instance.repository;
        let alice = subject("alice");
        let now = instance.time.now();

        let mut ended = Vec::new();
        for step in 0..5 {
            let mut browser = instance.browser();
            browser.logs_in().await;
            match step {
                0 => drop(repository.disable_user(&alice, now).await.unwrap()),
                1 => drop(
                    repository
                        .set_password(&alice, Some(lasting(PASSWORD)), now)
                        .await
                        .unwrap(),
                ),
                2 => drop(repository.end_sessions(&alice, now).await.unwrap()),
                _ => drop(repository.remove_user(&alice, now).await.unwrap()),
            }
            instance.follow().await;
            ended.push(browser);
            for browser in &mut ended {
                assert_eq!(
                    browser.whoami().await,
                    StatusCode::UNAUTHORIZED,
                    "{mode:?} {step}"
                );
            }
            match step {
                0 => drop(repository.enable_user(&alice, now).await.unwrap()),
                3.. => instance.add("alice", |_| {}).await,
                _ => {}
            }
            instance.follow().await;
            for browser in &mut ended {
                assert_eq!(
                    browser.whoami().await,
                    StatusCode::UNAUTHORIZED,
                    "{mode:?} {step}"
                );
            }
        }
    }
}

// S3
#[tokio::test]
async fn a_disabled_user_cannot_log_in() {
    let instance = Instance::new().await;
    instance.add("bob", |user| user.enabled = false).await;
    let mut browser = instance.browser();
    let answer = browser.log_in("bob", PASSWORD).await;
    assert_eq!(answer.status(), StatusCode::FORBIDDEN);
    assert_eq!(browser.token(), None);
}

// S4
#[tokio::test]
async fn an_idle_session_ends_and_a_used_one_ends_too() {
    let instance = Instance::new().await;
    let mut idle = instance.browser();
    idle.logs_in().await;
    let mut used = idle.clone();
    instance.time.pass(1_860);
    assert_eq!(idle.whoami().await, StatusCode::OK);
    instance.time.pass(1);
    assert_eq!(idle.whoami().await, StatusCode::UNAUTHORIZED);

    used.logs_in().await;
    let end = json(&used.fetch("/whoami").await)["session_ends_at"].clone();
    for _ in 0..28 {
        instance.time.pass(1_500);
        let answer = used.get("/whoami").await;
        assert_eq!(answer.status(), StatusCode::OK);
        assert_eq!(json(&answer)["session_ends_at"], end);
    }
    instance.time.pass(1_500);
    assert_eq!(used.get("/whoami").await.status(), StatusCode::UNAUTHORIZED);
}

// S4
#[tokio::test]
async fn a_repository_session_has_the_same_end() {
    let instance = Instance::new().await;
    instance.configure(|settings| settings.mode = TokenMode::Repository);
    let mut browser = instance.browser();
    browser.logs_in().await;
    for _ in 0..28 {
        instance.time.pass(1_500);
        assert_eq!(browser.get("/whoami").await.status(), StatusCode::OK);
    }
    instance.time.pass(1_500);
    assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
}

// S4, invariant 8
#[tokio::test]
async fn any_instance_recognises_and_renews() {
    let first = Instance::new().await;
    let second = first.neighbour().await;
    let mut browser = first.browser();
    browser.logs_in().await;
    for round in 0..6 {
        first.time.pass(1_700);
        browser.moves_to(if round % 2 == 0 { &second } else { &first });
        let before = browser.token().map(str::to_owned);
        assert_eq!(browser.get("/whoami").await.status(), StatusCode::OK);
        assert_ne!(browser.token(), before.as_deref());
    }
}

#[tokio::test]
async fn only_page_loads_and_renew_itself_renew() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    let first = browser.token().unwrap().to_owned();
    instance.time.pass(299);
    browser.get("/whoami").await;
    assert_eq!(browser.token(), Some(&*first), "not due yet");
    instance.time.pass(1);
    browser.fetch("/whoami").await;
    browser.fetch("/").await;
    assert_eq!(browser.token(), Some(&*first), "a script");

    let old = browser.clone();
    let answer = browser.post("/renew", &[]).await;
    assert_eq!(json(&answer)["renewed"], true);
    assert_ne!(browser.token(), Some(&*first));
    // A hundred parallel requests with the old token log nobody out.
    assert_eq!(old.clone().whoami().await, StatusCode::OK);
    assert_eq!(json(&browser.post("/renew", &[]).await)["renewed"], false);
}

// S9
#[tokio::test]
async fn a_script_gets_401_and_a_person_the_login() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    for (name, value) in [
        ("sec-fetch-dest", "empty"),
        ("sec-fetch-dest", "iframe"),
        ("x-requested-with", "XMLHttpRequest"),
    ] {
        let mut headers = browser.headers();
        headers.insert(name, HeaderValue::from_static(value));
        let answer = browser.send(Method::GET, "/", headers, vec![]).await;
        assert_eq!(answer.status(), StatusCode::UNAUTHORIZED, "{name}: {value}");
    }
    // Another library's name for itself does not make a script a person.
    let mut script = browser.headers();
    script.insert("x-requested-with", HeaderValue::from_static("fetch"));
    script.insert("sec-fetch-dest", HeaderValue::from_static("empty"));
    let answer = browser.send(Method::GET, "/", script, vec![]).await;
    assert_eq!(answer.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(browser.get("/").await.status(), StatusCode::SEE_OTHER);
}

#[tokio::test]
async fn both_kinds_of_token_verify_while_the_mode_is_switched() {
    let instance = Instance::new().await;
    let mut sealed = instance.browser();
    sealed.logs_in().await;
    instance.configure(|settings| settings.mode = TokenMode::Repository);
    let mut stored = instance.browser();
    stored.logs_in().await;
    instance.configure(|settings| settings.policy.format = Format::Signed);
    instance.configure(|settings| settings.mode = TokenMode::Encapsulated);
    let mut signed = instance.browser();
    signed.logs_in().await;
    for (browser, kind) in [
        (&mut sealed, "sealed"),
        (&mut stored, "repository"),
        (&mut signed, "signed"),
    ] {
        let answer = browser.fetch("/whoami").await;
        assert_eq!(json(&answer)["token"], kind);
        browser.log_out().await;
        assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
    }
}

// T12
#[tokio::test]
async fn a_signed_token_names_nobody_and_a_renewal_changes_the_format() {
    let instance = Instance::new().await;
    instance
        .add("zoe", |user| {
            user.profile.name = Some("Zoe Example".to_owned());
        })
        .await;
    let mut browser = instance.browser();
    browser.log_in("zoe", PASSWORD).await;
    assert_eq!(json(&browser.fetch("/whoami").await)["name"], "Zoe Example");
    instance.configure(|settings| settings.policy.format = Format::Signed);
    instance.time.pass(400);
    browser.get("/whoami").await;
    let answer = json(&browser.fetch("/whoami").await);
    assert_eq!(
        (answer["token"].as_str(), &answer["name"]),
        (Some("signed"), &serde_json::Value::Null)
    );
}

#[tokio::test]
async fn a_user_added_elsewhere_a_moment_ago_has_a_session_at_once() {
    let instance = Instance::new().await;
    let mut user = signet_repository::NewUser::new(subject("newcomer"));
    user.password = Some(lasting(PASSWORD));
    // As the command line does it: this instance has not looked yet.
    instance
        .repository
        .add_user(&user, instance.time.now())
        .await
        .unwrap();
    let mut browser = instance.browser();
    browser.log_in("newcomer", PASSWORD).await;
    assert_eq!(browser.whoami().await, StatusCode::OK);
}

// K6
#[tokio::test]
async fn a_rotation_of_keys_loses_nobody_and_a_revocation_everybody() {
    let instance = Instance::new().await;
    let mut old = instance.browser();
    old.logs_in().await;
    let mut undecided = instance.browser();
    let csrf = undecided.csrf("/login").await;
    instance.set_keys(&[key(4), key(5)]);
    assert_eq!(old.whoami().await, StatusCode::OK);
    let mut new = instance.browser();
    new.logs_in().await;
    assert_ne!(
        json(&old.fetch("/whoami").await)["kid"],
        json(&new.fetch("/whoami").await)["kid"]
    );
    // A form that was open all the while is good, too.
    let fields = [
        ("username", "alice"),
        ("password", PASSWORD),
        ("csrf", &csrf),
    ];
    let answer = undecided.post("/login", &fields).await;
    assert_eq!(answer.status(), StatusCode::SEE_OTHER);
    instance.set_keys(&[key(5)]);
    assert_eq!(old.whoami().await, StatusCode::UNAUTHORIZED);
    assert_eq!(new.whoami().await, StatusCode::OK);
}

#[tokio::test]
async fn a_shorter_policy_is_that_of_the_next_token() {
    let instance = Instance::new().await;
    let mut browser = instance.browser();
    browser.logs_in().await;
    instance.configure(|settings| settings.policy.inactivity = Seconds(600));
    assert_eq!(browser.whoami().await, StatusCode::OK);
    browser.logs_in().await;
    instance.time.pass(661);
    assert_eq!(browser.whoami().await, StatusCode::UNAUTHORIZED);
}

// S2, invariant 7: a logout counts from its answer on, whatever else changes at the same time.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_logout_amid_other_changes_counts_from_its_answer_on() {
    let instance = std::sync::Arc::new(Instance::new().await);
    let mut browsers = Vec::new();
    for n in 0..20 {
        let id = format!("user-{n}");
        instance.add(&id, |_| {}).await;
        let mut browser = instance.browser();
        browser.address = [198, 51, 100, n].into();
        browser.log_in(&id, PASSWORD).await;
        browsers.push(browser);
    }
    let others = {
        let instance = std::sync::Arc::clone(&instance);
        tokio::spawn(async move {
            for n in 0..40 {
                let id = subject(&format!("user-{}", n % 20));
                let group = format!("group-{n}").parse().unwrap();
                let now = instance.time.now();
                let changed = instance.repository.add_to_group(&id, group, now).await;
                changed.unwrap();
                instance.follow().await;
            }
        })
    };
    let logouts = browsers.into_iter().map(|mut browser| {
        tokio::spawn(async move {
            let mut copy = browser.clone();
            assert_eq!(copy.whoami().await, StatusCode::OK);
            browser.log_out().await;
            for _ in 0..50 {
                assert_eq!(copy.whoami().await, StatusCode::UNAUTHORIZED);
                tokio::task::yield_now().await;
            }
            copy
        })
    });
    let mut copies = Vec::new();
    for logout in logouts.collect::<Vec<_>>() {
        copies.push(logout.await.unwrap());
    }
    others.await.unwrap();
    for copy in &mut copies {
        assert_eq!(copy.whoami().await, StatusCode::UNAUTHORIZED);
    }
}
