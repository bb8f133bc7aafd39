use crate::scratch::{NOW, Scratch};
use crate::{ClientBasis, ClientToken, ResealedRow, Seq};

const LATER: signet_core::UnixSeconds = signet_core::UnixSeconds(NOW.0 + 60);

#[tokio::test]
async fn a_place_has_one_value() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    let place = "client/ims/secret";
    assert_eq!(repository.secret(place).await.unwrap(), None);
    repository
        .set_secret(place, "sealed:v1:a:1", NOW)
        .await
        .unwrap();
    repository
        .set_secret(place, "sealed:v1:a:2", NOW)
        .await
        .unwrap();
    assert_eq!(
        repository.secret(place).await.unwrap().as_deref(),
        Some("sealed:v1:a:2")
    );
    assert!(repository.remove_secret(place, LATER).await.unwrap());
    assert!(!repository.remove_secret(place, LATER).await.unwrap());
    assert_eq!(repository.secret(place).await.unwrap(), None);
    repository
        .set_secret(place, "sealed:v1:a:3", LATER)
        .await
        .unwrap();
    assert_eq!(
        repository.secret(place).await.unwrap().as_deref(),
        Some("sealed:v1:a:3")
    );
}

#[tokio::test]
async fn every_change_has_a_number_and_no_change_has_none() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.set_secret("a", "1", NOW).await.unwrap();
    repository.set_secret("a", "1", LATER).await.unwrap();
    repository.remove_secret("nowhere", NOW).await.unwrap();
    assert_eq!(repository.head().await.unwrap(), Seq(1));
    repository.remove_secret("a", LATER).await.unwrap();
    assert_eq!(repository.head().await.unwrap(), Seq(2));
    // Followers of the changes pass by these numbers, and come to the end.
    let changes = repository.changes_since(Seq(0)).await.unwrap();
    assert!(!changes.has_more());
}

#[tokio::test]
async fn places_are_listed_in_order_without_removed_ones() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for place in ["c", "a", "d", "b"] {
        repository
            .set_secret(place, &format!("of {place}"), NOW)
            .await
            .unwrap();
    }
    repository.remove_secret("b", NOW).await.unwrap();
    let pair = |place: &str| (place.to_owned(), format!("of {place}"));
    let first = repository.secrets_after("", 2).await.unwrap();
    assert_eq!(first, [pair("a"), pair("c")]);
    let second = repository.secrets_after("c", 2).await.unwrap();
    assert_eq!(second, [pair("d")]);
    assert_eq!(repository.count_secrets().await.unwrap(), 3);
}

#[tokio::test]
async fn many_places_get_their_values_at_once() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    repository.set_secret("b", "old", NOW).await.unwrap();
    let values = ["a", "b", "c"].map(|place| (place.to_owned(), format!("of {place}")));
    repository.set_secrets(&values, LATER).await.unwrap();
    let found = repository.secrets_after("", 10).await.unwrap();
    assert_eq!(found, values);
}

#[tokio::test]
async fn another_secret_of_a_client_is_the_end_of_its_token() {
    let scratch = Scratch::new();
    let repository = scratch.open().await;
    for what in ["secret", "private-key"] {
        let place = &*format!("client/ims/{what}");
        let forgets = async || {
            let token = ClientToken {
                value: "sealed".into(),
                expires: LATER,
            };
            let basis = ClientBasis::default();
            let put = repository.put_client_token("ims", &token, &basis).await;
            assert!(put.unwrap());
            async || repository.client_token("ims").await.unwrap().is_none()
        };
        let is_forgotten = forgets().await;
        repository.set_secret(place, "1", NOW).await.unwrap();
        assert!(is_forgotten().await, "{what}");

        let is_forgotten = forgets().await;
        repository.set_secret(place, "1", NOW).await.unwrap();
        for other in [
            "client/other/secret",
            "client/ims/token",
            "client/ims",
            "setting/ims/secret",
        ] {
            repository.set_secret(other, what, NOW).await.unwrap();
        }
        // The same secret, sealed with another key.
        let resealed = ResealedRow {
            place: place.into(),
            was: "1".into(),
            value: "2".into(),
        };
        repository.stage_resealed(&[resealed]).await.unwrap();
        assert_eq!(repository.apply_resealed(&[], NOW).await.unwrap(), 1);
        assert!(!is_forgotten().await, "{what}");

        let is_forgotten = forgets().await;
        let values = [(place.to_owned(), "3".to_owned())];
        repository.set_secrets(&values, NOW).await.unwrap();
        assert!(is_forgotten().await, "{what}");
        let is_forgotten = forgets().await;
        repository.remove_secret(place, NOW).await.unwrap();
        assert!(is_forgotten().await, "{what}");
    }
}
