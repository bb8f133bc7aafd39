use super::*;

// Invariant 4
#[tokio::test]
async fn no_finding_holds_a_key_or_a_secret() {
    let patient = Patient::new().await;
    patient.seal("client/ims/secret").await;
    let file = patient.key_file(RingName::Master);
    let text = fs::read_to_string(&file).unwrap();
    let bits = text
        .split("\"k\":\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap();
    assert_eq!(bits.len(), 43);
    // Broken behind its bits, misnamed, and open to others.
    fs::write(patient.path("keys/hmac/copy.json"), &text).unwrap();
    fs::write(&file, text.replace("\"kty\"", "\"ktx\"")).unwrap();
    fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    fs::write(patient.path("keys/storage"), bits).unwrap();
    fs::write(patient.path("keys/relocation"), bits).unwrap();
    fs::write(patient.path("first-password"), "hush").unwrap();
    let told = format!("{:?}", patient.examined().await);
    assert!(told.contains("STORAGE_WRONG"));
    assert!(!told.contains(bits) && !told.contains("hush"), "{told}");
}

#[tokio::test]
async fn the_strangest_directory_is_looked_at() {
    let patient = Patient::nobody();
    fs::create_dir(patient.data()).unwrap();
    for name in [
        "format",
        "signet.toml",
        "repository.db",
        "audit.log",
        "first-password",
    ] {
        fs::create_dir(patient.path(name)).unwrap();
    }
    fs::write(patient.path("keys"), "not a directory").unwrap();
    fs::write(patient.path("run"), "neither").unwrap();
    symlink("/dev/zero", patient.path("node")).unwrap();
    symlink(patient.path("backups"), patient.path("backups")).unwrap();
    let examined = patient.examined().await;
    let failed: Vec<_> = examined
        .iter()
        .filter(|examined| examined.status() == Status::HealthCheckError)
        .collect();
    assert!(failed.is_empty(), "{failed:#?}");
    assert!(examined.iter().any(|e| e.status() == Status::Critical));
}

#[tokio::test]
async fn what_never_ends_and_what_nobody_writes_is_not_waited_for() {
    let patient = Patient::new().await;
    for name in [
        "signet.toml",
        "format",
        "audit.log",
        "keys/storage",
        "keys/revoked",
    ] {
        let path = patient.path(name);
        let _ = fs::remove_file(&path);
        let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
        rustix::fs::mkfifoat(rustix::fs::CWD, &path, mode).unwrap();
    }
    let told = patient.told().await;
    for code in [
        "CONFIG_REFUSED",
        "DATA_UNREADABLE",
        "STORAGE_WRONG",
        "REVOKED_UNREADABLE",
    ] {
        assert_eq!(patient.found(&told, code).status, Status::Critical);
    }
    fs::remove_file(patient.path("signet.toml")).unwrap();
    symlink("/dev/zero", patient.path("signet.toml")).unwrap();
    let told = patient.told().await;
    patient.found(&told, "CONFIG_REFUSED");
    // Nothing had to be given up.
    assert!(
        told.iter()
            .all(|finding| !finding.code.starts_with("CHECK_")),
        "{told:#?}"
    );
}
