//! The steps of a restore, so that tests can let it fail at each of them.

use std::io;
#[cfg(test)]
use std::sync::Mutex;

/// One step that can fail, and after which the process can die.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    MakeWork,
    Extract,
    Check,
    UniteKeys,
    UniteRepository,
    UniteAudit,
    EndSessions,
    Flush,
    WritePlan,
    Exchange,
    MoveAway,
    MoveIn,
    SetAside,
    RemovePlan,
    RemoveWork,
}

/// Is told of each step before it is taken.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    #[cfg(test)]
    script: Option<Mutex<Script>>,
}

/// Lets the nth step fail, and every later one: as if the process were gone.
#[cfg(test)]
#[derive(Debug)]
struct Script {
    left: usize,
    taken: Vec<Step>,
    can_exchange: bool,
}

impl Steps {
    #[cfg(not(test))]
    pub(crate) fn reach(&self, _: Step) -> io::Result<()> {
        Ok(())
    }

    /// Whether the file system is asked to exchange two directories at once.
    #[cfg(not(test))]
    pub(crate) fn can_exchange(&self) -> bool {
        true
    }
}

#[cfg(test)]
impl Steps {
    pub(crate) fn failing_after(left: usize, can_exchange: bool) -> Self {
        let script = Script {
            left,
            taken: Vec::new(),
            can_exchange,
        };
        Self {
            script: Some(Mutex::new(script)),
        }
    }

    pub(crate) fn reach(&self, step: Step) -> io::Result<()> {
        let Some(script) = &self.script else {
            return Ok(());
        };
        let mut script = script.lock().unwrap();
        if script.left == 0 {
            return Err(io::Error::other(format!("died before {step:?}")));
        }
        script.left -= 1;
        script.taken.push(step);
        Ok(())
    }

    pub(crate) fn can_exchange(&self) -> bool {
        self.script
            .as_ref()
            .is_none_or(|script| script.lock().unwrap().can_exchange)
    }

    pub(crate) fn taken(&self) -> Vec<Step> {
        self.script
            .as_ref()
            .map(|script| script.lock().unwrap().taken.clone())
            .unwrap_or_default()
    }
}
