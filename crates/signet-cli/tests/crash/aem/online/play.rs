//! One command that talks to an instance, with everything that may happen to one of the two.

use std::process::Stdio;

use super::super::played::{Mishap, Shape};
use super::scene::Scene;
use crate::step::{How, Step};
use crate::trial::{Crash, crashes, described, each, listed, say, write_list};

type Done<'p> = Box<dyn Fn(&Scene) -> Result<(), String> + Sync + 'p>;

/// A command, and how it is seen that it is done.
pub(super) struct Play<'p> {
    shape: Shape,
    words: fn(&Scene) -> Vec<String>,
    before: Box<dyn Fn(&Scene) + Sync + 'p>,
    after_each: Done<'p>,
    finished: Done<'p>,
}

/// What happens.
#[derive(Clone, Copy, Debug)]
enum Accident {
    /// The program is killed at a step.
    Crash(Crash),
    /// Something happens at a request.
    Mishap(usize, Mishap),
}

impl<'p> Play<'p> {
    pub(super) fn new(
        shape: Shape,
        words: fn(&Scene) -> Vec<String>,
        finished: impl Fn(&Scene) -> Result<(), String> + Sync + 'p,
    ) -> Self {
        Self {
            shape,
            words,
            before: Box::new(|_| ()),
            after_each: Box::new(|_| Ok(())),
            finished: Box::new(finished),
        }
    }

    /// What happens before the command; nothing goes wrong then.
    pub(super) fn after(mut self, before: impl Fn(&Scene) + Sync + 'p) -> Self {
        self.before = Box::new(before);
        self
    }

    /// What must be so after each accident, beside that nothing is lost.
    pub(super) fn after_each(
        mut self,
        check: impl Fn(&Scene) -> Result<(), String> + Sync + 'p,
    ) -> Self {
        self.after_each = Box::new(check);
        self
    }

    /// Kills the program everywhere.
    ///
    /// # Panics
    /// When something is lost or the work cannot be finished, with all such accidents.
    pub(super) fn kills(self, name: &str) {
        let (steps, requests) = self.unharmed();
        let crashes = crashes(&steps);
        let killed = [Mishap::KilledBefore, Mishap::KilledAfter];
        let changes = |number: &usize| requests[number - 1].starts_with("POST /etc/key");
        let requests_that_change = (1..=requests.len()).filter(changes);
        let at_requests: Vec<_> = requests_that_change
            .flat_map(|number| killed.map(|mishap| Accident::Mishap(number, mishap)))
            .collect();
        let at_steps = crashes.iter().copied().map(Accident::Crash);
        let all: Vec<_> = at_steps.chain(at_requests.iter().copied()).collect();
        let list = listed(&steps, &crashes) + &requested(&requests, &at_requests);
        let list = write_list(name, &list);
        self.try_all(name, &all, &steps, &requests);
        say(&format!(
            "signet {name}: {} steps and {} requests, {} crashes ({} at requests that change the repository), all recovered; {}",
            steps.len(),
            requests.len(),
            all.len(),
            at_requests.len(),
            list.display(),
        ));
    }

    /// Lets the instance die or fail at each request.
    ///
    /// # Panics
    /// When something is lost or the work cannot be finished, with all such accidents.
    pub(super) fn troubles(self, name: &str) {
        let (steps, requests) = self.unharmed();
        let mut all = Vec::new();
        for (number, request) in (1..).zip(&requests) {
            let mut ways = vec![Mishap::DiesBefore, Mishap::Fails, Mishap::FailsFromHere];
            // After a look everything is as before.
            if request.starts_with("POST") {
                ways.push(Mishap::DiesAfter);
            }
            all.extend(
                ways.into_iter()
                    .map(|mishap| Accident::Mishap(number, mishap)),
            );
        }
        let list = write_list(&format!("{name} (failures)"), &requested(&requests, &all));
        self.try_all(name, &all, &steps, &requests);
        say(&format!(
            "signet {name}: {} requests, {} failures of the instance, all recovered; {}",
            requests.len(),
            all.len(),
            list.display(),
        ));
    }

    /// The steps and the requests of the command when nothing happens.
    fn unharmed(&self) -> (Vec<Step>, Vec<String>) {
        let scene = self.scene();
        scene.aem.arrange(None);
        let run = scene.watched.run(scene.command(&self.words(&scene)));
        assert!(run.output.status.success(), "{run:?}");
        scene.nothing_is_lost().unwrap();
        (self.finished)(&scene).unwrap();
        (run.steps, scene.aem.asked())
    }

    fn words(&self, scene: &Scene) -> Vec<String> {
        (self.words)(scene)
    }

