//! The program `signet`: see the library part of this crate.

use std::process::ExitCode;

fn main() -> ExitCode {
    signet_cli::run(std::env::args_os())
}
