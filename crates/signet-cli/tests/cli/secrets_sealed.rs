//! Secrets that are sealed: made, opened, checked, and sealed anew.

use std::collections::HashSet;
use std::fs;
use std::process::{Command, Stdio};

use serde_json::Value;
use signet_core::{KeyId, UnixSeconds};
use signet_repository::{IfMissing, Repository};
use signet_secret::MasterKeys;
use signet_server::DataDirectory;

use crate::scratch::{PROGRAM, Said, Scratch};

const SECRET: &str = "p8e-s3cret-of-ims";
const IMS: &str = "client/ims/secret";

/// A command whose secret comes from standard input.
fn protect(scratch: &Scratch, words: &[&str]) -> Said {
    let words = [&["secret", "protect"], words].concat();
    scratch.run_with(&words, &format!("{SECRET}\n"))
}

/// A sealed value for a place.
fn sealed(scratch: &Scratch, place: &str) -> String {
    let said = protect(scratch, &[place]).done();
    assert!(said.stdout.starts_with("sealed:v1:"), "{said:?}");
    said.stdout.trim().to_owned()
}

fn configure(scratch: &Scratch, text: &str) {
    fs::write(scratch.data().join("signet.toml"), text).unwrap();
}

fn configuration(scratch: &Scratch) -> String {
    fs::read_to_string(scratch.data().join("signet.toml")).unwrap()
}

/// The key that the master ring seals with.
fn active(scratch: &Scratch) -> String {
    let list = scratch.json(&["keys", "list"]);
    let keys = list["keys"].as_array().unwrap().iter();
    let mut master = keys.filter(|key| key["ring"] == "master" && key["makes_tokens"] == true);
    master.next().unwrap()["kid"].as_str().unwrap().to_owned()
}

fn rotate(scratch: &Scratch) -> String {
    let made = scratch.json(&["keys", "rotate", "--ring", "master"]);
    made["kid"].as_str().unwrap().to_owned()
}

/// The actions of the audit log.
fn recorded(scratch: &Scratch) -> Vec<String> {
    let text = fs::read_to_string(scratch.data().join("audit.log")).unwrap_or_default();
    assert!(!text.contains(SECRET), "{text}");
    text.lines()
        .filter_map(|line| {
            let line: Value = serde_json::from_str(line).ok()?;
            Some(line["action"].as_str()?.to_owned())
        })
        .filter(|action| action.starts_with("secret."))
        .collect()
}

/// Does something with the repository, as another program would.
fn with_repository<R>(
    scratch: &Scratch,
    work: impl AsyncFnOnce(&Repository, &MasterKeys) -> R,
) -> R {
    let data = DataDirectory::open(&scratch.data()).unwrap();
    let config = data.config().unwrap();
    let keys = data.key_store(&config).unwrap();
    let master = MasterKeys::new(&keys.load(None).unwrap());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let repository = data.repository(&config, IfMissing::Refuse).await.unwrap();
        let done = work(&repository, &master).await;
        repository.close().await;
        done
    })
}

// K10
#[test]
fn a_secret_is_sealed_for_its_place_and_opens_there_alone() {
    let scratch = Scratch::new();
    let said = protect(&scratch, &[IMS]).done();
    let value = said.stdout.trim().to_owned();
    let (_, table) = said.stderr.split_once("[client.ims]").unwrap();
    let (table, _) = table.split_once("\n\n").unwrap();
    let table = table
        .replace("https://…", "https://id.example/token")
        .replace("sealed:v1:…", &value)
        .replace('…', "4c6a1f");
    configure(&scratch, &format!("[client.ims]{table}\n"));
    scratch.run(&["config", "check"]).done();
    let again = protect(&scratch, &[IMS]).done();
    assert!(
        again
            .stderr
            .contains("into the table [client.ims] of signet.toml")
            && !again.stderr.contains("client_id"),
        "{again:?}"
    );
    configure(&scratch, "");
    let file = scratch.file("value", &format!("{value}\n"));
    let opened = scratch.run(&["secret", "unprotect", IMS, &file]).done();
    assert_eq!(opened.stdout, format!("{SECRET}\n"));
    let piped = scratch.run_with(&["secret", "unprotect", IMS, "-", "--json"], &value);
    assert_eq!(piped.done().json()["secret"], SECRET);
    scratch
        .run(&["secret", "unprotect", "client/other/secret", &file])
        .failed("was not sealed for the place client/other/secret")
        .hints("signet secret protect client/other/secret");
    assert_eq!(recorded(&scratch), ["secret.unprotect"; 2]);
}

