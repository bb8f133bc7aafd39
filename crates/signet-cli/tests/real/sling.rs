//! `signet aem inspect` on a real installation, and that the installation behaves as the other tests of `signet aem` need it.

use std::fs;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::stage::http::Request;
use crate::stage::sling::{CRYPTO, CRYPTO_FILE, Keys, Sling, TOKEN_HANDLER};

const HMAC: &[u8; 32] = b"\x01an hmac key of thirty-two byte\xff";
const MASTER: &[u8; 16] = b"\x02a master key 1\xfe";
const OTHER_MASTER: &[u8; 16] = b"\x04another master\xfc";

/// What `signet aem inspect` finds in the folder of a Sling.
fn inspect(sling: &Sling) -> Value {
    let folder = sling.folder();
    let output = sling.signet(&["aem", "inspect", folder.to_str().unwrap(), "--json"], "");
    let said = String::from_utf8_lossy(&output.stderr);
    serde_json::from_slice(&output.stdout).unwrap_or_else(|_| panic!("{said}"))
}

/// Compares what was found about bundles and keys with what is there.
#[track_caller]
fn assert_right(found: &Value, sling: &Sling) {
    for (field, name) in [("crypto", CRYPTO), ("crypto_file", CRYPTO_FILE)] {
        let folder = sling.bundle_folder(name);
        let number = folder.file_name().unwrap().to_str().unwrap();
        let id = format!("bundle{}", found[field]["id"]);
        assert_eq!(id, number, "{found:#}");
        let location = found[field]["location"].as_str().unwrap();
        assert!(location.starts_with("launchpad:resources/"), "{location}");
        let data = found[field]["data"].as_str().unwrap();
        assert_eq!(data, folder.join("data").to_str().unwrap());
    }
    for (at, name) in ["hmac", "master"].into_iter().enumerate() {
        let key = &found["keys"][at];
        assert_eq!(key["name"], name);
        match fs::read(sling.key_file(name)) {
            Ok(bytes) => {
                let digest = data_encoding::HEXLOWER.encode(&Sha256::digest(&bytes));
                assert_eq!(key["found"]["sha256"], digest, "{found:#}");
                assert_eq!(key["found"]["kind"], "raw");
            }
            Err(_) => assert_eq!(key["found"], Value::Null),
        }
    }
    let running = match sling.process() {
        Some(process) => json!({"state": "yes", "process": process}),
        None => json!({"state": "no"}),
    };
    assert_eq!(found["running"], running);
}

fn has(found: &Value, code: &str) -> bool {
    let findings = found["findings"].as_array().unwrap();
    findings.iter().any(|finding| finding["code"] == code)
}

/// Opens what a Sling protected.
fn unprotect(sling: &Sling, value: &str, master: &[u8]) -> Option<String> {
    let file = sling.scratch().join("master");
    fs::write(&file, master).unwrap();
    let words = ["aem", "unprotect", "--master", file.to_str().unwrap()];
    let output = sling.signet(&words, value);
    let text = String::from_utf8(output.stdout).unwrap();
    output.status.success().then(|| text.trim_end().to_owned())
}

#[test]
fn keys_in_files_are_found_whatever_happens_to_the_bundles() {
    let mut sling = Sling::start(Keys::Files);
    let found = inspect(&sling);
    assert_right(&found, &sling);
    assert_eq!(found["storage"], json!({"says": "bundle"}));
    let own = sling.protect("my text");
    let master = fs::read(sling.key_file("master")).unwrap();
    assert_eq!(unprotect(&sling, &own, &master).unwrap(), "my text");

    // The instance has read its keys, and reads them again when its bundle is refreshed.
    sling.put_keys_in_files(HMAC, MASTER);
    assert_eq!(unprotect(&sling, &sling.protect("my text"), MASTER), None);
    sling.act("refresh", CRYPTO);
    sling.until_ready();
    let given = sling.protect("my text");
    assert_eq!(unprotect(&sling, &given, MASTER).unwrap(), "my text");
    assert_right(&inspect(&sling), &sling);

    // A newer revision lies in another folder of the same bundle.
    let revision = sling.bundle_folder(CRYPTO_FILE).join("version0.1");
    assert!(!revision.exists());
    sling.install_again(CRYPTO_FILE);
    assert!(revision.is_dir());
    assert_right(&inspect(&sling), &sling);

    sling.stop();
    assert_right(&inspect(&sling), &sling);
    sling.start_again();
    assert_right(&inspect(&sling), &sling);
    assert_eq!(fs::read(sling.key_file("hmac")).unwrap(), HMAC);
    let given = sling.protect("my text");
    assert_eq!(unprotect(&sling, &given, MASTER).unwrap(), "my text");

    sling.kill();
    assert_right(&inspect(&sling), &sling);
}

