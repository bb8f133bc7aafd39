//! How an instance is, as monitoring asks for it.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::scratch::{PROGRAM, Said, Scratch};
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
        Some("SIGNET OK - 10 checks are in order")
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
            && first.ends_with(" does not run (1 of 10 checks)"),
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

fn chmod(scratch: &Scratch, name: &str, mode: u32) {
    let path = scratch.data().join(name);
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

// O5
#[test]
fn what_others_can_read_is_critical_while_it_runs() {
    let scratch = Scratch::new();
    let running = Running::start(&scratch);
    for (name, open, private, words) in [
        (
            "repository.db",
            0o644,
            0o600,
            "CRITICAL repository: REPOSITORY_OPEN_TO_OTHERS: ",
        ),
        (
            "repository.db-wal",
            0o640,
            0o600,
            "CRITICAL repository: REPOSITORY_OPEN_TO_OTHERS: ",
        ),
        (
            "",
            0o755,
            0o700,
            "CRITICAL directory: DATA_OPEN_TO_OTHERS: ",
        ),
    ] {
        assert_eq!(health(&scratch, &[]).status, 0, "{name}");
        chmod(&scratch, name, open);
        let said = health(&scratch, &[]);
        assert_eq!(said.status, 2, "{said:#?}");
        assert!(
            said.stdout.contains(words) && said.stdout.contains(&format!("the mode {open:04o}")),
            "{said:#?}"
        );
        chmod(&scratch, name, private);
    }
    running.terminate();
}

// K3
#[test]
fn keys_in_a_repository_that_cannot_be_read_are_not_called_lost() {
    let scratch = Scratch::new();
    let sealed = scratch.run_with(
        &["secret", "protect", "client/ims/secret", "--store"],
        "hush\n",
    );
    sealed.done();
    scratch
        .run(&["keys", "relocate", "--to", "repository", "--yes"])
        .done();
    let running = Running::start(&scratch);
    chmod(&scratch, "repository.db", 0o644);
    let unseen = || {
        let said = health(&scratch, &[]);
        assert_eq!(said.status, 2, "{said:#?}");
        assert!(
            said.stdout
                .contains("\nCRITICAL keys: KEYS_UNKNOWN: the keys are in the repository"),
            "{said:#?}"
        );
        for words in ["NO_ACTIVE_KEY", "SECRET_KEY_MISSING", "keys rotate"] {
            assert!(!said.stdout.contains(words), "{said:#?}");
        }
        said
    };
    let said = unseen();
    assert!(
        said.stdout
            .contains("\nWARN secrets: SECRETS_UNKNOWN: nobody knows whether the secrets open"),
        "{said:#?}"
    );
    running.terminate();
    let said = unseen();
    assert!(
        said.stdout.contains("REPOSITORY_OPEN_TO_OTHERS"),
        "{said:#?}"
    );
}

#[test]
fn a_stranger_is_sent_to_the_owner_and_told_nothing_else() {
    let scratch = Scratch::new();
    if fs::metadata("/proc/self").unwrap().uid() != 0 {
        // Only the super-user can give files away.
        return;
    }
    let data = scratch.data();
    for path in below(&data) {
        chown(path, Some(65_534), None).unwrap();
    }
    let words = format!("signet health --data '{}'`", data.display());
    let said = health(&scratch, &[]);
    // That no instance runs is known.
    assert_eq!(said.status, 2, "{said:#?}");
    let lines: Vec<_> = said.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{said:#?}");
    assert!(lines[0].contains("instance: INSTANCE_DOWN"), "{said:#?}");
    assert!(lines[2].contains("INSTANCE_DOWN"), "{said:#?}");
    assert!(
        lines[1].contains("DATA_OWNER")
            && lines[1].contains("run it as its owner: `sudo -u ")
            && lines[1].contains(&words),
        "{said:#?}"
    );
    assert!(!said.stdout.contains("chown"), "{said:#?}");
    let told = scratch.run(&["doctor"]);
    assert!(
        told.stdout.contains("1 thing is wrong") && !told.stdout.contains("chown"),
        "{told:#?}"
    );

    // Who cannot look in does not know even that.
    for path in below(&data) {
        chown(path, Some(0), None).unwrap();
    }
    fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
    let copy = scratch.path().join("signet");
    if fs::hard_link(PROGRAM, &copy).is_err() {
        fs::copy(PROGRAM, &copy).unwrap();
    }
    let said = std::process::Command::new(copy)
        .args(["health", "--data"])
        .arg(&data)
        .uid(65_534)
        .current_dir("/")
        .output()
        .unwrap();
    let stdout = String::from_utf8(said.stdout).unwrap();
    assert_eq!(said.status.code(), Some(3), "{stdout}");
    assert_eq!(stdout.lines().count(), 2, "{stdout}");
    assert!(
        stdout.contains("HEALTH_CHECK_ERROR directory: DATA_OWNER: ")
            && stdout.contains("`sudo -u root signet health --data '"),
        "{stdout}"
    );
}

fn below(directory: &Path) -> Vec<PathBuf> {
    let mut all = vec![directory.to_owned()];
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => all.extend(below(&path)),
            false => all.push(path),
        }
    }
    all
}
