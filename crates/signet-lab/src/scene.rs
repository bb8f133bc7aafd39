//! The scenes of the proof, and what each must show.

use serde::Serialize;

use crate::balancer::BalancePolicy;
use crate::load::Tally;
use crate::options::TokenMode;

/// A scene of the proof, in the order in which they are played.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Scene {
    /// Repository tokens behind round robin: the other instance does not know them.
    RepositoryRoundRobin,
    /// Repository tokens behind sticky connections, and one instance is killed.
    RepositorySticky,
    /// Encapsulated tokens behind round robin, and one instance is killed.
    Kill,
    /// Every instance is stopped and started again, one after the other.
    RollingRestart,
    /// A new `hmac` key is made, copied and activated.
    KeyRotation,
}

/// What a scene must show to prove anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Expectation {
    /// Users with a valid token are refused: the weakness that the farm set-up has.
    Refused,
    /// Users lose their session with the instance that held it.
    Lost,
    /// Nobody notices anything.
    Nothing,
}

impl Scene {
    /// All of them, in order.
    pub const ALL: [Self; 5] = [
        Self::RepositoryRoundRobin,
        Self::RepositorySticky,
        Self::Kill,
        Self::RollingRestart,
        Self::KeyRotation,
    ];

    /// The kind of token in this scene.
    #[must_use]
    pub fn token(self) -> TokenMode {
        match self {
            Self::RepositoryRoundRobin | Self::RepositorySticky => TokenMode::Repository,
            Self::Kill | Self::RollingRestart | Self::KeyRotation => TokenMode::Encapsulated,
        }
    }

    /// The balancer's policy in this scene.
    #[must_use]
    pub fn balance(self) -> BalancePolicy {
        match self {
            Self::RepositorySticky => BalancePolicy::Sticky,
            _ => BalancePolicy::RoundRobin,
        }
    }

    /// What happens to the farm while requests flow.
    #[must_use]
    pub fn event(self) -> &'static str {
        match self {
            Self::RepositoryRoundRobin => "nothing",
            Self::RepositorySticky | Self::Kill => "kill -9 of one instance",
            Self::RollingRestart => "rolling restart of all",
            Self::KeyRotation => "hmac rotation",
        }
    }

    /// What it must show.
    #[must_use]
    pub fn expectation(self) -> Expectation {
        match self {
            Self::RepositoryRoundRobin => Expectation::Refused,
            Self::RepositorySticky => Expectation::Lost,
            Self::Kill | Self::RollingRestart | Self::KeyRotation => Expectation::Nothing,
        }
    }
}

/// What was seen in a scene.
#[derive(Debug, Clone, Serialize)]
pub struct Seen {
    /// The scene.
    pub scene: Scene,
    /// The kind of token.
    pub token: TokenMode,
    /// The balancer's policy.
    pub balance: BalancePolicy,
    /// What happened to the farm while requests flowed.
    pub event: &'static str,
    /// Users who were logged in at its start.
    pub users: u64,
    /// Requests that they made.
    pub requests: u64,
    /// Different users whose valid token was refused.
    pub lost: u64,
    /// Answers 401, 403 or 302 to a logged-in user.
    pub refused: u64,
    /// Broken connections and 5xx that reached a user.
    pub failed: u64,
    /// Half of the answers came within this many milliseconds.
    pub p50_ms: Option<f64>,
    /// 99 of 100 answers came within this many milliseconds.
    pub p99_ms: Option<f64>,
    /// How long requests flowed, in seconds.
    pub seconds: f64,
    /// In the key rotation: users whose token was renewed with the new key before its end.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub renewed: Option<u64>,
    /// What it had to show.
    pub expected: Expectation,
    /// Whether it showed that.
    pub holds: bool,
}

impl Seen {
    /// Judges what users met in a scene.
    pub(crate) fn new(
        scene: Scene,
        users: usize,
        tally: &Tally,
        seconds: f64,
        renewed: Option<u64>,
    ) -> Self {
        let millis = |share| {
            let latency = tally.latency.quantile(share)?;
            // Two digits behind the point: the buckets are no finer.
            Some((latency.as_secs_f64() * 1e5).round() / 1e2)
        };
        let unharmed = tally.lost == 0 && tally.refused == 0 && tally.failed == 0;
        let holds = match scene.expectation() {
            Expectation::Refused => tally.refused > 0,
            Expectation::Lost => tally.lost > 0,
            // A rotation after which nobody uses the new key would prove nothing.
            Expectation::Nothing => unharmed && tally.requests > 0 && renewed != Some(0),
        };
        Self {
            scene,
            token: scene.token(),
            balance: scene.balance(),
            event: scene.event(),
            users: users as u64,
            requests: tally.requests,
            lost: tally.lost,
            refused: tally.refused,
            failed: tally.failed,
            p50_ms: millis(0.5),
            p99_ms: millis(0.99),
            seconds: (seconds * 10.0).round() / 10.0,
            renewed,
            expected: scene.expectation(),
            holds,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn holds(
        scene: Scene,
        [requests, lost, refused, failed]: [u64; 4],
        renewed: Option<u64>,
    ) -> bool {
        let tally = Tally {
            requests,
            lost,
            refused,
            failed,
            ..Tally::default()
        };
        Seen::new(scene, 300, &tally, 1.0, renewed).holds
    }

    #[test]
    fn a_weakness_must_show() {
        assert!(holds(Scene::RepositoryRoundRobin, [100, 9, 50, 0], None));
        assert!(!holds(Scene::RepositoryRoundRobin, [100, 0, 0, 0], None));
        assert!(holds(Scene::RepositorySticky, [100, 150, 150, 3], None));
        assert!(!holds(Scene::RepositorySticky, [100, 0, 0, 3], None));
    }

    #[test]
    fn the_other_scenes_allow_nothing() {
        for scene in [Scene::Kill, Scene::RollingRestart] {
            assert!(holds(scene, [100, 0, 0, 0], None));
            assert!(!holds(scene, [100, 1, 1, 0], None));
            assert!(!holds(scene, [100, 0, 1, 0], None));
            assert!(!holds(scene, [100, 0, 0, 1], None));
            assert!(!holds(scene, [0, 0, 0, 0], None));
        }
        assert!(holds(Scene::KeyRotation, [100, 0, 0, 0], Some(300)));
        assert!(!holds(Scene::KeyRotation, [100, 0, 0, 0], Some(0)));
    }
}
