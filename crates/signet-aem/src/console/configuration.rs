//! The configurations of a running instance (OSGi Compendium, sections 104 and 105), as its web console shows and takes them.
//!
//! Shapes: apache/felix-dev, `webconsole`, `ConfigManager`, `ConfigJsonSupport`, `ConfigAdminSupport`, `MetaTypeSupport`.

mod change;
mod form;
mod printout;

use std::collections::BTreeMap;
use std::fmt;

use zeroize::Zeroizing;

use super::{Console, ConsoleError, ConsoleFault, quoted};
pub use change::{ChangeError, Writing};

const MANAGER: &str = "/system/console/configMgr/";
/// All configurations as text: the one place that names properties of which no metatype knows, in every version.
const PRINTOUT: &str = "/system/console/status-Configurations.txt";

/// A configuration, or what it would be if there were one.
#[derive(Clone, PartialEq, Eq)]
pub struct Configuration {
    pid: String,
    factory: Option<String>,
    /// To which bundle it is bound; nothing where none is known of.
    location: Option<String>,
    is_there: bool,
    properties: BTreeMap<String, Property>,
    /// Properties that are set, and that the form does not show.
    further: BTreeMap<String, Further>,
    /// Whether there is nothing besides `properties` and `further`.
    is_whole: bool,
}

/// One property that the form of the web console shows.
#[derive(Clone, PartialEq, Eq)]
pub struct Property {
    /// What it is, or would be by default.
    pub value: PropertyValue,
    /// Whether the configuration has it; if not, it is the default.
    pub is_set: bool,
}

/// The value of a property. It may be a secret in the clear, and so is not shown by `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub enum PropertyValue {
    /// One, as text.
    One(Zeroizing<String>),
    /// None, one or several, as text.
    Many(Vec<Zeroizing<String>>),
    /// The console keeps it to itself: so many values of a password.
    Hidden(Shape),
}

/// One value or a list of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// One value.
    One,
    /// So many.
    Many(usize),
}

/// What is known of a property that the form does not show.
#[derive(Clone, PartialEq, Eq)]
enum Further {
    /// Its name.
    Named,
    /// Its value as the printout has it, in which nothing tells a list from a text in brackets.
    Printed(Zeroizing<String>),
}

impl Configuration {
    /// Its persistent identity.
    #[must_use]
    pub fn pid(&self) -> &str {
        &self.pid
    }

    /// The factory it was made by, if it was.
    #[must_use]
    pub fn factory(&self) -> Option<&str> {
        self.factory.as_deref()
    }

    /// Whether there is one; otherwise its properties are the defaults.
    #[must_use]
    pub const fn is_there(&self) -> bool {
        self.is_there
    }

    /// Whether the instance knows anything by this identity: it may be that of a bundle that is not installed.
    #[must_use]
    pub fn is_known(&self) -> bool {
        self.is_there || !self.properties.is_empty()
    }

    /// The properties that the form shows, by name.
    pub fn properties(&self) -> impl Iterator<Item = (&str, &Property)> {
        let properties = self.properties.iter();
        properties.map(|(name, property)| (name.as_str(), property))
    }

    /// A property that the form shows.
    #[must_use]
    pub fn property(&self, name: &str) -> Option<&Property> {
        self.properties.get(name)
    }

    /// The names of all that is known of.
    pub(crate) fn names(&self) -> impl Iterator<Item = &str> {
        let names = self.properties.keys().chain(self.further.keys());
        names.map(String::as_str)
    }

    /// A property as it is shown to people; nothing if it is not there, or if its value is not known.
    pub(crate) fn shown(&self, name: &str) -> Option<String> {
        const HIDDEN: &str = "(not shown)";
        if let Some(property) = self.property(name) {
            let shown = property.value.shown();
            return Some(shown.map_or_else(|| HIDDEN.to_owned(), |shown| quoted(&shown)));
        }
        match self.further.get(name)? {
            Further::Named => None,
            // Old consoles print passwords.
            Further::Printed(_) if may_be_secret(name) => Some(HIDDEN.to_owned()),
            Further::Printed(text) => Some(quoted(text)),
        }
    }

