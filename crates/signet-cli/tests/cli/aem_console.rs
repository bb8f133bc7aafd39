//! Commands that ask running instances of AEM, played by a test.

#[allow(dead_code, unreachable_pub, reason = "played for the library as well")]
#[path = "../../../signet-aem/src/console/testing/instance.rs"]
mod instance;
#[path = "../../../signet-aem/src/console/testing/script.rs"]
mod script;

use std::fs;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};
use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use self::instance::{Age, HANDLER, Instance, SAML, State};
use self::script::{Reply, Script};
use crate::scratch::{Said, Scratch};

const MASTER: &[u8; 16] = b"\x3e\x3f\xcf\x55\xe3\x62\xe5\xcb\xf5\x14\x07\xfb\x64\xae\x0b\x61";
const SECRET: &str = "an-oauth-secret-in-the-clear";

fn instance(change: impl FnOnce(&mut State)) -> Instance {
    let mut state = State {
        health_page: Some("<title>Health Check</title>".to_owned()),
        ..State::default()
    };
    change(&mut state);
    Instance::start(state)
}

/// Runs `signet aem WORDS…` with the right credentials.
fn aem(scratch: &Scratch, words: &[&str]) -> Said {
    scratch.run_with(
        &[&["aem"], words, &["--credentials", "-"]].concat(),
        "admin:admin\n",
    )
}

fn handler_of(instance: &Instance) -> Value {
    json!(instance.handler())
}

#[test]
fn a_farm_is_switched_and_nothing_else_is_different() {
    let scratch = Scratch::empty();
    // One whose console merges, and one whose console does not.
    let farm = [
        instance(|_| {}),
        instance(|state| {
            state.age = Age::Middle;
            state.bundles[3].1 = "4.3.8";
        }),
    ];
    let [one, two] = farm.each_ref().map(Instance::url);
    let before = farm.each_ref().map(handler_of);

    let said = aem(&scratch, &["encapsulate", &one, &two, "--dry-run"]).done();
    assert!(said.stdout.contains("is off, would be on"), "{said:?}");
    assert!(
        said.stdout.contains("the whole configuration is written"),
        "{said:?}"
    );
    assert!(said.stdout.ends_with("this was a dry run.\n"), "{said:?}");
    assert_eq!(farm.each_ref().map(handler_of), before);

    let said = aem(&scratch, &["encapsulate", &one, &two]).done();
    assert!(said.stdout.contains("was off, is on"), "{said:?}");
    assert!(
        said.stderr
            .contains(&format!("{two}: on, and everything else is as it was."))
    );
    for (instance, before) in farm.iter().zip(&before) {
        let mut expected = before.clone();
        expected["token.encapsulated"] = json!(true);
        assert_eq!(handler_of(instance), expected);
    }

    let said = aem(&scratch, &["encapsulate", &one, &two, "--json"]).done();
    let document = said.json();
    assert_eq!(document["changed"], false);
    assert_eq!(document["instances"][0]["was"], "on");
    assert_eq!(document["instances"][0]["is"], "on");

    aem(&scratch, &["encapsulate", "--off", &one, &two]).done();
    assert_eq!(handler_of(&farm[0])["token.encapsulated"], false);
}

