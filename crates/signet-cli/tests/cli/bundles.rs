//! Keys that travel: cards, bundles, and raw keys of Granite.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::process::{Command, Stdio};

use serde_json::Value;
use signet_server::DataDirectory;

use crate::scratch::{Said, Scratch};

/// An instance that has no keys of its own.
pub(crate) fn publish() -> Scratch {
    let scratch = Scratch::empty();
    let data = DataDirectory::open_or_create(&scratch.data(), "role = \"publish\"\n").unwrap();
    let config = data.config().unwrap();
    data.key_store(&config).unwrap().prepare().unwrap();
    scratch
}

/// The file with the card of an instance.
pub(crate) fn card(scratch: &Scratch) -> String {
    let shown = scratch.run(&["node", "show"]).done();
    scratch.file("card", &shown.stdout)
}

/// Seals the keys of `from` for `to`, and returns the bundle.
fn export(from: &Scratch, to: &Scratch, name: &str) -> String {
    let bundle = path(from, name);
    from.run(&["keys", "export", "--for", &card(to), "--out", &bundle])
        .done();
    bundle
}

/// The keys of `from` on `to`.
pub(crate) fn replicate(from: &Scratch, to: &Scratch, name: &str) -> Said {
    let bundle = export(from, to, name);
    to.run(&["keys", "import", &bundle, "--from", &card(from)])
        .done()
}

pub(crate) fn path(scratch: &Scratch, name: &str) -> String {
    scratch.path().join(name).to_str().unwrap().to_owned()
}