    fn scene(&self) -> Scene {
        let scene = Scene::new(self.shape);
        (self.before)(&scene);
        scene
    }

    fn try_all(&self, name: &str, all: &[Accident], steps: &[Step], requests: &[String]) {
        let failures = each(all, |accident| self.one(accident));
        let told = |accident: &Accident| match accident {
            Accident::Crash(crash) => format!("{} {}", crash.how.as_str(), steps[crash.at - 1]),
            Accident::Mishap(number, mishap) => {
                format!(
                    "{} request {number}, {}",
                    mishap.as_str(),
                    requests[number - 1]
                )
            }
        };
        let complaints: Vec<String> = failures
            .iter()
            .map(|(accident, why)| format!("{}: {why}", told(accident)))
            .collect();
        assert!(
            complaints.is_empty(),
            "signet {name}: {} of {} accidents did harm:\n{}",
            complaints.len(),
            all.len(),
            complaints.join("\n"),
        );
    }

    fn one(&self, accident: Accident) -> Result<(), String> {
        let scene = self.scene();
        let is_done = match accident {
            Accident::Crash(crash) => self.crash(&scene, crash)?,
            Accident::Mishap(number, mishap) => self.mishap(&scene, number, mishap)?,
        };
        scene.aem.arrange(None);
        let judge = |when: &str, finished: bool| {
            scene
                .nothing_is_lost()
                .and_then(|()| (self.after_each)(&scene))
                .and_then(|()| {
                    if finished {
                        (self.finished)(&scene)
                    } else {
                        Ok(())
                    }
                })
                .map_err(|why| format!("{when}: {why}"))
        };
        judge("after the accident", is_done)?;
        if is_done {
            return Ok(());
        }
        if loses_power(accident) || died(accident) {
            // It comes up by itself, or somebody starts it.
            scene.aem.start();
            judge("when AEM was started again", false)?;
        }
        scene
            .run(&self.words(&scene))
            .map_err(|why| format!("it cannot be finished: {why}"))?;
        judge("after the second run", true)
    }

    /// Kills the program at a step. Whether it had said before that all is done.
    fn crash(&self, scene: &Scene, crash: Crash) -> Result<bool, String> {
        scene.aem.arrange(None);
        let command = scene.command(&self.words(scene));
        let killed = scene.watched.kill(command, crash.at, crash.how);
        if !killed.was_killed() || killed.steps.len() != crash.at {
            return Err(format!("it was not killed there: {}", described(&killed)));
        }
        let is_end = killed.steps.last().is_some_and(Step::is_end);
        if loses_power(Accident::Crash(crash)) && !is_end {
            scene.aem.stop();
        }
        Ok(is_end)
    }

    /// Lets something happen at a request. Whether the program said that all is done.
    fn mishap(&self, scene: &Scene, number: usize, mishap: Mishap) -> Result<bool, String> {
        scene.aem.arrange(Some((number, mishap)));
        let mut command = scene.command(&self.words(scene));
        command
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let child = scene.aem.meet(|| command.spawn().unwrap());
        let output = child.wait_with_output().unwrap();
        let asked = scene.aem.asked().len();
        if asked < number {
            return Err(format!("there were {asked} requests: {output:?}"));
        }
        let is_killed = matches!(mishap, Mishap::KilledBefore | Mishap::KilledAfter);
        match (output.status.code(), is_killed) {
            (None, true) => Ok(false),
            (Some(0), false) => Ok(true),
            (Some(1), false) => Ok(false),
            _ => Err(format!("it ended otherwise: {output:?}")),
        }
    }
}

/// Whether the machine went down.
fn loses_power(accident: Accident) -> bool {
    matches!(
        accident,
        Accident::Crash(Crash {
            how: How::Lost | How::Hollow,
            ..
        })
    )
}

/// Whether the instance went down.
fn died(accident: Accident) -> bool {
    matches!(
        accident,
        Accident::Mishap(_, Mishap::DiesBefore | Mishap::DiesAfter)
    )
}

/// Every request, and what happens at it.
fn requested(requests: &[String], all: &[Accident]) -> String {
    let mut text = "\n".to_owned();
    for (number, request) in (1..).zip(requests) {
        let ways = all.iter().filter_map(|accident| match accident {
            Accident::Mishap(at, mishap) if *at == number => Some(mishap.as_str()),
            _ => None,
        });
        let ways: Vec<&str> = ways.collect();
        let ways = match ways.as_slice() {
            [] => "changes nothing".to_owned(),
            ways => ways.join(", "),
        };
        text += &format!("request {number:>2}  {request}  ({ways})\n");
    }
    text
}
