//! What a lab is asked for.

use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;

use serde::Serialize;
use signet_core::UnixSeconds;

use crate::balancer::BalancePolicy;
use crate::error::LabError;
use crate::ports;

/// Which kind of token the farm's instances give out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum TokenMode {
    /// Verified offline by every instance that holds the key.
    #[default]
    Encapsulated,
    /// Stored by the instance that gave it out, and known to no other.
    Repository,
}

impl TokenMode {
    /// The name used on the command line and in JSON.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Encapsulated => "encapsulated",
            Self::Repository => "repository",
        }
    }
}

impl fmt::Display for TokenMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for TokenMode {
    type Err = UnknownTokenMode;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "encapsulated" => Ok(Self::Encapsulated),
            "repository" => Ok(Self::Repository),
            _ => Err(UnknownTokenMode),
        }
    }
}

/// A word that names no kind of token.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("expected `encapsulated` or `repository`")]
pub struct UnknownTokenMode;

/// The loopback ports of a farm; the admin listeners take free ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// The author's.
    pub author: u16,
    /// The first publish instance's; the others follow.
    pub publish: u16,
    /// The balancer's.
    pub balancer: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            author: 4502,
            publish: 4503,
            balancer: 8080,
        }
    }
}

/// What `signet lab` starts.
#[derive(Debug, Clone)]
pub struct LabOptions {
    /// How many publish instances: 1 to 32.
    pub publish: usize,
    /// The kind of token.
    pub token: TokenMode,
    /// The balancer's policy.
    pub balance: BalancePolicy,
    /// Where the instances' data directories go; without one, into a temporary directory that
    /// goes when the lab ends.
    pub data: Option<PathBuf>,
    /// The ports, or `None` for free ones.
    pub ports: Option<Ports>,
    /// The `signet` binary.
    pub program: PathBuf,
    /// The time at which users and keys are made.
    pub now: UnixSeconds,
}

impl LabOptions {
    /// The default farm, with `program` (usually [`std::env::current_exe`]) as its instances.
    #[must_use]
    pub fn new(program: PathBuf, now: UnixSeconds) -> Self {
        Self {
            publish: 2,
            token: TokenMode::default(),
            balance: BalancePolicy::default(),
            data: None,
            ports: Some(Ports::default()),
            program,
            now,
        }
    }

    /// The ports of balancer, author and each publish instance.
    pub(crate) fn assign(&self) -> Result<Assigned, LabError> {
        if !(1..=32).contains(&self.publish) {
            return Err(LabError::Options("a farm has 1 to 32 publish instances"));
        }
        let admins = self.publish + 1;
        let Some(fixed) = self.ports else {
            let mut free = ports::find_free(2 * admins + 1)?.into_iter();
            let mut take = |count| free.by_ref().take(count).collect::<Vec<u16>>();
            let (balancer, author) = (take(1)[0], take(1)[0]);
            return Ok(Assigned {
                balancer,
                author,
                publish: take(self.publish),
                admin: take(admins),
            });
        };
        let publish: Option<Vec<u16>> = (0..self.publish)
            .map(|number| fixed.publish.checked_add(u16::try_from(number).ok()?))
            .collect();
        let publish = publish.ok_or(LabError::Options("the publish ports end above 65535"))?;
        let mut all = publish.clone();
        all.extend([fixed.author, fixed.balancer]);
        all.sort_unstable();
        if all.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err(LabError::Options(
                "author, publish instances and balancer need different ports",
            ));
        }
        // Those that were asked for first: their owner wants to hear which one is taken.
        ports::check_free("the balancer", ports::loopback(fixed.balancer))?;
        ports::check_free("author", ports::loopback(fixed.author))?;
        for (number, port) in (1..).zip(&publish) {
            ports::check_free(&format!("publish-{number}"), ports::loopback(*port))?;
        }
        let mut admin = ports::find_free(admins + all.len())?;
        admin.retain(|port| !all.contains(port));
        admin.truncate(admins);
        Ok(Assigned {
            balancer: fixed.balancer,
            author: fixed.author,
            publish,
            admin,
        })
    }
}

/// The ports a farm uses.
#[derive(Debug)]
pub(crate) struct Assigned {
    pub(crate) balancer: u16,
    pub(crate) author: u16,
    pub(crate) publish: Vec<u16>,
    /// The author's first.
    pub(crate) admin: Vec<u16>,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn options(ports: Option<Ports>) -> LabOptions {
        LabOptions {
            ports,
            ..LabOptions::new("signet".into(), UnixSeconds(0))
        }
    }

    #[test]
    fn free_ports_are_enough_and_distinct() {
        let Assigned {
            balancer,
            author,
            publish,
            admin,
        } = options(None).assign().unwrap();
        let mut all = [vec![balancer, author], publish, admin].concat();
        assert_eq!(all.len(), 7);
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 7);
    }

    #[test]
    fn fixed_ports_are_checked_before_anything_starts() {
        let [author, publish, second, balancer] = <[u16; 4]>::try_from(consecutive(4)).unwrap();
        let assigned = options(Some(Ports {
            author,
            publish,
            balancer,
        }))
        .assign()
        .unwrap();
        assert_eq!(assigned.publish, [publish, second]);
        assert_eq!(assigned.admin.len(), 3);

        let same = Ports {
            author: second,
            publish,
            balancer,
        };
        assert!(matches!(
            options(Some(same)).assign(),
            Err(LabError::Options(_))
        ));

        let _held = std::net::TcpListener::bind(ports::loopback(second)).unwrap();
        let error = options(Some(Ports {
            author,
            publish,
            balancer,
        }))
        .assign()
        .unwrap_err();
        assert_eq!(
            error.to_string(),
            format!("publish-2 cannot listen on port {second}: it is in use")
        );
    }

    /// Free ports in a row, away from where other tests look for theirs.
    fn consecutive(count: u16) -> Vec<u16> {
        (10_000..16_000u16)
            .step_by(usize::from(count))
            .map(|first| (first..first + count).collect::<Vec<u16>>())
            .find(|row| {
                row.iter()
                    .all(|port| ports::check_free("", ports::loopback(*port)).is_ok())
            })
            .unwrap()
    }

    #[test]
    fn words_are_read_back() {
        for mode in [TokenMode::Encapsulated, TokenMode::Repository] {
            assert_eq!(mode.as_str().parse(), Ok(mode));
        }
        for policy in [BalancePolicy::RoundRobin, BalancePolicy::Sticky] {
            assert_eq!(policy.as_str().parse(), Ok(policy));
        }
        assert!("jwt".parse::<TokenMode>().is_err());
    }
}
