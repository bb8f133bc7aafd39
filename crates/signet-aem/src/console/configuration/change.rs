//! Changing one property of a configuration, and nothing else of it.
//!
//! Consoles from 4.6 on (FELIX-6363) can merge a change into what is there. Older ones make the configuration anew of what they
//! are told to keep: of a name without a value they keep the value, but lists come out empty unless all their values are sent.
//! Passwords are therefore never sent, or, in a list, as the placeholder that the console itself puts in their place.

use super::{Configuration, Further, PropertyValue, Shape, may_be_secret, path, printout};
use crate::console::{Console, ConsoleError, RunningBundle, quoted};

/// The bundle of the web console.
const WEB_CONSOLE: &str = "org.apache.felix.webconsole";
/// The first version that merges.
const MERGES: (u64, u64) = (4, 6);
/// What consoles leave out of form and printout, though it may be set.
const NEVER_SHOWN: &str = "webconsole.configurationFactory.nameHint";
/// Fields of the form itself. A property of that name is sent with a dollar sign before it.
const RESERVED: [&str; 4] = ["action", "apply", "delete", "propertylist"];
/// What a console says, and takes, instead of a password.
const PLACEHOLDER: &str = "unmodified";

/// How a console is told of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Writing {
    /// The change, to be merged into what is there.
    Merge,
    /// The whole configuration.
    Whole,
}

impl Writing {
    /// What the console of an instance with these bundles understands.
    #[must_use]
    pub fn of(bundles: &[RunningBundle]) -> Self {
        let console = bundles
            .iter()
            .find(|bundle| bundle.symbolic_name == WEB_CONSOLE);
        let version = console.and_then(|console| {
            let mut parts = console.version.split('.');
            Some((parts.next()?.parse().ok()?, parts.next()?.parse().ok()?))
        });
        match version {
            Some(version) if version >= MERGES => Self::Merge,
            _ => Self::Whole,
        }
    }
}

/// Why a property was not changed, or more than it.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ChangeError {
    /// The console was asked and did not do it.
    #[error(transparent)]
    Console(#[from] ConsoleError),
    /// The console is too old to merge a change, and does not show enough to write all of it back.
    #[error("the web console of {url} would not keep {}", listed(names))]
    CannotKeep {
        /// Which instance.
        url: String,
        /// What would not stay as it is; empty if it is not even known what there is.
        names: Vec<String>,
    },
    /// The instance took the request, and still says what it said before.
    #[error("{url} took the change of {pid} and did not make it")]
    NotTaken {
        /// Which instance.
        url: String,
        /// Which configuration.
        pid: String,
    },
    /// The change was made, and something else is different as well.
    #[error(
        "the change was made on {url}, but in {pid} something else is different now: {}",
        listed(names)
    )]
    Disturbed {
        /// Which instance.
        url: String,
        /// Which configuration.
        pid: String,
        /// What is different, each with what it was before, as far as that may be shown.
        names: Vec<String>,
    },
}

impl ChangeError {
    /// What to do about it.
    #[must_use]
    pub fn hint(&self) -> String {
        match self {
            Self::Console(error) => error.hint().into(),
            Self::CannotKeep { .. } => {
                "nothing was changed there. Make the change in the web console by hand, under OSGi > Configuration, and write those properties down first; or deploy the configuration with the code"
                    .into()
            }
            Self::NotTaken { .. } => {
                "look into the error.log of the instance: another component may put the configuration back, or the repository may refuse it"
                    .into()
            }
            Self::Disturbed { .. } => {
                "look at the configuration in the web console, under OSGi > Configuration; somebody else may have changed it at the same time"
                    .into()
            }
        }
    }
}

fn listed(names: &[String]) -> String {
    match names {
        [] => "what else is set: it does not show it".to_owned(),
        names => names.join(", "),
    }
}

impl Configuration {
    /// What an older console would not keep if all that is known were written back.
    ///
    /// # Errors
    ///
    /// [`ChangeError::CannotKeep`]
    pub(crate) fn check_keeping(
        &self,
        console: &Console,
        writing: Writing,
    ) -> Result<(), ChangeError> {
        if writing == Writing::Merge || !self.is_there {
            return Ok(());
        }
        let lost = self.further.iter().filter(|(name, further)| {
            let is_list = match further {
                Further::Named => true,
                Further::Printed(text) => printout::may_be_list(text),
            };
            is_list || name.contains(',')
        });
        let commas = self.properties.keys().filter(|name| name.contains(','));
        let names: Vec<_> = lost
            .map(|(name, _)| name)
            .chain(commas)
            .map(|name| quoted(name))
            .collect();
        if names.is_empty() && self.is_whole {
            return Ok(());
        }
        Err(ChangeError::CannotKeep {
            url: console.url().to_string(),
            names,
        })
    }

