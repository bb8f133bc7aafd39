//! The checkout: its root, and the files that git tracks in it.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result, ensure};

/// The source tree that the tasks work on.
pub(crate) struct Tree {
    root: PathBuf,
    tracked: BTreeSet<String>,
}

impl Tree {
    /// The tree that this program was built from.
    pub(crate) fn here() -> Result<Self> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .context("xtask lies in no workspace")?
            .to_path_buf();
        let tracked = tracked(&root)?;
        Ok(Self { root, tracked })
    }

    /// The root of the checkout.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// An absolute path from one relative to the root.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }

    /// Every tracked file that still exists, relative to the root, in order.
    pub(crate) fn files(&self) -> impl Iterator<Item = &str> {
        self.tracked.iter().map(String::as_str)
    }

    /// Whether git tracks this file.
    pub(crate) fn tracks(&self, relative: &str) -> bool {
        self.tracked.contains(relative)
    }

    /// The text of a tracked file; `None` for one that is not UTF-8 text.
    pub(crate) fn text(&self, relative: &str) -> Result<Option<String>> {
        let bytes = std::fs::read(self.path(relative))
            .with_context(|| format!("cannot read {relative}"))?;
        Ok(String::from_utf8(bytes)
            .ok()
            .filter(|text| !text.contains('\0')))
    }
}

fn tracked(root: &Path) -> Result<BTreeSet<String>> {
    // A checkout made by another user (a container's volume) is still only listed here.
    let output = Command::new("git")
        .args(["-c", "safe.directory=*", "ls-files", "-z", "--cached"])
        .current_dir(root)
        .output()
        .context("cannot run git, which lists the tracked files (apt-get install git)")?;
    ensure!(
        output.status.success(),
        "git ls-files failed: {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    let listing = String::from_utf8(output.stdout).context("a tracked path is not UTF-8")?;
    Ok(listing
        .split_terminator('\0')
        .filter(|path| root.join(path).is_file())
        .map(str::to_owned)
        .collect())
}
