//! The form of challenges and answers: lines of a name and a value, written in one way only.

use std::borrow::Cow;
use std::str::Split;

use super::{MAX_PROOF_BYTES, ProofError};

/// The text of a proof file, once it is not evidently something else. Line ends that a mail program changed are harmless.
pub(super) fn text<'b>(bytes: &'b [u8], mark: &'static str) -> Result<Cow<'b, str>, ProofError> {
    if bytes.len() > MAX_PROOF_BYTES {
        return Err(ProofError::TooLarge);
    }
    let text = core::str::from_utf8(bytes).map_err(|_| ProofError::Foreign { mark })?;
    let text = match text.contains("\r\n") {
        true => Cow::Owned(text.replace("\r\n", "\n")),
        false => Cow::Borrowed(text),
    };
    let first = text.split('\n').next().unwrap_or_default();
    if first == mark {
        return Ok(text);
    }
    Err(match first.rsplit_once("-v") {
        _ if text.trim().is_empty() => ProofError::Empty,
        _ if text.trim_start().starts_with('<') => ProofError::Html,
        _ if first.starts_with("signet-challenge-v") && mark.starts_with("signet-answer") => {
            ProofError::IsChallenge
        }
        _ if first.starts_with("signet-answer-v") && mark.starts_with("signet-challenge") => {
            ProofError::IsAnswer
        }
        Some((name, _)) if mark.starts_with(name) && !name.is_empty() => ProofError::Version,
        _ => ProofError::Foreign { mark },
    })
}

/// The lines after the first.
pub(super) struct Lines<'t> {
    rest: std::iter::Peekable<Split<'t, char>>,
}

impl<'t> Lines<'t> {
    pub(super) fn new(text: &'t str) -> Self {
        let mut lines = text.trim_end_matches('\n').split('\n');
        lines.next();
        Self {
            rest: lines.peekable(),
        }
    }

    /// The value of the next line, which must have this name.
    pub(super) fn value(&mut self, name: &'static str) -> Result<&'t str, ProofError> {
        self.if_named(name).ok_or(ProofError::Malformed(name))
    }

    /// The value of the next line, if it has this name.
    pub(super) fn if_named(&mut self, name: &str) -> Option<&'t str> {
        let is_named = |line: &&str| {
            line.strip_prefix(name)
                .is_some_and(|rest| rest.starts_with(' '))
        };
        let line = self.rest.next_if(is_named)?;
        line.get(name.len() + 1..)
    }

    pub(super) fn end(&mut self) -> Result<(), ProofError> {
        match self.rest.next() {
            None => Ok(()),
            Some(_) => Err(ProofError::Malformed("end")),
        }
    }
}
