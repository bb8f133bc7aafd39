//! Running instances compared, checked, and switched to encapsulated tokens: real ones.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::Arc;

use serde_json::{Value, json};
use signet_aem::console::{Access, Console, Writing};
use signet_core::UnixSeconds;
use signet_http::Plain;

use crate::stage::PASSWORD;
use crate::stage::http::Request;
use crate::stage::sling::{Keys, Sling, TOKEN_HANDLER, USER, WEB_CONSOLE};

const ENCAPSULATED: &str = "token.encapsulated";
const SAML: &str = "com.adobe.granite.auth.saml.SamlAuthenticationHandler";
const OAUTH: &str = "com.adobe.granite.auth.oauth.provider";
const HMAC: [u8; 32] = *b"\x01one hmac for a whole farm \x02\x03\x04\xf0\xf1";
const MASTER: [u8; 16] = *b"\xa1\x01and a master\xb2\x00";

/// Everything that a configuration can hold, as Felix keeps it: lists, numbers, and what no metatype knows of.
const HANDLER: &str = r#"path=["/"]
token.required.attr="none"
skip.token.refresh=["/libs/granite/csrf/token.json","/a,b","/é"]
token.samesite.cookie.attr="Strict"
site.ranking=I"7"
site.password="not-to-be-lost"
site.flag=B"true"
site.long=L"-9223372036854775808"
site.note="a\ \=\ b"
service.pid="com.day.crx.security.token.impl.impl.TokenAuthenticationHandler"
"#;

/// Lists of which no metatype knows. This console names them, and does not say that they are lists.
const LISTS: &str = r#"site.list=["one","two"]
site.numbers=L["1","2"]
site.collection=("x","y")
site.passwords=["first","second"]
"#;

/// What the program said.
#[derive(Debug)]
struct Said {
    status: i32,
    stdout: String,
    stderr: String,
}

impl Said {
    #[track_caller]
    fn is(self, status: i32) -> Self {
        assert_eq!(self.status, status, "{self:#?}");
        self
    }

    #[track_caller]
    fn says(self, words: &str) -> Self {
        let text = format!("{}\n{}", self.stdout, self.stderr);
        assert!(text.contains(words), "{words}: {self:#?}");
        self
    }

    fn json(&self) -> Value {
        serde_json::from_str(&self.stdout).unwrap()
    }
}

/// `signet aem WORDS…` as an administrator of the instances.
fn aem(words: &[&str]) -> Said {
    aem_as(&format!("{USER}:{PASSWORD}"), words)
}

fn aem_as(credentials: &str, words: &[&str]) -> Said {
    let output = Command::new(env!("CARGO_BIN_EXE_signet"))
        .arg("aem")
        .args(words)
        .env("SIGNET_AEM_CREDENTIALS", credentials)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    Said {
        status: output.status.code().unwrap_or(-1),
        stdout: String::from_utf8(output.stdout).unwrap(),
        stderr: String::from_utf8(output.stderr).unwrap(),
    }
}

/// An instance with these keys.
fn with_keys(hmac: [u8; 32]) -> Sling {
    let sling = Sling::install(Keys::Files);
    sling.put_keys_in_files(&hmac, &MASTER);
    sling.set_storage(b"Bundle");
    sling
}

fn started(mut sling: Sling) -> Sling {
    sling.start_again();
    sling
}

/// Where Felix keeps the configuration of the token handler.
fn kept(sling: &Sling) -> PathBuf {
    let file = TOKEN_HANDLER.replace('.', "/") + ".config";
    sling.folder().join("launchpad/config").join(file)
}

/// What is in it, with the types of all values, whatever its layout.
fn entries(text: &str) -> BTreeMap<String, String> {
    let text = text.replace("\\\r\n", "").replace(' ', "");
    let lines = text.lines().filter_map(|line| line.split_once('='));
    lines
        .filter(|(name, _)| !name.starts_with("felix.") && !name.starts_with(':'))
        .map(|(name, value)| (name.to_owned(), value.replace(",]", "]").replace(",)", ")")))
        .collect()
}

fn entries_of(sling: &Sling) -> BTreeMap<String, String> {
    entries(&fs::read_to_string(kept(sling)).unwrap())
}

