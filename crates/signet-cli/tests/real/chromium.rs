//! A real Chromium logs in through the balancer of `signet lab`.

use std::collections::BTreeSet;

use crate::stage::browser::{Browser, Script};
use crate::stage::lab::Lab;
use fantoccini::key::Key;
use serde_json::json;

const SESSION: &str = "main.wide";
const INSTANCE: &str = ".instance";

/// Logs in by keyboard alone: the field for the name has the focus.
async fn log_in(browser: &Browser, user: &str, password: &str) {
    browser.text("#username").await;
    assert_eq!(browser.focused("id").await, "username");
    browser.type_keys(user).await;
    browser.press(Key::Tab).await;
    assert_eq!(browser.focused("id").await, "password");
    browser.type_keys(password).await;
    browser.press(Key::Enter).await;
}

/// Loads the page again and again, until every instance has answered.
async fn until_all_have_answered(browser: &Browser, lab: &Lab) {
    let mut seen = BTreeSet::new();
    for _ in 0..20 {
        seen.insert(browser.text(INSTANCE).await);
        if seen.len() == lab.instances.len() {
            break;
        }
        browser.client.refresh().await.unwrap();
    }
    assert_eq!(seen, lab.instances.iter().cloned().collect());
}

/// From the first page to the last, as a person goes.
async fn visit(script: Script) {
    let lab = Lab::start();
    let browser = Browser::start(script).await;
    browser.open(&format!("{}/", lab.url)).await;
    assert_eq!(browser.path().await, "/login");
    assert!(!browser.has(SESSION).await);

    log_in(&browser, &lab.user, "not the password").await;
    let notice = browser.text("#notice.error").await;
    assert!(!notice.is_empty());
    assert!(!browser.has(SESSION).await);
    // The name is still there, and the focus where the mistake is.
    assert_eq!(browser.focused("id").await, "password");
    browser.type_keys(&lab.password).await;
    browser.press(Key::Enter).await;

    browser.text(SESSION).await;
    assert_eq!(browser.path().await, "/");
    let page = browser.text(SESSION).await;
    assert!(page.contains(&lab.user), "{page}");
    until_all_have_answered(&browser, &lab).await;

    browser.click("header a[href='/logout']").await;
    browser.click("main form button.primary").await;
    browser.text("#username").await;
    assert!(!browser.text("#notice.info").await.is_empty());
    // What is gone does not come back by going back.
    for _ in 0..3 {
        browser.client.back().await.unwrap();
        assert!(!browser.has(SESSION).await, "{}", browser.path().await);
    }
    browser.open(&format!("{}/", lab.url)).await;
    assert_eq!(browser.path().await, "/login");
    assert_eq!(complaints(&browser).await, [""; 0]);
}

/// What the browser says against the pages, but for the answer to a wrong password.
async fn complaints(browser: &Browser) -> Vec<String> {
    let mut said = browser.console().await;
    said.retain(|message| !message.contains("the server responded with a status of 403"));
    said
}

#[tokio::test]
async fn a_person_logs_in_and_out_by_keyboard() {
    visit(Script::On).await;
}

#[tokio::test]
async fn the_same_works_without_script() {
    visit(Script::Off).await;
}

#[tokio::test]
async fn scripts_only_add_to_the_page() {
    let lab = Lab::start();
    let login = format!("{}/login", lab.url);
    let with = Browser::start(Script::On).await;
    with.open(&login).await;
    with.text("#password").await;
    with.type_keys("x").await;
    with.press(Key::Tab).await;
    with.type_keys("secret").await;
    with.click("button.reveal").await;
    assert_eq!(with.focused("type").await, "text");
    with.click("button.reveal").await;
    assert_eq!(with.focused("type").await, "password");

    let without = Browser::start(Script::Off).await;
    without.open(&login).await;
    without.text("#password").await;
    assert!(!without.has("button.reveal").await);
}

/// A screen and a taste.
struct View {
    name: &'static str,
    width: u32,
    scheme: &'static str,
}

const VIEWS: [View; 3] = [
    View {
        name: "light",
        width: 1100,
        scheme: "light",
    },
    View {
        name: "dark",
        width: 1100,
        scheme: "dark",
    },
    View {
        name: "phone",
        width: 320,
        scheme: "light",
    },
];

/// Browser language, the language of the page.
const LANGUAGES: [(&str, &str); 3] = [
    ("en-GB,en", "en"),
    ("zh-TW,zh;q=0.9", "zh-Hant"),
    ("zh-CN,zh;q=0.9", "zh-Hans"),
];

#[tokio::test]
async fn the_pages_fit_every_screen_in_every_language() {
    let lab = Lab::start();
    let browser = Browser::start(Script::On).await;
    for (language, _) in LANGUAGES {
        for view in &VIEWS {
            look(&browser, view, language, 800).await;
            browser.open(&format!("{}/login", lab.url)).await;
            expect(&browser, "login", view, language).await;
        }
    }
    log_in(&browser, &lab.user, "wrong").await;
    browser.text("#notice.error").await;
    expect(&browser, "wrong", &VIEWS[2], LANGUAGES[2].0).await;
    browser.type_keys(&lab.password).await;
    browser.press(Key::Enter).await;
    browser.text(SESSION).await;
    for (language, _) in LANGUAGES {
        for view in &VIEWS {
            look(&browser, view, language, 1500).await;
            for page in ["", "logout"] {
                browser.open(&format!("{}/{page}", lab.url)).await;
                let name = if page.is_empty() { "session" } else { page };
                expect(&browser, name, view, language).await;
            }
        }
    }
    assert_eq!(complaints(&browser).await, [""; 0]);
}

async fn look(browser: &Browser, view: &View, language: &str, height: u32) {
    let size = json!({ "width": view.width, "height": height, "deviceScaleFactor": 1, "mobile": view.width < 500 });
    browser
        .devtools("Emulation.setDeviceMetricsOverride", size)
        .await;
    let scheme = json!({ "features": [{ "name": "prefers-color-scheme", "value": view.scheme }] });
    browser.devtools("Emulation.setEmulatedMedia", scheme).await;
    let agent = browser
        .client
        .execute("return navigator.userAgent", Vec::new())
        .await
        .unwrap();
    let agent = json!({ "userAgent": agent, "acceptLanguage": language });
    browser
        .devtools("Emulation.setUserAgentOverride", agent)
        .await;
}

/// The page is in the right language and nothing sticks out at the side.
async fn expect(browser: &Browser, name: &str, view: &View, language: &str) {
    let (_, tag) = LANGUAGES
        .into_iter()
        .find(|(asked, _)| *asked == language)
        .unwrap();
    let measure = "const page = document.documentElement; return [page.lang, page.scrollWidth, page.clientWidth]";
    let found = browser.client.execute(measure, Vec::new()).await.unwrap();
    browser
        .photograph(&format!("{name}-{tag}-{}", view.name))
        .await;
    assert_eq!(found[0], tag, "{name} for {language}");
    assert!(
        found[1].as_u64() <= found[2].as_u64(),
        "{name} {}: {found}",
        view.name
    );
}
