//! A valid token that was changed in any way is refused: bytes replaced, cut off or added.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use signet_core::Scratch;
use signet_fuzz::{Farm, NOW};

static FARM: LazyLock<Farm> = LazyLock::new(Farm::new);
static TOKENS: LazyLock<[String; 2]> = LazyLock::new(|| FARM.valid_tokens());

/// Each three bytes of input are one edit: what to do, where, with which byte.
const EDIT: usize = 3;

fuzz_target!(|data: &[u8]| {
    let mut scratch = Scratch::default();
    for token in TOKENS.iter() {
        let mut tampered = token.clone().into_bytes();
        data.chunks_exact(EDIT)
            .for_each(|edit| change(&mut tampered, edit));
        let verdict = FARM.verifier().verify(&tampered, NOW, &mut scratch);
        assert_eq!(verdict.is_ok(), tampered == token.as_bytes(), "{verdict:?}");
    }
});

fn change(token: &mut Vec<u8>, edit: &[u8]) {
    let &[action, place, byte] = edit else { return };
    // The upper bits of the action reach the places that one byte cannot name.
    let place = usize::from(action >> 2) * 256 + usize::from(place);
    let place = place.checked_rem(token.len() + 1).unwrap_or_default();
    match action & 3 {
        0 => token.insert(place, byte),
        1 if place < token.len() => drop(token.remove(place)),
        2 => token.truncate(place),
        _ => {
            if let Some(old) = token.get_mut(place) {
                *old = byte;
            }
        }
    }
}