#[test]
fn nothing_is_changed_while_something_speaks_against_it() {
    let scratch = Scratch::empty();
    let one = instance(|_| {});
    let foreign = instance(|state| state.hmac = Some("two"));
    let creating = instance(|state| {
        let saml = [("createUser".to_owned(), json!(true))].into();
        state.configurations.insert(format!("{SAML}~idp"), saml);
    });
    let before = handler_of(&one);

    let words = ["encapsulate", &one.url(), &foreign.url()];
    let said = aem(&scratch, &[&words[..], &["--accept"]].concat());
    assert_eq!(said.status, 1, "{said:?}");
    assert!(
        said.stdout.contains("critical: its hmac is not that of"),
        "{said:?}"
    );
    assert!(said.stdout.contains("(HMAC_DIFFERENT)"), "{said:?}");
    assert!(
        said.stdout.ends_with("mend the critical ones first.\n"),
        "{said:?}"
    );

    let words = ["encapsulate", &one.url(), &creating.url()];
    let said = aem(&scratch, &words);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stdout.contains("(USERS_CREATED_AT_LOGIN)"), "{said:?}");
    assert!(
        said.stdout.ends_with("say so: --sticky or --accept.\n"),
        "{said:?}"
    );
    assert_eq!(handler_of(&one), before);

    let said = aem(&scratch, &[&words[..], &["--sticky", "--json"]].concat()).done();
    let document = said.json();
    assert_eq!(document["changed"], true);
    assert_eq!(document["objections"][0]["stands"], false);
    assert_eq!(handler_of(&creating)["token.encapsulated"], true);
}

#[test]
fn where_it_stopped_is_said_with_the_ways_on_and_back() {
    let scratch = Scratch::empty();
    let farm = [
        instance(|_| {}),
        instance(|state| state.is_stubborn = true),
        instance(|_| {}),
    ];
    let [one, two, three] = farm.each_ref().map(Instance::url);
    let said = aem(&scratch, &["encapsulate", &one, &two, &three]);
    assert_eq!(said.status, 1, "{said:?}");
    for words in [
        format!("error: {two} was not changed as it should be"),
        format!("{two} took the change of {HANDLER} and did not make it"),
        format!("\n  {one}: on\n  {three}: off\n"),
        format!("go on: signet aem encapsulate {one} {two} {three};"),
        format!("back: signet aem encapsulate --off {one} {two} {three}"),
    ] {
        assert!(said.stderr.contains(&words), "{words}: {}", said.stderr);
    }
    assert_eq!(handler_of(&farm[2]).get("token.encapsulated"), None);
}

#[test]
fn a_farm_is_compared() {
    let scratch = Scratch::empty();
    let farm = [instance(|_| {}), instance(|_| {})];
    let [one, two] = farm.each_ref().map(Instance::url);
    let said = aem(&scratch, &["compare", &one, &two]).done();
    assert!(
        said.stdout.ends_with("needs to be equal is equal.\n"),
        "{said:?}"
    );
    farm[1].state().hmac = Some("two");
    let said = aem(&scratch, &["compare", &one, &two]);
    assert_eq!(said.status, 1, "{said:?}");
    let line = said.stdout.lines().find(|line| line.starts_with("hmac"));
    let words: Vec<_> = line
        .unwrap()
        .split("  ")
        .filter(|word| !word.is_empty())
        .collect();
    assert_eq!(words.last().unwrap().trim(), "DIFFERENT", "{said:?}");

    // The table comes out though one of them is gone.
    let gone = Script::play(|_| Reply::redirect("/libs/granite/core/content/login.html"));
    let said = aem(&scratch, &["compare", &one, &gone.url(), "--json"]);
    assert_eq!(said.status, 1, "{said:?}");
    let document = said.json();
    assert_eq!(document["faults"][0]["instance"], gone.url());
    assert!(
        document["faults"][0]["why"]
            .as_str()
            .unwrap()
            .contains("login page")
    );
    assert_eq!(document["instances"], json!([one, gone.url()]));
}

