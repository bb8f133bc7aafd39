use serde_json::json;

use super::*;
use crate::Severity;
use crate::console::testing::console;
use crate::console::testing::instance::{Age, HANDLER, Instance, SAML, State};

const OAUTH: &str = "com.adobe.granite.auth.oauth.provider";
const BEARER: &str = "com.adobe.granite.auth.oauth.impl.BearerAuthenticationHandler";

async fn look(farm: &[&Instance], wish: Wish) -> Preflight {
    let consoles = farm.iter().map(|one| console(&one.script)).collect();
    Preflight::of(consoles, wish).await.unwrap()
}

fn codes(preflight: &Preflight) -> Vec<(&'static str, Unless)> {
    let objections = preflight.objections().iter();
    objections
        .map(|objection| (objection.finding.code, objection.unless))
        .collect()
}

fn instance(change: impl FnOnce(&mut State)) -> Instance {
    let mut state = State::default();
    change(&mut state);
    Instance::start(state)
}

#[tokio::test]
async fn all_of_a_farm_are_switched_and_back() {
    let (one, two) = (instance(|_| {}), instance(|state| state.age = Age::Today));
    let before = [one.handler(), two.handler()];
    let preflight = look(&[&one, &two], Wish::On).await;
    assert_eq!(codes(&preflight), []);
    assert!(preflight.steps().iter().all(|step| !step.is_done));
    let mut told = Vec::new();
    preflight
        .carry_out(|url| told.push(url.to_string()))
        .await
        .unwrap();
    assert_eq!(told, [one.url(), two.url()]);
    for (instance, before) in [&one, &two].into_iter().zip(before) {
        let mut expected = before;
        expected.insert("token.encapsulated".to_owned(), json!(true));
        assert_eq!(instance.handler(), expected);
    }
    let again = look(&[&one, &two], Wish::On).await;
    assert!(again.steps().iter().all(|step| step.is_done));
    let posted = one.script.posted().len();
    again
        .carry_out(|_| panic!("nothing is done"))
        .await
        .unwrap();
    assert_eq!(one.script.posted().len(), posted);

    look(&[&one, &two], Wish::Off)
        .await
        .carry_out(|_| {})
        .await
        .unwrap();
    assert_eq!(one.handler()["token.encapsulated"], json!(false));
}

#[tokio::test]
async fn what_cannot_work_is_never_done() {
    let good = instance(|_| {});
    for (bad, code) in [
        (instance(|state| state.hmac = Some("two")), "HMAC_DIFFERENT"),
        (
            instance(|state| state.bundles[1].2 = 4),
            "CRYPTO_NOT_ACTIVE",
        ),
        (
            instance(|state| {
                state.bundles.remove(2);
            }),
            "CRYPTO_NOT_ACTIVE",
        ),
        (
            instance(|state| {
                let handler = state.configurations.get_mut(HANDLER).unwrap();
                handler.insert("path".to_owned(), json!([""]));
            }),
            "TOKEN_HANDLER_OFF",
        ),
        (
            instance(|state| {
                state.metatypes.clear();
                state.configurations.clear();
            }),
            "TOKEN_HANDLER_MISSING",
        ),
        (
            instance(|state| state.metatypes.clear()),
            "ENCAPSULATION_UNKNOWN",
        ),
        (
            instance(|state| {
                state.age = Age::Old;
                state.bundles[3].1 = "4.3.8";
                let handler = state.configurations.get_mut(HANDLER).unwrap();
                handler.insert("site.list".to_owned(), json!(["a"]));
            }),
            "CONFIGURATION_NOT_KEPT",
        ),
    ] {
        let preflight = look(&[&good, &bad], Wish::On).await;
        assert_eq!(codes(&preflight), [(code, Unless::Never)], "{preflight:?}");
        let objection = &preflight.objections()[0];
        assert_eq!(objection.instance.as_ref().unwrap().to_string(), bad.url());
        assert_eq!(objection.finding.severity, Severity::Critical);
        assert!(objection.stands(Assurance {
            is_sticky: true,
            is_accepted: true,
        }));
    }
}

// The note of Adobe's page: handlers that create users need sticky connections.
#[tokio::test]
async fn handlers_that_create_users_need_a_word() {
    let set = |name: &str, value| [(name.to_owned(), value)].into();
    for (pid, properties, is_warned) in [
        (format!("{SAML}~x"), set("createUser", json!(true)), true),
        (format!("{SAML}~x"), set("path", json!("/")), true),
        (format!("{SAML}~x"), set("createUser", json!(false)), false),
        (
            format!("{OAUTH}~x"),
            set("oauth.create.users", json!(true)),
            true,
        ),
        (
            format!("{OAUTH}~x"),
            set("oauth.config.id", json!("g")),
            false,
        ),
        (
            BEARER.to_owned(),
            set("auth.bearer.sync.ims", json!(true)),
            true,
        ),
        (
            BEARER.to_owned(),
            set("auth.bearer.sync.ims", json!(false)),
            false,
        ),
    ] {
        let first = instance(|_| {});
        let other = instance(|state| {
            state.configurations.insert(pid.clone(), properties);
        });
        let preflight = look(&[&first, &other], Wish::On).await;
        let expected = match is_warned {
            true => vec![("USERS_CREATED_AT_LOGIN", Unless::StickyOrAccepted)],
            false => vec![],
        };
        assert_eq!(codes(&preflight), expected, "{pid}");
        // Off is always possible.
        assert_eq!(codes(&look(&[&first, &other], Wish::Off).await), []);
    }
}