#[test]
fn a_farm_is_switched_on_and_off_and_nothing_else_is_different() {
    let one = with_keys(HMAC);
    fs::write(kept(&one), HANDLER).unwrap();
    let mut one = started(one);
    let two = started(with_keys(HMAC));
    let before = entries(HANDLER);

    aem(&["compare", &one.url(), &two.url()])
        .is(0)
        .says("differs, harmless")
        .says("site.ranking");
    let compared = aem(&["compare", &one.url(), &two.url(), "--json"]);
    let facts = compared.json()["facts"].clone();
    let fact = |name: &str| {
        let facts = facts.as_array().unwrap().iter();
        let mut found = facts.filter(|fact| fact["name"] == name);
        found.next().unwrap()["verdict"].clone()
    };
    assert_eq!(fact("hmac (by CSRF tokens)"), "equal");
    assert_eq!(fact("state of crypto"), "equal");

    aem(&["encapsulate", &one.url(), &two.url(), "--dry-run"])
        .is(0)
        .says("would be on");
    assert_eq!(entries_of(&one), before);

    aem(&["encapsulate", &one.url(), &two.url()])
        .is(0)
        .says("was off, is on");
    let mut expected = before;
    expected.insert(ENCAPSULATED.to_owned(), "B\"true\"".to_owned());
    assert_eq!(entries_of(&one), expected);
    assert_eq!(two.configuration(TOKEN_HANDLER)[ENCAPSULATED], true);

    one.stop();
    one.start_again();
    assert_eq!(one.configuration(TOKEN_HANDLER)[ENCAPSULATED], true);
    aem(&["encapsulate", &one.url(), &two.url()])
        .is(0)
        .says("There was nothing to change.");

    aem(&["encapsulate", "--off", &one.url(), &two.url()]).is(0);
    expected.insert(ENCAPSULATED.to_owned(), "B\"false\"".to_owned());
    assert_eq!(entries_of(&one), expected);
}

// This console makes a configuration anew of what it is told to keep, and would empty lists that its form does not show.
#[test]
fn the_whole_configuration_is_written_where_a_console_does_not_merge() {
    let sling = with_keys(HMAC);
    fs::write(kept(&sling), HANDLER).unwrap();
    let sling = started(sling);
    let access = Access {
        credentials: Some(format!("{USER}:{PASSWORD}").parse().unwrap()),
        ca_file: None,
        plain: Plain::OnThisMachine,
        patience: Access::PATIENCE,
    };
    let clock = Arc::new(|| UnixSeconds(1_800_000_000));
    let console = Console::new(sling.url().parse().unwrap(), access, clock);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let change = |value: &'static str| {
        runtime.block_on(async {
            let before = console.whole_configuration(TOKEN_HANDLER).await.unwrap();
            let change = console.change(&before, ENCAPSULATED, value, Writing::Whole);
            change.await.map(|_| ())
        })
    };
    change("true").unwrap();
    let mut expected = entries(HANDLER);
    expected.insert(ENCAPSULATED.to_owned(), "B\"true\"".to_owned());
    assert_eq!(entries_of(&sling), expected);

    let mut sling = sling;
    sling.stop();
    let with_lists = HANDLER.to_owned() + LISTS;
    fs::write(kept(&sling), &with_lists).unwrap();
    sling.start_again();
    let error = change("true").unwrap_err().to_string();
    let unsure = "site.collection, site.list, site.numbers, site.passwords";
    assert!(error.contains(unsure), "{error}");
    assert_eq!(entries_of(&sling), entries(&with_lists));
}

