use super::*;

#[tokio::test]
async fn an_identity_that_others_can_read_is_found() {
    let patient = Patient::new().await;
    NodeIdentity::open_or_create(&patient.path("node")).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
    patient.chmod("node/age.key", 0o644);
    let finding = patient.only(&without_disk(patient.told().await));
    assert_eq!(
        (finding.code, finding.status),
        ("NODE_BAD", Status::Critical)
    );
    assert!(finding.cause.contains("0644"), "{finding}");
}

#[tokio::test]
async fn a_wrong_configuration_hides_nothing_else() {
    let patient = Patient::new().await;
    fs::write(patient.path("signet.toml"), "role = \"author\"\nfoo = 1\n").unwrap();
    fs::write(patient.path("keys/storage"), "nowhere").unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "CONFIG_REFUSED");
    assert_eq!(finding.status, Status::Critical);
    assert!(
        finding
            .cause
            .starts_with("DATA/signet.toml:2:1: unknown field `foo`"),
        "{finding}"
    );
    patient.found(&told, "STORAGE_WRONG");
}

#[tokio::test]
async fn dangerous_settings_are_found() {
    let patient = Patient::new().await;
    let config = "public_url = \"http://www.example.com\"\n[token]\ninsecure = true\n[listen]\nadmin = \"0.0.0.0:9080\"\n";
    fs::write(patient.path("signet.toml"), config).unwrap();
    let told = patient.told().await;
    let insecure = patient.found(&told, "CONFIG_INSECURE");
    assert_eq!(
        insecure.cause,
        "token.insecure lets http://www.example.com be plain http"
    );
    let admin = patient.found(&told, "ADMIN_OPEN");
    assert_eq!(
        admin.cause,
        "listen.admin is 0.0.0.0:9080, which other machines reach"
    );
}

#[tokio::test]
async fn a_repository_that_is_gone_or_damaged_is_found() {
    let patient = Patient::new().await;
    let file = patient.path("repository.db");
    let good = fs::read(&file).unwrap();
    let mut damaged = good.clone();
    let last = damaged.len() - 4_096;
    damaged[last..].iter_mut().for_each(|byte| *byte = 0x5a);
    fs::write(&file, damaged).unwrap();
    let told = patient.told().await;
    assert!(
        told.iter()
            .any(|finding| finding.code == "REPOSITORY_DAMAGED"
                && finding.remedy.contains("`signet restore FILE --replace`")),
        "{told:#?}"
    );

    fs::write(&file, "letters to nobody, long enough to look like a file").unwrap();
    let told = patient.told().await;
    let foreign = patient.found(&told, "REPOSITORY_FOREIGN");
    assert!(foreign.remedy.contains("--replace"), "{foreign:?}");

    fs::remove_file(&file).unwrap();
    let told = patient.told().await;
    let missing = patient.found(&told, "REPOSITORY_MISSING");
    assert_eq!(missing.cause, "DATA/repository.db: there is no repository");
    assert!(missing.remedy.contains("`signet restore FILE --replace`"));
    patient.found(&told, "SECRETS_UNKNOWN");
    patient.found(&told, "CLIENTS_UNKNOWN");
    assert!(!file.exists());
}

#[tokio::test]
async fn a_socket_of_one_that_died_is_harmless() {
    let patient = Patient::new().await;
    fs::create_dir(patient.path("run")).unwrap();
    fs::write(patient.path("run/lock"), "").unwrap();
    drop(std::os::unix::net::UnixListener::bind(patient.path("run/signet.sock")).unwrap());
    let finding = patient.only(&without_disk(patient.told().await));
    assert_eq!((finding.code, finding.status), ("SOCKET_LEFT", Status::Ok));

    let lock = fs::File::open(patient.path("run/lock")).unwrap();
    lock.lock().unwrap();
    let finding = patient.only(&without_disk(patient.told().await));
    assert_eq!(
        (finding.code, finding.status),
        ("INSTANCE_SILENT", Status::Warn)
    );
}