#[test]
fn a_key_of_many_lines_is_kept_as_it_is() {
    let scratch = Scratch::new();
    let pem = "-----BEGIN PRIVATE KEY-----\nMC4CAQ\n-----END PRIVATE KEY-----\n";
    let file = scratch.file("key.pem", pem);
    let place = "client/jwt/private-key";
    scratch
        .run(&["secret", "protect", place, "--file", &file, "--store"])
        .done();
    let opened = scratch.run(&["secret", "unprotect", place, "--stored"]);
    assert_eq!(opened.done().stdout, pem);
    assert_eq!(recorded(&scratch), ["secret.protect", "secret.unprotect"]);
}

#[test]
fn a_stored_secret_is_not_replaced_unasked() {
    let scratch = Scratch::new();
    protect(&scratch, &[IMS, "--store"]).done();
    scratch
        .run_with(&["secret", "protect", IMS, "--store"], "another\n")
        .failed("no terminal to ask at")
        .hints("--yes");
    let opened = scratch.run(&["secret", "unprotect", IMS]).done();
    assert_eq!(opened.stdout.trim(), SECRET);
    let words = ["secret", "protect", IMS, "--store", "--yes", "--json"];
    let replaced = scratch.run_with(&words, "another\n").done().json();
    assert_eq!(replaced["replaced"], true);
    let opened = scratch.run(&["secret", "unprotect", IMS]).done();
    assert_eq!(opened.stdout.trim(), "another");
}

#[test]
fn what_is_there_is_found_where_it_stands() {
    let scratch = Scratch::new();
    let setting = "setting/mail.password";
    configure(
        &scratch,
        &format!("name = \"{}\"\n", sealed(&scratch, "name")),
    );
    protect(&scratch, &[setting, "--store"]).done();
    for (place, from) in [("name", "signet.toml:1"), (setting, "repository (setting)")] {
        let opened = scratch.json(&["secret", "unprotect", place]);
        assert_eq!(opened["secret"], SECRET);
        assert!(opened["from"].as_str().unwrap().ends_with(from), "{opened}");
    }
    scratch
        .run(&["secret", "unprotect", "name", "--stored"])
        .failed("the repository has no value for name");
    scratch
        .run(&["secret", "unprotect", IMS])
        .failed("neither signet.toml nor the repository has a value for client/ims/secret");
    // Both at once is worth a word.
    let both = protect(&scratch, &["name", "--store"]).done();
    assert!(
        both.stderr
            .contains("signet.toml:1 has a value for this place, too"),
        "{both:?}"
    );
}

// Invariant 4
#[test]
fn no_secret_is_repeated_where_it_was_not_asked_for() {
    let scratch = Scratch::new();
    for words in [
        &["secret", "protect", SECRET, SECRET][..],
        &["secret", "protect", "Client/Ims/P8e-S3CRET-OF-IMS"],
        &["secret", "unprotect", "HUNTER2 HUNTER2 HUNTER2"],
        &["secret", "protect", IMS, "--secret", SECRET],
    ] {
        let said = scratch.run(words);
        assert_eq!(said.status, 2, "{said:?}");
        let all = format!("{}{}", said.stdout, said.stderr).to_lowercase();
        assert!(
            !all.contains(SECRET) && !all.contains("hunter2"),
            "{said:?}"
        );
    }
    let said = protect(&scratch, &[IMS, "--store", "--json"]).done();
    assert!(!format!("{said:?}").contains(SECRET));
    let mut log = scratch.command();
    log.args(["secret", "check"]).env("SIGNET_LOG", "trace");
    let said = Said::new(&log.output().unwrap()).done();
    assert!(!format!("{said:?}").contains(SECRET));
}

