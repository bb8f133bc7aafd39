use serde_json::json;

use super::*;
use crate::scratch::Scratch;

#[tokio::test]
async fn the_first_value_wins() {
    let scratch = Scratch::new();
    let (first, second) = (scratch.open().await, scratch.open().await);
    let name = SettingName::FARM_ID;
    assert_eq!(first.setting(&name).await.unwrap(), None);
    let (a, b) = (json!("farm-a"), json!("farm-b"));
    let (left, right) = tokio::join!(
        first.set_setting_if_absent(&name, &a),
        second.set_setting_if_absent(&name, &b)
    );
    let winner = left.unwrap();
    assert_eq!(right.unwrap(), winner);
    assert_eq!(first.setting(&name).await.unwrap(), Some(winner));
    assert_eq!(first.head().await.unwrap(), Seq(1));
}

#[tokio::test]
async fn the_same_value_again_is_no_change() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let name: SettingName = "token.inactivity".parse().unwrap();
    for _ in 0..2 {
        repository
            .set_setting(&name, &json!({"s": 1800}))
            .await
            .unwrap();
        assert_eq!(repository.head().await.unwrap(), Seq(1));
    }
    repository.set_setting(&name, &json!(null)).await.unwrap();
    assert_eq!(repository.setting(&name).await.unwrap(), Some(json!(null)));
    for _ in 0..2 {
        repository.remove_setting(&name).await.unwrap();
        assert_eq!(repository.head().await.unwrap(), Seq(3));
    }
    assert_eq!(repository.setting(&name).await.unwrap(), None);
    assert_eq!(repository.settings().await.unwrap(), []);
    let gone = repository.changes_since(Seq(0)).await.unwrap().settings;
    assert_eq!(gone.len(), 1);
    assert_eq!((gone[0].value.as_ref(), gone[0].seq), (None, Seq(3)));
}

#[tokio::test]
async fn local_values_are_no_changes() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let name: SettingName = "node.lease".parse().unwrap();
    assert_eq!(repository.local_value(&name).await.unwrap(), None);
    repository.set_local_value(&name, "one").await.unwrap();
    repository.set_local_value(&name, "two").await.unwrap();
    assert_eq!(
        repository.local_value(&name).await.unwrap().as_deref(),
        Some("two")
    );
    assert_eq!(repository.head().await.unwrap(), Seq(0));
}

#[test]
fn names_are_plain() {
    for bad in ["", "Farm", "a b", "a/b", &"x".repeat(65)] {
        assert!(bad.parse::<SettingName>().is_err(), "{bad:?}");
    }
    assert_eq!(
        "farm.id".parse::<SettingName>().unwrap(),
        SettingName::FARM_ID
    );
}
