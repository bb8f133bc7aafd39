//! The proof: five scenes with real processes, real HTTP and hundreds of users.

mod show;
mod stage;
#[cfg(test)]
mod tests;
mod token;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use signet_core::UnixSeconds;
use tokio::time::Instant;

use self::stage::Stage;
use crate::error::LabError;
use crate::load::Pace;
use crate::scene::{Scene, Seen};

/// What `signet lab --prove` plays with.
#[derive(Debug, Clone)]
pub struct ProofOptions {
    /// How many publish instances: 2 to 32.
    pub publish: usize,
    /// How many users are logged in.
    pub users: usize,
    /// How eagerly they work.
    pub pace: Pace,
    /// Requests that flow before and after each thing that happens to the farm.
    pub flow: u64,
    /// How long a killed instance stays dead at least.
    pub dead: Duration,
    /// The least time between two tokens of one session (`token.renewal_interval`), in whole
    /// seconds: short, so that a proof of a minute sees many renewals.
    pub renewal_interval: Duration,
    /// The `signet` binary.
    pub program: PathBuf,
    /// The time at which users and keys are made.
    pub now: UnixSeconds,
}

impl ProofOptions {
    /// 300 users on two publish instances, which are processes of `program` (usually
    /// [`std::env::current_exe`]).
    #[must_use]
    pub fn new(program: PathBuf, now: UnixSeconds) -> Self {
        Self {
            publish: 2,
            users: 300,
            pace: Pace::default(),
            flow: 2_000,
            dead: Duration::from_secs(2),
            renewal_interval: Duration::from_secs(3),
            program,
            now,
        }
    }
}

/// How far the proof is.
#[derive(Debug, Clone, Copy)]
pub struct Progress<'a> {
    /// What is being done.
    pub step: &'a str,
    /// Units of work that are done.
    pub done: u64,
    /// All units of work.
    pub total: u64,
}

/// What the scenes showed.
#[derive(Debug, Clone, Serialize)]
pub struct Proof {
    /// Publish instances behind the balancer.
    pub publish: usize,
    /// Logged-in users.
    pub users: usize,
    /// The scenes, in the order in which they were played.
    pub scenes: Vec<Seen>,
    /// Duration of the whole, in seconds.
    pub seconds: f64,
    /// Whether every scene showed what it had to.
    pub holds: bool,
}

impl Proof {
    /// Whether every scene showed what it had to: the weaknesses of the other set-ups, and none
    /// of this one.
    #[must_use]
    pub fn holds(&self) -> bool {
        self.holds
    }
}

/// Plays all scenes on free ports and in temporary directories, so that it can run beside a lab.
///
/// # Errors
/// Any [`LabError`] that keeps a scene from being played.
/// Users that are lost or refused are no error but the proof's content.
pub async fn prove(
    options: ProofOptions,
    mut progress: impl FnMut(Progress<'_>),
) -> Result<Proof, LabError> {
    if options.publish < 2 {
        return Err(LabError::Options(
            "the proof needs two publish instances or more",
        ));
    }
    if options.users == 0 {
        return Err(LabError::Options("the proof needs users"));
    }
    let started = Instant::now();
    let mut scenes = Vec::new();

    let mut stage = Stage::new(&options, &mut progress)?;
    let mut farm = stage.farm(Scene::RepositoryRoundRobin).await?;
    scenes.push(stage.strangers(&mut farm).await?);
    scenes.push(stage.lost_with_the_instance(&mut farm).await?);
    stage.end(farm).await?;

    let mut farm = stage.farm(Scene::Kill).await?;
    let users = stage.log_in(Scene::Kill, &farm).await?;
    let (users, seen) = stage.kill(&mut farm, users).await?;
    scenes.push(seen);
    let (users, seen) = stage.rolling_restart(&mut farm, users).await?;
    scenes.push(seen);
    scenes.push(stage.key_rotation(&mut farm, users).await?);
    stage.end(farm).await?;

    Ok(Proof {
        publish: options.publish,
        users: options.users,
        holds: scenes.iter().all(|seen| seen.holds),
        scenes,
        seconds: (started.elapsed().as_secs_f64() * 10.0).round() / 10.0,
    })
}
