//! An installation with the instance that runs on it, for one accident.

use std::fs;
use std::os::unix::fs::PermissionsExt as _;
use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::super::played::{Aem, CREDENTIALS, Commands, Shape};
use super::super::quickstart::{KeyPair, Quickstart};
use crate::installation::{run, scratch, signet};
use crate::left::{Left, left_in};
use crate::shim::Watched;

/// The installation, seen from the directory in which the commands run.
pub(super) const FOLDER: &str = "crx-quickstart";

/// Where somebody who moves keys by hand keeps what lay in their place.
const OLD: &str = "old";

/// An installation that was upgraded, with the instance that runs on it, which has the keys in its repository. Where they are
/// going to be lie others.
#[derive(Debug)]
pub(super) struct Scene {
    pub(super) watched: Watched,
    commands: Commands,
    pub(super) aem: Aem,
    /// What it was before the command.
    pub(super) before: Left,
    _scratch: TempDir,
}

impl Scene {
    pub(super) fn new(shape: Shape) -> Self {
        let scratch = scratch();
        let watched = Watched::new(scratch.path());
        let root = watched.root();
        let (keys, others) = (KeyPair::beginning(1), KeyPair::beginning(100));
        Quickstart::make(root.join(FOLDER), "JCR", others);
        let credentials = root.join("credentials");
        fs::write(&credentials, CREDENTIALS).unwrap();
        fs::set_permissions(&credentials, fs::Permissions::from_mode(0o600)).unwrap();
        let aem = Aem::new(root.join(FOLDER), keys, shape);
        aem.start();
        Self {
            before: left_in(&root),
            commands: aem.commands(scratch.path()),
            aem,
            watched,
            _scratch: scratch,
        }
    }

    pub(super) fn root(&self) -> PathBuf {
        self.watched.root()
    }

    pub(super) fn installation(&self) -> Quickstart {
        Quickstart(self.root().join(FOLDER))
    }

    /// The keys that are moved.
    pub(super) fn keys(&self) -> KeyPair {
        KeyPair::beginning(1)
    }

    /// Those that lay in the place of the others.
    pub(super) fn others(&self) -> KeyPair {
        KeyPair::beginning(100)
    }

    /// Those that stop AEM, and start it.
    pub(super) fn commands(&self) -> [String; 2] {
        [self.commands.stop(), self.commands.start()]
    }

    /// Runs what must succeed.
    pub(super) fn does(&self, words: &[String]) {
        self.run(words).unwrap();
    }

    /// `signet WORDS…`, in the directory of the installation.
    pub(super) fn command(&self, words: &[String]) -> Command {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        signet(&self.root(), &words)
    }

    /// Runs it to the end.
    ///
    /// # Errors
    /// It did not succeed.
    pub(super) fn run(&self, words: &[String]) -> Result<(), String> {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        run(&self.root(), &words, "").map(|_| ())
    }

    /// Whoever starts AEM now starts it with its keys, and so did who started it before; what is gone from the repository is in
    /// the files and in the backup, and what lay there before, too.
    ///
    /// # Errors
    /// Something is lost.
    pub(super) fn nothing_is_lost(&self) -> Result<(), String> {
        let (keys, installation) = (self.keys(), self.installation());
        let wrong = |found: KeyPair| format!("AEM finds {found:02x?}");
        let found = self.aem.would_find()?;
        if let Some(found) = self.aem.works_with()?.filter(|found| *found != keys) {
            return Err(format!("it was started with others: {}", wrong(found)));
        }
        if found != keys {
            return Err(wrong(found));
        }
        let backup = installation.0.join("signet-relocation");
        for (name, bytes) in keys.both() {
            match self.aem.property(name) {
                Some(there) if there == bytes => {}
                Some(there) => return Err(format!("{name} in /etc/key is {there:02x?}")),
                None => {
                    installation.has(keys)?;
                    if fs::read(backup.join(name)).ok().as_deref() != Some(bytes) {
                        return Err(format!("{name} is not in the backup"));
                    }
                }
            }
        }
        let others = self.others();
        installation.has_or_keeps(others, &backup).or_else(|why| {
            installation
                .has_or_keeps(others, &installation.0.join(OLD))
                .map_err(|_| why)
        })
    }

    /// Does by hand what the first command does: the keys are written into files, and AEM is started on them.
    pub(super) fn relocate_by_hand(&self) {
        self.aem.stop();
        let installation = self.installation();
        let old = installation.0.join(OLD);
        fs::create_dir(&old).unwrap();
        for (name, bytes) in self.others().both() {
            fs::write(old.join(name), bytes).unwrap();
        }
        installation.put("Bundle", self.keys());
        // Who does it by hand looks before AEM is started.
        let _ = run(&self.root(), &["aem", "inspect", FOLDER], "");
        self.aem.start();
    }
}