// K10
#[test]
fn every_value_that_does_not_open_is_shown_with_what_to_do() {
    let scratch = Scratch::new();
    let empty = scratch.run(&["secret", "check"]).done();
    assert_eq!(empty.stdout, "Nothing is sealed here.\n");
    let first = active(&scratch);
    protect(&scratch, &[IMS, "--store"]).done();
    configure(
        &scratch,
        &format!("# Ours.\nname = \"{}\"\n", sealed(&scratch, "elsewhere")),
    );
    let said = scratch.run(&["secret", "check"]);
    assert_eq!(said.status, 1);
    assert!(
        said.stdout.contains("1 of 2 sealed values does not open"),
        "{said:?}"
    );
    assert!(said.stdout.contains("signet.toml:2"), "{said:?}");
    assert!(
        said.stdout.contains("signet secret protect name"),
        "{said:?}"
    );

    // The key of all goes; another one comes.
    rotate(&scratch);
    let file = scratch.data().join(format!("keys/master/{first}.jwk"));
    let away = scratch.path().join("away.jwk");
    fs::rename(&file, &away).unwrap();
    let second = active(&scratch);
    let said = scratch.run(&["secret", "check", "--json"]);
    assert_eq!(said.status, 1);
    let document = said.json();
    assert_eq!(
        (&document["total"], &document["closed"]),
        (&2.into(), &2.into())
    );
    assert_eq!(document["keys"], serde_json::json!([second]));
    let ims = document["values"].as_array().unwrap().iter();
    let ims = ims.clone().find(|value| value["place"] == IMS).unwrap();
    assert_eq!(ims["code"], "SECRET_KEY_MISSING");
    assert_eq!(ims["key"], first.as_str());
    assert_eq!(ims["where"]["repository"], "secrets");
    let text = scratch.run(&["secret", "check"]).stdout;
    assert!(text.contains(&format!("here is {second}")), "{text}");

    fs::rename(&away, &file).unwrap();
    configure(
        &scratch,
        &format!("name = \"{}\"\n", sealed(&scratch, "name")),
    );
    let said = scratch.run(&["secret", "check"]).done();
    assert_eq!(said.stdout, "All 2 sealed values open.\n");
}

#[test]
fn everything_is_sealed_anew_and_the_former_key_can_go() {
    let scratch = Scratch::new();
    let first = active(&scratch);
    protect(&scratch, &[IMS, "--store"]).done();
    configure(
        &scratch,
        &format!(
            "# Ours.\nname = '{}' # kept\n[log]\n",
            sealed(&scratch, "name")
        ),
    );
    let second = rotate(&scratch);
    // What is sealed with it keeps it here.
    scratch
        .run(&["keys", "retire", &first])
        .failed("2 secrets are sealed with the key")
        .hints("signet secret reseal");

    let dry = scratch.json(&["secret", "reseal", "--dry-run"]);
    assert_eq!(
        (&dry["to_reseal"], &dry["key"]),
        (&2.into(), &second.as_str().into())
    );
    assert!(configuration(&scratch).contains(&first));

    let said = scratch.run(&["secret", "reseal"]).done();
    let expected = format!(
        "Sealed 1 value of the repository and 1 value of signet.toml with the key {second}.\n\
         Nothing here is sealed with these keys any more:\n  signet keys retire {first}\n"
    );
    assert_eq!(said.stdout, expected);
    let text = configuration(&scratch);
    assert!(
        text.starts_with(&format!("# Ours.\nname = \"sealed:v1:{second}:")),
        "{text}"
    );
    assert!(text.ends_with("\" # kept\n[log]\n"), "{text}");

    let again = scratch.json(&["secret", "reseal"]);
    assert_eq!(
        again["resealed"],
        serde_json::json!({ "repository": 0, "configuration": 0 })
    );
    assert_eq!(again["can_be_retired"], serde_json::json!([first]));
    assert_eq!(recorded(&scratch), ["secret.protect", "secret.reseal"]);

    scratch.run(&["keys", "retire", &first]).done();
    for place in [IMS, "name"] {
        let opened = scratch.json(&["secret", "unprotect", place]);
        assert_eq!(opened["secret"], SECRET);
        assert_eq!(opened["key"], second.as_str());
    }
}

