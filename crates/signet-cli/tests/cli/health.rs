//! How an instance is, as monitoring asks for it.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::scratch::{Said, Scratch};
use crate::serving::Running;

/// Nothing else may be wrong with the machine that tests run on.
fn health(scratch: &Scratch, words: &[&str]) -> Said {
    scratch.run(&[&["health", "--tags", "-disk,-clock"], words].concat())
}

fn status_of<'r>(report: &'r Value, name: &str) -> &'r str {
    let results = report["results"].as_array().unwrap();
    let result = results.iter().find(|result| result["name"] == name);
    result.unwrap()["status"].as_str().unwrap()
}

#[test]
fn a_running_instance_tells_how_it_is() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let said = health(&scratch, &[]);
    assert_eq!(said.status, 0, "{said:#?}");
    assert_eq!(
        said.stdout.lines().next(),
        Some("SIGNET OK - 7 checks are in order")
    );
    assert!(
        said.stdout
            .contains("\nOK instance: it runs and is ready\n"),
        "{said:#?}"
    );

    // A key that others can read is a warning's worth no longer.
    let keys = scratch.data().join("keys/hmac");
    let file = fs::read_dir(&keys).unwrap().next().unwrap().unwrap().path();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    scratch.run(&["keys", "refresh"]);
    let said = health(&scratch, &["--json"]);
    assert_eq!(said.status, 2, "{said:#?}");
    let report = said.json();
    assert_eq!(report["overallResult"], "CRITICAL");
    assert_eq!(status_of(&report, "keys"), "CRITICAL");
    assert_eq!(status_of(&report, "instance"), "OK");
    let first = &report["results"][0];
    let members: Vec<_> = first.as_object().unwrap().keys().collect();
    assert_eq!(
        members.len(),
        6,
        "name, status, timeInMs, finishedAt, tags, messages: {members:?}"
    );
    let message = first["messages"][0]["message"].as_str().unwrap();
    assert!(message.contains("its mode is 0644"), "{message}");
    assert!(message.contains("chmod 600"), "{message}");
    running.terminate();
}

#[test]
fn the_admin_listener_answers_as_felix_does() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    let (status, body) = running.admin("/system/health?tags=keys,instance");
    assert_eq!(status, 200);
    let report: Value = serde_json::from_str(&body).unwrap();
    assert_eq!(report["results"].as_array().unwrap().len(), 2);
    assert_eq!(
        running.admin("/system/health.txt?names=instance"),
        (200, "OK".to_owned())
    );
    let (status, body) = running.admin("/system/health?tags=nothing-has-this");
    assert_eq!(
        (status, body.as_str()),
        (200, r#"{"overallResult":"OK","results":[]}"#)
    );
    let (status, body) = running.admin("/system/health/instance.verbose.txt");
    assert!(
        status == 200 && body.contains("Overall Health Result: OK"),
        "{body}"
    );
    let (status, _) = running.admin("/system/health.txt?names=instance&httpStatus=OK:299");
    assert_eq!(status, 299);
    for wrong in ["?format=html", "?httpStatus=OK:0", "?timeout=x", "y"] {
        assert_eq!(
            running.admin(&format!("/system/health{wrong}")).0,
            400,
            "{wrong}"
        );
    }
    let long = format!("/system/health?tags={}", "a".repeat(5_000));
    assert_eq!(running.admin(&long).0, 400);

    // Without keys nobody can log in.
    fs::remove_dir_all(scratch.data().join("keys/hmac")).unwrap();
    let (status, body) = running.admin("/system/health.txt?names=keys&forceInstantExecution=true");
    assert_eq!((status, body.as_str()), (503, "CRITICAL"));
    running.terminate();
}

