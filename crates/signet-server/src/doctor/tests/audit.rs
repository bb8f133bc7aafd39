use signet_audit::{Action, Actor, Event, Origin};

use super::*;

#[tokio::test]
async fn an_altered_log_is_found() {
    let patient = Patient::new().await;
    let log = patient.directory().audit_log();
    let event = Event {
        who: Actor::signet(),
        from: Origin::Command { terminal: false },
        action: Action::literal("user.add"),
        object: "alice".to_owned(),
        detail: serde_json::json!({}),
        instance: "a".to_owned(),
    };
    log.append(&event, NOW).unwrap();
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
