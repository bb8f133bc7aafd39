//! A restore that dies, or meets an error, before each of its steps.

use super::*;
use crate::restore::steps::{Fault, Ground};

/// What can be at the place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Found {
    Nothing,
    Before,
    After,
    /// Neither, and no instance starts on it.
    Closed,
}

fn look(data: &Path) -> Found {
    let is_open = data.join("format").exists();
    let Ok(text) = fs::read_to_string(data.join("signet.toml")) else {
        let is_empty = work::is_empty(data);
        assert!(!is_open, "half of an installation");
        return if is_empty {
            Found::Nothing
        } else {
            Found::Closed
        };
    };
    if !is_open {
        assert!(DataDirectory::open(data).is_err(), "nobody starts on it");
        return Found::Closed;
    }
    if text.contains("before") {
        return Found::Before;
    }
    for part in ["keys/storage", "node/age.key", "repository.db"] {
        assert!(data.join(part).exists(), "{part} is missing");
    }
    Found::After
}

/// A backup, and a newer installation in its place.
async fn scene(existing: Existing) -> Scene {
    let scene = Scene::new().await;
    fs::write(scene.data().join("audit.log"), "one\n").unwrap();
    scene.back_up().await;
    end_session(&scene, 7).await;
    let store = scene.keys();
    store
        .rotate(RingName::Hmac, RotateMode::Activate, NOW)
        .unwrap();
    fs::write(scene.data().join("audit.log"), "one\ntwo\n").unwrap();
    fs::write(scene.data().join("signet.toml"), "name = \"before\"\n").unwrap();
    if existing == Existing::Refuse {
        fs::remove_dir_all(scene.data()).unwrap();
        fs::create_dir(scene.data()).unwrap();
    }
    scene
}

fn asides(scene: &Scene) -> Vec<PathBuf> {
    [scene.path().to_owned(), scene.data()]
        .iter()
        .flat_map(|directory| fs::read_dir(directory).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_string_lossy().contains("before-restore"))
        .collect()
}

fn is_tidy(scene: &Scene) -> bool {
    !scene.path().join(".data.restoring").exists() && !scene.data().join(".restoring").exists()
}

async fn attempt(
    scene: &Scene,
    existing: Existing,
    steps: &Steps,
) -> Result<Restored, RestoreError> {
    let options = RestoreOptions {
        existing,
        ..options()
    };
    let backup = scene.open().unwrap();
    run(backup, &scene.data(), &options, &mut (), steps).await
}

/// Everything is as a restore leaves it.
async fn check_restored(scene: &Scene, existing: Existing, taken: &[Step]) {
    assert_eq!(look(&scene.data()), Found::After, "{taken:?}");
    let asides = asides(scene);
    if existing == Existing::Refuse {
        assert!(asides.is_empty(), "{taken:?}");
        return;
    }
    let before = asides.iter().filter(|path| look(path) == Found::Before);
    assert_eq!(before.count(), 1, "{taken:?}: what was there is kept, once");
    assert_eq!(scene.repository().await.count_marks().await.unwrap(), 1);
    assert_eq!(scene.keys().load(None).unwrap().keys.len(), 3);
    let log = fs::read(scene.data().join("audit.log")).unwrap();
    assert!(log.ends_with(b"two\n"));
}

