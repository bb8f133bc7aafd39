//! Users who ask all the time, while something happens to the farm.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::http::{Answer, Request};
use super::wait::until;

const THREADS: usize = 4;

/// What the users met.
#[derive(Debug, Default)]
pub(crate) struct Load {
    answered: AtomicUsize,
    /// Everything that was no 200.
    troubles: Mutex<Vec<String>>,
    stop: AtomicBool,
}

impl Load {
    /// Lets the owners of `sessions` ask on `port` for who they are, each time on a connection of its own, while `happens`
    /// does its work. Returns how many answers there were, and everything that was none or no good one.
    pub(crate) fn during(
        port: u16,
        sessions: &[String],
        happens: impl FnOnce(&Self),
    ) -> (usize, Vec<String>) {
        let ask = |load: &Self, part: usize| {
            let mut sessions = sessions.iter().cycle().skip(part);
            while let Some(session) = sessions.next().filter(|_| load.goes_on()) {
                load.note(Request::script("/whoami").cookie(session).send(port));
            }
        };
        Self::of(THREADS, ask, happens)
    }

    /// The same with this many users who each do `ask` once, which ends when the load does.
    pub(crate) fn of(
        users: usize,
        ask: impl Fn(&Self, usize) + Sync,
        happens: impl FnOnce(&Self),
    ) -> (usize, Vec<String>) {
        let load = Self::default();
        thread::scope(|scope| {
            for part in 0..users {
                let (load, ask) = (&load, &ask);
                scope.spawn(move || ask(load, part));
            }
            // However it ends, the users must.
            let _stop = StopOnDrop(&load.stop);
            happens(&load);
        });
        let troubles = load.troubles.into_inner().unwrap();
        (load.answered.into_inner(), troubles)
    }

    /// Waits until so many more questions were answered.
    pub(crate) fn until_answered(&self, more: usize) {
        let enough = self.answered.load(Ordering::SeqCst) + more;
        until("enough answers", || {
            (self.answered.load(Ordering::SeqCst) >= enough).then_some(())
        });
    }

    /// Whether the users go on.
    pub(crate) fn goes_on(&self) -> bool {
        !self.stop.load(Ordering::SeqCst)
    }

    /// Counts an answer; the good one comes back.
    pub(crate) fn note(&self, answer: io::Result<Answer>) -> Option<Answer> {
        let trouble = match answer {
            Ok(answer) if answer.status == 200 => {
                self.answered.fetch_add(1, Ordering::SeqCst);
                return Some(answer);
            }
            Ok(answer) => format!("{} {}", answer.status, answer.text()),
            Err(error) => error.to_string(),
        };
        self.troubles.lock().unwrap().push(trouble);
        self.answered.fetch_add(1, Ordering::SeqCst);
        None
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
