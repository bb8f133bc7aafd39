//! Looking at an installation of AEM.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use crate::scratch::Scratch;

/// A Felix cache with a bundle whose jar is missing, which no installation that works has.
fn cache(scratch: &Scratch) -> PathBuf {
    let felix = scratch.path().join("crx-quickstart/launchpad/felix");
    write(&felix.join("bundle0/bundle.id"), b"0");
    let info = "25\nlaunchpad:resources/install/0/com.adobe.granite.crypto.file-0.0.16.jar\n32\n20\n1767225600000\n0\n";
    write(&felix.join("bundle25/bundle.info"), info.as_bytes());
    write(&felix.join("bundle25/data/hmac"), &[7; 32]);
    felix
}

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
}

#[test]
fn what_is_wrong_is_said_with_cause_and_remedy() {
    let scratch = Scratch::empty();
    let felix = cache(&scratch);
    let folder = scratch.path().join("crx-quickstart");
    let said = scratch.run(&["aem", "inspect", folder.to_str().unwrap()]);
    assert_eq!(said.status, 1, "{said:?}");
    assert!(said.stdout.contains("BUNDLE_UNCONFIRMED"), "{said:?}");
    assert!(said.stdout.contains("remedy: copy "), "{said:?}");

    let said = scratch.run(&["aem", "inspect", folder.to_str().unwrap(), "--json"]);
    let document = said.json();
    assert_eq!(
        document["cache"],
        felix.canonicalize().unwrap().to_str().unwrap()
    );
    assert_eq!(document["running"]["state"], "no");
    assert_eq!(document["findings"][0]["severity"], "critical");
    assert!(felix.join("bundle25/data/hmac").exists());
}

#[test]
fn another_folder_is_refused() {
    let scratch = Scratch::empty();
    scratch
        .run(&["aem", "inspect", "."])
        .failed("is no AEM installation")
        .hints("crx-quickstart");
}

/// Published with the tool that made it, with its key: AES-128-CBC, the initialisation vector first.
const PROTECTED: &str = "{bb71ce8b28ac304c269d7f9a4697f30d7f335a3f279c7834e8f72389d86539ce}";
const MASTER: [u8; 16] = [
    0x3e, 0x3f, 0xcf, 0x55, 0xe3, 0x62, 0xe5, 0xcb, 0xf5, 0x14, 0x07, 0xfb, 0x64, 0xae, 0x0b, 0x61,
];

fn another(first: u8) -> [u8; 16] {
    core::array::from_fn(|place| first.wrapping_add(u8::try_from(place * 7).unwrap()))
}

#[test]
fn content_is_sealed_anew_for_another_master() {
    let scratch = Scratch::empty();
    let (old, new) = (scratch.path().join("old"), scratch.path().join("new"));
    write(&old, &MASTER);
    write(&new, &another(0xa5));
    let content = scratch.path().join("content/mail.config");
    let before = format!("smtp.password=\"{PROTECTED}\"\n");
    write(&content, before.as_bytes());
    let keys = ["--old", "old", "--new", "new", "content"];

    let planned = scratch.json(&[&["aem", "rekey", "--dry-run"], &keys[..]].concat());
    assert_eq!(planned["old"], 1);
    assert_eq!(fs::read_to_string(&content).unwrap(), before);

    let done = scratch.json(&[&["aem", "rekey"], &keys[..]].concat());
    assert_eq!((&done["files"], &done["values"]), (&1.into(), &1.into()));
    let after = fs::read_to_string(&content).unwrap();
    assert_ne!(after, before);
    let value = after.split('"').nth(1).unwrap();
    let said = scratch
        .run_with(&["aem", "unprotect", "--master", "new"], value)
        .done();
    assert_eq!(said.stdout, "mytext\n");

    // Those of neither key stop everything.
    write(&scratch.path().join("content/other.json"), after.as_bytes());
    write(&new, &another(0x5a));
    scratch
        .run(&[&["aem", "rekey", "--backup", "second"], &keys[..]].concat())
        .failed("neither key opens 2 of the values")
        .hints("--keep-others");
    scratch
        .run(&["aem", "rekey", "--undo", "signet-rekey-backup"])
        .done();
    assert_eq!(fs::read_to_string(&content).unwrap(), before);
}

#[test]
fn a_master_is_raw_or_refused() {
    let scratch = Scratch::empty();
    write(&scratch.path().join("raw"), &MASTER);
    write(&scratch.path().join("obfuscated"), &[0xa5; 32]);
    write(
        &scratch.path().join("page"),
        format!("<html>{}", "x".repeat(200)).as_bytes(),
    );
    let protected = scratch
        .run_with(&["aem", "protect", "--master", "raw"], "a secret\n")
        .done();
    let opened = scratch
        .run_with(&["aem", "unprotect", "--master", "raw"], &protected.stdout)
        .done();
    assert_eq!(opened.stdout, "a secret\n");
    for file in ["obfuscated", "page"] {
        let said = scratch.run_with(&["aem", "unprotect", "--master", file], PROTECTED);
        said.failed("is not a raw master of Granite");
    }
    scratch
        .run_with(&["aem", "unprotect", "--master", "raw"], "{SHA-256}0011")
        .failed("between braces");
}
