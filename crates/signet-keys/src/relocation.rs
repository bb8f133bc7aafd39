//! Moving the keys from one place to another, so that at no instant the last copy of one exists nowhere.

mod journal;

pub(crate) use journal::{JOURNAL, Moving};