#[test]
fn the_secret_of_a_client_in_the_file_is_sealed_anew_where_it_stands() {
    let scratch = Scratch::new();
    let client = |value: &str| {
        format!(
            "[client.ims]   # Adobe\npreset = \"adobe-ims\"\nclient_id = \"abc\"\nsecret = \"{value}\"\n"
        )
    };
    configure(&scratch, &client(&sealed(&scratch, IMS)));
    let second = rotate(&scratch);
    let done = scratch.json(&["secret", "reseal"]);
    assert_eq!(done["resealed"]["configuration"], 1);
    let opened = scratch.json(&["secret", "unprotect", IMS]);
    assert_eq!(
        (&opened["secret"], &opened["key"]),
        (&SECRET.into(), &second.as_str().into())
    );
    let text = configuration(&scratch);
    let value = text.lines().last().unwrap();
    let value = value.trim_start_matches("secret = ").trim_matches('"');
    assert_eq!(text, client(value));
    scratch.run(&["config", "check"]).done();
    let moved = text.replace("[client.ims]", "[client.other]");
    configure(&scratch, &moved);
    let said = scratch.run(&["secret", "check", "--json"]);
    assert_eq!(said.status, 1);
    assert_eq!(said.json()["values"][0]["place"], "client/other/secret");
    assert_eq!(said.json()["values"][0]["where"]["line"], 4);
}

/// Where no file may become as long as the configuration is.
fn with_short_files(scratch: &Scratch, words: &str) -> Said {
    // The blocks of a POSIX shell have 512 bytes.
    let script = format!("trap '' XFSZ; ulimit -f 2000; exec {PROGRAM} {words}");
    let mut command = Command::new("sh");
    let output = command
        .args(["-c", &script])
        .env("SIGNET_DATA", scratch.data())
        .stdin(Stdio::null())
        .output();
    Said::new(&output.unwrap())
}

#[test]
fn a_configuration_that_cannot_be_written_is_told_and_done_later() {
    let scratch = Scratch::new();
    let first = active(&scratch);
    protect(&scratch, &[IMS, "--store"]).done();
    let value = sealed(&scratch, "name");
    let long = "# Ours.\n".repeat(400_000);
    configure(&scratch, &format!("name = \"{value}\"\n{long}"));
    let before = configuration(&scratch);
    let second = rotate(&scratch);

    let said = with_short_files(&scratch, "secret reseal")
        .failed("the repository is done (1 value sealed anew), but signet.toml is not: its values still open, with their former keys")
        .hints("then repeat signet secret reseal, which does the rest; retire no key before");
    assert!(said.stderr.contains("cannot write"), "{said:?}");
    assert_eq!(configuration(&scratch), before);
    assert_eq!(recorded(&scratch), ["secret.protect", "secret.reseal"]);
    // What is done is done, and everything opens.
    for (place, key) in [(IMS, &second), ("name", &first)] {
        let opened = scratch.json(&["secret", "unprotect", place]);
        assert_eq!(
            (&opened["secret"], &opened["key"]),
            (&SECRET.into(), &key.as_str().into())
        );
    }
    scratch
        .run(&["keys", "retire", &first])
        .failed("1 secret is sealed with the key");
    let doctor = scratch.run(&["doctor", "--json"]);
    assert!(doctor.stdout.contains("RESEAL_UNFINISHED"), "{doctor:?}");
    with_short_files(&scratch, "secret reseal")
        .failed("the repository is done (0 values sealed anew)");

    let done = scratch.json(&["secret", "reseal"]);
    assert_eq!(
        done["resealed"],
        serde_json::json!({ "repository": 0, "configuration": 1 })
    );
    assert_eq!(done["can_be_retired"], serde_json::json!([first]));
    assert!(configuration(&scratch).ends_with(&long));
    scratch.run(&["secret", "check"]).done();
    let doctor = scratch.run(&["doctor", "--json"]);
    assert!(!doctor.stdout.contains("RESEAL_UNFINISHED"), "{doctor:?}");
}

