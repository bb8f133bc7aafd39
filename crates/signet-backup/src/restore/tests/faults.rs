//! A restore that dies before each of its steps.

use super::*;

/// What can be at the place: what was there before, or all of the backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Before,
    After,
}

fn look(data: &Path) -> Found {
    match fs::read_to_string(data.join("signet.toml")) {
        Err(_) => {
            let count = fs::read_dir(data).map_or(0, Iterator::count);
            assert_eq!(count, 0, "half of an installation");
            Found::Nothing
        }
        Ok(text) if text.contains("before") => Found::Before,
        Ok(_) => {
            for part in ["format", "keys/storage", "node/age.key", "repository.db"] {
                assert!(data.join(part).exists(), "{part} is missing");
            }
            Found::After
        }
    }
}

/// A backup, and a newer installation in its place.
async fn scene() -> Scene {
    let scene = Scene::new().await;
    fs::write(scene.data().join("audit.log"), "one\n").unwrap();
    scene.back_up().await;
    end_session(&scene, 7).await;
    scene
        .keys()
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    fs::write(scene.data().join("audit.log"), "one\ntwo\n").unwrap();
    fs::write(scene.data().join("signet.toml"), "name = \"before\"\n").unwrap();
    scene
}

/// Lets a restore die before every step in turn, and the next one do the rest. Returns the steps.
async fn die_everywhere(existing: Existing, can_exchange: bool) -> Vec<Step> {
    let options = RestoreOptions {
        existing,
        ..options()
    };
    for count in 0..1_000 {
        let scene = scene().await;
        let data = scene.data();
        if existing == Existing::Refuse {
            fs::remove_dir_all(&data).unwrap();
        }
        let was = look(&data);
        let steps = Steps::failing_after(count, can_exchange);
        let died = run(scene.open().unwrap(), &data, &options, &mut |_| {}, &steps).await;
        let taken = steps.taken();
        if died.is_ok() {
            assert_eq!(look(&data), Found::After);
            return taken;
        }
        let found = look(&data);
        // Two renames instead of one exchange leave nothing between them, and the next run all of it.
        let is_between = !can_exchange && taken.last() == Some(&Step::MoveAway);
        match is_between {
            true => assert_eq!(found, Found::Nothing, "{taken:?}"),
            false => assert!(
                found == was || found == Found::After,
                "{taken:?}: {found:?}"
            ),
        }

        let again = run(
            scene.open().unwrap(),
            &data,
            &options,
            &mut |_| {},
            &Steps::default(),
        )
        .await;
        match again {
            Ok(_) => {}
            // Only what tidies up was left to do.
            Err(RestoreError::Present { .. }) if existing == Existing::Refuse => {
                assert_eq!(taken.last(), Some(&Step::RemovePlan), "{taken:?}");
            }
            Err(error) => panic!("{taken:?}: {error:?}"),
        }
        assert_eq!(look(&data), Found::After, "{taken:?}");
        let asides = fs::read_dir(scene.path()).unwrap().filter(|entry| {
            let name = entry.as_ref().unwrap().file_name();
            name.to_string_lossy().contains("before-restore")
        });
        let asides: Vec<_> = asides.map(|entry| entry.unwrap().path()).collect();
        match existing {
            Existing::Refuse => assert!(asides.is_empty()),
            Existing::Replace => {
                let before = asides.iter().filter(|path| look(path) == Found::Before);
                assert_eq!(before.count(), 1, "{taken:?}: what was there is kept, once");
                assert_eq!(scene.repository().await.count_marks().await.unwrap(), 1);
                assert_eq!(scene.keys().load(None).unwrap().keys.len(), 3);
                assert!(
                    fs::read(data.join("audit.log"))
                        .unwrap()
                        .ends_with(b"two\n")
                );
            }
        }
        let rest = scene.path().join(".data.restoring");
        assert!(
            !rest.exists() || taken.last() == Some(&Step::RemovePlan),
            "{taken:?}"
        );
    }
    panic!("it never ends");
}

// S6
#[tokio::test]
async fn whenever_a_restore_dies_there_is_nothing_or_everything() {
    let steps = die_everywhere(Existing::Refuse, true).await;
    for step in [
        Step::MakeWork,
        Step::Extract,
        Step::Check,
        Step::EndSessions,
        Step::Flush,
        Step::WritePlan,
        Step::MoveIn,
        Step::RemovePlan,
        Step::RemoveWork,
    ] {
        assert!(steps.contains(&step), "{step:?}");
    }
}

// S6
#[tokio::test]
async fn whenever_a_replacement_dies_there_is_the_old_or_the_new() {
    let steps = die_everywhere(Existing::Replace, true).await;
    for step in [
        Step::UniteKeys,
        Step::UniteRepository,
        Step::UniteAudit,
        Step::Exchange,
        Step::SetAside,
    ] {
        assert!(steps.contains(&step), "{step:?}");
    }
}

// S6
#[tokio::test]
async fn where_directories_cannot_be_exchanged_the_next_run_finishes() {
    let steps = die_everywhere(Existing::Replace, false).await;
    for step in [Step::MoveAway, Step::MoveIn] {
        assert!(steps.contains(&step), "{step:?}");
    }
}
