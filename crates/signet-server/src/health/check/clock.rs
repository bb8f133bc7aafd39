//! Whether the time can be right: it must not jump, nor be before what it already made.

use signet_core::{Seconds, UnixSeconds};

use super::age;
use crate::health::{Checked, Finding, Ground, HealthCheck};
use crate::instance::Direction;

/// 2025-01-01: no machine that runs this is older.
const EARLIEST: UnixSeconds = UnixSeconds(1_735_689_600);
/// How long a jump is worth a word.
const RECENT: Seconds = Seconds(600);

const MEND: &str = "is the time kept by NTP? `timedatectl`, `chronyc tracking`";

pub(super) struct ClockSense;

impl HealthCheck for ClockSense {
    fn name(&self) -> &'static str {
        "clock"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["clock", "system"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground).await) })
    }
}

async fn look(ground: &Ground) -> Vec<Finding> {
    let now = ground.now();
    let mut findings = Vec::new();
    if now < EARLIEST {
        findings.push(
            Finding::critical("CLOCK_UNSET", "the clock says that it is before 2025")
                .causes("tokens of other instances are refused as from the future")
                .mend(MEND),
        );
    }
    let skew = ground.config().token.skew.0;
    let newest = ground
        .keys()
        .await
        .all()
        .into_values()
        .map(|key| {
            (
                key.activated.unwrap_or(key.created).max(key.created),
                key.id,
            )
        })
        .max();
    if let Some((made, key)) = newest
        && made > now
    {
        findings.push(behind(
            made.since(now),
            skew,
            &format!("key {key} was made"),
        ));
    }
    if let Ok(repository) = ground.repository().await
        && let Ok(floor) = repository.floor().await
        && floor > now
    {
        let ahead = age(floor.since(now));
        findings.push(
            Finding::warn(
                "CLOCK_WAS_AHEAD",
                format!("the clock was ahead of what it says now by at least {ahead}: ended sessions were tidied away up to then"),
            )
            .causes(format!("sessions that end within {ahead} are refused"))
            .mend(MEND),
        );
    }
    if let Some(instance) = ground.instance()
        && let Some(jump) = instance.state.last_jump()
        && now.since(jump.at) <= RECENT
    {
        let (cause, effect) = match jump.direction {
            Direction::Back => (
                format!(
                    "the clock went back by {} ({} ago)",
                    age(jump.by),
                    age(now.since(jump.at))
                ),
                "tokens made shortly before are refused as from the future until it is that time again",
            ),
            Direction::Ahead => (
                format!(
                    "the clock jumped ahead by {} ({} ago)",
                    age(jump.by),
                    age(now.since(jump.at))
                ),
                "after a pause of the machine that is right; else tokens expire early",
            ),
        };
        findings.push(
            Finding::warn("CLOCK_JUMPED", cause)
                .causes(effect)
                .mend(MEND),
        );
    }
    if findings.is_empty() {
        findings.push(Finding::good(
            "the clock says nothing that contradicts the keys",
        ));
    }
    findings
}

/// O3: more than half of what is tolerated is a warning, more than all of it is too much.
fn behind(by: Seconds, skew: Seconds, what: &str) -> Finding {
    let cause = format!("{what} {} after what the clock says now", age(by));
    let finding = match by > skew {
        true => Finding::critical("CLOCK_BEHIND", cause)
            .causes("the clock is behind, or was ahead then: tokens of other instances are refused as from the future"),
        false if by.0 * 2 > skew.0 => Finding::warn("CLOCK_BEHIND", cause)
            .causes("more than half of token.skew is used up; beyond it tokens of other instances are refused as from the future"),
        false => return Finding::good(cause),
    };
    finding.mend(MEND)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    // O3
    #[test]
    fn half_of_the_skew_is_a_warning_and_all_of_it_too_much() {
        let skew = Seconds(60);
        for (by, status) in [
            (30, Status::Ok),
            (31, Status::Warn),
            (60, Status::Warn),
            (61, Status::Critical),
        ] {
            let finding = behind(Seconds(by), skew, "a key was made");
            assert_eq!(finding.status, status, "{by}");
        }
        assert_eq!(
            behind(Seconds(7_200), skew, "a key was made").cause,
            "a key was made 2 hours after what the clock says now"
        );
    }
}
