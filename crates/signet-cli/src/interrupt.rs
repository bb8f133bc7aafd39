//! What whoever stops a command is told: how things stand, and which command goes on.
//!
//! A command that is stopped in the middle of its work loses nothing, but who pressed Ctrl-C cannot know that. For the time
//! of a step, [`told`] registers what to say. The work itself is not asked: it may be waiting for a disk. A thread waits
//! for the signal, says it, and ends the program as the signal would have done.

use std::fmt;
use std::io;
use std::process;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::thread;

use tokio::runtime::Builder;
use tokio::signal::unix::{Signal, SignalKind, signal};

use crate::failure::Failure;
use crate::output::Output;

/// A constant that `tokio` has as a function.
type Kind = fn() -> SignalKind;

/// The signals that end a command, and what people call them.
const SIGNALS: [(Kind, &str); 3] = [
    (SignalKind::interrupt, "Ctrl-C"),
    (SignalKind::terminate, "SIGTERM"),
    (SignalKind::hangup, "SIGHUP"),
];

/// A step of a command. When it is dropped, what it had to say is forgotten.
#[derive(Debug)]
#[must_use = "what it has to say is forgotten when this is dropped"]
pub(crate) struct Step(u64);

/// From now on, who stops the command is told what `words` make: a sentence that goes on from "stopped by Ctrl-C: ", and
/// a hint with the command to type next. They are made when the signal comes, on a thread of their own, and may tidy up
/// before. Of steps within each other the last is told.
///
/// Not for the time of a question: there Ctrl-C is an answer, and nothing has begun. But from the first step on, a signal
/// outside of one ends the program as well, without a word.
pub(crate) fn told(output: &Output, words: impl FnOnce() -> Failure + Send + 'static) -> Step {
    static WAITS: OnceLock<()> = OnceLock::new();
    let words = Box::new(words);
    let step = steps().begin(*output, words);
    // Without the thread the signal ends the program by itself, and nothing is said.
    WAITS.get_or_init(|| drop(wait()));
    step
}

impl Drop for Step {
    fn drop(&mut self) {
        steps().open.retain(|open| open.number != self.0);
    }
}

/// The steps that a command is in.
#[derive(Debug)]
struct Steps {
    count: u64,
    open: Vec<Open>,
}

type Words = Box<dyn FnOnce() -> Failure + Send>;

struct Open {
    number: u64,
    output: Output,
    words: Words,
}

impl Steps {
    fn begin(&mut self, output: Output, words: Words) -> Step {
        self.count += 1;
        let number = self.count;
        self.open.push(Open {
            number,
            output,
            words,
        });
        Step(number)
    }
}

impl fmt::Debug for Open {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Open")
            .field("number", &self.number)
            .finish_non_exhaustive()
    }
}

fn steps() -> MutexGuard<'static, Steps> {
    static STEPS: Mutex<Steps> = Mutex::new(Steps {
        count: 0,
        open: Vec::new(),
    });
    STEPS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Starts the thread; when this returns, it waits.
fn wait() -> io::Result<()> {
    let (ready, is_ready) = channel();
    thread::Builder::new()
        .name("signals".to_owned())
        .spawn(move || {
            let Ok(runtime) = Builder::new_current_thread().enable_io().build() else {
                return;
            };
            runtime.block_on(async {
                let Ok(stopped) = next(ready).await else {
                    return;
                };
                stop(stopped);
            });
        })?;
    // It says so, or has gone.
    let _ = is_ready.recv();
    Ok(())
}

/// Whoever started the program may have wanted it to outlive a signal, as `nohup` does: that stays so.
async fn next(ready: Sender<()>) -> io::Result<(SignalKind, &'static str)> {
    let ignored = ignored();
    let mut waiting: [Option<Signal>; SIGNALS.len()] = [const { None }; SIGNALS.len()];
    for (slot, (kind, _)) in waiting.iter_mut().zip(SIGNALS) {
        if ignored & bit(kind()) == 0 {
            *slot = Some(signal(kind())?);
        }
    }
    drop(ready);
    let [interrupt, terminate, hangup] = &mut waiting;
    let came = tokio::select! {
        () = one(interrupt) => 0,
        () = one(terminate) => 1,
        () = one(hangup) => 2,
    };
    let (kind, name) = SIGNALS
        .get(came)
        .copied()
        .ok_or(io::ErrorKind::InvalidInput)?;
    Ok((kind(), name))
}

async fn one(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The signals that the program was told to ignore, a bit each. Where the system does not say, that may be a hangup.
fn ignored() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status
        .lines()
        .find_map(|line| line.strip_prefix("SigIgn:"))
        .and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    mask.unwrap_or_else(|| bit(SignalKind::hangup()))
}

fn bit(kind: SignalKind) -> u64 {
    1 << (kind.as_raw_value() - 1)
}

/// Says what is to be said, and ends the program with the status that a shell expects.
fn stop((kind, name): (SignalKind, &str)) {
    // Held to the end: a step that is over just now must not go on to the next.
    let mut steps = steps();
    if let Some(Open { output, words, .. }) = steps.open.pop() {
        let failure = words().after(&format!("stopped by {name}"));
        output.clear_line();
        output.error(&failure.into());
    }
    process::exit(128 + kind.as_raw_value());
}
