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