#[test]
fn only_the_right_word_sets_an_objection_aside() {
    let objection = |unless| Objection {
        instance: None,
        finding: Finding::new("X", Severity::Warning, "", "", ""),
        unless,
    };
    let [nothing, sticky, accepted] =
        [(false, false), (true, false), (false, true)].map(|(is_sticky, is_accepted)| Assurance {
            is_sticky,
            is_accepted,
        });
    for (unless, stands) in [
        (Unless::Never, [true, true, true]),
        (Unless::Accepted, [true, true, false]),
        (Unless::StickyOrAccepted, [true, false, false]),
        (Unless::Always, [false, false, false]),
    ] {
        let objection = objection(unless);
        let found = [nothing, sticky, accepted].map(|assurance| objection.stands(assurance));
        assert_eq!(found, stands, "{unless:?}");
    }
}

#[tokio::test]
async fn keys_that_cannot_be_compared_need_a_word() {
    let (one, two) = (instance(|_| {}), instance(|state| state.hmac = None));
    let preflight = look(&[&one, &two], Wish::On).await;
    assert_eq!(codes(&preflight), [("HMAC_NOT_COMPARED", Unless::Accepted)]);
    let alone = look(&[&one], Wish::On).await;
    assert_eq!(codes(&alone), [("ONE_INSTANCE", Unless::Always)]);
}

#[tokio::test]
async fn where_it_stops_is_said() {
    let farm = [
        instance(|_| {}),
        instance(|state| state.is_stubborn = true),
        instance(|_| {}),
        instance(|state| {
            let handler = state.configurations.get_mut(HANDLER).unwrap();
            handler.insert("token.encapsulated".to_owned(), json!(true));
        }),
    ];
    let all: Vec<_> = farm.iter().collect();
    let error = look(&all, Wish::On)
        .await
        .carry_out(|_| {})
        .await
        .unwrap_err();
    let EncapsulationError::Stopped {
        at,
        done,
        left,
        source,
    } = error
    else {
        panic!("{error}")
    };
    let texts =
        |urls: Vec<InstanceUrl>| -> Vec<String> { urls.iter().map(ToString::to_string).collect() };
    assert_eq!(at.to_string(), farm[1].url());
    assert_eq!(texts(done), [farm[0].url(), farm[3].url()]);
    assert_eq!(texts(left), [farm[2].url()]);
    assert!(matches!(*source, ChangeError::NotTaken { .. }));
    assert_eq!(farm[2].handler().get("token.encapsulated"), None);
}

#[tokio::test]
async fn an_instance_that_cannot_be_looked_at_stops_everything() {
    let good = instance(|_| {});
    let dead =
        crate::console::testing::Script::play(|_| crate::console::testing::Reply::status(503));
    let consoles = vec![console(&good.script), console(&dead)];
    let error = Preflight::of(consoles, Wish::On).await.unwrap_err();
    assert!(
        error.to_string().starts_with("nothing was changed"),
        "{error}"
    );
    assert!(error.hint().contains("starting or stopping"));
    assert!(
        good.script
            .posted()
            .iter()
            .all(|one| one.field("apply").is_none())
    );
}

// Otherwise an instance that was switched by hand would keep all others from being switched.
#[tokio::test]
async fn what_is_not_written_need_not_be_kept() {
    let done = instance(|state| {
        state.age = Age::Old;
        state.bundles[3].1 = "4.3.8";
        let handler = state.configurations.get_mut(HANDLER).unwrap();
        handler.insert("site.list".to_owned(), json!(["a"]));
        handler.insert("token.encapsulated".to_owned(), json!(true));
    });
    let other = instance(|_| {});
    assert_eq!(codes(&look(&[&done, &other], Wish::On).await), []);
    let back = look(&[&done, &other], Wish::Off).await;
    assert_eq!(codes(&back), [("CONFIGURATION_NOT_KEPT", Unless::Never)]);
}

#[tokio::test]
async fn what_an_instance_calls_its_things_is_shown_harmless() {
    const EVIL: &str = "evil\u{1b}[2J\u{202e}";
    let instance = instance(|state| {
        state.age = Age::Middle;
        state.bundles[3].1 = "4.3.8";
        let handler = state.configurations.get_mut(HANDLER).unwrap();
        handler.insert(EVIL.to_owned(), json!(["a"]));
        for factory in [SAML, OAUTH] {
            let set = [("oauth.create.users".to_owned(), json!(true))].into();
            let pid = format!("{factory}~{EVIL}");
            state.configurations.insert(pid, set);
        }
    });
    let preflight = look(&[&instance], Wish::On).await;
    let told: Vec<_> = preflight
        .objections()
        .iter()
        .map(|objection| objection.finding.what.as_str())
        .filter(|what| what.contains("evil"))
        .collect();
    assert_eq!(told.len(), 3, "{preflight:?}");
    let told = told.concat();
    assert!(!told.contains(['\u{1b}', '\u{202e}']), "{told:?}");
}