    /// The form that changes `name` to `value`.
    pub(super) fn form(&self, name: &str, value: &str, writing: Writing) -> Vec<(String, String)> {
        let mut fields = Vec::new();
        let mut field = |name: &str, value: &str| fields.push((name.to_owned(), value.to_owned()));
        let apply = match writing {
            Writing::Merge => "update",
            Writing::Whole => "true",
        };
        field("apply", apply);
        field("action", "ajaxConfigManager");
        if let Some(factory) = &self.factory {
            field("factoryPid", factory);
        }
        // Without it the configuration would be unbound.
        field("$location", self.location.as_deref().unwrap_or_default());
        let mut names = vec![name];
        if writing == Writing::Whole {
            let set = self.properties.iter().filter(|(_, known)| known.is_set);
            let set = set.map(|(known, _)| known).chain(self.further.keys());
            names.extend(set.map(String::as_str).filter(|known| *known != name));
            names.push(NEVER_SHOWN);
        }
        field("propertylist", &names.join(","));
        field(&parameter(name), value);
        for other in names.into_iter().skip(1) {
            let known = self.properties.get(other);
            match known.map(|known| &known.value) {
                Some(PropertyValue::Many(values)) => {
                    for value in values {
                        field(&parameter(other), value);
                    }
                }
                Some(PropertyValue::Hidden(Shape::Many(count))) => {
                    for _ in 0..*count {
                        field(&parameter(other), PLACEHOLDER);
                    }
                }
                // Of a name without a value the console keeps the value, with its type.
                _ => {}
            }
        }
        fields
    }

    /// What is not the same in `other`, besides `except`: names, and what was there before.
    fn differences(&self, other: &Self, except: &str) -> Vec<String> {
        let mut names: Vec<String> = self
            .properties
            .keys()
            .chain(other.properties.keys())
            .filter(|name| self.properties.get(*name) != other.properties.get(*name))
            .chain(
                self.further
                    .keys()
                    .chain(other.further.keys())
                    .filter(|name| self.further.get(*name) != other.further.get(*name)),
            )
            .filter(|name| *name != except)
            .cloned()
            .collect();
        names.sort();
        names.dedup();
        let mut told: Vec<_> = names.iter().map(|name| self.told(name)).collect();
        // A new configuration is bound to whoever uses it first.
        if self.is_there && self.location != other.location {
            told.push("bundle location".to_owned());
        }
        told
    }

    /// A property, and its value if it may be shown: whoever has to type it again needs to know it.
    fn told(&self, name: &str) -> String {
        let before = self.shown(name).filter(|_| !may_be_secret(name));
        let name = quoted(name);
        match before {
            Some(before) => format!("{name} (before: {before})"),
            None => name,
        }
    }
}

/// The name of the field for a property.
fn parameter(name: &str) -> String {
    match RESERVED.contains(&name) {
        true => format!("${name}"),
        false => name.to_owned(),
    }
}

impl Console {
    /// Sets `name` to `value` in a configuration that was read whole before, and reads it again: everything else must be as it was.
    ///
    /// # Errors
    ///
    /// Nothing was changed ([`ChangeError::CannotKeep`]), or the answer of the instance says otherwise.
    pub async fn change(
        &self,
        before: &Configuration,
        name: &str,
        value: &str,
        writing: Writing,
    ) -> Result<Configuration, ChangeError> {
        before.check_keeping(self, writing)?;
        let path = path(before.pid());
        let fields = before.form(name, value, writing);
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
            .collect();
        let answer = self.post(&path, &fields).await?;
        if !answer.status.is_redirection() && !answer.status.is_success() {
            self.content(&path, answer)?;
        }
        let after = self.whole_configuration(before.pid()).await?;
        let url = || self.url().to_string();
        let pid = || before.pid().to_owned();
        if after.text(name) != Some(value) {
            return Err(ChangeError::NotTaken {
                url: url(),
                pid: pid(),
            });
        }
        let names = before.differences(&after, name);
        match names.is_empty() {
            true => Ok(after),
            false => Err(ChangeError::Disturbed {
                url: url(),
                pid: pid(),
                names,
            }),
        }
    }
}
