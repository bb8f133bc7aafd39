//! The password that a command gives a user.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use signet_core::Subject;
use signet_login::password;
use signet_repository::Password;
use zeroize::Zeroizing;

use crate::failure::Failure;
use crate::{prompt, secret};

/// Letters and digits that cannot be mistaken for each other.
const ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";

/// Where the password comes from: by default a prompt, or without a terminal one line of standard input.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub(crate) struct PasswordSource {
    /// Read the password from a file that holds it in one line ("-" is standard input)
    #[arg(long, value_name = "FILE")]
    password_file: Option<PathBuf>,

    /// Give no password: the user cannot log in with one
    #[arg(long)]
    no_password: bool,

    /// Make a password for one login, at which the user must choose another, and print it once
    #[arg(long)]
    one_time: bool,
}

/// A password as it will be stored, and the one thing about it that may be shown.
pub(crate) struct Given {
    pub(crate) stored: Option<Password>,
    pub(crate) one_time: Option<SecretString>,
}

impl PasswordSource {
    /// Takes the password of `user` from where it was said to be, and hashes it.
    pub(crate) fn take(&self, user: &Subject, least: usize) -> anyhow::Result<Given> {
        if self.no_password {
            return Ok(Given {
                stored: None,
                one_time: None,
            });
        }
        if self.one_time {
            let secret = random().context("no password could be made")?;
            return Ok(Given {
                stored: Some(Password::one_time(hash(&secret)?)),
                one_time: Some(secret),
            });
        }
        let secret = match &self.password_file {
            Some(path) => secret::from_file(path, "password")?,
            None if prompt::is_possible() => prompt::new_password(user.as_str())?,
            None => secret::from_stdin("password")?,
        };
        check_length(&secret, least)?;
        Ok(Given {
            stored: Some(Password::lasting(hash(&secret)?)),
            one_time: None,
        })
    }
}

/// Refuses what users themselves could not choose either.
pub(crate) fn check_length(secret: &SecretString, least: usize) -> Result<(), Failure> {
    let length = secret.expose_secret().chars().count();
    if length >= least {
        return Ok(());
    }
    let message = format!("a password has at least {least} characters, this one has {length}");
    Err(Failure::new(message)
        .hint("choose a longer one; login.password_least in signet.toml sets the least"))
}

fn hash(secret: &SecretString) -> anyhow::Result<signet_repository::PasswordHash> {
    let hash = password::hash(secret.expose_secret())?;
    hash.parse().context("the hash cannot be stored")
}

/// Four groups of five characters: 100 random bits that can be read aloud.
fn random() -> Result<SecretString, getrandom::Error> {
    let mut bits = Zeroizing::new([0; 20]);
    getrandom::fill(&mut *bits)?;
    let mut text = String::with_capacity(23);
    for (place, byte) in bits.iter().enumerate() {
        if place > 0 && place % 5 == 0 {
            text.push('-');
        }
        text.extend(ALPHABET.get(usize::from(byte % 32)).map(|c| char::from(*c)));
    }
    Ok(text.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_time_passwords_can_be_read_aloud() {
        let (one, two) = (random().unwrap(), random().unwrap());
        assert_eq!(one.expose_secret().len(), 23);
        assert_ne!(one.expose_secret(), two.expose_secret());
    }

    #[test]
    fn characters_count_not_bytes() {
        assert!(check_length(&"\u{5bc6}\u{78bc}\u{5bc6}\u{78bc}".into(), 4).is_ok());
        assert!(check_length(&"\u{5bc6}\u{78bc}".into(), 4).is_err());
    }
}
