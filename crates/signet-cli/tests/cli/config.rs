//! Configurations and data directories that cannot be used.

use std::os::unix::fs::PermissionsExt as _;

use crate::scratch::Scratch;

#[test]
fn a_mistake_is_reported_with_its_place() {
    let scratch = Scratch::new();
    let file = scratch.data().join("signet.toml");
    for (text, words) in [
        (
            "role = \"author\"\nfoo = 1\n",
            "signet.toml:2:1: unknown field `foo`",
        ),
        ("role = \"boss\"\n", "signet.toml:1:8: "),
        ("[token]\n  inactivity = \"5x\"\n", "signet.toml:2:16: "),
        ("x=", "signet.toml:1:3: "),
        (
            "public_url = \"http://www.example.com\"\n",
            "signet.toml:1:1: public_url: ",
        ),
    ] {
        std::fs::write(&file, text).unwrap();
        for command in [
            &["config", "check"][..],
            &["config", "show"],
            &["user", "list"],
        ] {
            scratch
                .run(command)
                .failed(words)
                .hints("signet config check");
        }
    }
}

#[test]
fn another_file_is_checked_before_it_is_used() {
    let scratch = Scratch::empty();
    let good = scratch.file("good.toml", "role = \"publish\"\n");
    let said = scratch.run(&["config", "check", &good]).done();
    assert!(said.stdout.ends_with("good.toml is good.\n"), "{said:?}");
    let bad = scratch.file("bad.toml", "\n\nrole = 3\n");
    scratch
        .run(&["config", "check", &bad])
        .failed("bad.toml:3:8: ");
}

#[test]
fn every_value_in_force_is_shown() {
    let scratch = Scratch::configured("[token]\ninactivity = \"10m\"\n");
    let shown = scratch.run(&["config", "show"]).done().stdout;
    assert!(shown.contains("inactivity = \"10m\"") && shown.contains("max_session = \"12h\""));
    let again = scratch.file("again.toml", &shown);
    scratch.run(&["config", "check", &again]).done();
    assert_eq!(scratch.json(&["config", "show"])["token"]["skew"], "1m");
}

#[test]
fn without_a_data_directory_the_way_to_one_is_told() {
    let scratch = Scratch::empty();
    for command in [
        &["user", "list"][..],
        &["keys", "list"],
        &["config", "show"],
        &["token", "verify"],
    ] {
        scratch
            .run_with(command, "x\n")
            .failed("there is no data directory at")
            .hints("signet serve --data");
    }
    assert!(!scratch.data().exists());
}

#[test]
fn a_data_directory_of_somebody_else_is_left_alone() {
    let scratch = Scratch::empty();
    std::fs::create_dir(scratch.data()).unwrap();
    std::fs::write(scratch.data().join("letters.txt"), "dear").unwrap();
    scratch
        .run(&["user", "list"])
        .failed("is not a data directory of Signet");

    let scratch = Scratch::new();
    std::fs::write(scratch.data().join("format"), "7\n").unwrap();
    scratch
        .run(&["user", "list"])
        .failed("layout version \"7\"")
        .hints("version of signet that wrote it");

    let scratch = Scratch::new();
    std::fs::set_permissions(scratch.data(), std::fs::Permissions::from_mode(0o755)).unwrap();
    scratch
        .run(&["keys", "list"])
        .failed("0755")
        .hints("chmod 700");
}

#[test]
fn a_repository_that_cannot_be_opened_is_named() {
    let scratch = Scratch::new();
    let file = scratch.data().join("repository.db");
    std::fs::write(
        &file,
        "not a database, and longer than its header would be".repeat(40),
    )
    .unwrap();
    let said = scratch
        .run(&["user", "list"])
        .failed("the repository sqlite:repository.db of");
    assert!(said.stderr.contains("\n  caused by: "), "{said:?}");
    std::fs::remove_file(&file).unwrap();
    scratch
        .run(&["user", "list"])
        .failed("there is no repository");
}
