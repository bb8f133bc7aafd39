//! One command, killed at each of its steps.

use std::collections::{BTreeSet, HashSet};
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use signet_core::KeyId;

use crate::installation::{Given, Installation, copy, run, scratch, signet};
use crate::left::{Left, left_in};
use crate::shim::{Run, Watched};
use crate::state::State;
use crate::step::{How, Step};

/// What a command works on, and what there is to lose.
pub(crate) trait Stake: Sync {
    /// What is found there.
    type Holdings;

    /// The directory that is copied.
    fn root(&self) -> &Path;

    /// What the copy at `root` holds, if nothing is lost there but what was `given`, and it can be used.
    ///
    /// # Errors
    /// What is lost.
    fn unharmed_in(&self, root: &Path, given: Given<'_>) -> Result<Self::Holdings, String>;

    /// Whether changes of it are recorded.
    fn has_log(&self) -> bool {
        false
    }

    /// Whether the log at `root` tells of what `signet WORDS…` did there, or that it was interrupted.
    ///
    /// # Errors
    /// Nothing tells of it, or the log is broken.
    fn tells(&self, _root: &Path, _words: &[&str]) -> Result<(), String> {
        Ok(())
    }
}

type Check<'t, H> = dyn Fn(&Path, &H) -> Result<(), String> + Sync + 't;

type Before<'t> = dyn Fn(&Watched) + Sync + 't;

/// A command on an installation, and how it is seen that it is done.
pub(crate) struct Trial<'t, S: Stake = Installation> {
    stake: &'t S,
    words: Vec<&'t str>,
    given: Given<'t>,
    refuses_twice: bool,
    before: Option<Box<Before<'t>>>,
    completed_by: Option<Vec<&'t str>>,
    finished: Box<Check<'t, S::Holdings>>,
    /// What was tried already.
    left: Mutex<HashSet<(Left, bool)>>,
}

/// One crash.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Crash {
    pub(crate) at: usize,
    pub(crate) how: How,
}

impl<'t, S: Stake> Trial<'t, S> {
    /// `signet WORDS…`; `finished` says of a copy of the installation and what it holds whether all is done.
    pub(crate) fn new(
        stake: &'t S,
        words: &[&'t str],
        finished: impl Fn(&Path, &S::Holdings) -> Result<(), String> + Sync + 't,
    ) -> Self {
        Self {
            stake,
            words: words.to_vec(),
            given: Given::default(),
            refuses_twice: false,
            before: None,
            completed_by: None,
            finished: Box::new(finished),
            left: Mutex::default(),
        }
    }

    /// What happens on each copy before the command; it is not killed.
    pub(crate) fn after(mut self, before: impl Fn(&Watched) + Sync + 't) -> Self {
        self.before = Some(Box::new(before));
        self
    }

    /// When the command says that an earlier run was cut short, `signet WORDS…` completes that.
    pub(crate) fn completed_by(mut self, words: &[&'t str]) -> Self {
        self.completed_by = Some(words.to_vec());
        self
    }

    /// The command refuses when all is done already.
    pub(crate) fn refuses_twice(mut self) -> Self {
        self.refuses_twice = true;
        self
    }

    /// A key that the command removes.
    pub(crate) fn removes(mut self, key: KeyId) -> Self {
        self.given.removed = Some(key);
        self
    }

    /// A key that the command revokes although it made tokens.
    pub(crate) fn revokes(mut self, key: KeyId) -> Self {
        self.given.revoked = Some(key);
        self
    }

    /// The place whose secret the command seals.
    pub(crate) fn seals(mut self, place: &'t str) -> Self {
        self.given.sealed = Some(place);
        self
    }

    /// Runs it unharmed, and then with every crash there is; prints how many there were.
    ///
    /// # Panics
    /// When something is lost or the work cannot be finished, with all such crashes.
    pub(crate) fn run(self, name: &str) {
        let steps = self.unharmed();
        let crashes = crashes(&steps);
        let failures = each(&crashes, |crash| self.one(crash));
        let list = write_list(name, &listed(&steps, &crashes));
        let complaints: Vec<String> = failures
            .iter()
            .map(|(crash, why)| format!("{} {}: {why}", crash.how.as_str(), steps[crash.at - 1]))
            .collect();
        assert!(
            complaints.is_empty(),
            "signet {name}: {} of {} crashes did harm:\n{}",
            complaints.len(),
            crashes.len(),
            complaints.join("\n"),
        );
        say(&summary(name, &steps, &crashes, &list));
    }

    /// The steps of the command when nothing happens to it.
    fn unharmed(&self) -> Vec<Step> {
        let (_scratch, watched) = self.copy();
        let run = watched.run(self.command(&watched));
        assert!(run.output.status.success(), "{:?}: {run:?}", self.words);
        let root = watched.root();
        let after = self.stake.unharmed_in(&root, self.given).unwrap();
        (self.finished)(&root, &after).unwrap();
        assert!(run.steps.len() > 1, "{:?} changed nothing", self.words);
        run.steps
    }

    fn one(&self, crash: Crash) -> Result<(), String> {
        let (_scratch, watched) = self.copy();
        let root = watched.root();
        let killed = watched.kill(self.command(&watched), crash.at, crash.how);
        let is_there = match crash.how {
            // The shim goes on to the next write, where threads came in another order than before.
            How::Torn => killed.steps.len() >= crash.at,
            How::Before | How::Lost | How::Hollow => killed.steps.len() == crash.at,
        };
        if !killed.was_killed() || !is_there {
            return Err(format!("it was not killed there: {}", described(&killed)));
        }
        let holdings = |when: &str| {
            let holdings = self.stake.unharmed_in(&root, self.given);
            holdings.map_err(|why| format!("{when}: {why}"))
        };
        let finished = |holdings: &S::Holdings, when: &str| {
            (self.finished)(&root, holdings).map_err(|why| format!("{when}: {why}"))
        };
        // Two that left the same cannot be told apart by whoever comes next, so the first is tried.
        let is_end = killed.steps.last().is_some_and(Step::is_end);
        if !self.left.lock().unwrap().insert((left_in(&root), is_end)) {
            return Ok(());
        }
        let left = holdings("after the crash")?;
        // What a command has said to be done stays done, even if the power goes then.
        if is_end {
            finished(&left, "after the end")?;
            return self.tells(&root, "after the end");
        }
        // Whoever comes next hears of it, whether or not that is the same command.
        let is_asked = self.refuses_twice || self.stake.has_log();
        let is_finished = is_asked && (self.finished)(&root, &left).is_ok();
        if is_finished {
            self.tells(&root, "after the crash")?;
        }
        if self.refuses_twice && is_finished {
            return Ok(());
        }
        self.again(&root)
            .map_err(|why| format!("it cannot be finished: {why}"))?;
        finished(&holdings("after the second run")?, "after the second run")?;
        self.tells(&root, "after the second run")
    }

    fn tells(&self, root: &Path, when: &str) -> Result<(), String> {
        let told = self.stake.tells(root, &self.words);
        told.map_err(|why| format!("{when}: {why}"))
    }

    /// The same command once more, or the one that it names.
    fn again(&self, root: &Path) -> Result<(), String> {
        let refused = match (run(root, &self.words, ""), &self.completed_by) {
            (Err(refused), Some(_)) if !refused.contains("cut short") => return Err(refused),
            (Err(_), Some(words)) => run(root, words, ""),
            (done, _) => done,
        };
        refused.map(|_| ())
    }

    fn command(&self, watched: &Watched) -> Command {
        signet(&watched.root(), &self.words)
    }

    fn copy(&self) -> (tempfile::TempDir, Watched) {
        let scratch = scratch();
        let watched = Watched::new(scratch.path());
        copy(self.stake.root(), &watched.root());
        if let Some(before) = &self.before {
            before(&watched);
        }
        (scratch, watched)
    }
}

/// Tries all of them, as many at once as there are processors; those that did harm, in order.
pub(crate) fn each<T: Copy + Send + Sync>(
    all: &[T],
    one: impl Fn(T) -> Result<(), String> + Sync,
) -> Vec<(T, String)> {
    let next = AtomicUsize::new(0);
    let failures = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
            scope.spawn(|| {
                loop {
                    let place = next.fetch_add(1, Ordering::Relaxed);
                    let Some(this) = all.get(place) else { break };
                    if let Err(why) = one(*this) {
                        failures.lock().unwrap().push((place, *this, why));
                    }
                }
            });
        }
    });
    let mut failures = failures.into_inner().unwrap();
    failures.sort_by_key(|(place, ..)| *place);
    let failures = failures.into_iter();
    failures.map(|(_, this, why)| (this, why)).collect()
}

