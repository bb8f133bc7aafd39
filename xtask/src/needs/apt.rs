//! Installing Debian packages, without starting the servers they bring.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

use crate::cargo::execute;

/// Packages whose service Debian would start and keep; the tests start their own.
const SERVICES: &[&str] = &["nginx", "caddy", "haproxy"];

/// Installs packages as root or through `sudo` without a password.
///
/// # Errors
///
/// When neither is possible, with the command to type.
pub(super) fn install(packages: &[&str]) -> Result<()> {
    let Some(root) = Root::find() else {
        bail!(
            "missing packages, and no right to install them; type:\n    \
             sudo apt-get update && sudo apt-get install --no-install-recommends {}",
            packages.join(" ")
        );
    };
    let services: Vec<_> = SERVICES
        .iter()
        .filter(|name| packages.contains(name))
        .collect();
    let quiet = Quiet::begin(&root, &services)?;
    let installed = apt_get(&root, packages);
    quiet.end()?;
    installed
}

fn apt_get(root: &Root, packages: &[&str]) -> Result<()> {
    // Without systemd, runlevel 1 is what keeps `invoke-rc.d` from starting a service.
    let environment = [
        "env",
        "DEBIAN_FRONTEND=noninteractive",
        "RUNLEVEL=1",
        "apt-get",
        "-q",
    ];
    execute(root.command(&environment).arg("update"))
        .context("cannot bring the package lists up to date")?;
    execute(
        root.command(&environment)
            .args(["install", "-y", "--no-install-recommends"])
            .args(packages)
            .stdin(Stdio::null()),
    )
}

/// The way to become root.
enum Root {
    Already,
    Sudo,
}

impl Root {
    fn find() -> Option<Self> {
        let apt_get = Path::new("/usr/bin/apt-get").is_file();
        let id = Command::new("id").arg("-u").output().ok()?;
        if !apt_get {
            None
        } else if id.stdout.trim_ascii() == b"0" {
            Some(Self::Already)
        } else {
            let sudo = Command::new("sudo")
                .args(["-n", "true"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
            sudo.is_ok_and(|status| status.success())
                .then_some(Self::Sudo)
        }
    }

    fn command(&self, words: &[&str]) -> Command {
        match self {
            Self::Already => {
                let mut command = Command::new(words[0]);
                command.args(&words[1..]);
                command
            }
            Self::Sudo => {
                let mut command = Command::new("sudo");
                command.arg("-n").args(words);
                command
            }
        }
    }
}

/// On a machine run by systemd, keeps new services from starting: masked while they are
/// installed, and disabled after, so that they do not start at the next boot either.
struct Quiet<'a> {
    root: &'a Root,
    services: &'a [&'a &'static str],
}

impl<'a> Quiet<'a> {
    fn begin(root: &'a Root, services: &'a [&'a &'static str]) -> Result<Self> {
        let quiet = Self { root, services };
        quiet.systemctl(&["mask", "--runtime"])?;
        Ok(quiet)
    }

    fn end(self) -> Result<()> {
        self.systemctl(&["unmask", "--runtime"])?;
        self.systemctl(&["disable"])
    }

    fn systemctl(&self, verb: &[&str]) -> Result<()> {
        if self.services.is_empty() || !Path::new("/run/systemd/system").is_dir() {
            return Ok(());
        }
        execute(
            self.root
                .command(&["systemctl", "--quiet"])
                .args(verb)
                .args(self.services),
        )
    }
}
