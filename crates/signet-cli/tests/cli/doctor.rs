//! Everything that could be wrong, found without an instance.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;

use serde_json::Value;

use crate::scratch::Scratch;
use crate::serving::Running;

fn codes(document: &Value) -> Vec<(&str, &str)> {
    let findings = document["findings"].as_array().unwrap().iter();
    findings
        .map(|found| {
            let text = |member: &str| found[member].as_str().unwrap();
            (text("code"), text("status"))
        })
        .filter(|(code, _)| !code.starts_with("DISK"))
        .collect()
}

#[test]
fn a_sound_installation_has_nothing_wrong() {
    let scratch = Scratch::new();
    let document = scratch.run(&["doctor", "--json"]).json();
    assert_eq!(codes(&document), []);
    let said = scratch.run(&["doctor", "--all"]);
    assert!(
        said.stdout
            .contains("in order keys: 2 keys in files are in order"),
        "{said:#?}"
    );
    assert!(said.stdout.ends_with("; 16 checks.\n"), "{said:#?}");

    // While an instance runs, as well.
    let running = Running::start(&scratch);
    let document = scratch.run(&["doctor", "--all", "--json"]).json();
    let told = document.to_string();
    assert!(
        told.contains("an instance runs on this data and answers"),
        "{told}"
    );
    running.terminate();
}

#[test]
fn what_is_wrong_is_told_with_cause_effect_and_remedy() {
    let scratch = Scratch::new();
    fs::set_permissions(scratch.data(), fs::Permissions::from_mode(0o755)).unwrap();
    fs::write(scratch.data().join("keys/storage"), "file\n").unwrap();
    let said = scratch.run(&["doctor"]);
    assert_eq!(said.status, 1, "{said:#?}");
    let data = scratch.data();
    let data = data.display();
    assert!(
        said.stdout.contains(&format!(
            "CRITICAL DATA_OPEN_TO_OTHERS (directory)\n  {data} has the mode 0755: other users of this machine can read it\n  effect: they see configuration and users, and reach whatever below it is open as well; the instance does not start\n  to mend it: `chmod 700 '{data}'`\n"
        )),
        "{said:#?}"
    );
    assert!(
        said.stdout.contains("\nnote STORAGE_LINE_END (keys)\n"),
        "{said:#?}"
    );
    assert!(
        said.stdout.contains("worth knowing; 16 checks.\n"),
        "{said:#?}"
    );
    assert!(said.stderr.is_empty(), "{said:#?}");

    // What is harmless is no failure.
    fs::set_permissions(scratch.data(), fs::Permissions::from_mode(0o700)).unwrap();
    let document = scratch.run(&["doctor", "--json"]).json();
    assert_eq!(codes(&document), [("STORAGE_LINE_END", "OK")]);
}

#[test]
fn without_a_data_directory_the_way_to_one_is_told() {
    let scratch = Scratch::empty();
    let said = scratch.run(&["doctor"]);
    assert_eq!(said.status, 1, "{said:#?}");
    assert!(
        said.stdout
            .starts_with("CRITICAL DATA_MISSING (directory)\n"),
        "{said:#?}"
    );
    assert!(said.stdout.contains("`signet serve --data "), "{said:#?}");
    assert!(!scratch.data().exists());
}

#[test]
fn a_broken_configuration_does_not_keep_it_from_looking() {
    let scratch = Scratch::new();
    fs::write(scratch.data().join("signet.toml"), "]").unwrap();
    fs::remove_file(scratch.data().join("repository.db")).unwrap();
    let document = scratch.run(&["doctor", "--json"]).json();
    let codes = codes(&document);
    for code in ["CONFIG_REFUSED", "REPOSITORY_MISSING"] {
        assert!(codes.contains(&(code, "CRITICAL")), "{code}: {codes:?}");
    }
}

/// What a copied file tells is true of every one that `cp` makes.
#[test]
fn a_saved_login_page_in_the_place_of_a_key_is_found() {
    let scratch = Scratch::new();
    let keys = scratch.data().join("keys/hmac");
    let page = keys.join("0123456789abcdef0123456789abcdef.jwk");
    fs::write(&page, "<!doctype html><form action=/login>").unwrap();
    fs::set_permissions(&page, fs::Permissions::from_mode(0o600)).unwrap();
    let said = scratch.run(&["doctor"]);
    assert_eq!(said.status, 1, "{said:#?}");
    assert!(
        said.stdout
            .contains("it is a web page, not a key (a saved login page?)"),
        "{said:#?}"
    );
    assert!(
        said.stdout
            .contains("copy the key's own file from another instance"),
        "{said:#?}"
    );
}
