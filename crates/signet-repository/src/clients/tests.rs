use serde_json::json;

use super::*;
use crate::Seq;
use crate::scratch::{NOW, Scratch};

const LATER: UnixSeconds = UnixSeconds(NOW.0 + 60);
const PLACE: &str = "client/ims/secret";

fn basis(definition: serde_json::Value, secret: &str) -> ClientBasis {
    ClientBasis {
        definition: Some(definition),
        secret: Some((PLACE.into(), Some(secret.into()))),
    }
}

fn token(value: &str) -> ClientToken {
    ClientToken {
        value: value.into(),
        expires: LATER,
    }
}

#[tokio::test]
async fn a_client_comes_with_its_secret() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let definition = json!({"endpoint": "https://ims.example.com/token"});
    repository
        .put_client("ims", &definition, Some((PLACE, "sealed:v1:a:1")), NOW)
        .await
        .unwrap();
    repository
        .put_client("another", &json!({}), None, LATER)
        .await
        .unwrap();
    let ims = repository.client("ims").await.unwrap().unwrap();
    assert_eq!(
        ims,
        ClientRow {
            name: "ims".into(),
            definition,
            changed: NOW
        }
    );
    assert_eq!(
        repository.secret(PLACE).await.unwrap().as_deref(),
        Some("sealed:v1:a:1")
    );
    let names: Vec<_> = repository
        .clients()
        .await
        .unwrap()
        .into_iter()
        .map(|c| c.name)
        .collect();
    assert_eq!(names, ["another", "ims"]);
    assert_eq!(repository.client("nobody").await.unwrap(), None);
}

#[tokio::test]
async fn removing_a_client_leaves_nothing_of_it_but_the_change() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository
        .put_client("ims", &json!({}), Some((PLACE, "sealed")), NOW)
        .await
        .unwrap();
    repository
        .put_client_token("ims", &token("sealed too"), &basis(json!({}), "sealed"))
        .await
        .unwrap();
    assert!(repository.remove_client("ims", PLACE, LATER).await.unwrap());
    assert!(!repository.remove_client("ims", PLACE, LATER).await.unwrap());
    assert_eq!(repository.client("ims").await.unwrap(), None);
    assert_eq!(repository.secret(PLACE).await.unwrap(), None);
    assert_eq!(repository.client_token("ims").await.unwrap(), None);
    assert_eq!(
        repository.head().await.unwrap(),
        Seq(4),
        "two rows, each twice"
    );
}

#[tokio::test]
async fn a_token_is_kept_until_the_client_changes() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository
        .put_client("ims", &json!({"scope": "a"}), Some((PLACE, "1")), NOW)
        .await
        .unwrap();
    repository
        .put_client_token("ims", &token("first"), &basis(json!({"scope": "a"}), "1"))
        .await
        .unwrap();
    repository
        .put_client_token("ims", &token("second"), &basis(json!({"scope": "a"}), "1"))
        .await
        .unwrap();
    repository
        .put_client("ims", &json!({"scope": "a"}), Some((PLACE, "1")), LATER)
        .await
        .unwrap();
    assert_eq!(
        repository.client_token("ims").await.unwrap(),
        Some(token("second"))
    );

    repository
        .put_client("ims", &json!({"scope": "b"}), None, LATER)
        .await
        .unwrap();
    assert_eq!(repository.client_token("ims").await.unwrap(), None);
    repository
        .put_client_token("ims", &token("third"), &basis(json!({"scope": "b"}), "1"))
        .await
        .unwrap();
    repository
        .put_client("ims", &json!({"scope": "b"}), Some((PLACE, "2")), LATER)
        .await
        .unwrap();
    assert_eq!(
        repository.client_token("ims").await.unwrap(),
        None,
        "nor with another secret"
    );

    repository
        .put_client_token("ims", &token("fourth"), &basis(json!({"scope": "b"}), "2"))
        .await
        .unwrap();
    repository.forget_client_token("ims").await.unwrap();
    assert_eq!(repository.client_token("ims").await.unwrap(), None);
}

#[tokio::test]
async fn both_or_neither() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    sqlx::raw_sql("DROP TABLE secrets")
        .execute(repository.store.writer())
        .await
        .unwrap();
    repository
        .put_client("ims", &json!({}), Some((PLACE, "1")), NOW)
        .await
        .unwrap_err();
    assert_eq!(repository.client("ims").await.unwrap(), None);
}

#[tokio::test]
async fn a_token_of_the_client_as_it_was_before_is_not_kept() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let put = async |definition, secret| {
        let secret = Some((PLACE, secret));
        let put = repository.put_client("ims", &definition, secret, NOW);
        put.await.unwrap();
    };
    let kept = async |basis: &ClientBasis| {
        let late = token("late");
        let put = repository.put_client_token("ims", &late, basis);
        let is_kept = put.await.unwrap();
        let found = repository.client_token("ims").await.unwrap();
        assert_eq!(found, is_kept.then_some(late));
        repository.forget_client_token("ims").await.unwrap();
        is_kept
    };
    let first = basis(json!({"scope": "a"}), "1");
    assert!(!kept(&first).await, "there is no such client");
    put(json!({"scope": "a"}), "1").await;
    assert!(kept(&first).await);
    put(json!({"scope": "b"}), "1").await;
    assert!(!kept(&first).await, "another definition");
    put(json!({"scope": "a"}), "2").await;
    assert!(!kept(&first).await, "another secret");
    assert!(kept(&basis(json!({"scope": "a"}), "2")).await);
    repository.remove_client("ims", PLACE, LATER).await.unwrap();
    assert!(!kept(&basis(json!({"scope": "a"}), "2")).await, "removed");
}

#[tokio::test]
async fn a_client_that_is_defined_elsewhere_has_what_stands_here() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let put = |basis: ClientBasis| {
        let repository = &repository;
        async move {
            let token = token("late");
            let put = repository.put_client_token("ims", &token, &basis);
            put.await.unwrap()
        }
    };
    let elsewhere = ClientBasis::default();
    let secret = |value: Option<&str>| ClientBasis {
        definition: None,
        secret: Some((PLACE.into(), value.map(str::to_owned))),
    };
    assert!(put(elsewhere.clone()).await && put(secret(None)).await);
    repository.set_secret(PLACE, "1", NOW).await.unwrap();
    assert!(put(elsewhere.clone()).await, "its secret is not this one");
    assert!(put(secret(Some("1"))).await && !put(secret(None)).await);
    repository
        .put_client("ims", &json!({}), None, NOW)
        .await
        .unwrap();
    assert!(!put(elsewhere).await, "defined twice, it is none");
}
