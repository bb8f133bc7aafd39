use super::*;
use crate::Seq;
use crate::scratch::{NOW, Scratch};

const LATER: UnixSeconds = UnixSeconds(NOW.0 + 60);

fn row(place: &str, was: &str, value: &str) -> ResealedRow {
    ResealedRow {
        place: place.into(),
        was: was.into(),
        value: value.into(),
    }
}

async fn with_secrets(scratch: &Scratch, count: u32) -> Repository {
    let repository = scratch.open().await;
    for n in 0..count {
        let place = format!("place-{n:04}");
        repository.set_secret(&place, "old", NOW).await.unwrap();
    }
    repository
}

#[tokio::test]
async fn all_are_put_in_force_at_once() {
    let scratch = Scratch::new();
    let repository = with_secrets(&scratch, 450).await;
    let rows: Vec<_> = (0..450)
        .map(|n| row(&format!("place-{n:04}"), "old", &format!("new {n}")))
        .collect();
    repository.stage_resealed(&rows).await.unwrap();
    repository.stage_resealed(&[]).await.unwrap();
    assert_eq!(
        repository.secret("place-0007").await.unwrap().as_deref(),
        Some("old")
    );

    assert_eq!(repository.apply_resealed(&[], LATER).await.unwrap(), 450);
    for (n, (place, value)) in repository
        .secrets_after("", 1_000)
        .await
        .unwrap()
        .iter()
        .enumerate()
    {
        assert_eq!(
            (place, value),
            (&format!("place-{n:04}"), &format!("new {n}"))
        );
    }
    assert_eq!(repository.staged_resealed_after("", 9).await.unwrap(), []);
    assert_eq!(
        repository.head().await.unwrap(),
        Seq(900),
        "each is a change"
    );
    let numbers: Vec<i64> = sqlx::query_scalar("SELECT seq FROM secrets ORDER BY place")
        .fetch_all(repository.store.readers())
        .await
        .unwrap();
    assert_eq!(numbers, (451..=900).collect::<Vec<_>>());
    assert_eq!(repository.apply_resealed(&[], LATER).await.unwrap(), 0);
}

#[tokio::test]
async fn what_waits_is_read_in_pages_and_survives() {
    let scratch = Scratch::new();
    let repository = with_secrets(&scratch, 3).await;
    let rows = [row("place-0002", "old", "c"), row("place-0000", "old", "a")];
    repository.stage_resealed(&rows).await.unwrap();
    repository
        .stage_resealed(&[row("place-0001", "old", "b")])
        .await
        .unwrap();
    repository
        .stage_resealed(&[row("place-0001", "old", "B")])
        .await
        .unwrap();
    repository.close().await;

    let repository = scratch.open().await;
    let first = repository.staged_resealed_after("", 2).await.unwrap();
    assert_eq!(
        first,
        [row("place-0000", "old", "a"), row("place-0001", "old", "B")]
    );
    let rest = repository
        .staged_resealed_after("place-0001", 2)
        .await
        .unwrap();
    assert_eq!(rest, [row("place-0002", "old", "c")]);
}

#[tokio::test]
async fn a_value_that_changed_meanwhile_stops_all() {
    let scratch = Scratch::new();
    let repository = with_secrets(&scratch, 3).await;
    let rows: Vec<_> = (0..3)
        .map(|n| row(&format!("place-{n:04}"), "old", "new"))
        .collect();
    repository.stage_resealed(&rows).await.unwrap();
    repository
        .set_secret("place-0001", "changed", NOW)
        .await
        .unwrap();
    let error = repository.apply_resealed(&[], LATER).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::ResealConflict { place } if place == "place-0001"),
        "{error:?}"
    );
    assert!(error.hint().is_some());
    assert_eq!(
        repository.secret("place-0000").await.unwrap().as_deref(),
        Some("old")
    );
    assert_eq!(
        repository.staged_resealed_after("", 9).await.unwrap().len(),
        3
    );

    repository
        .set_secret("place-0001", "old", NOW)
        .await
        .unwrap();
    repository.remove_secret("place-0002", NOW).await.unwrap();
    let error = repository.apply_resealed(&[], LATER).await.unwrap_err();
    assert!(
        matches!(&error, RepositoryError::ResealConflict { place } if place == "place-0002"),
        "one that was removed is not sealed again: {error:?}"
    );
    repository.discard_resealed().await.unwrap();
    assert_eq!(repository.apply_resealed(&[], LATER).await.unwrap(), 0);
    assert_eq!(
        repository.secret("place-0001").await.unwrap().as_deref(),
        Some("old")
    );
}

#[tokio::test]
async fn settings_change_with_the_secrets_or_not_at_all() {
    let scratch = Scratch::new();
    let repository = with_secrets(&scratch, 2).await;
    let (mail, chat) = ("mail.password", "chat.password");
    let old = Value::from("old");
    for name in [mail, chat] {
        let name = name.parse().unwrap();
        repository.set_setting(&name, &old).await.unwrap();
    }
    let resealed = |name: &str, was: &Value| ResealedSetting {
        name: name.parse().unwrap(),
        was: was.clone(),
        value: Value::from("new"),
    };
    repository
        .stage_resealed(&[
            row("place-0000", "old", "new"),
            row("place-0001", "old", "new"),
        ])
        .await
        .unwrap();
    let before = repository.head().await.unwrap();

    // The second was changed meanwhile, the third is gone.
    let other = Value::from("other");
    for late in [resealed(chat, &other), resealed("no.such", &old)] {
        let place = late.name.to_string();
        let settings = [resealed(mail, &old), late];
        let error = repository.apply_resealed(&settings, LATER).await;
        let error = error.unwrap_err();
        assert!(
            matches!(&error, RepositoryError::ResealConflict { place: named } if *named == place),
            "{error:?}"
        );
        assert_eq!(repository.head().await.unwrap(), before);
        let secret = repository.secret("place-0000").await.unwrap();
        assert_eq!(secret.as_deref(), Some("old"));
        let setting = repository.setting(&mail.parse().unwrap()).await.unwrap();
        assert_eq!(setting, Some(old.clone()));
        let staged = repository.staged_resealed_after("", 9).await.unwrap();
        assert_eq!(staged.len(), 2);
    }

    let all = [resealed(mail, &old), resealed(chat, &old)];
    assert_eq!(repository.apply_resealed(&all, LATER).await.unwrap(), 4);
    for name in [mail, chat] {
        let setting = repository.setting(&name.parse().unwrap()).await.unwrap();
        assert_eq!(setting, Some(Value::from("new")), "{name}");
    }
    let secret = repository.secret("place-0001").await.unwrap();
    assert_eq!(secret.as_deref(), Some("new"));
    // Settings alone.
    let again = [ResealedSetting {
        was: Value::from("new"),
        value: old.clone(),
        ..resealed(mail, &old)
    }];
    assert_eq!(repository.apply_resealed(&again, LATER).await.unwrap(), 1);
    let shown = format!("{again:?}");
    assert_eq!(shown, "[ResealedSetting(mail.password)]");
}
