//! The site as a browser meets it: every test goes through `Site::answer`.
//!
//! The letters in the comments are the lines of the security requirements that a test shows.
#![allow(clippy::unwrap_used, clippy::panic, missing_docs, unreachable_pub)]

mod attack;
mod basic;
mod cookie;
mod form;
mod guessing;
mod oracle;
mod password;
mod repository_token;
mod session;
mod support;
