//! One line of an import, as it was written.

use secrecy::SecretString;

/// What a line says about a user, before anything is checked.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// Counted from one.
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) name: Option<String>,
    pub(super) mail: Option<String>,
    pub(super) groups: Vec<String>,
    pub(super) hash: Option<SecretString>,
    pub(super) password: Option<SecretString>,
}

/// What a line comes to: a user, or what is wrong with it.
pub(super) type Line = Result<Entry, Wrong>;

/// A line that cannot be read.
#[derive(Debug)]
pub(super) struct Wrong {
    pub(super) line: u64,
    pub(super) what: String,
}
