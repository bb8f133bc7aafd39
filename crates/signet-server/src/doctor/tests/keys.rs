use super::*;

#[tokio::test]
async fn keys_that_were_left_behind_are_found() {
    let patient = Patient::new().await;
    patient.seal("client/ims/secret").await;
    let master = patient.maker(RingName::Master);
    patient.copy_keys_into_repository();
    for ring in RingName::ALL {
        fs::remove_file(patient.key_file(ring)).unwrap();
    }
    let told = patient.told().await;
    let finding = patient.found(&told, "STORAGE_DISAGREES");
    assert_eq!(
        finding.cause,
        "DATA/keys/storage says \"file\", and there is no key in files; 2 are in the repository"
    );
    assert!(
        finding.remedy.contains("`signet keys relocate --to file`"),
        "{finding}"
    );
    // K10
    let secret = patient.found(&told, "SECRET_KEY_MISSING");
    assert_eq!(
        secret.cause,
        format!(
            "the secret client/ims/secret (repository) does not open: it was sealed with the key {master}, which is not here: there are no keys in the master ring; the key was last seen in the repository, which keys/storage does not name"
        )
    );
    assert!(
        secret
            .remedy
            .starts_with("`signet keys relocate --to file`"),
        "{secret}"
    );
}

#[tokio::test]
async fn keys_in_two_places_are_found() {
    let patient = Patient::new().await;
    patient.copy_keys_into_repository();
    let finding = patient.only(&without_disk(patient.told().await));
    assert_eq!(finding.status, Status::Warn);
    assert_eq!(
        finding.cause,
        "keys are in two places: 2 in files, which are in use, and 2 in the repository"
    );
    // One that is only there.
    let store = patient.directory().key_store(&Config::default()).unwrap();
    let second = store
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    patient.copy_keys_into_repository();
    fs::remove_file(patient.path(&format!("keys/hmac/{second}.jwk"))).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "KEYS_IN_TWO_PLACES");
    assert_eq!(
        finding.effect,
        format!("one is in the repository alone, where nothing reads it: {second}")
    );
}

// K1
#[tokio::test]
async fn storage_may_have_a_line_end_and_nothing_else() {
    let patient = Patient::new().await;
    for harmless in ["file\n", "\u{feff}file", "file\r\n"] {
        fs::write(patient.path("keys/storage"), harmless).unwrap();
        let finding = patient.only(&without_disk(patient.told().await));
        assert_eq!(
            (finding.code, finding.status),
            ("STORAGE_LINE_END", Status::Ok)
        );
    }
    for garbage in ["files", "Bundle", "", "file file", &"x".repeat(9_000)] {
        fs::write(patient.path("keys/storage"), garbage).unwrap();
        let told = patient.told().await;
        let finding = patient.found(&told, "STORAGE_WRONG");
        assert_eq!(finding.status, Status::Critical);
        assert_eq!(
            finding.cause,
            "DATA/keys/storage says neither \"file\" nor \"repository\""
        );
        assert!(
            finding
                .remedy
                .starts_with("`printf file > 'DATA/keys/storage'`"),
            "{finding}"
        );
    }
}

// K1
#[tokio::test]
async fn a_file_that_is_no_key_is_found_whatever_it_is() {
    let patient = Patient::new().await;
    let file = patient.key_file(RingName::Master);
    let good = fs::read(&file).unwrap();
    for (content, code, words) in [
        (
            &b"<!DOCTYPE html><title>Log in"[..],
            "KEY_BAD",
            "it is a web page, not a key (a saved login page?)",
        ),
        (b"", "KEY_BAD", "it is empty"),
        (b"\0\0\0\0", "KEY_BAD", "it is empty"),
        (
            &good[..good.len() / 2],
            "KEY_BAD",
            "it is cut off: it ends in the middle",
        ),
        (b"-----BEGIN PRIVATE KEY-----", "KEY_BAD", "it is not JSON"),
    ] {
        fs::write(&file, content).unwrap();
        let told = patient.told().await;
        let finding = patient.found(&told, code);
        assert_eq!(finding.status, Status::Critical);
        assert!(finding.cause.contains(words), "{words}: {finding}");
        assert!(!finding.remedy.is_empty());
        // The ring has no other.
        assert_eq!(patient.found(&told, "NO_ACTIVE_KEY").status, Status::Warn);
    }
    // What is refused unread for its mode is looked into all the same.
    fs::write(&file, "<html>").unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    let told = patient.told().await;
    patient.found(&told, "KEY_OPEN_TO_OTHERS");
    let content = patient.found(&told, "KEY_BAD");
    assert!(content.cause.contains("a saved login page?"), "{content}");
}

