//! What is told of a change: who, from where, what, to what.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use serde_json::Value;

/// One change, as it is told to the log.
#[derive(Clone, Debug)]
pub struct Event {
    /// Who made it.
    pub who: Actor,
    /// From where.
    pub from: Origin,
    /// What was done.
    pub action: Action,
    /// To what: the id of a key or a user, the place of a secret, the name of a client.
    pub object: String,
    /// What else matters about it. Never a secret; more than 8 KiB are not kept.
    pub detail: Value,
    /// What the instance is called.
    pub instance: String,
}

/// Who made a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
#[non_exhaustive]
pub enum Actor {
    /// A user of the operating system, at the command line.
    System {
        /// What the user is called, if the system says so.
        user: Option<String>,
        /// The number of the user, which the kernel vouches for.
        uid: u32,
        /// Who became this user by `sudo`, which only `sudo` vouches for.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        sudo_user: Option<String>,
    },
    /// A user of the site, who had proven who they are.
    Subject {
        /// The user's id.
        subject: String,
    },
    /// The instance itself.
    Program {
        /// `signet`.
        program: String,
    },
}

impl Actor {
    /// The instance itself.
    #[must_use]
    pub fn signet() -> Self {
        Self::Program {
            program: "signet".to_owned(),
        }
    }

    /// Whether `name` is one of the names that stand here.
    #[must_use]
    pub fn is_called(&self, name: &str) -> bool {
        match self {
            Self::System {
                user,
                uid,
                sudo_user,
            } => {
                user.as_deref() == Some(name)
                    || sudo_user.as_deref() == Some(name)
                    || uid.to_string() == name
            }
            Self::Subject { subject } => subject == name,
            Self::Program { program } => program == name,
        }
    }
}

impl fmt::Display for Actor {
    /// `alice as root`, `root`, `uid 1000`, `user alice`, `signet`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::System {
                user,
                uid,
                sudo_user,
            } => {
                if let Some(name) = sudo_user {
                    write!(f, "{name} as ")?;
                }
                match user {
                    Some(user) => f.write_str(user),
                    None => write!(f, "uid {uid}"),
                }
            }
            Self::Subject { subject } => write!(f, "user {subject}"),
            Self::Program { program } => f.write_str(program),
        }
    }
}

/// From where a change was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "by", rename_all = "kebab-case")]
#[non_exhaustive]
pub enum Origin {
    /// The command line.
    Command {
        /// Whether somebody sat at a terminal.
        terminal: bool,
    },
    /// A page of the public site.
    Page {
        /// The address of the client, as far as trusted proxies told it.
        client: IpAddr,
    },
    /// The running instance, by itself.
    Instance,
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Command { terminal: true } => f.write_str("terminal"),
            Self::Command { terminal: false } => f.write_str("script"),
            Self::Page { client } => client.fmt(f),
            Self::Instance => f.write_str("instance"),
        }
    }
}

/// What was done: a noun and a verb, such as `key.rotate`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Action(String);

/// The text is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a noun and a verb with a dot between, such as \"key.rotate\": lower-case letters and \"-\""
)]
pub struct ActionError;

impl Action {
    pub(crate) fn mend() -> Self {
        Self(crate::log::MEND.to_owned())
    }

    /// As text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Action {
    type Err = ActionError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const LONGEST_WORD: usize = 32;
        let is_word = |word: &str| {
            (1..=LONGEST_WORD).contains(&word.len())
                && word.bytes().all(|b| b.is_ascii_lowercase() || b == b'-')
        };
        let (noun, verb) = text.split_once('.').ok_or(ActionError)?;
        (is_word(noun) && is_word(verb))
            .then(|| Self(text.to_owned()))
            .ok_or(ActionError)
    }
}

impl TryFrom<String> for Action {
    type Error = ActionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.0
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}