// K10
#[test]
fn with_one_value_that_does_not_open_nothing_is_sealed_anew() {
    let scratch = Scratch::new();
    protect(&scratch, &[IMS, "--store"]).done();
    let text = format!("name = \"{}\"\n", sealed(&scratch, "elsewhere"));
    configure(&scratch, &text);
    rotate(&scratch);
    let before = scratch.json(&["keys", "list"]);
    for words in [
        &["secret", "reseal"][..],
        &["secret", "reseal", "--dry-run"],
    ] {
        let said = scratch
            .run(words)
            .failed("a sealed value does not open, so nothing");
        assert!(
            said.stderr.contains("name (") && said.stderr.contains("signet.toml:1"),
            "{said:?}"
        );
        said.hints("signet secret check");
    }
    assert_eq!(configuration(&scratch), text);
    assert_eq!(scratch.json(&["keys", "list"]), before);
    let opened = scratch.json(&["secret", "unprotect", IMS]);
    assert_ne!(opened["key"], active(&scratch).as_str());
    assert_eq!(recorded(&scratch), ["secret.protect", "secret.unprotect"]);
}

// K8
#[test]
fn a_revoked_key_unseals_for_resealing_alone() {
    let scratch = Scratch::new();
    let first = active(&scratch);
    protect(&scratch, &[IMS, "--store"]).done();
    rotate(&scratch);
    scratch.run(&["keys", "revoke", &first, "--yes"]).done();
    scratch
        .run(&["secret", "unprotect", IMS])
        .failed("which is revoked")
        .hints("change the secret where it was issued");
    assert_eq!(scratch.run(&["secret", "check"]).status, 1);
    // Removing its file would take the secret from its owner for ever.
    scratch
        .run(&["keys", "retire", &first])
        .failed("1 secret is sealed with the key")
        .hints("signet secret reseal");
    scratch.run(&["secret", "reseal"]).done();
    scratch.run(&["secret", "check"]).done();
    scratch.run(&["keys", "retire", &first]).done();
    let opened = scratch.run(&["secret", "unprotect", IMS]).done();
    assert_eq!(opened.stdout.trim(), SECRET);
}

// O6
#[test]
fn nothing_of_two_thousand_former_values_is_left() {
    const MANY: usize = 2_000;
    let scratch = Scratch::new();
    let former: Vec<String> = with_repository(&scratch, async |repository, master| {
        let mut former = Vec::new();
        for number in 0..MANY {
            let place = format!("client/c{number}/secret");
            let secret = format!("{SECRET} {number}");
            let value = master.seal(&place.parse().unwrap(), secret.as_bytes());
            let value = value.unwrap().to_string();
            let now = UnixSeconds(1_767_225_600);
            repository.set_secret(&place, &value, now).await.unwrap();
            former.push(value);
        }
        former
    });
    let second: KeyId = rotate(&scratch).parse().unwrap();
    let done = scratch.json(&["secret", "reseal"]);
    assert_eq!(done["resealed"]["repository"], MANY);
    assert_eq!(done["leftover"], Value::Null);

    with_repository(&scratch, async |repository, master| {
        assert_eq!(master.sealing(), Some(second));
        for number in [0, 7, MANY - 1] {
            let place = format!("client/c{number}/secret");
            let value = repository.secret(&place).await.unwrap().unwrap();
            let opened = master.open_text(&place.parse().unwrap(), &value).unwrap();
            assert_eq!(opened.as_slice(), format!("{SECRET} {number}").as_bytes());
        }
    });
    // So many bytes in a row are no coincidence.
    const PIECE: usize = 12;
    let mut pieces = HashSet::new();
    for value in &former {
        let sealed = value.rsplit(':').next().unwrap().as_bytes();
        pieces.extend(sealed.windows(PIECE));
    }
    for entry in fs::read_dir(scratch.data()).unwrap() {
        let path = entry.unwrap().path();
        if path.is_file() {
            let bytes = fs::read(&path).unwrap();
            let left = bytes.windows(PIECE).find(|piece| pieces.contains(piece));
            assert!(left.is_none(), "{}", path.display());
        }
    }
}

