use serde_json::{Value, json};
use signet_core::UnixSeconds;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use super::*;
use crate::console::testing::console;
use crate::console::testing::instance::{HANDLER, Instance, Properties, SAML, State};

const IMS: &str = "com.adobe.granite.auth.ims.impl.IMSAccessTokenRequestCustomizerImpl";
const OAUTH: &str = "com.adobe.granite.auth.oauth.provider";

fn key(byte: u8) -> GraniteKey {
    GraniteKey::new(Zeroizing::new([byte; 16]), UnixSeconds(0))
}

fn set(properties: &[(&str, Value)]) -> Properties {
    let properties = properties.iter().cloned();
    properties
        .map(|(name, value)| (name.to_owned(), value))
        .collect()
}

/// An instance of which nothing is to be said.
fn sound() -> State {
    let mut state = State {
        health: Some(json!({ "overallResult": "OK", "results": [] })),
        ..State::default()
    };
    let handler = state.configurations.get_mut(HANDLER).unwrap();
    handler.insert("token.encapsulated".to_owned(), json!(true));
    state.health_page = Some("<title>Health Check</title>".to_owned());
    state
}

async fn checked(state: State, master: Option<&GraniteKey>) -> Checkup {
    let instance = Instance::start(state);
    check(&console(&instance.script), master).await.unwrap()
}

fn codes(checkup: &Checkup) -> Vec<&'static str> {
    checkup
        .findings
        .iter()
        .map(|finding| finding.code)
        .collect()
}

// The note of Adobe's page on encapsulated tokens.
#[tokio::test]
async fn users_that_are_created_at_login_are_told_of_where_tokens_are_encapsulated() {
    let creating = |mut state: State| {
        let pid = format!("{SAML}~idp");
        let properties = set(&[("createUser", json!(true))]);
        state.configurations.insert(pid, properties);
        state
    };
    let told = |checkup: Checkup| codes(&checkup).contains(&"USERS_CREATED_AT_LOGIN");
    assert!(told(checked(creating(sound()), None).await));
    let mut opaque = creating(sound());
    let handler = opaque.configurations.get_mut(HANDLER).unwrap();
    handler.insert("token.encapsulated".to_owned(), json!(false));
    assert!(!told(checked(opaque, None).await));
}

#[tokio::test]
async fn of_a_sound_instance_nothing_is_to_be_said() {
    let checkup = checked(sound(), None).await;
    assert_eq!(codes(&checkup), Vec::<&str>::new(), "{checkup:?}");
    assert_eq!(checkup.bundles, 5);
    assert!(
        checkup.idle.is_empty(),
        "a fragment is at its end when it is resolved"
    );
    let setting = |name: &str| checkup.token_handler.iter().find(|one| one.name == name);
    assert_eq!(setting("a.password").unwrap().value, None);
    assert!(!setting("inactivity.time").unwrap().is_set);
}

#[tokio::test]
async fn what_is_wrong_is_found_the_worst_first() {
    let mut state = State::default();
    state.bundles[2].2 = 4;
    state.bundles.push(("some.bundle", "1", 2));
    let handler = state.configurations.get_mut(HANDLER).unwrap();
    handler.insert("path".to_owned(), json!(""));
    let checkup = checked(state, None).await;
    assert_eq!(
        codes(&checkup),
        [
            "CRYPTO_NOT_ACTIVE",
            "BUNDLES_NOT_ACTIVE",
            "TOKEN_HANDLER_OFF",
            "HEALTH_NOT_AVAILABLE"
        ]
    );
    assert!(
        checkup.findings[1]
            .what
            .ends_with("some.bundle (Installed)")
    );
}

// KA-23909
#[tokio::test]
async fn the_error_of_the_article_is_explained() {
    let says =
        "{\"error\":\"invalid_client\",\"error_description\":\"invalid client_secret parameter\"}";
    let mut state = sound();
    state.health = Some(json!({ "overallResult": "CRITICAL", "results": [
        { "name": "IMS", "status": "CRITICAL", "messages": [{ "status": "CRITICAL", "message": says }] },
    ] }));
    state.repository_keys = [("hmac", vec![7; 32]), ("master", vec![8; 16])].into();
    let checkup = checked(state.clone(), None).await;
    assert_eq!(
        codes(&checkup),
        ["IMS_INVALID_CLIENT", "HEALTH_CHECK", "KEYS_IN_REPOSITORY"]
    );
    assert!(checkup.findings[0].remedy.contains("signet aem relocate"));
    assert!(checkup.findings[1].what.ends_with(says), "{checkup:?}");

    state.repository_keys.clear();
    let checkup = checked(state.clone(), None).await;
    assert_eq!(codes(&checkup), ["IMS_INVALID_CLIENT", "HEALTH_CHECK"]);
    assert!(!checkup.findings[0].remedy.contains("relocate"));

    state.health = sound().health;
    state.log = format!("22.11.2026 *ERROR* AccessTokenProvider 400 {says}\n");
    let checkup = checked(state, None).await;
    assert_eq!(codes(&checkup), ["IMS_INVALID_CLIENT"]);
    assert!(checkup.findings[0].what.contains("the log (22.11.2026"));
}

#[tokio::test]
async fn secrets_are_told_apart_and_not_shown() {
    let (mine, foreign) = (key(1), key(2));
    let protect = |key: &GraniteKey| GraniteValue::protect(key, "pa55word").unwrap().to_string();
    let mut state = sound();
    state.protect = Some(|text| GraniteValue::protect(&key(1), text).unwrap().to_string());
    for (name, value) in [
        ("a", json!("swordfish")),
        ("b", json!(protect(&mine))),
        ("c", json!(protect(&foreign))),
        ("d", json!("$[secret:ims]")),
        ("e", json!("")),
    ] {
        let properties = [
            ("oauth.config.id", json!(name)),
            ("oauth.client.secret", value),
        ];
        let pid = format!("{OAUTH}~{name}");
        state.configurations.insert(pid, set(&properties));
    }
    let saml = set(&[
        ("idpUrl", json!("https://idp.example")),
        ("createUser", json!(false)),
    ]);
    state.configurations.insert(format!("{SAML}~x"), saml);
    let empty = set(&[("auth.ims.client.secret", json!(""))]);
    state.configurations.insert(format!("{IMS}~x"), empty);
    let checkup = checked(state.clone(), Some(&mine)).await;
    let states: Vec<_> = checkup
        .providers
        .iter()
        .filter(|provider| provider.kind == ProviderKind::Oauth)
        .map(|provider| (provider.name.as_deref().unwrap(), provider.secrets[0].state))
        .collect();
    assert_eq!(
        states,
        [
            ("a", SecretState::Clear),
            ("b", SecretState::Opens),
            ("c", SecretState::DoesNotOpen),
            ("d", SecretState::Placeholder),
            ("e", SecretState::Empty),
        ]
    );
    assert_eq!(checkup.master, Some(MasterFit::Fits));
    assert_eq!(
        codes(&checkup),
        ["SECRET_DOES_NOT_OPEN", "SECRET_IN_CLEAR", "SECRET_EMPTY"]
    );
    let text = serde_json::to_string(&checkup).unwrap() + &format!("{checkup:?}");
    assert!(!text.contains("swordfish") && !text.contains("pa55word"));

    let checkup = checked(state, Some(&foreign)).await;
    assert_eq!(checkup.master, Some(MasterFit::Foreign));
    assert!(codes(&checkup).contains(&"MASTER_FOREIGN"));
}