/// Every crash that makes a difference; but of the pages of the database only one in so many is torn.
const TORN_PAGE: usize = 4;

pub(crate) fn crashes(steps: &[Step]) -> Vec<Crash> {
    let mut crashes = Vec::new();
    let (mut state, mut seen, mut pages) = (State::default(), BTreeSet::new(), 0);
    for step in steps {
        for how in step.ways(&state, &mut seen) {
            if how == How::Torn && step.is_page() {
                pages += 1;
                if pages % TORN_PAGE != 1 {
                    continue;
                }
            }
            let at = step.number;
            crashes.push(Crash { at, how });
        }
        state.follow(step);
    }
    crashes
}

pub(crate) fn described(run: &Run) -> String {
    let said = String::from_utf8_lossy(&run.output.stderr);
    format!(
        "{} after {} steps: {said}",
        run.output.status,
        run.steps.len()
    )
}

/// Every step, and every crash at it.
pub(crate) fn listed(steps: &[Step], crashes: &[Crash]) -> String {
    let mut text = String::new();
    for step in steps {
        let ways = crashes.iter().filter(|crash| crash.at == step.number);
        let ways: Vec<&str> = ways.map(|crash| crash.how.as_str()).collect();
        let ways = match ways.as_slice() {
            [] => "as before another step".to_owned(),
            ways => ways.join(", "),
        };
        writeln!(text, "{step}  ({ways})").unwrap();
    }
    text
}

/// Where it is written what was tried with a command.
pub(crate) fn write_list(name: &str, text: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash");
    fs::create_dir_all(&directory).unwrap();
    let file: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let path = directory.join(format!("{file}.txt"));
    fs::write(&path, format!("signet {name}\n\n{text}")).unwrap();
    path
}

fn summary(name: &str, steps: &[Step], crashes: &[Crash], list: &Path) -> String {
    let count = |how: How| crashes.iter().filter(|crash| crash.how == how).count();
    format!(
        "signet {name}: {} steps, {} crashes ({} before a step, {} torn writes, {} losses of power), all recovered; {}",
        steps.len(),
        crashes.len(),
        count(How::Before),
        count(How::Torn),
        count(How::Lost) + count(How::Hollow),
        list.display(),
    )
}

/// Past the capture of the tests' output: the counts are worth reading when all is well.
pub(crate) fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
