use serde_json::json;
use signet_core::UnixSeconds;

use super::*;
use crate::testing::{Desk, NOW};
use crate::{AuthMethod, Preset};

fn configured(name: &str) -> ConfiguredClient {
    ConfiguredClient {
        name: name.parse().unwrap(),
        definition: Definition::new(Preset::AdobeIms, "id".parse().unwrap()),
        credential: CredentialSource::Missing,
    }
}

async fn put(desk: &Desk, name: &str, definition: serde_json::Value, now: UnixSeconds) {
    let definition = &definition;
    desk.repository
        .put_client(name, definition, None, now)
        .await
        .unwrap();
}

#[tokio::test]
async fn a_client_in_two_places_can_be_used_from_neither() {
    let desk = Desk::new().await;
    let ims = json!({ "preset": "adobe-ims", "client_id": "id" });
    put(&desk, "ims", ims.clone(), NOW).await;
    put(&desk, "other", ims, NOW).await;
    let clients = Clients::load(&desk.repository, [configured("ims"), configured("third")]);
    let clients = clients.await.unwrap();
    let list: Vec<_> = clients
        .iter()
        .map(|client| {
            (
                client.name.as_str(),
                client.origin,
                client.definition().is_ok(),
            )
        })
        .collect();
    assert_eq!(
        list,
        [
            ("ims", Origin::Both, false),
            ("other", Origin::Repository, true),
            ("third", Origin::Configuration, true),
        ]
    );
    let twice = clients.find(&"ims".parse().unwrap()).unwrap();
    let diagnosis = desk
        .tokens
        .check(twice, &desk.keys)
        .await
        .result
        .unwrap_err();
    assert_eq!(diagnosis.code(), "CLIENT_DEFINED_TWICE");
}

#[tokio::test]
async fn a_secret_of_the_repository_serves_a_client_of_the_configuration() {
    let desk = Desk::new().await;
    let mut client = configured("ims");
    let sealed = desk.seal(crate::CredentialKind::Secret, "abc");
    let CredentialSource::Sealed(value) = &sealed else {
        panic!("not sealed");
    };
    let place = "client/ims/secret";
    desk.repository
        .set_secret(place, &value.to_string(), NOW)
        .await
        .unwrap();
    let load = async |client| {
        let clients = Clients::load(&desk.repository, [client]).await.unwrap();
        let client = clients.iter().next().unwrap().clone();
        client.credential().unwrap().clone()
    };
    assert_eq!(load(client.clone()).await, sealed);
    client.definition.auth = Some(AuthMethod::PrivateKeyJwt);
    assert_eq!(load(client.clone()).await, CredentialSource::Missing);
    client.credential = CredentialSource::File("/run/secrets/ims".into());
    assert_eq!(load(client.clone()).await, client.credential);
}

#[tokio::test]
async fn a_definition_of_another_version_is_named() {
    let desk = Desk::new().await;
    let newer = json!({ "preset": "adobe-ims", "client_id": "id", "dpop": true });
    put(&desk, "newer", newer, NOW).await;
    put(&desk, "empty", json!({ "client_id": "id" }), NOW).await;
    let clients = Clients::load(&desk.repository, []).await.unwrap();
    let code = |name: &str| {
        let client = clients.find(&name.parse().unwrap()).unwrap();
        client.definition().unwrap_err().code()
    };
    assert_eq!(code("newer"), "CLIENT_UNREADABLE");
    assert_eq!(code("empty"), "CLIENT_INCOMPLETE");
}
