//! The whole proof, with stand-ins for the instances.

use signet_core::UnixSeconds;

use super::*;
use crate::scene::Expectation;
use crate::stand_in::Program;

fn options(program: &Program) -> ProofOptions {
    ProofOptions {
        users: 24,
        pace: Pace {
            think: Duration::from_millis(20),
            in_flight: 8,
        },
        flow: 100,
        dead: Duration::ZERO,
        renewal_interval: Duration::ZERO,
        ..ProofOptions::new(program.path(), UnixSeconds(1_800_000_000))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_scene_shows_what_it_has_to() {
    let program = Program::new();
    let mut heard = Vec::new();
    let played = prove(options(&program), |progress| {
        heard.push((progress.done, progress.total));
    })
    .await
    .unwrap();

    let text = crate::report::proof(&played);
    assert!(played.holds(), "{text}");
    let scenes: Vec<Scene> = played.scenes.iter().map(|seen| seen.scene).collect();
    assert_eq!(scenes, Scene::ALL);
    for seen in &played.scenes {
        assert!(seen.requests >= 100 && seen.users == 24, "{text}");
        if seen.expected == Expectation::Nothing {
            assert_eq!((seen.lost, seen.refused, seen.failed), (0, 0, 0), "{text}");
        }
    }
    assert_eq!(played.scenes[4].renewed, Some(24));

    let (done, total) = heard[heard.len() - 1];
    assert_eq!(done, total, "the bar ends full");
    assert!(
        heard.windows(2).all(|pair| pair[0].0 <= pair[1].0),
        "the bar never goes back"
    );
}

#[tokio::test]
async fn an_instance_that_does_not_start_ends_the_proof() {
    let program = Program::broken();
    let error = prove(options(&program), |_| ()).await.unwrap_err();
    assert!(error.to_string().contains("no key ring"), "{error}");
}

#[tokio::test]
async fn a_farm_of_one_proves_nothing() {
    let program = Program::broken();
    let alone = ProofOptions {
        publish: 1,
        ..options(&program)
    };
    assert!(matches!(
        prove(alone, |_| ()).await,
        Err(LabError::Options(_))
    ));
}