    /// A property as one text: of several values, the first. Nothing if it is empty.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        let text = match &self.property(name)?.value {
            PropertyValue::One(text) => Some(text),
            PropertyValue::Many(texts) => texts.first(),
            PropertyValue::Hidden(_) => None,
        };
        text.map(|text| text.trim()).filter(|text| !text.is_empty())
    }

    /// A property that is on or off.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<bool> {
        let text = self.text(name)?;
        Some(text.eq_ignore_ascii_case("true"))
    }
}

impl PropertyValue {
    /// As it is shown to people: values with commas between them; nothing if the console keeps it to itself.
    #[must_use]
    pub fn shown(&self) -> Option<String> {
        match self {
            Self::One(text) => Some(text.to_string()),
            Self::Many(texts) => {
                let texts: Vec<_> = texts.iter().map(|text| text.as_str()).collect();
                Some(texts.join(", "))
            }
            Self::Hidden(_) => None,
        }
    }
}

impl Console {
    /// The configuration `pid`, or what it would be.
    ///
    /// # Errors
    ///
    /// The console does not answer, or not with a configuration.
    pub async fn configuration(&self, pid: &str) -> Result<Configuration, ConsoleError> {
        let path = path(pid);
        // Without anything to apply, a form is a question; only this way shows defaults as well.
        let answer = self.post(&path, &[]).await?;
        let body = self.content(&path, answer)?;
        form::one(&body, pid)
            .ok_or_else(|| self.fault(&path, ConsoleFault::Unreadable("no configuration")))
    }

    /// The same with everything that is set in it, whether or not its form shows it.
    ///
    /// # Errors
    ///
    /// As [`Console::configuration`].
    pub async fn whole_configuration(&self, pid: &str) -> Result<Configuration, ConsoleError> {
        let mut configuration = self.configuration(pid).await?;
        let printed = match self.get(PRINTOUT).await {
            Ok(answer) => self.content(PRINTOUT, answer),
            Err(error) => Err(error),
        };
        match printed {
            Ok(text) => {
                configuration.is_whole = printout::is_one(&text);
                configuration.complete(printout::properties(&text, pid));
            }
            // An instance without it can still be read; what then may be changed is decided where it is changed.
            Err(error) if error.is_missing() => {}
            Err(error) => return Err(error),
        }
        Ok(configuration)
    }

    /// All configurations that were made by `factory`.
    ///
    /// # Errors
    ///
    /// The console does not answer, or not with configurations.
    pub async fn configurations_of(
        &self,
        factory: &str,
    ) -> Result<Vec<Configuration>, ConsoleError> {
        // What stands in the place of an identity is a filter (OSGi Core, section 3.2.7), if it can be one.
        let path = format!("{MANAGER}(service.factoryPid={factory}).json");
        let answer = self.get(&path).await?;
        let body = self.content(&path, answer)?;
        let mut found = form::list(&body)
            .ok_or_else(|| self.fault(&path, ConsoleFault::Unreadable("no configurations")))?;
        // Old consoles add services that are configured otherwise.
        found.retain(|configuration| configuration.factory() == Some(factory));
        Ok(found)
    }
}

impl Configuration {
    /// Adds what the printout tells.
    fn complete(&mut self, printed: Vec<(String, Zeroizing<String>)>) {
        for (name, text) in printed {
            if !self.properties.contains_key(&name) {
                self.further.insert(name, Further::Printed(text));
            }
        }
    }
}

/// Whether a property of this name may hold what nobody is to see.
fn may_be_secret(name: &str) -> bool {
    let name = name.to_lowercase();
    ["password", "secret", "key", "token", "credential"]
        .iter()
        .any(|word| name.contains(word))
}

fn path(pid: &str) -> String {
    let pid: String = form_urlencoded::byte_serialize(pid.as_bytes()).collect();
    // In a path a plus is a plus.
    MANAGER.to_owned() + &pid.replace('+', "%20")
}

impl fmt::Debug for Configuration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configuration")
            .field("pid", &self.pid)
            .field("properties", &self.properties.keys())
            .field("further", &self.further.keys())
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for Property {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Property")
            .field("is_set", &self.is_set)
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for PropertyValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::One(_) => "One(…)",
            Self::Many(_) => "Many(…)",
            Self::Hidden(_) => "Hidden",
        })
    }
}

#[cfg(test)]
mod tests;
