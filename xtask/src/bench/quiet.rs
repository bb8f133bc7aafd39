//! Telling turns apart in which something else wanted the same core.
//!
//! The kernel counts for each thread how long it was ready to run and did not get a core. A turn in which server or load
//! waited for more than a small part of the time is played again, as long as there are turns to spare; after that it
//! counts, and the table says how many such turns it is made of.

use std::time::{Duration, Instant};

use anyhow::Result;

/// What one turn found, and how long the load waited for its core meanwhile.
pub(super) struct Turn<T> {
    pub(super) found: T,
    pub(super) load_waited: Duration,
}

/// Judges the turns of one row.
pub(super) struct Quiet {
    /// The largest part of its time that a quiet turn may have waited.
    most: f64,
    spare: u32,
    disturbed: u32,
}

impl Quiet {
    /// With so many turns to spare.
    pub(super) fn new(most: f64, spare: u32) -> Self {
        Self {
            most,
            spare,
            disturbed: 0,
        }
    }

    /// Plays a turn with the server of this process, again if it was disturbed.
    pub(super) fn turn<T>(
        &mut self,
        server: u32,
        mut play: impl FnMut() -> Result<Turn<T>>,
    ) -> Result<T> {
        loop {
            let waited_before = waited(server);
            let begun = Instant::now();
            let turn = play()?;
            let waited = waited(server).saturating_sub(waited_before) + turn.load_waited;
            if waited <= begun.elapsed().mul_f64(self.most) {
                return Ok(turn.found);
            }
            let Some(spare) = self.spare.checked_sub(1) else {
                self.disturbed += 1;
                return Ok(turn.found);
            };
            self.spare = spare;
        }
    }

    /// How many turns counted although they were disturbed.
    pub(super) fn disturbed(&self) -> u32 {
        self.disturbed
    }
}

/// How long the threads of a process were ready to run and did not get a core, since they started.
pub(super) fn waited(process: u32) -> Duration {
    of_threads(process, 1)
}

/// How long the threads of a process had a core, since they started.
pub(super) fn worked(process: u32) -> Duration {
    of_threads(process, 0)
}

/// The sum of one field of what the scheduler counts for each thread, in nanoseconds.
fn of_threads(process: u32, field: usize) -> Duration {
    let Ok(threads) = std::fs::read_dir(format!("/proc/{process}/task")) else {
        return Duration::ZERO;
    };
    let nanoseconds = threads
        .filter_map(|thread| std::fs::read_to_string(thread.ok()?.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').nth(field)?.parse::<u64>().ok())
        .sum();
    Duration::from_nanos(nanoseconds)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::thread;

    fn turn(found: u32, load_waited: u64) -> Turn<u32> {
        thread::sleep(Duration::from_millis(10));
        Turn {
            found,
            load_waited: Duration::from_millis(load_waited),
        }
    }

    #[test]
    fn a_disturbed_turn_is_played_again_while_there_are_some_to_spare() {
        let mut quiet = Quiet::new(0.5, 2);
        let mut waits = [100, 100, 0, 100].into_iter();
        let mut next = 0;
        let mut play = || {
            next += 1;
            Ok(turn(next, waits.next().unwrap()))
        };
        assert_eq!(quiet.turn(0, &mut play).unwrap(), 3);
        assert_eq!(quiet.disturbed(), 0);
        assert_eq!(quiet.turn(0, &mut play).unwrap(), 4);
        assert_eq!(quiet.disturbed(), 1);
    }
}
