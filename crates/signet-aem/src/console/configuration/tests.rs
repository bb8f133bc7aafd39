use serde_json::json;

use super::*;
use crate::console::RunningBundle;
use crate::console::testing::instance::{Age, HANDLER, Instance, SAML, State};
use crate::console::testing::{Reply, Script, console};

const ENCAPSULATED: &str = "token.encapsulated";

async fn switched(instance: &Instance, writing: Writing) -> Result<Configuration, ChangeError> {
    let console = console(&instance.script);
    let before = console.whole_configuration(HANDLER).await.unwrap();
    let value = match before.flag(ENCAPSULATED) {
        Some(true) => "false",
        _ => "true",
    };
    console.change(&before, ENCAPSULATED, value, writing).await
}

#[tokio::test]
async fn a_configuration_is_read_with_defaults_and_without_secrets() {
    let instance = Instance::start(State::default());
    let console = console(&instance.script);
    let found = console.whole_configuration(HANDLER).await.unwrap();
    assert!(found.is_there() && found.is_known());
    assert_eq!(found.flag(ENCAPSULATED), Some(false));
    assert!(!found.property(ENCAPSULATED).unwrap().is_set);
    assert_eq!(found.text("path"), Some("/"));
    let lists = found.property("skip.token.refresh").unwrap();
    assert_eq!(
        lists.value.shown().unwrap(),
        "/libs/granite/csrf/token.json, /a, b, /c&d=é"
    );
    let password = found.property("a.password").unwrap();
    assert!(matches!(password.value, PropertyValue::Hidden(Shape::One)));
    assert_eq!(password.value.shown(), None);
    assert_eq!(found.further.len(), 3, "{found:?}");
    assert!(!format!("{found:?}").contains("csrf"));

    let none = console.configuration(SAML).await.unwrap();
    assert!(!none.is_there() && !none.is_known());
}

// An unlisted property would be dropped, and so would be a list that is listed without its values.
#[tokio::test]
async fn nothing_but_the_change_is_different_afterwards() {
    for (age, writing) in [
        (Age::Today, Writing::Merge),
        (Age::Today, Writing::Whole),
        (Age::Middle, Writing::Whole),
        (Age::Old, Writing::Whole),
    ] {
        let mut state = State {
            age,
            ..State::default()
        };
        let place = "launchpad:resources/install/0/x.jar";
        state.locations.insert(HANDLER.to_owned(), place.to_owned());
        let instance = Instance::start(state);
        let before = instance.handler();
        let on = switched(&instance, writing).await.unwrap();
        assert_eq!(on.flag(ENCAPSULATED), Some(true));
        let mut expected = before.clone();
        expected.insert(ENCAPSULATED.to_owned(), json!(true));
        assert_eq!(instance.handler(), expected, "{age:?} {writing:?}");
        switched(&instance, writing).await.unwrap();
        expected.insert(ENCAPSULATED.to_owned(), json!(false));
        assert_eq!(instance.handler(), expected, "{age:?} {writing:?}");
        assert_eq!(instance.state().locations[HANDLER], place);
        // The placeholder may go back, a password never comes to be seen at all.
        for form in instance.script.posted() {
            let sent = String::from_utf8(form.body).unwrap();
            assert!(!sent.contains("secret") && !sent.contains("hunter2"));
            assert!(!sent.contains("a.password=unmodified"));
        }
    }
}

#[tokio::test]
async fn a_list_that_an_old_console_would_empty_is_not_risked() {
    for age in [Age::Old, Age::Middle] {
        let mut state = State {
            age,
            ..State::default()
        };
        let handler = state.configurations.get_mut(HANDLER).unwrap();
        handler.insert("site.list".to_owned(), json!(["a", "b"]));
        let instance = Instance::start(state);
        let before = instance.handler();
        let error = switched(&instance, Writing::Whole).await.unwrap_err();
        assert!(
            error.to_string().ends_with("would not keep site.list"),
            "{error}"
        );
        assert_eq!(instance.handler(), before);
        instance.state().age = Age::Today;
        switched(&instance, Writing::Merge).await.unwrap();
        assert_eq!(instance.handler()["site.list"], json!(["a", "b"]));
    }
}

