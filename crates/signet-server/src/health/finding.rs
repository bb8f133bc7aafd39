//! One thing that was found: what it is, what it causes, and what mends it.

use std::fmt;

use serde::Serialize;

use super::Status;

/// One thing that was found.
///
/// A finding that is [`Status::Ok`] and has a code is worth knowing and does no harm; without a code it says that
/// something is in order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub status: Status,
    /// A stable code, to look for in the documentation; empty where all is well.
    pub code: &'static str,
    /// What is so.
    pub cause: String,
    /// What that causes.
    pub effect: String,
    /// What to do about it, where possible a command.
    pub remedy: String,
}

impl Finding {
    /// Something is in order.
    #[must_use]
    pub fn good(what: impl Into<String>) -> Self {
        Self {
            status: Status::Ok,
            code: "",
            cause: what.into(),
            effect: String::new(),
            remedy: String::new(),
        }
    }

    /// Something is found; what it causes and what mends it is added.
    #[must_use]
    pub fn new(status: Status, code: &'static str, cause: impl Into<String>) -> Self {
        Self {
            status,
            code,
            cause: cause.into(),
            effect: String::new(),
            remedy: String::new(),
        }
    }

    /// Worth knowing, and harmless.
    #[must_use]
    pub fn note(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(Status::Ok, code, cause)
    }

    /// It works, and needs looking after.
    #[must_use]
    pub fn warn(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(Status::Warn, code, cause)
    }

    /// It does not work.
    #[must_use]
    pub fn critical(code: &'static str, cause: impl Into<String>) -> Self {
        Self::new(Status::Critical, code, cause)
    }

    /// What it causes.
    #[must_use]
    pub fn causes(mut self, effect: impl Into<String>) -> Self {
        self.effect = effect.into();
        self
    }

    /// What to do about it.
    #[must_use]
    pub fn mend(mut self, remedy: impl Into<String>) -> Self {
        self.remedy = remedy.into();
        self
    }

    /// Whether it says that something is in order, and nothing else.
    #[must_use]
    pub fn is_good(&self) -> bool {
        self.code.is_empty()
    }
}

impl fmt::Display for Finding {
    /// One line: code, cause, effect, remedy.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.code.is_empty() {
            write!(f, "{}: ", self.code)?;
        }
        f.write_str(self.cause.trim_end_matches('.'))?;
        let effect = self.effect.trim_end_matches('.');
        match effect.chars().next() {
            None => {}
            Some(first) if first.is_uppercase() => write!(f, ". {effect}")?,
            Some(_) => write!(f, "; {effect}")?,
        }
        if !self.remedy.is_empty() {
            write!(f, ". To mend it: {}", self.remedy)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_reads_as_one_line() {
        let finding = Finding::critical("DISK_FULL", "the disk is full")
            .causes("nobody can log out")
            .mend("make room");
        assert_eq!(
            finding.to_string(),
            "DISK_FULL: the disk is full; nobody can log out. To mend it: make room"
        );
        let finding = Finding::warn("W", "it failed.")
            .causes("Nothing was sent.")
            .mend("wait");
        assert_eq!(
            finding.to_string(),
            "W: it failed. Nothing was sent. To mend it: wait"
        );
        assert_eq!(
            Finding::good("2 keys are in order").to_string(),
            "2 keys are in order"
        );
    }
}
