//! Proofs that instances hold equal keys.

use std::fs;

use crate::bundles::{card, path, publish, replicate};
use crate::scratch::{Said, Scratch};

/// A challenge of `here`, answered by `there`: the file with the answer.
fn answer(here: &Scratch, there: &Scratch) -> String {
    let challenge = here.run(&["keys", "prove", "challenge"]).done().stdout;
    let challenge = there.file("challenge", &challenge);
    let answer = there.run(&["keys", "prove", "answer", &challenge]).done();
    here.file("answer", &answer.stdout)
}

fn check(here: &Scratch, there: &Scratch) -> Said {
    here.run(&["keys", "prove", "check", &answer(here, there)])
}

#[test]
fn instances_with_equal_keys_prove_it() {
    let (author, publish) = (Scratch::new(), publish());
    replicate(&author, &publish, "bundle");
    for (here, there) in [(&author, &publish), (&publish, &author)] {
        let said = check(here, there).done();
        assert!(said.stdout.contains("All keys are equal (2)."), "{said:?}");
    }
    let from = card(&publish);
    let answer = answer(&author, &publish);
    author
        .run(&["keys", "prove", "check", &answer, "--from", &from])
        .done();
    let document = author.json(&["keys", "prove", "check", &answer]);
    assert_eq!(document["equal"], true);
    assert_eq!(document["keys"][0]["result"], "equal");
    let from = card(&author);
    author
        .run(&["keys", "prove", "check", &answer, "--from", &from])
        .failed("does not count")
        .failed("not by the instance whose card was given");
}

#[test]
fn what_differs_is_shown_and_is_a_failure() {
    let (author, publish) = (Scratch::new(), publish());
    let said = check(&author, &publish);
    assert_eq!(said.status, 1);
    assert!(said.stdout.contains("missing there"), "{said:?}");
    assert!(said.stdout.contains("Not equal: 2 of 2 keys."), "{said:?}");

    replicate(&author, &publish, "bundle");
    let old = author.json(&["keys", "list"])["keys"][0]["kid"]
        .as_str()
        .unwrap()
        .to_owned();
    author.run(&["keys", "rotate"]).done();
    author.run(&["keys", "revoke", &old, "--yes"]).done();
    let said = check(&publish, &author);
    assert_eq!(said.status, 1);
    for part in [
        "missing here",
        "different (revoked there only)",
        "signet keys export there",
    ] {
        assert!(said.stdout.contains(part), "{part}: {said:?}");
    }
    let said = check(&author, &publish);
    assert!(
        said.stdout.contains("different (revoked here only)"),
        "{said:?}"
    );
    replicate(&author, &publish, "newer");
    let said = check(&author, &publish);
    // The revoked key is known on both sides; its file is on the one that had it.
    assert!(said.status == 0, "{said:?}");
}

#[test]
fn files_that_do_not_belong_here_are_named() {
    let (author, publish, third) = (Scratch::new(), publish(), Scratch::new());
    let answer = answer(&author, &publish);
    third
        .run(&["keys", "prove", "check", &answer])
        .failed("no identity yet")
        .hints("challenge");
    card(&third);
    third
        .run(&["keys", "prove", "check", &answer])
        .failed("is to a challenge of")
        .hints("signet keys prove challenge");
    let challenge = path(&publish, "challenge");
    author
        .run(&["keys", "prove", "check", &challenge])
        .failed("is a challenge, not an answer")
        .hints("signet keys prove answer");
    author
        .run(&["keys", "prove", "answer", &challenge])
        .failed("made by this instance itself");
    publish
        .run(&["keys", "prove", "answer", &answer])
        .failed("is an answer, not a challenge");

    let text = fs::read_to_string(&answer).unwrap();
    let altered = author.file("altered", &text.replace("created 1", "created 2"));
    author
        .run(&["keys", "prove", "check", &altered])
        .failed("was altered");
    let empty = author.file("empty", "");
    author
        .run(&["keys", "prove", "check", &empty])
        .failed("is empty");
}

#[test]
fn files_are_written_once() {
    let author = Scratch::new();
    let file = path(&author, "challenge.txt");
    let words = ["keys", "prove", "challenge", "--out", &file];
    let said = author.run(&words).done();
    assert!(said.stdout.contains("can be used until"), "{said:?}");
    author.run(&words).failed("is there already");
    let said = author.run(&["keys", "prove", "challenge", "--json"]);
    assert_eq!(said.status, 1);
    assert!(said.stderr.contains("cannot both go to"), "{said:?}");
    let other = path(&author, "other.txt");
    let document = author.json(&["keys", "prove", "challenge", "--out", &other]);
    assert!(document["expires"].as_u64().unwrap() > 1_767_225_600);
}

// K9
#[test]
fn neither_file_holds_a_key() {
    let (author, publish) = (Scratch::new(), publish());
    replicate(&author, &publish, "bundle");
    let files = fs::read_to_string(answer(&author, &publish)).unwrap();
    let keys = author.data().join("keys/hmac");
    for entry in fs::read_dir(keys).unwrap() {
        let jwk = fs::read_to_string(entry.unwrap().path()).unwrap();
        let jwk: serde_json::Value = serde_json::from_str(&jwk).unwrap();
        assert!(!files.contains(jwk["k"].as_str().unwrap()));
    }
}
