//! Waiting for something to become true, without guessing how long it takes.

use std::thread::sleep;
use std::time::{Duration, Instant};

/// Far longer than anything takes; only a failing test waits for it.
const PATIENCE: Duration = Duration::from_secs(40);

/// Asks again and again until `look` finds something.
///
/// # Panics
/// When it never does.
pub(crate) fn until<T>(what: &str, look: impl FnMut() -> Option<T>) -> T {
    until_within(PATIENCE, what, look)
}

/// The same, with the patience that this takes.
///
/// # Panics
/// When it never does.
pub(crate) fn until_within<T>(
    patience: Duration,
    what: &str,
    mut look: impl FnMut() -> Option<T>,
) -> T {
    let end = Instant::now() + patience;
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(Instant::now() < end, "never happened: {what}");
        sleep(Duration::from_millis(20));
    }
}
