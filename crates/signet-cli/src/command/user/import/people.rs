//! From lines to users: everything that can be wrong with a file is found before anybody is imported.

use std::collections::HashMap;

use secrecy::{ExposeSecret as _, SecretString};
use signet_core::{GroupName, GroupSet, Subject};
use signet_login::password::{HashKind, LONGEST_PASSWORD};
use signet_repository::{NewUser, Password, PasswordHash, UserProfile};

use super::entry::{Entry, Line};
use crate::password::check_length;

/// Users whose plain passwords are not hashed yet.
#[derive(Debug, Default)]
pub(super) struct People {
    pub(super) people: Vec<(NewUser, Option<SecretString>)>,
    pub(super) lines: Lines,
}

/// The line that each user stands in, by what their id looks like.
#[derive(Debug, Default)]
pub(super) struct Lines(HashMap<String, u64>);

impl Lines {
    pub(super) fn of(&self, subject: &Subject) -> Option<u64> {
        self.0.get(&subject.skeleton()).copied()
    }
}

impl People {
    /// Checks every line.
    ///
    /// # Errors
    /// What is wrong, each in a line with its number.
    pub(super) fn check(lines: Vec<Line>, least: usize) -> Result<Self, Vec<String>> {
        let mut people = Self::default();
        let mut wrong = Vec::new();
        for line in lines {
            let checked = match line {
                Ok(entry) => {
                    let number = entry.line;
                    people.take(entry, least).map_err(|what| (number, what))
                }
                Err(bad) => Err((bad.line, bad.what)),
            };
            if let Err((number, what)) = checked {
                wrong.push(format!("line {number}: {what}"));
            }
        }
        if wrong.is_empty() {
            Ok(people)
        } else {
            Err(wrong)
        }
    }

    fn take(&mut self, entry: Entry, least: usize) -> Result<(), String> {
        let subject: Subject = entry
            .id
            .parse()
            .map_err(|error| format!("{:?} is no user id: {error}", entry.id))?;
        if let Some(other) = self.lines.0.insert(subject.skeleton(), entry.line) {
            return Err(format!(
                "{subject} is, or looks like, the user of line {other}"
            ));
        }
        let groups: GroupSet = entry
            .groups
            .iter()
            .map(|name| {
                name.parse::<GroupName>()
                    .map_err(|error| format!("{name:?} is no group of {subject}: {error}"))
            })
            .collect::<Result<_, _>>()?;
        let stored = match (&entry.hash, &entry.password) {
            (Some(_), Some(_)) => {
                return Err(format!("{subject} has both a password and a hash of one"));
            }
            (Some(hash), None) => Some(usable(&subject, hash)?),
            (None, Some(password)) => {
                check_length(password, least).map_err(|error| format!("{subject}: {error}"))?;
                if password.expose_secret().len() > LONGEST_PASSWORD {
                    return Err(format!(
                        "{subject}: a password has at most {LONGEST_PASSWORD} bytes"
                    ));
                }
                None
            }
            (None, None) => None,
        };
        let user = NewUser {
            profile: UserProfile {
                name: entry.name,
                mail: entry.mail,
            },
            password: stored,
            groups,
            ..NewUser::new(subject)
        };
        self.people.push((user, entry.password));
        Ok(())
    }
}

/// A hash that a login can be compared with.
fn usable(subject: &Subject, hash: &SecretString) -> Result<Password, String> {
    let text = hash.expose_secret();
    let stored: Option<PasswordHash> = text.parse().ok();
    match stored {
        Some(stored) if HashKind::of(text) != HashKind::Unusable => Ok(Password::lasting(stored)),
        _ => Err(format!(
            "the hash of {subject} is of no kind that can be compared: expected Argon2, bcrypt, $apr1$ or {{SHA}}"
        )),
    }
}
