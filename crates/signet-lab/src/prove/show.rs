//! A scene under way: its users at work, and the time since they began.

use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::ProofOptions;
use crate::error::LabError;
use crate::farm::Farm;
use crate::load::{Load, User};
use crate::scene::{Scene, Seen};

/// The users of a scene at work.
pub(super) struct Show {
    scene: Scene,
    users: usize,
    load: Load,
    flow: u64,
    opened: Instant,
}

impl Show {
    pub(super) fn open(scene: Scene, users: Vec<User>, options: &ProofOptions) -> Self {
        let count = users.len();
        Self {
            scene,
            users: count,
            load: Load::start(users, options.pace),
            flow: options.flow,
            opened: Instant::now(),
        }
    }

    /// Lets some requests flow.
    pub(super) async fn flow(&self) {
        self.load.flow(self.flow).await;
    }

    /// Lets some requests flow, for `time` at least.
    pub(super) async fn flow_for(&self, time: Duration) {
        tokio::join!(self.flow(), sleep(time));
    }

    /// Ends the scene, in which no instance may have ended but by the scene itself.
    /// `renewed` counts the users whose token it was to renew.
    pub(super) async fn close(
        self,
        farm: &mut Farm,
        renewed: impl FnOnce(&[User]) -> Option<u64>,
    ) -> Result<(Vec<User>, Seen), LabError> {
        let (users, tally) = self.load.stop().await?;
        farm.all_alive()?;
        let seconds = self.opened.elapsed().as_secs_f64();
        let seen = Seen::new(self.scene, self.users, &tally, seconds, renewed(&users));
        Ok((users, seen))
    }
}