// Consoles of 4.6 and later merge: what no form shows stays, lists among it.
#[test]
fn a_console_that_merges_keeps_what_it_does_not_show() {
    let sling = with_keys(HMAC);
    sling.put_newer_web_console();
    let before = HANDLER.to_owned() + LISTS;
    fs::write(kept(&sling), &before).unwrap();
    let mut sling = started(sling);
    assert_eq!(sling.bundle(WEB_CONSOLE)["version"], "4.9.10");
    let before = entries(&before);
    let with = |value: &str| {
        let mut expected = before.clone();
        expected.insert(ENCAPSULATED.to_owned(), format!("B\"{value}\""));
        expected
    };

    aem(&["encapsulate", &sling.url(), "--dry-run"])
        .is(0)
        .says("the console merges the change");
    assert_eq!(entries_of(&sling), before);
    aem(&["encapsulate", &sling.url()])
        .is(0)
        .says("was off, is on");
    assert_eq!(entries_of(&sling), with("true"));

    // The other things that are asked of a console are the same in this one.
    sling.configure_factory(SAML, &[("path", "/"), ("createUser", "true")]);
    let checked = aem(&["check", &sling.url(), "--json"]).json();
    let findings = checked["findings"].as_array().unwrap().iter();
    let codes: Vec<_> = findings.map(|finding| finding["code"].clone()).collect();
    assert_eq!(codes, ["USERS_CREATED_AT_LOGIN"], "{checked:#}");

    sling.stop();
    sling.start_again();
    assert_eq!(entries_of(&sling), with("true"));
    assert_eq!(sling.configuration(TOKEN_HANDLER)[ENCAPSULATED], true);
    aem(&["encapsulate", "--off", &sling.url()]).is(0);
    assert_eq!(entries_of(&sling), with("false"));
}

#[test]
fn other_keys_and_handlers_that_create_users_speak_against_it() {
    let one = started(with_keys(HMAC));
    let foreign = started(with_keys([0xc5; 32]));
    aem(&["encapsulate", &one.url(), &foreign.url(), "--accept"])
        .is(1)
        .says("HMAC_DIFFERENT")
        .says("Nothing was changed");
    aem(&["compare", &one.url(), &foreign.url()])
        .is(1)
        .says("DIFFERENT");
    assert_eq!(one.configuration(TOKEN_HANDLER)[ENCAPSULATED], false);
    drop(foreign);

    one.configure_factory(SAML, &[("path", "/"), ("createUser", "true")]);
    aem(&["encapsulate", &one.url()])
        .is(1)
        .says("USERS_CREATED_AT_LOGIN")
        .says("ONE_INSTANCE");
    assert_eq!(one.configuration(TOKEN_HANDLER)[ENCAPSULATED], false);
    aem(&["encapsulate", &one.url(), "--sticky"]).is(0);
    assert_eq!(one.configuration(TOKEN_HANDLER)[ENCAPSULATED], true);
}

#[test]
fn an_instance_is_checked() {
    let sling = started(with_keys(HMAC));
    sling.configure_factory(
        OAUTH,
        &[
            ("oauth.config.id", "one"),
            ("oauth.client.id", "the-client"),
            ("oauth.client.secret", "never-to-be-shown"),
        ],
    );
    sling.put_keys_in_repository(&HMAC, &MASTER);
    let master = sling.scratch().join("raw-master");
    fs::write(&master, MASTER).unwrap();
    let said = aem(&[
        "check",
        &sling.url(),
        "--master",
        master.to_str().unwrap(),
        "--json",
    ])
    .is(1);
    let document = said.json();
    assert_eq!(document["master"], "fits");
    assert_eq!(document["repository_keys"], json!(["hmac", "master"]));
    assert_eq!(document["providers"][0]["client"], "the-client");
    assert_eq!(document["providers"][0]["secrets"][0]["state"], "hidden");
    let health = document["health"].as_array().unwrap();
    assert!(
        health.iter().all(|check| check["status"] == "ok"),
        "{health:?}"
    );
    assert!(!health.is_empty());
    let findings = document["findings"].as_array().unwrap().iter();
    let codes: Vec<_> = findings.map(|finding| finding["code"].clone()).collect();
    assert_eq!(codes, ["KEYS_IN_REPOSITORY", "TOKENS_IN_REPOSITORY"]);
    assert!(!said.stdout.contains("never-to-be-shown"));
}

#[test]
fn whoever_may_not_ask_is_told_so() {
    let sling = started(with_keys(HMAC));
    aem_as("admin:wrong", &["check", &sling.url()])
        .is(1)
        .says("does not accept the credentials");
    // As a browser, and from nowhere, Sling would not take what it takes from the program.
    let post = Request::new("POST", "/tmp/x").header("User-Agent", "Mozilla/5.0");
    assert_eq!(sling.send(post.form(&[(":operation", "nop")])).status, 403);
    aem(&["check", &format!("{}/elsewhere", sling.url())])
        .is(1)
        .says("hint:");
}
