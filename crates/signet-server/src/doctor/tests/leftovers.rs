use super::*;

#[tokio::test]
async fn changes_that_were_cut_short_are_found() {
    let patient = Patient::new().await;
    let journal = r#"{"v":1,"to":"repository","undo":false,"backup":"keys-1.sealed"}"#;
    fs::write(patient.path("keys/relocation"), journal).unwrap();
    let repository = patient.repository(IfMissing::Refuse).await;
    let row = ResealedRow {
        place: "client/ims/secret".to_owned(),
        was: "a".to_owned(),
        value: "b".to_owned(),
    };
    repository.stage_resealed(&[row]).await.unwrap();
    repository.close().await;
    let told = patient.told().await;
    let relocation = patient.found(&told, "RELOCATION_UNFINISHED");
    assert_eq!(
        relocation.cause,
        "the keys were being moved to \"repository\", and that was cut short"
    );
    assert!(
        relocation
            .remedy
            .starts_with("`signet keys relocate --to repository`")
    );
    let reseal = patient.found(&told, "RESEAL_UNFINISHED");
    assert!(reseal.remedy.contains("`signet secret reseal`"), "{reseal}");

    fs::write(patient.path("keys/relocation"), "what?").unwrap();
    let told = patient.told().await;
    assert_eq!(
        patient.found(&told, "RELOCATION_UNFINISHED").status,
        Status::Critical
    );
}

#[tokio::test]
async fn what_a_move_and_crashed_writers_left_is_listed() {
    let patient = Patient::new().await;
    fs::create_dir(patient.path("backups")).unwrap();
    fs::write(patient.path("backups/keys-20260101.sealed"), "sealed").unwrap();
    fs::write(patient.path("keys/hmac/.tmp-0123456789abcdef"), "half").unwrap();
    fs::write(patient.path("first-password"), "secret").unwrap();
    let told = patient.told().await;
    let backup = patient.found(&told, "KEY_BACKUP_LEFT");
    assert_eq!(
        backup.cause,
        "DATA/backups/keys-20260101.sealed holds every key as it was before a move"
    );
    assert!(
        backup
            .remedy
            .contains("`rm 'DATA/backups/keys-20260101.sealed'`")
    );
    let leftover = patient.found(&told, "LEFTOVERS");
    assert_eq!(
        leftover.cause,
        "a writer that crashed left DATA/keys/hmac/.tmp-0123456789abcdef"
    );
    assert_eq!(leftover.status, Status::Ok);
    let password = patient.found(&told, "FIRST_PASSWORD_LEFT");
    assert_eq!(password.cause, "DATA/first-password is still there");
    // It is only told of.
    assert!(patient.path("keys/hmac/.tmp-0123456789abcdef").exists());
}

#[tokio::test]
async fn a_move_that_is_going_on_is_not_cut_short() {
    let patient = Patient::new().await;
    let journal = r#"{"v":1,"to":"repository","undo":false,"backup":"keys-1.sealed"}"#;
    fs::write(patient.path("keys/relocation"), journal).unwrap();
    let mover = signet_keys::Lock::acquire(&patient.path("keys/.lock")).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
    drop(mover);
    patient.found(&patient.told().await, "RELOCATION_UNFINISHED");
}

#[tokio::test]
async fn values_of_two_keys_are_sealing_anew_that_is_not_done() {
    let patient = Patient::new().await;
    patient.seal("client/ims/secret").await;
    patient.seal("client/mail/secret").await;
    let store = patient.directory().key_store(&Config::default()).unwrap();
    store
        .rotate(RingName::Master, RotateMode::Activate, NOW)
        .unwrap();
    // A rotation alone is nothing that was begun.
    assert_eq!(without_disk(patient.told().await), []);
    patient.seal("client/ims/secret").await;
    let finding = patient.only(&without_disk(patient.told().await));
    assert_eq!(
        (finding.code, finding.status),
        ("RESEAL_UNFINISHED", Status::Ok)
    );
    assert!(
        finding
            .cause
            .starts_with("1 of 2 sealed values is sealed with former keys"),
        "{finding}"
    );
    assert_eq!(finding.remedy, "`signet secret reseal` seals the rest");
    patient.seal("client/mail/secret").await;
    assert_eq!(without_disk(patient.told().await), []);
}

#[tokio::test]
async fn copies_with_keys_in_the_clear_are_listed() {
    let patient = Patient::new().await;
    let beside = |suffix: &str| patient.directory.path().join(format!("data.{suffix}"));
    let rehearsal = beside("rehearsal");
    let aside = beside("before-restore-20260101T000000Z");
    fs::create_dir(&rehearsal).unwrap();
    // Nothing that a rehearsal made.
    assert_eq!(without_disk(patient.told().await), []);
    let mark = fs::File::create(rehearsal.join("rehearsal")).unwrap();
    mark.lock().unwrap();
    // One that is going on.
    assert_eq!(without_disk(patient.told().await), []);
    drop(mark);
    let left = patient.only(&without_disk(patient.told().await));
    assert_eq!((left.code, left.status), ("REHEARSAL_LEFT", Status::Warn));
    assert!(
        left.effect.contains("holds the keys in the clear"),
        "{left}"
    );
    assert_eq!(left.remedy, "`rm -r 'DATA.rehearsal'`");
    fs::remove_dir_all(&rehearsal).unwrap();

    fs::create_dir(&aside).unwrap();
    let left = patient.only(&without_disk(patient.told().await));
    assert_eq!(
        (left.code, left.status),
        ("BEFORE_RESTORE_LEFT", Status::Warn)
    );
    assert!(left.effect.contains("keys in the clear"), "{left}");
    assert!(
        left.remedy
            .ends_with("`rm -r 'DATA.before-restore-20260101T000000Z'`"),
        "{left}"
    );
    fs::remove_dir(&aside).unwrap();
    // Where the directory above belongs to somebody else.
    fs::create_dir(patient.path("before-restore-20260101T000000Z-2")).unwrap();
    let left = patient.only(&without_disk(patient.told().await));
    assert!(
        left.remedy
            .ends_with("`rm -r 'DATA/before-restore-20260101T000000Z-2'`"),
        "{left}"
    );
}
