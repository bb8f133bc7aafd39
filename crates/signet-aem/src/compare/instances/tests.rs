use serde_json::json;
use signet_core::UnixSeconds;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use super::*;
use crate::console::testing::instance::{HANDLER, Instance, State};
use crate::console::testing::script::Reply;
use crate::console::testing::{Script, console};

fn instance(change: impl FnOnce(&mut State)) -> Instance {
    let mut state = State::default();
    change(&mut state);
    Instance::start(state)
}

async fn compared(farm: &[&Instance], master: Option<&GraniteKey>) -> Comparison {
    let consoles: Vec<_> = farm.iter().map(|one| console(&one.script)).collect();
    compare_instances(&[], &consoles, master).await
}

fn fact<'c>(comparison: &'c Comparison, name: &str) -> (Vec<&'c str>, Verdict) {
    let found = comparison.facts.iter().find(|fact| fact.name == name);
    let fact = found.unwrap_or_else(|| panic!("{name}: {comparison:?}"));
    let values = fact.values.iter();
    let values = values.map(|value| value.as_deref().unwrap_or("-"));
    (values.collect(), fact.verdict)
}

#[tokio::test]
async fn an_even_farm_is_equal() {
    let farm = [instance(|_| {}), instance(|_| {}), instance(|_| {})];
    let comparison = compared(&farm.each_ref(), None).await;
    assert!(comparison.is_equal(), "{comparison:?}");
    let keys = fact(&comparison, "hmac (by CSRF tokens)");
    assert_eq!(keys, (vec!["key A"; 3], Verdict::Equal));
    let encapsulated = fact(&comparison, "token.encapsulated");
    assert_eq!(encapsulated, (vec!["false"; 3], Verdict::Equal));
    // What is the same everywhere is not told.
    assert!(comparison.facts.iter().all(|fact| fact.name != "path"));
}

#[tokio::test]
async fn what_differs_is_judged_and_no_secret_shown() {
    let farm = [
        instance(|_| {}),
        instance(|state| {
            state.hmac = Some("two");
            state.bundles[1] = ("com.adobe.granite.crypto", "3.1", 4);
            let handler = state.configurations.get_mut(HANDLER).unwrap();
            handler.insert("token.encapsulated".to_owned(), json!(true));
            handler.insert("inactivity.time".to_owned(), json!(5));
            handler.insert("site.note".to_owned(), json!("other"));
            handler.insert("site.secret".to_owned(), json!("swordfish"));
        }),
        instance(|state| state.hmac = Some("two")),
    ];
    let comparison = compared(&farm.each_ref(), None).await;
    assert!(!comparison.is_equal());
    for (name, values, verdict) in [
        (
            "hmac (by CSRF tokens)",
            ["key A", "key B", "key B"],
            Verdict::Different,
        ),
        ("crypto", ["3.0.26", "3.1", "3.0.26"], Verdict::Varies),
        (
            "state of crypto",
            ["Active", "Resolved", "Active"],
            Verdict::Wrong,
        ),
        ("bundles not active", ["0", "1", "0"], Verdict::Varies),
        (
            "token.encapsulated",
            ["false", "true", "false"],
            Verdict::Different,
        ),
        ("inactivity.time", ["0", "5", "0"], Verdict::Varies),
        ("site.secret", ["-", "(not shown)", "-"], Verdict::Varies),
    ] {
        assert_eq!(
            fact(&comparison, name),
            (values.to_vec(), verdict),
            "{name}"
        );
    }
}

#[tokio::test]
async fn an_instance_that_is_gone_does_not_hide_the_others() {
    let one = instance(|_| {});
    let gone = Script::play(|_| Reply::status(401));
    let consoles = [console(&one.script), console(&gone)];
    let comparison = compare_instances(&[], &consoles, None).await;
    assert_eq!(comparison.faults.len(), 1);
    assert!(!comparison.is_equal());
    let states = fact(&comparison, "state of crypto");
    assert_eq!(states, (vec!["Active", "-"], Verdict::Unknown));
    let version = fact(&comparison, "crypto");
    assert_eq!(version, (vec!["3.0.26", "-"], Verdict::Unknown));
    // What is not known of one does not differ.
    assert!(comparison.facts.iter().all(|fact| fact.name != "path"));
    assert!(
        comparison.faults[0]
            .why
            .contains("does not accept the credentials")
    );
}

#[tokio::test]
async fn a_master_is_tried() {
    let key = |byte| GraniteKey::new(Zeroizing::new([byte; 16]), UnixSeconds(0));
    let fits = instance(|state| {
        let protect = |text: &str| {
            let key = GraniteKey::new(Zeroizing::new([1; 16]), UnixSeconds(0));
            GraniteValue::protect(&key, text).unwrap().to_string()
        };
        state.protect = Some(protect);
    });
    let without = instance(|_| {});
    let comparison = compared(&[&fits, &without], Some(&key(1))).await;
    let tried = fact(&comparison, "master is the given one");
    assert_eq!(tried, (vec!["yes", "-"], Verdict::Unknown));
    let comparison = compared(&[&fits, &fits], Some(&key(2))).await;
    let tried = fact(&comparison, "master is the given one");
    assert_eq!(tried, (vec!["no", "no"], Verdict::Wrong));
}
