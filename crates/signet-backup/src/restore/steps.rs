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
    Retract,
    RemovePlan,
    RemoveWork,
}

/// Is told of each step before it is taken.
#[derive(Debug, Default)]
pub(crate) struct Steps {
    #[cfg(test)]
    script: Option<Mutex<Script>>,
}

/// What a test wants to happen.
#[cfg(test)]
#[derive(Debug)]
struct Script {
    left: usize,
    fault: Fault,
    ground: Ground,
    taken: Vec<Step>,
}

/// What happens at the step that fails.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// It fails, and every later one: as if the process were gone.
    Death,
    /// It alone fails, as on a bad disk.
    Error,
}

/// What the file system lets one do.
#[cfg(test)]
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ground {
    /// Everything.
    Usual,
    /// It cannot exchange two directories at once.
    NoExchange,
    /// The directory above belongs to somebody else.
    OwnDirectoryOnly,
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

    /// Whether nothing may be made beside the data directory.
    #[cfg(not(test))]
    pub(crate) fn must_stay_within(&self) -> bool {
        false
    }
}

#[cfg(test)]
impl Steps {
    pub(crate) fn failing_after(left: usize, fault: Fault, ground: Ground) -> Self {
        let script = Script {
            left,
            fault,
            ground,
            taken: Vec::new(),
        };
        Self {
            script: Some(Mutex::new(script)),
        }
    }

    /// None fails.
    pub(crate) fn on(ground: Ground) -> Self {
        Self::failing_after(usize::MAX, Fault::Error, ground)
    }

    pub(crate) fn reach(&self, step: Step) -> io::Result<()> {
        let Some(script) = &self.script else {
            return Ok(());
        };
        let mut script = script.lock().unwrap();
        if script.left == 0 {
            if script.fault == Fault::Error {
                script.left = usize::MAX;
            }
            return Err(io::Error::other(format!("failed at {step:?}")));
        }
        script.left -= 1;
        script.taken.push(step);
        Ok(())
    }

    pub(crate) fn can_exchange(&self) -> bool {
        self.ground() != Ground::NoExchange
    }

    pub(crate) fn must_stay_within(&self) -> bool {
        self.ground() == Ground::OwnDirectoryOnly
    }

    fn ground(&self) -> Ground {
        let script = self
            .script
            .as_ref()
            .map(|script| script.lock().unwrap().ground);
        script.unwrap_or(Ground::Usual)
    }

    pub(crate) fn taken(&self) -> Vec<Step> {
        self.script
            .as_ref()
            .map(|script| script.lock().unwrap().taken.clone())
            .unwrap_or_default()
    }
}
