#![doc = include_str!("../README.md")]

mod admin;
mod app;
mod arguments;
mod artefact;
mod choice;
mod command;
mod context;
mod core_dump;
mod environment;
mod failure;
mod instance;
mod interrupt;
mod logging;
mod memory_lock;
mod moment;
mod output;
mod password;
mod place;
mod progress;
mod prompt;
mod reference;
mod secret;
mod table;
mod vouch;

pub use app::run;
