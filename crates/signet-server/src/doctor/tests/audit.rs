use signet_audit::{Action, Actor, Event, Origin, Undertaking};

use super::*;

#[tokio::test]
async fn an_altered_log_is_found() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    log.append(&a_line("alice"), NOW).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
    let text = fs::read_to_string(log.path()).unwrap();
    fs::write(log.path(), text.replace("alice", "mallory")).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "AUDIT_ALTERED");
    assert_eq!(finding.status, Status::Critical);
    assert!(
        finding
            .cause
            .starts_with("DATA/audit.log:1: number 1 was altered"),
        "{finding}"
    );
    assert!(
        finding.remedy.contains("`signet audit verify`"),
        "{finding}"
    );
}

#[tokio::test]
async fn a_log_that_was_deleted_is_found() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    log.append(&a_line("alice"), NOW).unwrap();
    fs::remove_file(log.path()).unwrap();
    let told = patient.told().await;
    let finding = patient.found(&told, "AUDIT_CUT_OFF");
    assert_eq!(finding.status, Status::Critical);
    fs::remove_file(patient.path("audit.head")).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
}

#[tokio::test]
async fn a_log_that_was_put_away_is_in_order() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    log.append(&a_line("alice"), NOW).unwrap();
    let by = an_undertaking("audit archive");
    log.archive(&patient.path("old"), &by, NOW).unwrap();
    log.append(&a_line("bob"), NOW).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
    let examined = patient.examined().await;
    let audit = examined.iter().find(|examined| examined.name == "audit");
    let cause = &audit.unwrap().findings[0].cause;
    assert_eq!(
        cause,
        "the audit log is as it was written, 2 entries; the ones up to number 1 were put away, the last of them in old, and are not looked at here"
    );
}

#[tokio::test]
async fn a_command_that_was_killed_is_found() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    let pending = log.begin(&an_undertaking("keys relocate"), NOW).unwrap();
    assert_eq!(without_disk(patient.told().await), [], "it is alive");
    pending.leave();
    drop(pending);
    let told = patient.told().await;
    let finding = patient.found(&told, "AUDIT_INTERRUPTED");
    assert_eq!(finding.status, Status::Warn);
    assert!(
        finding
            .cause
            .starts_with("`signet keys relocate` was interrupted"),
        "{finding}"
    );
    log.append(&a_line("alice"), NOW).unwrap();
    assert_eq!(without_disk(patient.told().await), []);
}

#[tokio::test]
async fn a_log_in_which_nothing_new_can_be_written_is_found() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    log.append(&a_line("alice"), NOW).unwrap();
    fs::write(patient.path("audit.pending"), "").unwrap();
    assert!(log.begin(&an_undertaking("user add"), NOW).is_err());
    let told = patient.told().await;
    let finding = patient.found(&told, "AUDIT_UNWRITABLE");
    assert_eq!(finding.status, Status::Critical);
    assert!(
        finding
            .cause
            .starts_with("DATA/audit.pending cannot be written: it is not a directory"),
        "{finding}"
    );
    fs::remove_file(patient.path("audit.pending")).unwrap();
    // No mode keeps the super-user from writing.
    if crate::owner::myself() != 0 {
        fs::set_permissions(log.path(), fs::Permissions::from_mode(0o400)).unwrap();
        let told = patient.told().await;
        let finding = patient.found(&told, "AUDIT_UNWRITABLE");
        assert!(finding.cause.contains("audit.log"), "{finding}");
        fs::set_permissions(log.path(), fs::Permissions::from_mode(0o600)).unwrap();
    }
    assert_eq!(without_disk(patient.told().await), []);
}

fn a_line(object: &str) -> Event {
    let Undertaking {
        who,
        from,
        instance,
        ..
    } = an_undertaking("user add");
    Event {
        who,
        from,
        action: Action::literal("user.add"),
        object: object.to_owned(),
        detail: serde_json::json!({}),
        instance,
    }
}

fn an_undertaking(command: &str) -> Undertaking {
    Undertaking {
        who: Actor::signet(),
        from: Origin::Command { terminal: false },
        command: command.to_owned(),
        instance: "a".to_owned(),
    }
}
