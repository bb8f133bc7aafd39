//! The files of `examples/`, as a user would copy them.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

/// One folder of `examples/`, and a directory for what its programs write.
#[derive(Debug)]
pub(crate) struct Example {
    folder: PathBuf,
    scratch: TempDir,
}

impl Example {
    /// The folder `name`.
    pub(crate) fn new(name: &str) -> Self {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join("../../examples")
            .join(name);
        let scratch = tempfile::tempdir().unwrap();
        // A server that gives up being root must reach its directory.
        fs::set_permissions(scratch.path(), fs::Permissions::from_mode(0o755)).unwrap();
        Self {
            folder: folder.canonicalize().unwrap(),
            scratch,
        }
    }

    /// A file of the example.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// What is in it.
    pub(crate) fn text(&self, name: &str) -> String {
        fs::read_to_string(self.file(name)).unwrap()
    }

    /// The example's `signet.toml` with changes: each replaces a text that stands there exactly once.
    pub(crate) fn config(&self, changes: &[(&str, &str)]) -> String {
        changes
            .iter()
            .fold(self.text("signet.toml"), |text, (from, to)| {
                assert_eq!(text.matches(from).count(), 1, "{from} in signet.toml");
                text.replace(from, to)
            })
    }

    /// A directory for what a program writes, made if it is not there.
    pub(crate) fn directory(&self, name: &str) -> PathBuf {
        let path = self.scratch.path().join(name);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// A copy of the whole example, in which a test may add a file.
    pub(crate) fn copy(&self) -> PathBuf {
        let target = self.directory("copy");
        copy(&self.folder, &target);
        target
    }
}

/// Copies all below a directory.
pub(crate) fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let target = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &target);
        } else {
            fs::copy(entry.path(), target).unwrap();
        }
    }
}