// K1
#[tokio::test]
async fn a_key_with_line_ends_is_read_all_the_same() {
    let patient = Patient::new().await;
    let file = patient.key_file(RingName::Hmac);
    let good = fs::read_to_string(&file).unwrap();
    for text in [
        format!("{good}\n\n"),
        format!("\u{feff}{good}"),
        good.replace('\n', "\r\n"),
    ] {
        fs::write(&file, text).unwrap();
        let finding = patient.only(&without_disk(patient.told().await));
        assert_eq!(
            (finding.code, finding.status),
            ("KEY_FILE_LINE_END", Status::Ok)
        );
    }
}

#[tokio::test]
async fn files_that_nothing_reads_are_found() {
    let patient = Patient::new().await;
    for (name, content, words) in [
        (
            "login.html",
            &b"<html>"[..],
            "is a web page, not a key (a saved login page?)",
        ),
        (
            "hmac",
            &[7; 32],
            "holds 32 raw bytes, as key files of AEM do",
        ),
        (
            "master",
            &[7; 16],
            "holds 16 raw bytes, as key files of AEM do",
        ),
        (
            "key.json",
            b"{\"kty\":\"oct\"}",
            "may be a key, but its name does not end in .jwk",
        ),
        ("empty", b"", "is empty"),
        ("notes.txt", b"remember", "is no key"),
    ] {
        let path = patient.path("keys/hmac").join(name);
        fs::write(&path, content).unwrap();
        let finding = patient.only(&without_disk(patient.told().await));
        assert_eq!(
            (finding.code, finding.status),
            ("KEY_FILE_UNREAD", Status::Warn)
        );
        assert_eq!(finding.cause, format!("DATA/keys/hmac/{name} {words}"));
        fs::remove_file(path).unwrap();
    }
    let file = patient.key_file(RingName::Hmac);
    fs::rename(&file, patient.path("keys").join(file.file_name().unwrap())).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "KEY_FILE_UNREAD");
    assert!(
        finding.cause.ends_with("lies outside of hmac/ and master/"),
        "{finding}"
    );
    let name = file.file_name().unwrap().to_str().unwrap();
    assert_eq!(
        finding.remedy,
        format!("`mv 'DATA/keys/{name}' 'DATA/keys/hmac/{name}'`")
    );
    assert_eq!(
        patient.found(&told, "NO_ACTIVE_KEY").status,
        Status::Critical
    );
}

#[tokio::test]
async fn a_list_of_revoked_keys_that_cannot_be_read_is_found() {
    let patient = Patient::new().await;
    fs::write(patient.path("keys/revoked"), "hmac 01\n").unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "REVOKED_UNREADABLE");
    assert_eq!(
        finding.cause,
        "DATA/keys/revoked: line 1 is not a ring and a key id"
    );
}

#[tokio::test]
async fn a_clock_behind_the_keys_is_found() {
    let patient = Patient::new().await;
    let early = UnixSeconds(NOW.0 - 7_200);
    let examined = examine(&patient.data(), Arc::new(move || early)).await;
    let findings: Vec<_> = examined.into_iter().flat_map(|e| e.findings).collect();
    let finding = patient.found(&findings, "CLOCK_BEHIND");
    assert_eq!(finding.status, Status::Critical);
    assert!(
        finding
            .cause
            .ends_with("was made 2 hours after what the clock says now"),
        "{finding}"
    );
}
