//! What the tests need on the machine, and how it gets there.

mod apt;
mod maven;
mod npm;
mod rust;

use std::path::{Path, PathBuf};

use anyhow::Result;

use crate::tree::Tree;

/// Everything outside Rust: what to look for, the Debian package that brings it, what it is for.
const NEEDS: &[Need] = &[
    Need::program("g++", "g++", "links the fuzz targets with libFuzzer"),
    Need::program("cc", "gcc", "builds the shim of the crash tests"),
    Need::program("nginx", "nginx", "the protecting proxy of examples/nginx"),
    Need::program("caddy", "caddy", "the protecting proxy of examples/caddy"),
    Need::program("haproxy", "haproxy", "the balancer of examples/haproxy"),
    Need::program("chromium", "chromium", "a real browser logs in"),
    Need::program("chromedriver", "chromium-driver", "drives that browser"),
    Need::program("node", "nodejs", "runs the token endpoint of the tests"),
    Need::program("npm", "npm", "fetches that endpoint"),
    Need::program("python3", "python3", "runs the second JOSE implementation"),
    Need::file(
        "/usr/lib/python3/dist-packages/jwcrypto/__init__.py",
        "python3-jwcrypto",
        "the second JOSE implementation that sealed tokens are checked against",
    ),
    Need::program(
        "java",
        "default-jdk-headless",
        "runs the Sling of the tests",
    ),
    Need::program(
        "javac",
        "default-jdk-headless",
        "compiles the bundles of that Sling",
    ),
    Need::program("mvn", "maven", "fetches that Sling"),
];

/// Where programs lie besides `PATH`: Debian keeps servers out of an ordinary user's.
const SYSTEM_DIRECTORIES: &[&str] = &["/usr/local/sbin", "/usr/sbin", "/sbin"];

/// One thing that a test or a measurement starts or reads.
#[derive(Clone, Copy)]
pub(crate) struct Need {
    what: What,
    package: &'static str,
    reason: &'static str,
}

#[derive(Clone, Copy)]
enum What {
    Program(&'static str),
    File(&'static str),
}

/// Makes sure that everything is there, installing it where that is allowed.
///
/// # Errors
///
/// When something is missing and cannot be installed; the error says what to type.
pub(crate) fn ensure(tree: &Tree) -> Result<()> {
    rust::ensure()?;
    provide(NEEDS)?;
    npm::ensure(tree)?;
    maven::ensure(tree)?;
    println!("    {} programs and libraries are installed", NEEDS.len());
    Ok(())
}

/// Makes sure that these are there, installing them where that is allowed.
///
/// # Errors
///
/// When something is missing and cannot be installed; the error says what to type.
pub(crate) fn provide(needs: &[Need]) -> Result<()> {
    let missing = missing(needs);
    if missing.is_empty() {
        return Ok(());
    }
    for need in &missing {
        println!("    missing: {} ({})", need.package, need.reason);
    }
    let packages: Vec<_> = missing.iter().map(|need| need.package).collect();
    apt::install(&packages)?;
    match self::missing(needs).as_slice() {
        [] => Ok(()),
        [need, ..] => anyhow::bail!(
            "{} is still missing after installing {}",
            need,
            need.package
        ),
    }
}

impl Need {
    /// A program that is started by its name.
    pub(crate) const fn program(
        name: &'static str,
        package: &'static str,
        reason: &'static str,
    ) -> Self {
        Self {
            what: What::Program(name),
            package,
            reason,
        }
    }

    const fn file(path: &'static str, package: &'static str, reason: &'static str) -> Self {
        Self {
            what: What::File(path),
            package,
            reason,
        }
    }

    fn is_met(self, directories: &[PathBuf]) -> bool {
        match self.what {
            What::Program(name) => directories
                .iter()
                .any(|directory| directory.join(name).is_file()),
            What::File(path) => Path::new(path).is_file(),
        }
    }
}

impl std::fmt::Display for Need {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.what {
            What::Program(name) | What::File(name) => f.write_str(name),
        }
    }
}

/// Where a program lies, if it is installed.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    directories()
        .iter()
        .map(|directory| directory.join(name))
        .find(|path| path.is_file())
}

fn missing(needs: &[Need]) -> Vec<Need> {
    let directories = directories();
    needs
        .iter()
        .copied()
        .filter(|need| !need.is_met(&directories))
        .collect()
}

fn directories() -> Vec<PathBuf> {
    #[expect(clippy::disallowed_methods, reason = "this is a command line")]
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(SYSTEM_DIRECTORIES.iter().map(PathBuf::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_looked_for_in_every_directory() {
        let here = [
            PathBuf::from("/nowhere"),
            PathBuf::from(env!("CARGO_MANIFEST_DIR")),
        ];
        assert!(Need::program("Cargo.toml", "p", "r").is_met(&here));
        assert!(!Need::program("no-such-program", "p", "r").is_met(&here));
        assert!(!Need::file("/nowhere/at-all", "p", "r").is_met(&here));
    }
}
