//! The components of the Rust toolchain.

use std::process::{Command, Stdio};

use anyhow::{Result, ensure};

const COMPONENTS: &[(&str, &[&str])] = &[
    ("rustfmt", &["fmt", "--version"]),
    ("clippy", &["clippy", "--version"]),
];

/// Makes sure that rustfmt and clippy are there.
pub(super) fn ensure() -> Result<()> {
    let missing: Vec<_> = COMPONENTS
        .iter()
        .filter(|(_, arguments)| !succeeds(Command::new("cargo").args(*arguments)))
        .map(|(component, _)| *component)
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let added = Command::new("rustup")
        .args(["component", "add"])
        .args(&missing)
        .status()
        .is_ok_and(|status| status.success());
    ensure!(
        added,
        "missing parts of Rust; type: rustup component add {}",
        missing.join(" ")
    );
    Ok(())
}

fn succeeds(command: &mut Command) -> bool {
    command
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}