#[test]
fn without_an_instance_its_data_is_looked_at() {
    let scratch = Scratch::new();
    let said = health(&scratch, &[]);
    assert_eq!(said.status, 2, "{said:#?}");
    let first = said.stdout.lines().next().unwrap();
    assert!(
        first.starts_with("SIGNET CRITICAL - instance: INSTANCE_DOWN: the instance on ")
            && first.ends_with(" does not run (1 of 7 checks)"),
        "{first}"
    );
    assert!(
        said.stdout
            .contains("\nOK keys: 2 keys in files are in order: hmac "),
        "{said:#?}"
    );
    // It says so whatever was asked for.
    let said = scratch.run(&["health", "--tags", "configuration", "--json"]);
    assert_eq!(said.status, 2);
    let report = said.json();
    assert_eq!(status_of(&report, "instance"), "CRITICAL");
    assert_eq!(status_of(&report, "configuration"), "OK");
    // One that died left its socket and its address.
    let running = Running::start(&scratch);
    running.kill();
    let said = health(&scratch, &["--format", "txt"]);
    assert_eq!((said.status, said.stdout.as_str()), (2, "CRITICAL\n"));
}

#[test]
fn what_cannot_be_told_is_unknown() {
    let scratch = Scratch::empty();
    let said = scratch.run(&["health"]);
    assert_eq!(said.status, 3, "{said:#?}");
    assert!(
        said.stdout
            .starts_with("SIGNET UNKNOWN - there is no data directory at "),
        "{said:#?}"
    );
    assert!(
        said.stderr.starts_with("error: there is no data directory"),
        "{said:#?}"
    );

    let scratch = Scratch::new();
    let said = scratch.run(&["health", "--tags", "no-such-tag"]);
    assert_eq!(said.status, 3, "{said:#?}");
    assert!(
        said.stdout
            .starts_with("SIGNET UNKNOWN - no check has the tags no-such-tag"),
        "{said:#?}"
    );
    let said = scratch.run(&["health", "--tags", "no-such-tag", "--json"]);
    assert_eq!((said.status, said.stdout.as_str()), (3, ""), "{said:#?}");
}

#[test]
fn a_wrong_configuration_is_a_warning_while_it_runs() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    fs::write(scratch.data().join("signet.toml"), "role = \"boss\"\n").unwrap();
    let said = scratch.run(&["health", "--tags", "configuration"]);
    assert_eq!(said.status, 1, "{said:#?}");
    assert!(
        said.stdout
            .starts_with("SIGNET WARNING - configuration: CONFIG_REFUSED: ")
            && said.stdout.contains("signet.toml:1:8: ")
            && said.stdout.contains("`signet config check`"),
        "{said:#?}"
    );
    running.terminate();
    let said = scratch.run(&["health", "--tags", "configuration"]);
    assert_eq!(said.status, 2, "{said:#?}");
}

// K10
#[test]
fn a_secret_whose_key_is_gone_is_critical_and_says_which_key_that_is() {
    let scratch = Scratch::new();
    let sealed = scratch.run_with(
        &["secret", "protect", "client/ims/secret", "--store"],
        "hush\n",
    );
    assert_eq!(sealed.status, 0, "{sealed:#?}");
    let running = Running::start(&scratch);
    let said = scratch.run(&["health", "--tags", "secrets,-oauth"]);
    assert_eq!(said.status, 0, "{said:#?}");
    assert!(
        said.stdout
            .contains("OK secrets: the one sealed value opens"),
        "{said:#?}"
    );

    let master = scratch.data().join("keys/master");
    let file = fs::read_dir(&master)
        .unwrap()
        .next()
        .unwrap()
        .unwrap()
        .path();
    let kid = file.file_stem().unwrap().to_str().unwrap().to_owned();
    fs::rename(&file, scratch.data().join("keys/old-master.jwk")).unwrap();
    scratch.run(&["keys", "rotate", "--ring", "master"]).done();
    let (status, body) = running.admin("/system/health?names=secrets&forceInstantExecution=true");
    assert_eq!(status, 503);
    let report: Value = serde_json::from_str(&body).unwrap();
    let message = report["results"][0]["messages"][0]["message"]
        .as_str()
        .unwrap();
    for words in [
        "SECRET_KEY_MISSING: the secret client/ims/secret (repository) does not open: it was sealed with the key ",
        &kid,
        "here is ",
        "the key was last seen in the file ",
        "keys/old-master.jwk, where nothing reads it",
    ] {
        assert!(message.contains(words), "{words}: {message}");
    }
    assert!(!message.contains("hush"));
    running.terminate();
}