#[test]
fn keys_in_the_repository_are_used_until_storage_says_otherwise_to_the_byte() {
    let mut sling = Sling::start(Keys::Repository);
    let found = inspect(&sling);
    assert_right(&found, &sling);
    assert_eq!(found["storage"], json!({"says": "jcr"}));
    let made = sling.key_in_repository("master").unwrap();
    let value = sling.protect("my text");
    assert_eq!(unprotect(&sling, &value, &made).unwrap(), "my text");

    // Both shapes, and every way to them that is known.
    for put in [
        Sling::put_keys_in_repository,
        Sling::put_key_files_in_repository,
    ] {
        put(&sling, HMAC, MASTER);
        assert_eq!(sling.key_in_repository("hmac").unwrap(), HMAC);
        assert_eq!(sling.key_in_repository("master").unwrap(), MASTER);
        sling.act("refresh", CRYPTO);
        sling.until_ready();
        let value = sling.protect("my text");
        assert_eq!(unprotect(&sling, &value, MASTER).unwrap(), "my text");
    }
    sling.put_keys_in_repository(HMAC, MASTER);
    let davex = "/crx/server/crx.default/jcr:root/etc/key/hmac";
    assert_eq!(sling.send(Request::get(davex)).status, 200);
    let crxde = "/crx/de/download.jsp?path=%2Fetc%2Fkey%2Fhmac&index=0";
    assert_eq!(sling.send(Request::get(crxde)).body, HMAC);
    assert_ne!(Request::get("/etc/key/hmac").to(sling.port).status, 200);

    // The trap: with a newline behind it, the word is none that the bundle knows.
    sling.stop();
    sling.put_keys_in_files(b"\x03another key of thirty-two byte\xfd", OTHER_MASTER);
    sling.set_storage(b"Bundle\n");
    let found = inspect(&sling);
    assert!(has(&found, "STORAGE_UNTIDY"), "{found:#}");
    sling.start_again();
    let value = sling.protect("my text");
    assert_eq!(unprotect(&sling, &value, MASTER).unwrap(), "my text");

    sling.stop();
    sling.set_storage(b"Bundle");
    sling.start_again();
    let value = sling.protect("my text");
    let opened = unprotect(&sling, &value, OTHER_MASTER);
    assert_eq!(opened.unwrap(), "my text");
    // With the old keys still beside it.
    sling.remove_keys_from_repository();
    assert_eq!(sling.key_in_repository("hmac"), None);
}

#[test]
fn two_instances_take_each_others_tokens_when_they_have_the_same_key() {
    let (author, mut publish) = (Sling::start(Keys::Files), Sling::start(Keys::Files));
    let token = author.csrf_token();
    assert!(author.accepts(&token));
    assert!(!publish.accepts(&token), "each has made its own keys");
    for key in ["hmac", "master"] {
        fs::copy(author.key_file(key), publish.key_file(key)).unwrap();
    }
    publish.act("refresh", CRYPTO);
    publish.until_ready();
    assert!(publish.accepts(&token));

    // What a page of somebody else sends is refused; a page of its own, and who is no browser, is not.
    let post = || Request::new("POST", "/content/page").header("User-Agent", "Mozilla/5.0");
    assert_eq!(author.send(post().form(&[("a", "b")])).status, 403);
    for (referer, status) in [
        ("https://elsewhere.example.com/".to_owned(), 403),
        (format!("http://localhost:{}/", author.port), 201),
    ] {
        let post = post().header("Referer", &referer).form(&[("a", "b")]);
        assert_eq!(author.send(post).status, status, "{referer}");
    }
    assert!(publish.url().ends_with(&publish.port.to_string()));
}

#[test]
fn configurations_last_and_health_is_told() {
    let mut sling = Sling::start(Keys::Files);
    let new = sling.configuration(TOKEN_HANDLER);
    assert_eq!(new["token.encapsulated"], false);
    assert_eq!(new["token.required.attr"], "none");
    assert_eq!(
        new["skip.token.refresh"],
        json!(["/libs/granite/csrf/token.json"])
    );
    sling.configure(
        TOKEN_HANDLER,
        &[
            ("path", "/"),
            ("token.encapsulated", "true"),
            ("skip.token.refresh", "/one"),
            ("skip.token.refresh", "/two"),
        ],
    );
    let saml = "com.adobe.granite.auth.saml.SamlAuthenticationHandler";
    sling.configure_factory(saml, &[("path", "/content"), ("createUser", "true")]);
    sling.stop();
    sling.start_again();
    let kept = sling.configuration(TOKEN_HANDLER);
    assert_eq!(kept["token.encapsulated"], true);
    assert_eq!(kept["skip.token.refresh"], json!(["/one", "/two"]));
    // What the list did not name is gone, and shown with its default.
    assert_eq!(kept["token.required.attr"], "ip");
    let list = sling.json("/system/console/configMgr/*.json?pidFilter=");
    assert!(list.to_string().contains(saml), "{list}");

    assert_eq!(
        sling.json("/system/health?format=json")["overallResult"],
        "OK"
    );
    sling.act("stop", "com.adobe.granite.crxde-lite");
    assert_eq!(
        sling.bundle("com.adobe.granite.crxde-lite")["state"],
        "Resolved"
    );
    let health = sling.send(Request::get(
        "/system/health?format=json&forceInstantExecution=true",
    ));
    let health: Value = serde_json::from_slice(&health.body).unwrap();
    assert_eq!(health["overallResult"], "WARN", "{health:#}");
}
