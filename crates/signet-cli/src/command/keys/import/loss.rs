//! What a bundle costs that leaves a ring without an active key.

use signet_bundle::EmptiedRing;
use signet_core::{KeyId, KeyState, RingName};

use crate::command::keys::consequence::Consequence;
use crate::context::Context;
use crate::place::Place;

/// What is lost, each in a line.
pub(super) async fn lines(context: &Context, place: &Place, rings: &[EmptiedRing]) -> Vec<String> {
    let mut lines = Vec::new();
    for emptied in rings {
        lines.push(idle(emptied.ring).to_owned());
        for (id, state) in &emptied.keys {
            if *state == KeyState::Revoked {
                let sentence = revoked(context, place, emptied.ring, *id).await;
                lines.push(format!("Revoking {id}:"));
                lines.extend(sentence.lines().map(|line| format!("  {line}")));
            }
        }
    }
    lines
}

const fn idle(ring: RingName) -> &'static str {
    match ring {
        RingName::Master => "No secret can be sealed here until the master ring has an active key.",
        _ => "Nobody can log in here until the hmac ring has an active key.",
    }
}

async fn revoked(context: &Context, place: &Place, ring: RingName, id: KeyId) -> String {
    // That it cannot be counted must not keep a stolen key alive.
    match Consequence::of(context, place, ring, id).await {
        Ok(consequence) => consequence.sentence(),
        Err(_) if ring == RingName::Master => "What it sealed does not open any more.".to_owned(),
        Err(_) => "Everybody whose token it made is logged out.".to_owned(),
    }
}
