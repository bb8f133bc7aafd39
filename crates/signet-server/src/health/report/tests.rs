use serde_json::{Value, json};

use super::*;
use crate::health::Finding;

/// What Felix's `ResultJsonSerializer` writes: the members of its objects, in its order, and nothing else.
const FELIX: &str = r#"{"overallResult":"CRITICAL","results":[{"name":"Disk Space","status":"CRITICAL","timeInMs":3,"finishedAt":"2026-11-22T06:49:06.123","tags":["systemready","disk"],"messages":[{"status":"OK","message":"Disk Usage /: 42.0% of 100GB used / 58GB free"},{"status":"CRITICAL","message":"Disk Usage /data: 99.9% of 100GB used / 40MB free"}]},{"name":"Memory","status":"OK","timeInMs":0,"finishedAt":"2026-11-22T06:49:06.124","tags":[],"messages":[]}]}"#;

fn examined(name: &'static str, findings: Vec<Finding>) -> Examined {
    Examined {
        name,
        tags: &["storage", "system"],
        findings,
        took: Duration::from_micros(2_600),
        finished: UnixSeconds(1_795_330_146),
    }
}

/// The names of all members, in order, with their kinds of values.
fn shape(value: &Value) -> Value {
    match value {
        Value::Object(members) => members
            .iter()
            .map(|(name, value)| json!([name, shape(value)]))
            .collect(),
        Value::Array(items) => items.first().map_or(json!([]), |item| json!([shape(item)])),
        Value::String(_) => json!("string"),
        Value::Number(_) => json!("number"),
        _ => json!("other"),
    }
}

#[test]
fn a_document_of_felix_is_read_and_written_the_same() {
    let report: HealthReport = serde_json::from_str(FELIX).unwrap();
    assert_eq!(report.to_json(), FELIX);
}

#[test]
fn the_document_has_the_shape_of_felix() {
    let ours = HealthReport::new(&[
        examined("clock", vec![]),
        examined(
            "disk",
            vec![
                Finding::critical("DISK_FULL", "40 MB are free")
                    .causes("it stops")
                    .mend("make room"),
            ],
        ),
    ]);
    assert_eq!(
        ours.to_json(),
        r#"{"overallResult":"CRITICAL","results":[{"name":"disk","status":"CRITICAL","timeInMs":2,"finishedAt":"2026-11-22T06:49:06.000","tags":["storage","system"],"messages":[{"status":"CRITICAL","message":"DISK_FULL: 40 MB are free; it stops. To mend it: make room"}]},{"name":"clock","status":"OK","timeInMs":2,"finishedAt":"2026-11-22T06:49:06.000","tags":["storage","system"],"messages":[]}]}"#
    );
    let parse = |text: &str| shape(&serde_json::from_str(text).unwrap());
    assert_eq!(parse(&ours.to_json()), parse(FELIX));
}

#[test]
fn without_checks_all_is_well_as_in_felix() {
    assert_eq!(
        HealthReport::new(&[]).to_json(),
        r#"{"overallResult":"OK","results":[]}"#
    );
}

#[test]
fn the_worst_comes_first() {
    let report = HealthReport::new(&[
        examined("b", vec![]),
        examined("a", vec![]),
        examined("z", vec![Finding::warn("W", "w")]),
    ]);
    let names: Vec<_> = report.results.iter().map(|r| r.name.as_str()).collect();
    assert_eq!(names, ["z", "a", "b"]);
    let report = report.with(&examined("instance", vec![Finding::critical("C", "c")]));
    assert_eq!(report.results[0].name, "instance");
    assert_eq!(report.overall_result, Status::Critical);
}

#[test]
fn any_time_can_be_told() {
    assert_eq!(finished_at(UnixSeconds(0)), "1970-01-01T00:00:00.000");
    assert!(finished_at(UnixSeconds(u64::MAX)).starts_with("9999-"));
}