#[tokio::test]
async fn what_the_instance_did_is_looked_at() {
    let stubborn = Instance::start(State {
        is_stubborn: true,
        ..State::default()
    });
    let error = switched(&stubborn, Writing::Merge).await.unwrap_err();
    assert!(matches!(error, ChangeError::NotTaken { .. }), "{error}");

    let restless = Instance::start(State {
        other_hand: Some(("path", json!("/content"))),
        ..State::default()
    });
    let error = switched(&restless, Writing::Merge).await.unwrap_err();
    assert!(
        error
            .to_string()
            .ends_with("different now: path (before: /)"),
        "{error}"
    );

    // A console that is newer in its list of bundles than it is: the loss is noticed.
    let wrong = Instance::start(State {
        age: Age::Middle,
        ..State::default()
    });
    let error = switched(&wrong, Writing::Merge).await.unwrap_err();
    assert!(matches!(error, ChangeError::Disturbed { .. }), "{error}");
}

#[tokio::test]
async fn configurations_of_a_factory_are_listed() {
    let mut state = State::default();
    for (name, creates) in [("one", true), ("two", false)] {
        let set = [("createUser".to_owned(), json!(creates))].into();
        state.configurations.insert(format!("{SAML}~{name}"), set);
    }
    let instance = Instance::start(state);
    let found = console(&instance.script)
        .configurations_of(SAML)
        .await
        .unwrap();
    let flags: Vec<_> = found.iter().map(|one| one.flag("createUser")).collect();
    assert_eq!(flags, [Some(true), Some(false)]);
    assert_eq!(found[0].factory(), Some(SAML));
}

#[test]
fn only_from_4_6_on_a_change_is_merged() {
    let bundle = |version: &str| RunningBundle {
        id: 1,
        symbolic_name: "org.apache.felix.webconsole".to_owned(),
        version: version.to_owned(),
        state: crate::console::BundleState::Active,
        is_fragment: false,
    };
    for (version, writing) in [
        ("4.3.8", Writing::Whole),
        ("4.5.4", Writing::Whole),
        ("4.6.0", Writing::Merge),
        ("4.10.2.B001", Writing::Merge),
        ("5.0.6", Writing::Merge),
        ("new", Writing::Whole),
    ] {
        assert_eq!(Writing::of(&[bundle(version)]), writing, "{version}");
    }
    assert_eq!(Writing::of(&[]), Writing::Whole);
}

#[tokio::test]
async fn an_answer_that_is_no_configuration_is_none() {
    for body in [
        "",
        "null",
        "[]",
        "{}",
        "{\"pid\":\"another\"}",
        "{\"pid\":\"p\",\"properties\":{\"a\":{}}}",
        "{\"pid\":\"p\",\"properties\":{\"a\":{\"value\":{}}}}",
        "{\"pid\":\"p\",\"properties\":{\"a\":{\"values\":[[]]}}}",
        "{\"pid\":7}",
    ] {
        let script = Script::play(move |_| Reply::json(body));
        let error = console(&script).configuration("p").await.unwrap_err();
        assert!(
            matches!(error.fault, ConsoleFault::Unreadable(_)),
            "{body}: {error}"
        );
    }
}

#[test]
fn the_printout_is_searched_for_one_identity() {
    let text = b"Status: 3 configurations available\r\n\r\nPID = a\r\n  x = 1\r\n\r\nPID = ab\r\n  Factory PID = f\r\n  BundleLocation = l\r\n  y = [1, 2]\r\n  z = one\r\n\r\n  two\r\n  w = n/a\r\n\r\nPID = b\r\n  x = 3\r\n";
    assert!(printout::is_one(text));
    assert!(!printout::is_one(b"<html>"));
    let found = printout::properties(text, "ab");
    let found: Vec<_> = found
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()))
        .collect();
    assert_eq!(found, [("y", "[1, 2]"), ("z", "one\n  two"), ("w", "n/a")]);
    assert!(printout::properties(text, "c").is_empty());
    assert!(printout::properties(b"\xff\xfe", "c").is_empty());
}

proptest::proptest! {
    #[test]
    fn any_answer_is_read_or_refused(body in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200), text in ".{0,200}") {
        form::one(&body, "p");
        form::list(&body);
        form::one(text.as_bytes(), "p");
        printout::properties(&body, "p");
        printout::properties(format!("PID = p\n{text}").as_bytes(), "p");
    }
}
