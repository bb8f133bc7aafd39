//! Users who ask all the time, while something happens to the farm.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

use super::http::Request;
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
    /// Lets the owners of `sessions` ask on `port` for who they are, while `happens` does its work.
    /// Returns how many answers there were, and everything that was none or no good one.
    pub(crate) fn during(
        port: u16,
        sessions: &[String],
        happens: impl FnOnce(&Self),
    ) -> (usize, Vec<String>) {
        let load = Self::default();
        thread::scope(|scope| {
            for part in 0..THREADS {
                let load = &load;
                scope.spawn(move || load.ask(port, sessions, part));
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

    fn ask(&self, port: u16, sessions: &[String], part: usize) {
        for session in sessions.iter().cycle().skip(part) {
            if self.stop.load(Ordering::SeqCst) {
                return;
            }
            match Request::script("/whoami").cookie(session).send(port) {
                Ok(answer) if answer.status == 200 => {}
                Ok(answer) => self.note(format!("{} {}", answer.status, answer.text())),
                Err(error) => self.note(error.to_string()),
            }
            self.answered.fetch_add(1, Ordering::SeqCst);
        }
    }

    fn note(&self, trouble: String) {
        self.troubles.lock().unwrap().push(trouble);
    }
}

struct StopOnDrop<'a>(&'a AtomicBool);

impl Drop for StopOnDrop<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::SeqCst);
    }
}