#[test]
fn an_instance_is_checked_and_no_secret_is_shown() {
    let scratch = Scratch::empty();
    let master = scratch.path().join("master");
    fs::write(&master, MASTER).unwrap();
    let key = || GraniteKey::new(Zeroizing::new(*MASTER), UnixSeconds(0));
    let instance = instance(|state| {
        let factory = "com.adobe.granite.auth.oauth.provider";
        let protected = GraniteValue::protect(&key(), SECRET).unwrap().to_string();
        for (name, secret) in [("open", SECRET.to_owned()), ("sealed", protected)] {
            let properties = [
                ("oauth.config.id".to_owned(), json!(name)),
                ("oauth.client.secret".to_owned(), json!(secret)),
            ];
            let pid = format!("{factory}~{name}");
            state.configurations.insert(pid, properties.into());
        }
        state.log = "\u{1b}]0;x\u{7}{\"error\":\"invalid_client\"}\n".to_owned();
        state.bundles.push(("bad\u{1b}[2J", "1", 2));
    });
    let url = instance.url();
    let said = aem(
        &scratch,
        &["check", &url, "--master", master.to_str().unwrap()],
    );
    assert_eq!(said.status, 1, "{said:?}");
    for words in [
        "IN THE CLEAR",
        "protected, opens",
        "cannot be tried",
        "(IMS_INVALID_CLIENT)",
        "(SECRET_IN_CLEAR)",
        "(BUNDLES_NOT_ACTIVE)",
    ] {
        assert!(said.stdout.contains(words), "{words}: {said:?}");
    }
    let said_too = aem(&scratch, &["check", &url, "--json"]);
    assert_eq!(
        said_too.json()["providers"][1]["secrets"][0]["state"],
        "protected"
    );
    for said in [said, said_too] {
        assert!(!said.stdout.contains(SECRET) && !said.stderr.contains(SECRET));
        assert!(!said.stdout.contains('\u{1b}'), "{said:?}");
        assert!(!said.stdout.contains("hunter2") && !said.stdout.contains("first-secret"));
    }
}

#[test]
fn what_is_no_instance_is_said_and_what_to_do() {
    let scratch = Scratch::empty();
    let wrong = instance(|_| {});
    scratch
        .run_with(
            &["aem", "check", &wrong.url(), "--credentials", "-"],
            "admin:wrong\n",
        )
        .failed("does not accept the credentials")
        .hints("--credentials FILE");
    for (reply, message, hint) in [
        (
            Reply::login_page(),
            "a login page came",
            "--credentials FILE",
        ),
        (Reply::status(403), "may not do that", "referrer filter"),
        (
            Reply::redirect("https://elsewhere.example/?q=1"),
            "to https://elsewhere.example/",
            "give the URL that it leads to",
        ),
        (
            Reply::html("<p>nothing"),
            "no list of bundles",
            "is it AEM itself",
        ),
        (
            Reply::raw("SSH-2.0-OpenSSH\r\n"),
            "does not answer in HTTP",
            "scheme",
        ),
    ] {
        let script = Script::play(move |_| reply.clone());
        aem(&scratch, &["check", &script.url()])
            .failed(message)
            .hints(hint);
    }
    scratch
        .run_with(
            &["aem", "check", &wrong.url(), "--credentials", "-"],
            "half\n",
        )
        .failed("line 1 of standard input holds no credentials");
    for command in ["encapsulate", "compare"] {
        aem(&scratch, &[command, &wrong.url(), &wrong.url()]).failed("named twice");
    }
    scratch
        .run(&["aem", "compare", "localhost:4502", "localhost:4503"])
        .failed("localhost:4502 was not compared")
        .hints("http://localhost:4502");
    scratch
        .run(&["aem", "compare", "/nowhere", "http://author.example:4502"])
        .failed("/nowhere was not compared");
}

#[test]
fn an_interruption_says_that_nothing_was_changed() {
    let scratch = Scratch::empty();
    let (tell, asked) = std::sync::mpsc::channel();
    let silent = Script::play(move |_| {
        tell.send(()).unwrap();
        loop {
            std::thread::park();
        }
    });
    let mut command = scratch.command();
    command
        .args(["aem", "encapsulate", &silent.url()])
        .env("SIGNET_AEM_CREDENTIALS", "admin:admin")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    asked.recv().unwrap();
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(process, Signal::INT).unwrap();
    Said::new(&child.wait_with_output().unwrap()).failed("interrupted; nothing was changed");
}