pub(crate) fn states(scratch: &Scratch) -> Vec<(String, String)> {
    let list = scratch.json(&["keys", "list"]);
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let mut states: Vec<_> = list["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|key| (text(&key["kid"]), text(&key["state"])))
        .collect();
    states.sort();
    states
}

#[test]
fn a_card_is_shown_the_same_each_time() {
    let scratch = Scratch::new();
    let shown = scratch.run(&["node", "show"]).done().stdout;
    assert_eq!(scratch.run(&["node", "show"]).done().stdout, shown);
    let lines: Vec<_> = shown.lines().collect();
    assert!(
        lines[..3].iter().all(|line| line.starts_with("# ")),
        "{shown}"
    );
    assert!(lines[3].starts_with("signet-node-v1 "), "{shown}");

    let document = scratch.json(&["node", "show", "--name", "publish-7"]);
    assert_eq!(document["name"], "publish-7");
    assert!(shown.contains(document["id"].as_str().unwrap()));
    assert_eq!(scratch.run(&["node", "show", "--name", "a b"]).status, 2);

    let mode = |name: &str| {
        let path = scratch.data().join("node").join(name);
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    };
    assert_eq!(
        (mode(""), mode("signing.key"), mode("age.key")),
        (0o700, 0o600, 0o600)
    );

    fs::write(scratch.data().join("node/signing.key"), "damaged").unwrap();
    scratch
        .run(&["node", "show"])
        .failed("signing.key is not a private key")
        .hints("backup");
}

#[test]
fn keys_travel_in_a_bundle() {
    let (author, publish) = (Scratch::new(), publish());
    let said = replicate(&author, &publish, "one.bundle");
    assert!(said.stdout.contains("2 keys added."), "{said:?}");
    assert_eq!(states(&publish), states(&author));

    // Once known, the sender needs no card; and nothing changes the second time.
    let bundle = path(&author, "one.bundle");
    let again = publish.run(&["keys", "import", &bundle]).done();
    assert!(again.stdout.contains("Nothing is new"), "{again:?}");
    assert!(again.stdout.contains("unchanged"), "{again:?}");

    author.run(&["keys", "rotate"]).done();
    let newer = export(&author, &publish, "two.bundle");
    let document = publish.json(&["keys", "import", &newer]);
    let changes = document["keys"].as_array().unwrap().iter();
    let changes: Vec<_> = changes.map(|key| key["change"].as_str().unwrap()).collect();
    assert_eq!(
        changes.iter().filter(|change| **change == "added").count(),
        1
    );
    assert_eq!(
        changes
            .iter()
            .filter(|change| **change == "advanced")
            .count(),
        1
    );
    assert_eq!(document["instance"]["state"], "not-running");
    assert_eq!(states(&publish), states(&author));
    let mode = fs::metadata(newer).unwrap().permissions().mode() & 0o7777;
    assert_eq!(mode, 0o600);
}

#[test]
fn a_bundle_travels_through_a_pipe() {
    let (author, publish) = (Scratch::new(), publish());
    let (to, from) = (card(&publish), card(&author));
    let mut export = author.command();
    export.args(["keys", "export", "--for", &to, "--out", "-"]);
    let sealed = export.stdin(Stdio::null()).output().unwrap();
    assert!(sealed.status.success());
    assert!(sealed.stdout.starts_with(b"age-encryption.org/v1\n"));
    let file = path(&publish, "piped");
    fs::write(&file, &sealed.stdout).unwrap();
    let mut import = publish.command();
    import.args(["keys", "import", "-", "--from", &from]);
    let input = fs::File::open(&file).unwrap();
    let said = Said::new(&import.stdin(input).output().unwrap()).done();
    assert!(said.stdout.contains("2 keys added"), "{said:?}");

    let said = author.run(&["keys", "export", "--for", &to, "--json"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("cannot both go to"), "{said:?}");
}

#[test]
fn an_unknown_sender_is_not_believed() {
    let (author, publish, other) = (Scratch::new(), publish(), Scratch::new());
    let bundle = export(&author, &publish, "bundle");
    publish
        .run(&["keys", "import", &bundle])
        .failed("which this instance does not know")
        .hints("--from CARD");
    publish
        .run(&["keys", "import", &bundle, "--from", &card(&other)])
        .failed("not by the instance of the card");
    assert!(states(&publish).is_empty());
    assert!(!publish.data().join("node/senders").exists());
}

#[test]
fn a_bundle_for_another_instance_says_for_which() {
    let (author, publish, other) = (Scratch::new(), publish(), Scratch::new());
    let bundle = export(&author, &publish, "bundle");
    other
        .run(&["keys", "import", &bundle])
        .failed("no identity yet")
        .hints("signet node show");
    let id = publish.json(&["node", "show"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    let own = other.json(&["node", "show"])["id"]
        .as_str()
        .unwrap()
        .to_owned();
    other
        .run(&["keys", "import", &bundle, "--from", &card(&author)])
        .failed("the bundle is for another instance")
        .failed(&id)
        .hints(&own);
}

#[test]
fn a_bad_bundle_changes_nothing() {
    let (author, publish) = (Scratch::new(), publish());
    let bundle = export(&author, &publish, "bundle");
    let from = card(&author);
    let good = fs::read(&bundle).unwrap();
    let mut altered = good.clone();
    let middle = altered.len() / 2;
    altered[middle] ^= 1;
    let bad = path(&publish, "bad");
    for (bytes, part) in [
        (Vec::new(), "the bundle is empty"),
        (good[..good.len() - 10].to_vec(), "altered or damaged"),
        (good[..40].to_vec(), "cut off"),
        (altered, "altered or damaged"),
        (b"<!DOCTYPE html><html>".to_vec(), "web page"),
        (b"{\"kty\":\"oct\"}".to_vec(), "not a bundle of keys"),
        (vec![b'x'; 5 * 1024 * 1024], "larger than"),
    ] {
        fs::write(&bad, bytes).unwrap();
        let said = publish.run(&["keys", "import", &bad, "--from", &from]);
        let said = said.failed("nothing was changed").failed(part);
        assert!(said.stderr.contains("hint: "), "{said:?}");
        assert!(states(&publish).is_empty());
    }
    publish
        .run(&["keys", "import", &path(&publish, "none"), "--from", &from])
        .failed("could not be read");
    let directory = publish.data();
    publish
        .run(&[
            "keys",
            "import",
            directory.to_str().unwrap(),
            "--from",
            &from,
        ])
        .failed("is a directory");
    publish
        .run(&["keys", "import", &bundle, "--from", &bundle])
        .failed("is not the card of an instance")
        .hints("signet node show");
}

// K5
#[test]
fn a_revoked_key_stays_revoked_everywhere() {
    let (author, publish) = (Scratch::new(), publish());
    replicate(&author, &publish, "old");
    let stolen = author.json(&["keys", "list"])["keys"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    author.run(&["keys", "rotate"]).done();
    author.run(&["keys", "revoke", &stolen, "--yes"]).done();
    let said = replicate(&author, &publish, "new");
    assert!(said.stdout.contains("revoked here, too"), "{said:?}");
    assert!(said.stdout.contains("1 revocation learnt"), "{said:?}");
    let revoked = (stolen, "revoked".to_owned());
    assert!(states(&publish).contains(&revoked));
    publish
        .run(&["keys", "import", &path(&author, "old")])
        .done();
    assert!(states(&publish).contains(&revoked));
}

#[test]
fn two_farms_become_one_only_when_told() {
    let (one, other) = (Scratch::new(), Scratch::new());
    let bundle = export(&one, &other, "bundle");
    let from = card(&one);
    other
        .run(&["keys", "import", &bundle, "--from", &from])
        .failed("of another farm")
        .hints("--merge-farms");
    assert_eq!(states(&other).len(), 2);
    other
        .run(&["keys", "import", &bundle, "--from", &from, "--merge-farms"])
        .done();
    assert_eq!(states(&other).len(), 4);
}

#[test]
fn what_is_sent_can_be_chosen() {
    let (author, publish) = (Scratch::new(), publish());
    let to = card(&publish);
    author.run(&["keys", "rotate"]).done();
    let hmac = author.json(&["keys", "list"])["keys"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    let sent = |name: &str, words: &[&str]| {
        let out = path(&author, name);
        let all = [&["keys", "export", "--for", &to, "--out", &out], words].concat();
        author.json(&all)["keys"].as_array().unwrap().len()
    };
    assert_eq!(sent("a", &[]), 3);
    assert_eq!(sent("b", &["--ring", "master"]), 1);
    assert_eq!(sent("c", &["--key", &hmac[..8]]), 1);
    let again = path(&author, "a");
    author
        .run(&["keys", "export", "--for", &to, "--out", &again])
        .failed("is there already")
        .hints("--out");
    let out = path(&author, "d");
    author
        .run(&[
            "keys", "export", "--for", &to, "--out", &out, "--ring", "master", "--key", &hmac,
        ])
        .failed("no key");
    assert_eq!(author.run(&["keys", "export", "--out", &out]).status, 2);
    author
        .run(&["keys", "export", "--for", &again, "--out", &out])
        .failed("is not the card of an instance");
    assert!(!author.path().join("d").exists());
}

#[test]
fn two_imports_at_once_end_as_one() {
    let (author, publish) = (Scratch::new(), publish());
    let old = export(&author, &publish, "old");
    author.run(&["keys", "rotate"]).done();
    let new = export(&author, &publish, "new");
    let from = card(&author);
    let start = |bundle: &str| -> Command {
        let mut command = publish.command();
        command.args(["keys", "import", bundle, "--from", &from]);
        command.stdin(Stdio::null());
        command.stdout(Stdio::null()).stderr(Stdio::null());
        command
    };
    let running: Vec<_> = [&old, &new, &old, &new]
        .map(|bundle| start(bundle).spawn().unwrap())
        .into_iter()
        .collect();
    for mut child in running {
        assert!(child.wait().unwrap().success());
    }
    assert_eq!(states(&publish), states(&author));
}

fn log(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.data().join("audit.log")).unwrap_or_default()
}

// K5
#[test]
fn a_ring_keeps_its_active_key_unless_it_is_given_up() {
    let (author, publish) = (Scratch::new(), publish());
    replicate(&author, &publish, "first");
    let before = states(&publish);
    let old = author.json(&["keys", "list"])["keys"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    author.run(&["keys", "rotate"]).done();
    author.run(&["keys", "revoke", &old, "--yes"]).done();
    let (to, masters) = (card(&publish), path(&author, "masters"));
    author
        .run(&[
            "keys", "export", "--ring", "master", "--for", &to, "--out", &masters,
        ])
        .done();
    let lines = log(&publish).lines().count();
    publish
        .run(&["keys", "import", &masters])
        .failed("nothing was changed")
        .failed("the hmac ring here without an active key")
        .failed(&format!("making {old} revoked"))
        .failed("Nobody can log in here")
        .failed(&format!("Revoking {old}:"))
        .hints("without --ring and --key")
        .hints("--yes");
    assert_eq!(states(&publish), before);
    assert_eq!(log(&publish).lines().count(), lines, "nothing changed");

    let document = publish.json(&["keys", "import", &masters, "--yes"]);
    assert_eq!(document["emptied"], serde_json::json!(["hmac"]));
    assert!(states(&publish).contains(&(old, "revoked".to_owned())));
    assert!(log(&publish).contains("\"emptied\":[\"hmac\"]"));

    // What the hint says mends it.
    let said = replicate(&author, &publish, "whole");
    assert!(said.stdout.contains("1 key added"), "{said:?}");
    assert_eq!(states(&publish).len(), 3);
}

#[test]
fn what_it_costs_to_give_up_a_key_is_said() {
    // Copies of one instance, with users that could be counted.
    let (author, copy) = (Scratch::new(), Scratch::empty());
    let copied = Command::new("cp")
        .args(["-a", author.data().to_str().unwrap()])
        .arg(copy.data())
        .status();
    assert!(copied.unwrap().success());
    copy.add("alice");
    let old = author.json(&["keys", "list"])["keys"][0]["kid"].clone();
    author.run(&["keys", "rotate"]).done();
    author
        .run(&["keys", "revoke", old.as_str().unwrap(), "--yes"])
        .done();
    let (to, masters) = (card(&copy), path(&author, "masters"));
    author
        .run(&[
            "keys", "export", "--ring", "master", "--for", &to, "--out", &masters,
        ])
        .done();
    let words = ["keys", "import", &masters, "--from", &card(&author)];
    let refused = copy.run(&words).failed("without an active key");
    let taken = copy.run(&[&words[..], &["--yes"]].concat()).done();
    for said in [&refused, &taken] {
        let cost = "at most those of the 1 user who may log in here";
        assert!(said.stderr.contains(cost), "{said:?}");
    }
    // The ring is empty now, and that is said, too.
    assert!(taken.stderr.contains("warning: "), "{taken:?}");
}

#[test]
fn keys_that_came_in_are_recorded_even_if_their_sender_is_not_remembered() {
    let (author, publish) = (Scratch::new(), publish());
    let (bundle, from) = (export(&author, &publish, "bundle"), card(&author));
    let lock = publish.data().join("node/.lock");
    let _ = fs::remove_file(&lock);
    fs::create_dir(&lock).unwrap();
    publish
        .run(&["keys", "import", &bundle, "--from", &from])
        .failed("its sender could not be remembered");
    assert_eq!(states(&publish), states(&author));
    assert!(log(&publish).contains("key.import"), "{}", log(&publish));
    assert!(!log(&publish).contains("sender.trust"));

    // And trust is recorded though no key is new.
    fs::remove_dir(&lock).unwrap();
    publish
        .run(&["keys", "import", &bundle, "--from", &from])
        .done();
    assert_eq!(log(&publish).matches("key.import").count(), 1);
    assert_eq!(log(&publish).matches("sender.trust").count(), 1);
}

#[test]
fn a_bundle_is_recorded_before_it_is_delivered() {
    let (author, publish) = (Scratch::new(), publish());
    let (to, nowhere) = (card(&publish), path(&author, "none/bundle"));
    let words = ["keys", "export", "--for", &to, "--out", &nowhere];
    assert_eq!(author.run(&words).status, 1);
    let log = log(&author);
    let id = publish.json(&["node", "show"])["id"].clone();
    let line = log.lines().find(|line| line.contains("key.export"));
    assert!(
        line.is_some_and(|line| line.contains(id.as_str().unwrap())),
        "{log}"
    );
}

// O4
#[test]
fn what_was_imported_is_in_the_audit_log() {
    let (author, publish) = (Scratch::new(), publish());
    replicate(&author, &publish, "bundle");
    assert!(log(&author).contains("key.export"));
    assert!(log(&publish).contains("key.import"));
    assert!(log(&publish).contains("node.create"));
    let trusted = log(&publish);
    let trusted = trusted.lines().find(|line| line.contains("sender.trust"));
    let id = author.json(&["node", "show"])["id"].clone();
    assert!(
        trusted.is_some_and(|line| line.contains(id.as_str().unwrap()) && line.contains("card")),
        "{trusted:?}"
    );
    let lines = log(&publish).lines().count();
    publish
        .run(&["keys", "import", &path(&author, "bundle")])
        .done();
    assert_eq!(log(&publish).lines().count(), lines, "nothing changed");
}

// K2
#[test]
fn a_mounted_secret_is_not_changed() {
    let (author, publish) = (Scratch::new(), publish());
    let bundle = export(&author, &publish, "bundle");
    let config = "role = \"publish\"\n[keys]\ncustody = \"mounted\"\n";
    fs::write(publish.data().join("signet.toml"), config).unwrap();
    publish
        .run(&["keys", "import", &bundle, "--from", &card(&author)])
        .failed("is a mounted secret")
        .hints("where the secret comes from");
    let log = fs::read_to_string(publish.data().join("audit.log")).unwrap();
    assert!(log.contains("\"stopped\""), "{log}");
    assert!(states(&publish).is_empty());
}

/// 32 bytes that no text has.
fn hmac_bytes() -> Vec<u8> {
    (0..32).map(|n| 0x80 | n).collect()
}

fn binary(scratch: &Scratch, name: &str, bytes: &[u8]) -> String {
    let file = path(scratch, name);
    fs::write(&file, bytes).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
    file
}

#[test]
fn raw_keys_of_granite_are_taken_in() {
    let scratch = Scratch::new();
    let hmac = binary(&scratch, "hmac", &hmac_bytes());
    let master = binary(&scratch, "master", &hmac_bytes()[..16]);
    let said = scratch.run(&[
        "keys",
        "import",
        "--granite-hmac",
        &hmac,
        "--granite-master",
        &master,
    ]);
    let said = said.done();
    assert!(said.stdout.contains(", pending."), "{said:?}");
    assert!(said.stdout.contains("signet keys activate"), "{said:?}");
    assert!(
        said.stderr.contains("remove it when it is not needed"),
        "{said:?}"
    );
    assert_eq!(states(&scratch).len(), 3);
    let granite = scratch.data().join("keys/granite");
    assert_eq!(fs::read_dir(&granite).unwrap().count(), 1);

    let document = scratch.json(&["keys", "import", "--granite-hmac", &hmac, "--activate"]);
    assert_eq!(document["keys"][0]["change"], "unchanged");
    let kid = document["keys"][0]["kid"].as_str().unwrap().to_owned();
    assert!(states(&scratch).contains(&(kid.clone(), "active".to_owned())));
    let list = scratch.json(&["keys", "list"]);
    assert_eq!(list["keys"][0]["kid"], kid.as_str());
    assert_eq!(list["problems"].as_array().unwrap().len(), 0);

    fs::set_permissions(&hmac, fs::Permissions::from_mode(0o644)).unwrap();
    let said = scratch
        .run(&["keys", "import", "--granite-hmac", &hmac])
        .done();
    assert!(
        said.stderr.contains("others than its owner can read"),
        "{said:?}"
    );

    publish()
        .run(&["keys", "import", "--granite-hmac", &hmac])
        .failed("no keys yet")
        .hints("author");
}

#[test]
fn raw_keys_are_not_half_taken_in() {
    let scratch = Scratch::new();
    let (before, granite) = (states(&scratch), scratch.data().join("keys/granite"));
    let hmac = binary(&scratch, "hmac", &hmac_bytes());
    let master = binary(&scratch, "master", &hmac_bytes()[..16]);
    let words = [
        "keys",
        "import",
        "--granite-hmac",
        &hmac,
        "--granite-master",
        &master,
        "--activate",
    ];
    fs::create_dir(&granite).unwrap();
    fs::set_permissions(&granite, fs::Permissions::from_mode(0o755)).unwrap();
    scratch.run(&words).failed("keys/granite").hints("chmod");
    assert_eq!(states(&scratch), before);
    assert!(!log(&scratch).contains("key.import"));

    // Nor where only the file is not as it should be.
    fs::set_permissions(&granite, fs::Permissions::from_mode(0o700)).unwrap();
    scratch
        .run(&["keys", "import", "--granite-master", &master])
        .done();
    let file = fs::read_dir(&granite).unwrap().next().unwrap().unwrap();
    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o644)).unwrap();
    scratch.run(&words).failed(".jwk").hints("chmod");
    assert_eq!(states(&scratch), before);

    fs::set_permissions(file.path(), fs::Permissions::from_mode(0o600)).unwrap();
    scratch.run(&words).done();
    assert_eq!(states(&scratch).len(), 3);
    let log = log(&scratch);
    assert_eq!(log.matches("key.import").count(), 2, "{log}");
    assert_eq!(log.matches("key.activate").count(), 1, "{log}");
}

#[test]
fn a_raw_key_that_came_in_is_recorded_even_if_the_next_step_fails() {
    let scratch = Scratch::new();
    let hmac = binary(&scratch, "hmac", &hmac_bytes());
    let document = scratch.json(&["keys", "import", "--granite-hmac", &hmac]);
    let kid = document["keys"][0]["kid"].as_str().unwrap().to_owned();
    scratch.run(&["keys", "revoke", &kid, "--yes"]).done();
    scratch.run(&["keys", "retire", &kid]).done();
    let imports = log(&scratch).matches("key.import").count();
    let said = scratch.run(&["keys", "import", "--granite-hmac", &hmac, "--activate"]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stderr.contains("cannot become active"), "{said:?}");
    // It says what is here, and that the instance was told.
    assert!(said.stderr.contains(&format!("here as key {kid}, revoked")));
    assert!(said.stderr.contains("No instance is running"), "{said:?}");
    assert_eq!(log(&scratch).matches("key.import").count(), imports + 1);
    assert!(!log(&scratch).contains("key.activate"));
}

#[test]
fn what_is_no_raw_key_is_refused_exactly() {
    let scratch = Scratch::new();
    let before = states(&scratch);
    let key = hmac_bytes();
    let with = |bytes: &[u8], end: &[u8]| [bytes, end].concat();
    for (option, bytes, part) in [
        ("--granite-hmac", vec![], "it is empty"),
        (
            "--granite-hmac",
            key[..31].to_vec(),
            "31 bytes instead of 32",
        ),
        (
            "--granite-hmac",
            with(&key, b"\n"),
            "33 bytes: the 32 of the key and a line end",
        ),
        (
            "--granite-master",
            with(&key[..16], b"\n"),
            "17 bytes: the 16 of the key and a line end",
        ),
        ("--granite-hmac", vec![b'a'; 64], "hexadecimal digits"),
        ("--granite-master", with(&[b'Q'; 22], b"==\n"), "base64"),
        (
            "--granite-master",
            key.clone(),
            "obfuscated by AEM, or a foreign file",
        ),
        ("--granite-hmac", key[..16].to_vec(), "as a raw master has"),
        (
            "--granite-hmac",
            b"<html><body>Sign in</body></html>".to_vec(),
            "web page",
        ),
        (
            "--granite-hmac",
            vec![7; 32],
            "all of its bytes are the same",
        ),
        ("--granite-master", vec![0x9d; 70_000], "is larger than"),
    ] {
        let file = binary(&scratch, "raw", &bytes);
        let said = scratch.run(&["keys", "import", option, &file]).failed(part);
        assert!(!said.stderr.contains("QQQQ"), "{said:?}");
        assert_eq!(states(&scratch), before);
    }
    // With one good file and a bad one, neither is taken.
    let good = binary(&scratch, "good", &key);
    let bad = binary(&scratch, "raw", b"");
    scratch
        .run(&[
            "keys",
            "import",
            "--granite-hmac",
            &good,
            "--granite-master",
            &bad,
        ])
        .failed("it is empty");
    assert_eq!(states(&scratch), before);
    assert!(!scratch.data().join("keys/granite").exists());
    assert_eq!(scratch.run(&["keys", "import"]).status, 2);
    assert_eq!(
        scratch
            .run(&["keys", "import", "x", "--granite-hmac", &good])
            .status,
        2
    );
}
