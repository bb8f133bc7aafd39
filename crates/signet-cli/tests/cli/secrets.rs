//! No password, hash, token or key is ever repeated where it was not asked for.

use crate::scratch::Scratch;

const SECRET: &str = "hunter2-hunter2";

// Invariant 4
#[test]
fn a_secret_in_the_wrong_place_is_not_repeated() {
    let scratch = Scratch::new();
    scratch.add("alice");
    let token = scratch.mint(&["alice"]);
    for words in [
        &["token", "verify", &token][..],
        &["token", "explain", SECRET],
        &["token", &token],
        &["user", "passwd", "alice", SECRET],
        &["user", "add", "bob", SECRET],
        &["user", "add", "bob", &format!("--password={SECRET}")],
        &["user", "add", "bob", "--password", SECRET],
    ] {
        let said = scratch.run(words);
        assert_eq!(said.status, 2, "{words:?}");
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(
            !all.contains(SECRET) && !all.contains(&token),
            "{words:?}: {said:?}"
        );
    }
}

// Invariant 4
#[test]
fn nothing_secret_is_said_aside() {
    let scratch = Scratch::new();
    let file = scratch.file("users.csv", &format!("id,password\nzoe,{SECRET}\n"));
    let token_file = |token: &str| scratch.file("token", token);
    let mut said = vec![
        scratch.run_with(&["user", "add", "alice"], &format!("{SECRET}\n")),
        scratch.run_with(&["user", "passwd", "alice"], &format!("{SECRET}\n")),
        scratch.run(&["user", "import", &file]),
        scratch.run(&["user", "import", &file]),
        scratch.run(&["user", "show", "alice", "--json"]),
        scratch.run(&["user", "list", "--json"]),
        scratch.run(&["keys", "list", "--json"]),
        scratch.run(&["keys", "rotate"]),
        scratch.run(&["config", "show"]),
    ];
    let minted = scratch.run(&["token", "mint", "alice"]).done();
    let token = minted.stdout.trim().to_owned();
    assert!(!minted.stderr.contains(&token));
    said.push(scratch.run(&["token", "explain", "--file", &token_file(&token)]));
    let mut log = scratch.command();
    log.args(["token", "verify", "--file", &token_file(&token)])
        .env("SIGNET_LOG", "trace");
    said.push(crate::scratch::Said::new(&log.output().unwrap()));

    let mut secrets = vec![SECRET.to_owned(), token, "$argon2".to_owned()];
    for ring in ["hmac", "master"] {
        for entry in std::fs::read_dir(scratch.data().join("keys").join(ring)).unwrap() {
            let text = std::fs::read_to_string(entry.unwrap().path()).unwrap();
            let key: serde_json::Value = serde_json::from_str(&text).unwrap();
            secrets.push(key["k"].as_str().unwrap().to_owned());
        }
    }
    assert_eq!(secrets.len(), 3 + 3);
    for said in said {
        for secret in &secrets {
            assert!(
                !said.stdout.contains(secret) && !said.stderr.contains(secret),
                "{said:?}"
            );
        }
    }
}
