//! The keys of one real installation copied to others: after a restart, while it runs, and over a bundle.

use std::fs;

use crate::stage::said::Said;
use crate::stage::sling::{Keys, Sling};

/// Runs `signet aem WORDS…` beside this Sling.
fn aem(sling: &Sling, words: &[&str]) -> Said {
    Said::of(sling.signet(&[&["aem"], words].concat(), ""))
}

fn folder(sling: &Sling) -> String {
    sling.folder().to_str().unwrap().to_owned()
}

/// Opens what a Sling protected, with the key file of another.
fn opens(value: &str, sling: &Sling) -> bool {
    let key = sling.key_file("master");
    let words = ["aem", "unprotect", "--master", key.to_str().unwrap()];
    let output = sling.signet(&words, value);
    output.status.success() && output.stdout == b"a text\n"
}

fn share_keys(one: &Sling, other: &Sling) -> bool {
    one.accepts(&other.csrf_token())
        && other.accepts(&one.csrf_token())
        && opens(&one.protect("a text"), other)
        && opens(&other.protect("a text"), one)
}

#[test]
fn instances_share_keys_after_a_restart() {
    let author = Sling::start(Keys::Files);
    let mut publish = Sling::start(Keys::Files);
    assert!(!publish.accepts(&author.csrf_token()));
    let (from, to) = (folder(&author), folder(&publish));
    let replicate = ["replicate", "--from", &from, "--to", &to];

    // What runs is not touched, and what breaks is said before.
    let refused = aem(&publish, &replicate).failed("nothing was changed");
    assert!(refused.stderr.contains("/etc/truststore"), "{refused:?}");
    let process = publish.process().unwrap();
    aem(&publish, &[&replicate[..], &["--accept"]].concat())
        .failed(&format!("AEM runs on {to}, as process {process}"));
    assert!(!publish.accepts(&author.csrf_token()));

    let own = publish.protect("a text");
    let stop = format!("kill {process}");
    let done = aem(
        &publish,
        &[&replicate[..], &["--accept", "--json", "--stop", &stop]].concat(),
    );
    assert_eq!(done.done().json()["equal"], true);
    publish.stop();
    publish.start_again();
    assert!(share_keys(&author, &publish));
    assert!(!opens(&own, &publish));

    // Nothing to do, and both prove it.
    let (one, two) = (author.url(), publish.url());
    let proven = aem(
        &publish,
        &[&replicate[..], &["--json", "--prove", &one, &two]].concat(),
    );
    let proven = proven.done().json();
    assert_eq!(proven["targets"][0]["state"], "unchanged");
    assert_eq!(proven["proofs"][0]["master"]["master"], "yes");
    assert_eq!(proven["proofs"][1]["master"]["master"], "yes");
    assert_eq!(proven["proofs"][1]["hmac"]["hmac"], "yes");

    // The way back, too, counts after a restart.
    let process = publish.process().unwrap();
    aem(&publish, &["replicate", "--undo", &to]).failed("AEM runs on");
    let stop = format!("kill {process}");
    aem(&publish, &["replicate", "--undo", &to, "--stop", &stop]).done();
    publish.stop();
    publish.start_again();
    assert!(!publish.accepts(&author.csrf_token()));
    assert!(opens(&own, &publish));
}

#[test]
fn an_instance_that_runs_reads_its_keys_again() {
    let author = Sling::start(Keys::Files);
    let mut publish = Sling::start(Keys::Files);
    let (from, to) = (folder(&author), folder(&publish));
    let (one, two) = (author.url(), publish.url());
    let replicate = ["replicate", "--from", &from, "--to", &to, "--accept"];

    // The instance of another folder is no help.
    let wrong = [&replicate[..], &["--refresh", &one]].concat();
    aem(&publish, &wrong).failed("does not run on");
    assert!(!publish.accepts(&author.csrf_token()));

    let process = publish.process().unwrap();
    let more = ["--json", "--refresh", &two, "--prove", &one];
    let done = aem(&publish, &[&replicate[..], &more].concat());
    assert!(done.stderr.contains("restart it"), "{done:?}");
    let done = done.done().json();
    assert_eq!(done["equal"], true, "{done:#}");
    assert_eq!(done["proofs"][0]["master"]["master"], "yes");
    assert_eq!(done["proofs"][1]["hmac"]["hmac"], "yes");
    publish.until_ready();
    assert_eq!(publish.process(), Some(process));
    assert!(share_keys(&author, &publish));

    // Once more there is nothing to write; the bundles are refreshed all the same.
    let again = aem(&publish, &[&replicate[..], &more].concat())
        .done()
        .json();
    assert_eq!(again["targets"][0]["state"], "unchanged");
    publish.until_ready();
    assert!(share_keys(&author, &publish));

    // Another key in the files than in memory: the proof says so.
    fs::write(
        author.key_file("hmac"),
        b"\x01another key of thirty-two byte\xff",
    )
    .unwrap();
    let only = ["replicate", "--from", &from, "--to", &to, "--only", "hmac"];
    let hmac = aem(
        &publish,
        &[&only[..], &["--json", "--refresh", &two, "--prove", &one]].concat(),
    );
    assert_eq!(hmac.status, 1, "{hmac:?}");
    let hmac = hmac.json();
    assert_eq!(hmac["equal"], false);
    assert_eq!(hmac["proofs"][1]["hmac"]["hmac"], "no");
}

#[test]
fn a_bundle_brings_the_keys_to_another_machine() {
    let author = Sling::start(Keys::Files);
    let mut publish = Sling::start(Keys::Files);
    let upgraded = Sling::start(Keys::Repository);
    // Each has a home of its own, as on machines of their own.
    let card = |sling: &Sling, name: &str| {
        let said = aem(sling, &["card"]).done();
        let path = author.scratch().join(name);
        fs::write(&path, said.stdout).unwrap();
        path.to_str().unwrap().to_owned()
    };
    let (sender, receiver) = (card(&author, "author.card"), card(&publish, "publish.card"));
    let bundle = author.scratch().join("keys.bundle");
    let bundle = bundle.to_str().unwrap();
    let from = folder(&author);
    aem(
        &author,
        &["export", &from, "--for", &receiver, "--out", bundle],
    )
    .done();

    let to = folder(&upgraded);
    let import = ["import", bundle, "--accept", "--sender", &sender, "--to"];
    aem(&publish, &[&import[..], &[&to]].concat()).failed("keeps its keys in the repository");
    publish.stop();
    let to = folder(&publish);
    aem(&publish, &[&import[..], &[&to]].concat()).done();
    publish.start_again();
    assert!(share_keys(&author, &publish));
    // Those of an upgraded installation cannot be had from its files.
    let from = folder(&upgraded);
    let refused = aem(
        &author,
        &["export", &from, "--for", &receiver, "--out", "none"],
    );
    assert!(
        refused.stderr.contains("signet aem relocate"),
        "{refused:?}"
    );
    refused.failed("keeps its keys in the repository");
}