/// Lets a restore die before every step in turn, and the next one do the rest. Returns the steps.
async fn die_everywhere(existing: Existing, ground: Ground) -> Vec<Step> {
    let template = scene(existing).await;
    for count in 0..1_000 {
        let scene = template.copied();
        let was = look(&scene.data());
        let steps = Steps::failing_after(count, Fault::Death, ground);
        let died = attempt(&scene, existing, &steps).await;
        let taken = steps.taken();
        if died.is_ok() {
            check_restored(&scene, existing, &taken).await;
            return taken;
        }
        let found = look(&scene.data());
        let is_half = match ground {
            Ground::Usual => false,
            // Two renames instead of one exchange leave nothing between them.
            Ground::NoExchange => found == Found::Nothing && taken.last() == Some(&Step::MoveAway),
            Ground::OwnDirectoryOnly => found == Found::Closed,
        };
        assert!(
            is_half || found == was || found == Found::After,
            "{taken:?}: {found:?}"
        );

        match attempt(&scene, existing, &Steps::on(ground)).await {
            Ok(_) => {}
            // Only tidying up was left to do.
            Err(RestoreError::Present { .. }) if existing == Existing::Refuse => {
                assert_eq!(taken.last(), Some(&Step::RemovePlan), "{taken:?}");
            }
            Err(error) => panic!("{taken:?}: {error:?}"),
        }
        check_restored(&scene, existing, &taken).await;
        assert!(is_tidy(&scene), "{taken:?}");
    }
    panic!("it never ends");
}

fn all_taken(steps: &[Step], expected: &[Step]) {
    for step in expected {
        assert!(steps.contains(step), "{step:?}: {steps:?}");
    }
}

// S6
#[tokio::test]
async fn whenever_a_restore_dies_there_is_nothing_or_everything() {
    use Step::{
        Check, EndSessions, Extract, Flush, MakeWork, MoveIn, RemovePlan, RemoveWork, WritePlan,
    };
    let steps = die_everywhere(Existing::Refuse, Ground::Usual).await;
    let all = [
        MakeWork,
        Extract,
        Check,
        EndSessions,
        Flush,
        WritePlan,
        MoveIn,
        RemovePlan,
        RemoveWork,
    ];
    all_taken(&steps, &all);
}

// S6
#[tokio::test]
async fn whenever_a_replacement_dies_there_is_the_old_or_the_new() {
    use Step::{Exchange, SetAside, UniteAudit, UniteKeys, UniteRepository};
    let steps = die_everywhere(Existing::Replace, Ground::Usual).await;
    all_taken(
        &steps,
        &[UniteKeys, UniteRepository, UniteAudit, Exchange, SetAside],
    );
}

// S6
#[tokio::test]
async fn where_directories_cannot_be_exchanged_the_next_run_finishes() {
    let steps = die_everywhere(Existing::Replace, Ground::NoExchange).await;
    all_taken(&steps, &[Step::MoveAway, Step::MoveIn]);
}

// S6
#[tokio::test]
async fn where_only_the_directory_is_ours_nobody_starts_on_half_of_it() {
    let steps = die_everywhere(Existing::Replace, Ground::OwnDirectoryOnly).await;
    all_taken(&steps, &[Step::MoveAway, Step::MoveIn]);
    die_everywhere(Existing::Refuse, Ground::OwnDirectoryOnly).await;
}

/// An error is not a crash: what was there is there, nothing is left lying about, and the message says so.
#[tokio::test]
async fn an_error_leaves_everything_as_it_was() {
    for ground in [Ground::Usual, Ground::NoExchange] {
        for existing in [Existing::Refuse, Existing::Replace] {
            let template = scene(existing).await;
            for count in 0..1_000 {
                let scene = template.copied();
                let was = look(&scene.data());
                let steps = Steps::failing_after(count, Fault::Error, ground);
                let Err(error) = attempt(&scene, existing, &steps).await else {
                    break;
                };
                assert!(!error.hint().is_empty(), "{error:?}");
                let taken = steps.taken();
                let found = look(&scene.data());
                assert_eq!(error.has_begun(), found != was, "{taken:?}: {error:?}");
                if found == was {
                    let made = taken.contains(&Step::MakeWork);
                    assert!(is_tidy(&scene) || !made, "{taken:?}");
                    assert!(asides(&scene).is_empty(), "{taken:?}");
                } else {
                    // It was in its place already, and only tidying up failed.
                    assert_eq!(found, Found::After, "{taken:?}");
                }
            }
        }
    }
}
