//! What is told of a change: who, from where, what, to what.

use std::borrow::Cow;
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
pub struct Action(Cow<'static, str>);

/// The text is no action.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "expected a noun and a verb with a dot between, such as \"key.rotate\": lower-case letters and \"-\""
)]
pub struct ActionError;

impl Action {
    /// An action that is written out in the program. To be used for constants.
    ///
    /// # Panics
    /// While compiling, where the text is no noun and verb.
    #[must_use]
    pub const fn literal(text: &'static str) -> Self {
        assert!(is_action(text.as_bytes()), "a noun, a dot, and a verb");
        Self(Cow::Borrowed(text))
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
        is_action(text.as_bytes())
            .then(|| Self(Cow::Owned(text.to_owned())))
            .ok_or(ActionError)
    }
}

/// Two words of lower-case letters and `-` with a dot between.
const fn is_action(text: &[u8]) -> bool {
    const LONGEST: usize = 64;
    let (mut place, mut word, mut dots) = (0, 0, 0);
    while place < text.len() {
        match text[place] {
            b'a'..=b'z' | b'-' => word += 1,
            b'.' if word > 0 => {
                dots += 1;
                word = 0;
            }
            _ => return false,
        }
        place += 1;
    }
    dots == 1 && word > 0 && text.len() <= LONGEST
}

impl TryFrom<String> for Action {
    type Error = ActionError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

impl From<Action> for String {
    fn from(action: Action) -> Self {
        action.0.into_owned()
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_action_is_a_noun_and_a_verb() {
        for good in ["key.rotate", "user.end-sessions"] {
            assert_eq!(good.parse::<Action>().unwrap().as_str(), good);
        }
        let long = format!("{}.a", "a".repeat(63));
        for bad in [
            "",
            ".",
            "key",
            "key.",
            ".rotate",
            "a.b.c",
            "Key.rotate",
            "a b.c",
            &long,
        ] {
            assert_eq!(bad.parse::<Action>(), Err(ActionError), "{bad}");
        }
    }

    #[test]
    fn somebody_is_found_by_each_name() {
        let who = Actor::System {
            user: Some("root".to_owned()),
            uid: 0,
            sudo_user: Some("alice".to_owned()),
        };
        assert_eq!(who.to_string(), "alice as root");
        assert!(
            ["root", "0", "alice"]
                .iter()
                .all(|name| who.is_called(name))
        );
        assert!(!who.is_called("bob"));
        let text = serde_json::to_string(&who).unwrap();
        assert_eq!(serde_json::from_str::<Actor>(&text).unwrap(), who);
        let subject = Actor::Subject {
            subject: "root".to_owned(),
        };
        let text = serde_json::to_string(&subject).unwrap();
        assert_eq!(serde_json::from_str::<Actor>(&text).unwrap(), subject);
    }
}
