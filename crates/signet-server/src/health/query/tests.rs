use proptest::prelude::*;

use super::*;

fn query(query: &str) -> Result<Query, QueryError> {
    Query::parse(PATH, query)
}

fn selected(text: &str) -> Vec<&'static str> {
    let checks: [(&str, &[&str]); 3] = [
        ("keys", &["keys", "security"]),
        ("disk", &["storage", "system"]),
        ("repository", &["storage"]),
    ];
    let selection = query(text).unwrap().selection;
    let mut checks = checks.to_vec();
    checks.retain(|(name, tags)| selection.selects(name, tags));
    checks.into_iter().map(|(name, _)| name).collect()
}

#[test]
fn checks_are_selected_as_in_felix() {
    for (text, names) in [
        ("", &["keys", "disk", "repository"][..]),
        ("tags=storage", &["disk", "repository"]),
        ("tags=storage;security", &["keys", "disk", "repository"]),
        ("tags=storage,system&combineTagsWithOr=false", &["disk"]),
        ("tags=storage,-system", &["repository"]),
        ("tags=-storage", &["keys"]),
        ("names=keys,disk", &["keys", "disk"]),
        ("names=-keys", &["disk", "repository"]),
        ("tags=system&names=keys", &["keys", "disk"]),
        (
            "tags=storage,system&names=keys&combineTagsWithOr=false",
            &["keys", "disk"],
        ),
        // As in Felix nothing is found, and nothing is wrong.
        ("tags=nothing", &[]),
        ("tags=storage&tags=security", &["disk", "repository"]),
        ("tags=,;+", &["keys", "disk", "repository"]),
    ] {
        assert_eq!(selected(text), names, "{text}");
    }
}

#[test]
fn tags_and_format_may_stand_in_the_path() {
    let parse = |rest: &str, text: &str| Query::parse(&format!("{PATH}{rest}"), text);
    assert_eq!(parse(".json", "").unwrap().format, Format::Json);
    assert_eq!(parse(".txt", "format=json").unwrap().format, Format::Text);
    assert_eq!(
        parse(".verbose.txt", "").unwrap().format,
        Format::VerboseText
    );
    assert_eq!(
        parse("/storage,security.txt", "tags=other").unwrap(),
        Query {
            selection: Selection::of_tags("storage,security").unwrap(),
            format: Format::Text,
            ..Query::default()
        }
    );
    for wrong in ["y", ".html", "json", "x/y"] {
        assert_eq!(parse(wrong, ""), Err(QueryError::Path), "{wrong}");
    }
}

#[test]
fn http_statuses_are_those_of_felix_unless_they_are_said() {
    let map = |text: &str| {
        let mapping = query(text).unwrap().mapping;
        Status::ALL.map(|status| mapping.http(status).as_u16())
    };
    assert_eq!(map(""), [200, 200, 503, 503, 500]);
    assert_eq!(map("httpStatus=OK:299"), [299, 299, 503, 503, 500]);
    assert_eq!(
        map("httpStatus=WARN:418,CRITICAL:599,HEALTH_CHECK_ERROR:501,TEMPORARILY_UNAVAILABLE:429"),
        [200, 418, 429, 599, 501]
    );
    for wrong in ["", "OK", "OK:", "OK:abc", "GOOD:200", "OK:199", "OK:600"] {
        let text = format!("httpStatus={wrong}");
        assert_eq!(query(&text), Err(QueryError::Mapping), "{wrong}");
    }
}

#[test]
fn waiting_is_bounded() {
    assert_eq!(query("").unwrap().patience(), PATIENCE);
    assert_eq!(query("timeout=0").unwrap().patience(), PATIENCE);
    let patience = query("timeout=250").unwrap().patience();
    assert_eq!(patience, Duration::from_millis(250));
    let patience = query("timeout=4000000000").unwrap().patience();
    assert_eq!(patience, PATIENCE_MOST);
    assert_eq!(query("timeout=-1"), Err(QueryError::Timeout));
    assert_eq!(query("timeout=5e9"), Err(QueryError::Timeout));
}

#[test]
fn hostile_queries_are_refused() {
    let long = format!("tags={}", "a".repeat(LONGEST));
    assert_eq!(query(&long), Err(QueryError::TooLong));
    let many = format!("tags={}", "a,".repeat(MOST_WORDS + 1));
    assert_eq!(query(&many), Err(QueryError::TooMany));
    assert!(query(&format!("tags={}", "a,".repeat(MOST_WORDS))).is_ok());
    assert_eq!(query("format=html"), Err(QueryError::Format));
    // What is wrong is not repeated.
    let error = query("format=<script>").unwrap_err();
    assert!(!error.to_string().contains('<'));
}

proptest! {
    #[test]
    fn any_query_is_answered_or_refused(path in "[ -~]{0,80}", text in "\\PC{0,300}") {
        let _ = Query::parse(&format!("{PATH}{path}"), &text);
        let _ = Query::parse(&path, &text);
    }
}
