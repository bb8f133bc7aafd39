//! What revoking a key will do: how many sessions end, or how many secrets no longer open.

use std::time::Duration;

use serde_json::{Value, json};
use signet_core::{KeyId, RingName, Seconds};
use signet_repository::{Repository, UserPage};
use signet_server::AdminAddress;
use signet_server::secrets::SecretInventory;

use crate::admin;
use crate::context::Context;
use crate::moment;
use crate::place::Place;

/// The instance counts for itself, and answers at once.
const PATIENCE: Duration = Duration::from_secs(5);

/// What will be no more when a key is revoked.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Consequence {
    /// So many sessions were seen with it, about.
    Sessions {
        estimate: u64,
        /// For how long at least one counts after it was seen; at most for twice as long.
        window: Seconds,
    },
    /// Nobody has counted.
    Unknown {
        /// Why not.
        because: &'static str,
        /// How many may log in, and so have sessions.
        users: u64,
    },
    /// So many sealed values name it.
    Secrets { count: u64 },
}

impl Consequence {
    /// Finds out what there is to know. Changes nothing.
    pub(super) async fn of(
        context: &Context,
        place: &Place,
        ring: RingName,
        id: KeyId,
    ) -> anyhow::Result<Self> {
        if ring == RingName::Master {
            return secrets(place, id).await;
        }
        let because = match place.directory().admin() {
            None => "no instance is running on this data",
            Some(address) => match seen(context, address, id).await {
                Some(estimate) => {
                    return Ok(Self::Sessions {
                        estimate,
                        window: place.config().token.inactivity.0,
                    });
                }
                None => "the running instance did not tell",
            },
        };
        let users = place.with_repository(enabled_users).await?;
        Ok(Self::Unknown { because, users })
    }

    /// As the command says it.
    pub(super) fn sentence(&self) -> String {
        match self {
            Self::Sessions { estimate, window } => {
                let twice = moment::span(Seconds(window.0.saturating_mul(2)));
                let window = moment::span(*window);
                let sessions = match estimate {
                    0 => "No session was".to_owned(),
                    1 => "About 1 session was".to_owned(),
                    count => format!("About {count} sessions were"),
                };
                format!(
                    "{sessions} seen with this key within the last {window} to {twice}.\n\
                     (An estimate, off by about 2 percent, of this instance alone: other instances saw others.)"
                )
            }
            Self::Unknown { because, users } => {
                let users = match users {
                    1 => "the 1 user who may".to_owned(),
                    count => format!("the {count} users who may"),
                };
                format!(
                    "How many sessions end cannot be known, because {because}: at most those of {users} log in here."
                )
            }
            Self::Secrets { count: 0 } => "No sealed value names this key.".to_owned(),
            Self::Secrets { count } => {
                let values = match count {
                    1 => "1 sealed value".to_owned(),
                    count => format!("{count} sealed values"),
                };
                format!(
                    "{values} will not open any more. To keep them, first: signet secret reseal"
                )
            }
        }
    }

    /// As a document, and as the audit log has it.
    pub(super) fn document(&self) -> Value {
        match self {
            Self::Sessions { estimate, window } => {
                json!({ "sessions_estimate": estimate, "window_seconds": window.0 })
            }
            Self::Unknown { because, users } => {
                json!({ "sessions_unknown": because, "users": users })
            }
            Self::Secrets { count } => json!({ "sealed_values": count }),
        }
    }
}

/// What the running instance says of `key` among its metrics.
async fn seen(context: &Context, address: AdminAddress, key: KeyId) -> Option<u64> {
    match admin::get(context.data(), address, "/metrics", PATIENCE).await {
        Ok(answer) => estimate(&String::from_utf8_lossy(&answer.body), key),
        Err(error) => {
            context.output.warning(&format!("{error:#}"));
            None
        }
    }
}

/// The gauge of `key` in a document of the OpenMetrics text format.
fn estimate(metrics: &str, key: KeyId) -> Option<u64> {
    let wanted = format!("signet_sessions_seen{{kid=\"{key}\"}} ");
    let line = metrics.lines().find_map(|line| line.strip_prefix(&wanted));
    line?.trim().parse().ok()
}

async fn enabled_users(repository: &Repository) -> anyhow::Result<u64> {
    const PAGE: u32 = 1_000;
    let mut count = 0;
    let mut page = UserPage {
        limit: PAGE,
        ..UserPage::default()
    };
    loop {
        let users = repository.users(&page).await?;
        let Some(last) = users.last() else {
            return Ok(count);
        };
        page.after = Some(last.record.subject.clone());
        count += users.iter().filter(|user| user.record.enabled).count() as u64;
    }
}

async fn secrets(place: &Place, key: KeyId) -> anyhow::Result<Consequence> {
    let count = place
        .with_repository(async |repository| {
            let inventory = SecretInventory::of(place.directory(), repository)?;
            Ok(inventory.count().await?.sealed_with(key))
        })
        .await?;
    Ok(Consequence::Secrets { count })
}

#[cfg(test)]
mod tests {
    use signet_core::KeyMaterial;

    use super::*;

    #[test]
    fn the_gauge_of_the_key_is_found() {
        let key = |bits| KeyMaterial::new([bits; 32]).id(RingName::Hmac);
        let metrics = format!(
            "# TYPE signet_sessions_seen gauge\nsignet_sessions_seen{{kid=\"{}\"}} 3\nsignet_sessions_seen{{kid=\"{}\"}} 1204\n# EOF\n",
            key(1),
            key(2)
        );
        assert_eq!(estimate(&metrics, key(2)), Some(1_204));
        assert_eq!(estimate(&metrics, key(3)), None);
    }

    #[test]
    fn a_consequence_is_told_as_what_it_is() {
        let window = Seconds(1_800);
        let told = Consequence::Sessions {
            estimate: 1_204,
            window,
        };
        let told = told.sentence();
        assert!(
            told.starts_with("About 1204 sessions were seen with this key within the last 30m to 1h.\n(An estimate"),
            "{told}"
        );
        let unknown = Consequence::Unknown {
            because: "no instance is running on this data",
            users: 12,
        };
        assert_eq!(
            unknown.sentence(),
            "How many sessions end cannot be known, because no instance is running on this data: at most those of the 12 users who may log in here."
        );
    }
}
