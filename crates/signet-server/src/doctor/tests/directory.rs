use super::*;

#[tokio::test]
async fn without_a_data_directory_there_is_one_thing_to_say() {
    let patient = Patient::nobody();
    let finding = patient.only(&patient.told().await);
    assert_eq!(finding.code, "DATA_MISSING");
    assert_eq!(finding.cause, "there is no data directory at DATA");
    assert!(
        finding.remedy.contains("`signet serve --data 'DATA'`"),
        "{finding}"
    );
    assert!(!patient.data().exists());
}

#[tokio::test]
async fn a_directory_of_somebody_else_and_a_lost_format_are_told_apart() {
    let patient = Patient::nobody();
    fs::create_dir(patient.data()).unwrap();
    fs::write(patient.path("letters.txt"), "dear").unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "DATA_FOREIGN");
    assert!(
        finding.remedy.contains("name an empty or new directory"),
        "{finding}"
    );

    let patient = Patient::new().await;
    fs::remove_file(patient.path("format")).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "DATA_FOREIGN");
    assert!(
        finding.remedy.contains("`echo 1 > 'DATA/format'`"),
        "{finding}"
    );
    fs::write(patient.path("format"), "9\n").unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "DATA_VERSION");
    assert!(finding.cause.contains("layout version \"9\""), "{finding}");
}

// K2
#[tokio::test]
async fn what_others_can_read_is_found() {
    let patient = Patient::new().await;
    let file = patient.key_file(RingName::Hmac);
    let name = file
        .strip_prefix(patient.data())
        .unwrap()
        .display()
        .to_string();
    patient.chmod("", 0o755);
    patient.chmod("keys", 0o750);
    patient.chmod(&name, 0o644);
    patient.chmod("repository.db", 0o640);
    let told = patient.told().await;
    let data = patient.found(&told, "DATA_OPEN_TO_OTHERS");
    assert_eq!(
        data.cause,
        "DATA has the mode 0755: other users of this machine can read it"
    );
    assert_eq!(data.remedy, "`chmod 700 'DATA'`");
    let keys = patient.found(&told, "KEYS_OPEN_TO_OTHERS");
    assert!(
        keys.cause.starts_with("DATA/keys has the mode 0750"),
        "{keys}"
    );
    let key = patient.found(&told, "KEY_OPEN_TO_OTHERS");
    assert!(
        key.cause
            .starts_with(&format!("DATA/{name}: its mode is 0644")),
        "{key}"
    );
    assert!(
        key.remedy.starts_with(&format!("chmod 600 DATA/{name}")),
        "{key}"
    );
    let repository = patient.found(&told, "REPOSITORY_OPEN_TO_OTHERS");
    assert!(repository.cause.contains("0640"), "{repository}");
}

// K2
#[tokio::test]
async fn keys_in_a_git_work_tree_are_found() {
    let patient = Patient::new().await;
    fs::create_dir(patient.directory.path().join(".git")).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "KEYS_IN_GIT");
    assert!(
        finding
            .cause
            .starts_with("DATA/keys is inside the git work tree "),
        "{finding}"
    );
    assert!(finding.remedy.contains("signet keys rotate"), "{finding}");
}

#[tokio::test]
async fn a_writer_that_lives_has_left_nothing() {
    let patient = Patient::new().await;
    let file = fs::File::create(patient.path("keys/.tmp-0123456789abcdef")).unwrap();
    file.lock().unwrap();
    assert_eq!(without_disk(patient.told().await), []);
}