#[test]
fn a_protected_string_of_aem_opens_with_its_master() {
    let scratch = Scratch::new();
    // The published vector of wcm.io CONGA.
    let protected = "{bb71ce8b28ac304c269d7f9a4697f30d7f335a3f279c7834e8f72389d86539ce}";
    let value = scratch.file("value", &format!("{protected}\n"));
    scratch
        .run(&["secret", "unprotect", "--granite", &value])
        .failed("no master of AEM was imported here")
        .hints("signet keys import --granite-master");
    for (name, bits) in [
        (
            "other",
            vec![0x11, 0x92, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16],
        ),
        ("master", bytes_of("3e3fcf55e362e5cbf51407fb64ae0b61")),
    ] {
        if name == "master" {
            scratch
                .run(&["secret", "unprotect", "--granite", &value])
                .failed("the key is another one, or the value is damaged");
        }
        let path = scratch.path().join(name);
        fs::write(&path, bits).unwrap();
        scratch
            .run(&["keys", "import", "--granite-master", path.to_str().unwrap()])
            .done();
    }
    let opened = scratch
        .run(&["secret", "unprotect", "--granite", &value])
        .done();
    assert_eq!(opened.stdout, "mytext\n");
    let piped = scratch.run_with(&["secret", "unprotect", "--granite", "-"], "{SHA-256}");
    piped.failed("holds no protected string of AEM");
    assert_eq!(recorded(&scratch), ["secret.unprotect"]);
}

fn bytes_of(digits: &str) -> Vec<u8> {
    let byte = |at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap();
    (0..digits.len()).step_by(2).map(byte).collect()
}

#[test]
fn what_is_wrong_with_the_input_is_said() {
    let scratch = Scratch::new();
    scratch
        .run(&["secret", "protect", IMS])
        .failed("the secret is empty")
        .hints("--file");
    scratch
        .run(&["secret", "protect", IMS, "--file", "nowhere"])
        .failed("could not be read from nowhere");
    let large = scratch.file("large", &"x".repeat(70_000));
    scratch
        .run(&["secret", "protect", IMS, "--file", &large])
        .failed("was not sealed")
        .hints("a file of its own");
    let value = scratch.file("value", "sealed:v1:abc");
    let said = scratch.run(&["secret", "unprotect", IMS, &value]);
    let said = said.failed("does not open");
    assert!(
        said.stderr.contains("32 lower-case hexadecimal digits"),
        "{said:?}"
    );
    said.hints("copy it again");
    let only = active(&scratch);
    fs::remove_file(scratch.data().join(format!("keys/master/{only}.jwk"))).unwrap();
    scratch
        .run_with(&["secret", "protect", IMS], SECRET)
        .failed("was not sealed")
        .hints("signet keys rotate --ring master");
}

#[test]
fn the_list_of_keys_says_when_one_that_sealed_can_go() {
    let scratch = Scratch::new();
    let first = active(&scratch);
    protect(&scratch, &[IMS, "--store"]).done();
    let rotated = scratch.run(&["keys", "rotate", "--ring", "master"]).done();
    assert!(
        rotated.stdout.contains("Next: signet secret reseal"),
        "{rotated:?}"
    );
    let can_go = || {
        let listed = scratch.run(&["keys", "list"]).done().stdout;
        let line = listed.lines().find(|line| line.starts_with(&first));
        let (_, can_go) = line.unwrap().rsplit_once("file").unwrap();
        can_go.trim().to_owned()
    };
    let sealed = || {
        let list = scratch.json(&["keys", "list"]);
        let mut keys = list["keys"].as_array().unwrap().iter();
        let key = keys.find(|key| key["kid"] == first.as_str()).unwrap();
        key["sealed_values"].clone()
    };
    assert_eq!(
        (can_go(), sealed()),
        ("after reseal (1 value)".to_owned(), 1.into())
    );
    scratch.run(&["keys", "revoke", &first, "--yes"]).done();
    assert_eq!(can_go(), "after reseal (1 value)");
    // Nobody can say.
    let (file, away) = (
        scratch.data().join("repository.db"),
        scratch.path().join("away"),
    );
    fs::rename(&file, &away).unwrap();
    assert_eq!((can_go(), sealed()), ("–".to_owned(), Value::Null));
    fs::rename(&away, &file).unwrap();
    scratch.run(&["secret", "reseal"]).done();
    assert_eq!((can_go(), sealed()), ("now".to_owned(), 0.into()));
    scratch.run(&["keys", "retire", &first]).done();

    // One that sealed nothing can go as soon as there is another.
    let second = active(&scratch);
    rotate(&scratch);
    scratch.run(&["secret", "reseal"]).done();
    rotate(&scratch);
    let listed = scratch.run(&["keys", "list"]).done().stdout;
    let line = listed
        .lines()
        .find(|line| line.starts_with(&second))
        .unwrap();
    assert!(line.trim_end().ends_with("now"), "{line}");
}
