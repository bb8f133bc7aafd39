//! The fifteen steps, and who accompanies them.

use std::time::Duration;

use serde::{Deserialize, Serialize};

/// A step, in the order in which they are taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Step {
    /// Find the bundle that holds keys in files.
    CryptoFile,
    /// Find the bundle that decides where they are.
    Crypto,
    /// See where they are now.
    Place,
    /// See that the instance is the one that runs on the folder.
    Instance,
    /// Have `hmac`.
    Hmac,
    /// Have `master`.
    Master,
    /// Keep a copy of everything that changes.
    Backup,
    /// Stop AEM.
    Stop,
    /// Write `hmac` into the data folder of the bundle.
    WriteHmac,
    /// Write `master` there.
    WriteMaster,
    /// Let `storage` say that they are in files.
    Switch,
    /// Compare what is there with what was fetched.
    Compare,
    /// Start AEM.
    Start,
    /// See that AEM runs on the files.
    Prove,
    /// Remove the keys from `/etc/key`.
    Remove,
}

impl Step {
    /// All of them, in order.
    pub const ALL: [Self; 15] = [
        Self::CryptoFile,
        Self::Crypto,
        Self::Place,
        Self::Instance,
        Self::Hmac,
        Self::Master,
        Self::Backup,
        Self::Stop,
        Self::WriteHmac,
        Self::WriteMaster,
        Self::Switch,
        Self::Compare,
        Self::Start,
        Self::Prove,
        Self::Remove,
    ];

    /// From 1 to 15.
    #[must_use]
    pub fn number(self) -> usize {
        1 + Self::ALL
            .iter()
            .position(|step| *step == self)
            .unwrap_or_default()
    }

    /// What it is, in a few words.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::CryptoFile => "Find the bundle crypto.file",
            Self::Crypto => "Find the bundle crypto",
            Self::Place => "See where the keys are",
            Self::Instance => "Compare instance and folder",
            Self::Hmac => "Have hmac",
            Self::Master => "Have master",
            Self::Backup => "Back up",
            Self::Stop => "Stop AEM",
            Self::WriteHmac => "Write hmac",
            Self::WriteMaster => "Write master",
            Self::Switch => "Switch storage",
            Self::Compare => "Compare the digests",
            Self::Start => "Start AEM",
            Self::Prove => "Try the new place",
            Self::Remove => "Remove from /etc/key",
        }
    }
}

/// A step that was taken, or is not needed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct StepReport {
    /// Which one.
    pub step: Step,
    /// What came of it.
    pub detail: String,
}

impl StepReport {
    /// What came of a step.
    #[must_use]
    pub fn new(step: Step, detail: impl Into<String>) -> Self {
        Self {
            step,
            detail: detail.into(),
        }
    }
}

/// An instant, by a clock that nobody can set: it counts from the start of the machine, whether or not that sleeps.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    /// What the kernel calls this run of the machine.
    pub boot: String,
    /// Hundredths of a second since its start.
    pub hundredths: u64,
}

/// Who accompanies a move of the keys.
pub trait Aide {
    /// Hears of each step as it is taken.
    fn took(&mut self, report: StepReport);

    /// The present.
    fn moment(&self) -> Moment;

    /// The present by the clock of the file system, since the beginning of 1970.
    fn since_epoch(&self) -> Duration;
}
