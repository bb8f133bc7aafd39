//! Turning *Enable encapsulated token support* on over a farm, or off.
//!
//! All instances are looked at first. Nothing is changed unless all of them stand the test, and on each of them nothing is changed but
//! the one property.

pub(crate) mod creation;
mod preflight;

use serde::Serialize;

use crate::Finding;
use crate::console::{ChangeError, Configuration, Console, ConsoleError, InstanceUrl, Writing};
use crate::instance::{ENCAPSULATED, TOKEN_HANDLER};

/// What is wished for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Wish {
    /// Tokens that every instance verifies by itself.
    On,
    /// Tokens that are kept in the repository of the instance that made them.
    Off,
}

impl Wish {
    const fn value(self) -> &'static str {
        match self {
            Self::On => "true",
            Self::Off => "false",
        }
    }

    /// Whether the token handler is told so already.
    fn is_met(self, handler: &Configuration) -> bool {
        handler.flag(ENCAPSULATED).unwrap_or(false) == (self == Self::On)
    }
}

/// Something that speaks against it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Objection {
    /// On which instance; all of them without.
    pub instance: Option<InstanceUrl>,
    /// What it is.
    #[serde(flatten)]
    pub finding: Finding,
    /// Who may set it aside.
    pub unless: Unless,
}

/// What sets an objection aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Unless {
    /// Nothing.
    Never,
    /// Somebody who knows better says so.
    Accepted,
    /// Sticky connections, or somebody who knows better.
    StickyOrAccepted,
    /// It is only good to know.
    Always,
}

/// What somebody says for it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Assurance {
    /// The load balancer keeps the connections of a user on one instance.
    pub is_sticky: bool,
    /// What is objected is known, and accepted.
    pub is_accepted: bool,
}

/// All instances before the change.
#[derive(Debug)]
pub struct Preflight {
    wish: Wish,
    standings: Vec<Standing>,
    objections: Vec<Objection>,
}

/// One instance before the change.
#[derive(Debug)]
struct Standing {
    console: Console,
    handler: Configuration,
    writing: Writing,
}

/// What becomes of an instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Step {
    /// Which one.
    pub url: InstanceUrl,
    /// Whether it is as wished already, and nothing is to be done.
    pub is_done: bool,
    /// How its console is told.
    pub how: &'static str,
}

/// Why no instance was changed, or not all of them.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum EncapsulationError {
    /// An instance could not be looked at. Nothing was changed.
    #[error("nothing was changed, because {url} could not be looked at")]
    NotSeen {
        /// Which one.
        url: InstanceUrl,
        /// Why.
        source: ConsoleError,
    },
    /// One of them could not be changed; others were before.
    #[error("{at} was not changed as it should be")]
    Stopped {
        /// Which one.
        at: InstanceUrl,
        /// Those that are as wished.
        done: Vec<InstanceUrl>,
        /// Those that are as they were, besides that one.
        left: Vec<InstanceUrl>,
        /// Why.
        source: Box<ChangeError>,
    },
}

impl EncapsulationError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::NotSeen { source, .. } => source.hint().into(),
            Self::Stopped { source, .. } => source.hint(),
        }
    }
}

impl Objection {
    /// Whether it still stands.
    #[must_use]
    pub const fn stands(&self, assurance: Assurance) -> bool {
        match self.unless {
            Unless::Never => true,
            Unless::Accepted => !assurance.is_accepted,
            Unless::StickyOrAccepted => !assurance.is_accepted && !assurance.is_sticky,
            Unless::Always => false,
        }
    }
}

impl Preflight {
    /// Looks at all instances, and changes nothing.
    ///
    /// # Errors
    ///
    /// [`EncapsulationError::NotSeen`]
    pub async fn of(consoles: Vec<Console>, wish: Wish) -> Result<Self, EncapsulationError> {
        preflight::look(consoles, wish).await
    }

    /// All that speaks against it, and what is good to know.
    #[must_use]
    pub fn objections(&self) -> &[Objection] {
        &self.objections
    }

    /// What will become of each instance, in their order.
    #[must_use]
    pub fn steps(&self) -> Vec<Step> {
        let steps = self.standings.iter().map(|standing| Step {
            url: standing.console.url().clone(),
            is_done: standing.is(self.wish),
            how: match standing.writing {
                Writing::Merge => "the console merges the change",
                Writing::Whole => "the whole configuration is written",
            },
        });
        steps.collect()
    }

    /// Changes one instance after the other; `tell` hears of each that is done. Objections were looked at by the caller.
    ///
    /// # Errors
    ///
    /// [`EncapsulationError::Stopped`]
    pub async fn carry_out(
        self,
        mut tell: impl FnMut(&InstanceUrl),
    ) -> Result<(), EncapsulationError> {
        for (number, standing) in self.standings.iter().enumerate() {
            if standing.is(self.wish) {
                continue;
            }
            standing
                .change(self.wish)
                .await
                .map_err(|source| self.stopped(number, standing, source))?;
            tell(standing.console.url());
        }
        Ok(())
    }

    /// It stopped at this one of them.
    fn stopped(&self, number: usize, at: &Standing, source: ChangeError) -> EncapsulationError {
        let mut done = Vec::new();
        let mut left = Vec::new();
        for (other, standing) in self.standings.iter().enumerate() {
            let url = standing.console.url().clone();
            match other {
                other if other == number => {}
                other if other < number || standing.is(self.wish) => done.push(url),
                _ => left.push(url),
            }
        }
        EncapsulationError::Stopped {
            at: at.console.url().clone(),
            done,
            left,
            source: Box::new(source),
        }
    }
}

impl Standing {
    async fn change(&self, wish: Wish) -> Result<(), ChangeError> {
        let console = &self.console;
        // It was looked at a moment ago; what another hand did since then must not be undone.
        let handler = console.whole_configuration(TOKEN_HANDLER).await?;
        let value = wish.value();
        console
            .change(&handler, ENCAPSULATED, value, self.writing)
            .await?;
        Ok(())
    }

    fn is(&self, wish: Wish) -> bool {
        wish.is_met(&self.handler)
    }
}

#[cfg(test)]
mod tests;
