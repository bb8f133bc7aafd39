//! Questions at a terminal.

use std::io::{self, IsTerminal as _};

use anyhow::Context as _;
use dialoguer::{Confirm, Password};
use secrecy::SecretString;

use crate::failure::Failure;

/// Whether somebody is there to be asked.
pub(crate) fn is_possible() -> bool {
    io::stdin().is_terminal() && io::stderr().is_terminal()
}

/// A new password, typed twice.
pub(crate) fn new_password(user: &str) -> anyhow::Result<SecretString> {
    let typed = Password::new()
        .with_prompt(format!("New password of {user}"))
        .with_confirmation("Again", "They differ. Once more, please.")
        .report(false)
        .interact();
    Ok(typed.context("no password was typed")?.into())
}

/// A new passphrase, typed twice.
pub(crate) fn new_passphrase(of: &str) -> anyhow::Result<SecretString> {
    let typed = Password::new()
        .with_prompt(format!("New passphrase of {of}"))
        .with_confirmation("Again", "They differ. Once more, please.")
        .report(false)
        .interact();
    Ok(typed.context("no passphrase was typed")?.into())
}

/// Something that is not to be seen while it is typed.
pub(crate) fn hidden(question: &str) -> anyhow::Result<SecretString> {
    let typed = Password::new()
        .with_prompt(question)
        .report(false)
        .interact();
    Ok(typed.context("nothing was typed")?.into())
}

/// Goes on if the answer is yes.
pub(crate) fn confirm(question: &str) -> anyhow::Result<()> {
    let answer = Confirm::new()
        .with_prompt(question)
        .default(false)
        .interact()
        .context("there was no answer")?;
    if answer {
        return Ok(());
    }
    Err(Failure::new("nothing was changed, because the answer was no").into())
}
