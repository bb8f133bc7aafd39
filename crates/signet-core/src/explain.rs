//! The verdict again, step by step, for people: `signet token explain` and the session page.

use crate::token::{self, Scratch};
use crate::verdict::check_issuer;
use crate::{Claims, Denied, Issuer, Profile, UnixSeconds, Verifier};

/// One of the checks a verdict consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepKind {
    /// The header is that of a key held here, and the MAC is right.
    Mac,
    /// The claims are complete and well-formed.
    Claims,
    /// Farm and zone are ours.
    Origin,
    /// Neither from the future nor expired.
    Time,
    /// The session was not ended.
    Marks,
    /// The user exists, is enabled, and the generation is current.
    User,
}

/// How one check went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Which check.
    pub kind: StepKind,
    /// What it found.
    pub outcome: Result<(), Denied>,
}

/// Runs every check on `token` that can be run and calls `report` with the steps, and with the claims once the MAC was right.
///
/// Unlike [`Verifier::verify`] it goes on after a refusal, so that all that is wrong is seen at once.
pub fn explain<R>(
    verifier: &Verifier<'_>,
    token: &[u8],
    now: UnixSeconds,
    report: impl FnOnce(&[Step], Option<(&Claims<'_>, Profile)>) -> R,
) -> R {
    let mut scratch = Scratch::default();
    let opened = match token::open(token, verifier.keys, &mut scratch) {
        Ok(opened) => opened,
        Err(denied) => {
            return report(
                &[Step {
                    kind: StepKind::Mac,
                    outcome: Err(denied),
                }],
                None,
            );
        }
    };
    let mut steps = vec![Step {
        kind: StepKind::Mac,
        outcome: Ok(()),
    }];
    let Ok(claims) = Claims::parse(opened.payload) else {
        steps.push(Step {
            kind: StepKind::Claims,
            outcome: Err(Denied::ClaimsInvalid),
        });
        return report(&steps, None);
    };
    let profile = Profile::Encapsulated {
        format: opened.format,
        key: opened.key.id,
    };
    steps.push(Step {
        kind: StepKind::Claims,
        outcome: Ok(()),
    });
    steps.extend(judge(verifier, &claims, profile, &opened.key.farm, now));
    report(&steps, Some((&claims, profile)))
}

fn judge(
    verifier: &Verifier<'_>,
    claims: &Claims<'_>,
    profile: Profile,
    farm: &Issuer,
    now: UnixSeconds,
) -> [Step; 4] {
    [
        (
            StepKind::Origin,
            check_issuer(claims, farm).and_then(|()| verifier.check_zone(claims)),
        ),
        (StepKind::Time, verifier.check_time(claims, now)),
        (
            StepKind::Marks,
            verifier.marks.check(claims, verifier.policy.skew),
        ),
        (
            StepKind::User,
            verifier.check_user(claims, profile).map(|_| ()),
        ),
    ]
    .map(|(kind, outcome)| Step { kind, outcome })
}
