//! One command, killed at each of its steps.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::io::{self, Write as _};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use signet_core::KeyId;

use crate::holdings::Holdings;
use crate::installation::{Given, Installation, run, scratch, signet};
use crate::shim::{Run, Watched};
use crate::state::State;
use crate::step::{How, Step};

type Check<'t> = dyn Fn(&Path, &Holdings) -> Result<(), String> + Sync + 't;

/// A command on an installation, and how it is seen that it is done.
pub(crate) struct Trial<'t> {
    installation: &'t Installation,
    words: Vec<&'t str>,
    given: Given<'t>,
    refuses_twice: bool,
    finished: Box<Check<'t>>,
}

/// One crash.
#[derive(Clone, Copy, Debug)]
struct Crash {
    at: usize,
    how: How,
}

impl<'t> Trial<'t> {
    /// `signet WORDS…`; `finished` says of a copy of the installation and what it holds whether all is done.
    pub(crate) fn new(
        installation: &'t Installation,
        words: &[&'t str],
        finished: impl Fn(&Path, &Holdings) -> Result<(), String> + Sync + 't,
    ) -> Self {
        Self {
            installation,
            words: words.to_vec(),
            given: Given::default(),
            refuses_twice: false,
            finished: Box::new(finished),
        }
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
        let failures = self.each(&crashes);
        let list = write_list(name, &steps, &crashes);
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
        let after = self.installation.unharmed_in(&root, self.given).unwrap();
        (self.finished)(&root, &after).unwrap();
        assert!(run.steps.len() > 1, "{:?} changed nothing", self.words);
        run.steps
    }

    /// As many at once as there are processors.
    fn each(&self, crashes: &[Crash]) -> Vec<(Crash, String)> {
        let next = AtomicUsize::new(0);
        let failures = Mutex::new(Vec::new());
        thread::scope(|scope| {
            for _ in 0..thread::available_parallelism().map_or(2, usize::from) {
                scope.spawn(|| {
                    while let Some(crash) = crashes.get(next.fetch_add(1, Ordering::Relaxed)) {
                        if let Err(why) = self.one(*crash) {
                            failures.lock().unwrap().push((*crash, why));
                        }
                    }
                });
            }
        });
        let mut failures = failures.into_inner().unwrap();
        failures.sort_by_key(|(crash, _)| crash.at);
        failures
    }

    fn one(&self, crash: Crash) -> Result<(), String> {
        let (_scratch, watched) = self.copy();
        let root = watched.root();
        let killed = watched.kill(self.command(&watched), crash.at, crash.how);
        if !killed.was_killed() || killed.steps.len() != crash.at {
            return Err(format!("it was not killed there: {}", described(&killed)));
        }
        let holdings = |when: &str| {
            let holdings = self.installation.unharmed_in(&root, self.given);
            holdings.map_err(|why| format!("{when}: {why}"))
        };
        let finished = |holdings: &Holdings, when: &str| {
            (self.finished)(&root, holdings).map_err(|why| format!("{when}: {why}"))
        };
        let left = holdings("after the crash")?;
        // What a command has said to be done stays done, even if the power goes then.
        if killed.steps.last().is_some_and(Step::is_end) {
            return finished(&left, "after the end");
        }
        if self.refuses_twice && (self.finished)(&root, &left).is_ok() {
            return Ok(());
        }
        run(&root, &self.words, "").map_err(|why| format!("it cannot be finished: {why}"))?;
        finished(&holdings("after the second run")?, "after the second run")
    }

    fn command(&self, watched: &Watched) -> Command {
        signet(&watched.root(), &self.words)
    }

    fn copy(&self) -> (tempfile::TempDir, Watched) {
        let scratch = scratch();
        let watched = Watched::new(scratch.path());
        self.installation.copy_to(&watched.root());
        (scratch, watched)
    }
}

/// Every crash that makes a difference; but of the pages of the database only one in so many is torn.
const TORN_PAGE: usize = 4;

fn crashes(steps: &[Step]) -> Vec<Crash> {
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

fn described(run: &Run) -> String {
    let said = String::from_utf8_lossy(&run.output.stderr);
    format!(
        "{} after {} steps: {said}",
        run.output.status,
        run.steps.len()
    )
}

/// Every step, and every crash at it.
fn write_list(name: &str, steps: &[Step], crashes: &[Crash]) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash");
    fs::create_dir_all(&directory).unwrap();
    let mut text = format!("signet {name}\n\n");
    for step in steps {
        let ways = crashes.iter().filter(|crash| crash.at == step.number);
        let ways: Vec<&str> = ways.map(|crash| crash.how.as_str()).collect();
        let ways = match ways.as_slice() {
            [] => "as before another step".to_owned(),
            ways => ways.join(", "),
        };
        writeln!(text, "{step}  ({ways})").unwrap();
    }
    let file: String = name
        .chars()
        .map(|c| if c.is_alphanumeric() { c } else { '-' })
        .collect();
    let path = directory.join(format!("{file}.txt"));
    fs::write(&path, text).unwrap();
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
fn say(line: &str) {
    let _ = writeln!(io::stderr(), "{line}");
}
