//! An error with its causes, as text.

use std::error::Error;

/// An error and its causes on one line, with colons between them.
#[must_use]
pub fn chain(error: &dyn Error) -> String {
    let mut line = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        line.push_str(": ");
        line.push_str(&error.to_string());
        cause = error.source();
    }
    line
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("it did not work")]
    struct Outer(#[source] io::Error);

    #[test]
    fn every_cause_is_named_once() {
        let error = Outer(io::Error::other("the disk is full"));
        assert_eq!(chain(&error), "it did not work: the disk is full");
        assert_eq!(chain(&io::Error::other("late")), "late");
    }
}
