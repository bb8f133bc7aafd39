//! A data directory as a first start makes it, and the program run on it.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown, lchown};
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde_json::Value;
use signet_core::UnixSeconds;
use signet_repository::IfMissing;
use signet_server::DataDirectory;
use tempfile::TempDir;

pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_signet");

/// Somebody without rights.
pub(crate) const NOBODY: u32 = 65_534;

pub(crate) struct Scratch {
    directory: TempDir,
    /// As whom the program runs, if not as the one who runs the tests.
    user: Option<u32>,
}

/// What the program said.
#[derive(Debug)]
pub(crate) struct Said {
    pub(crate) status: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Scratch {
    /// An empty directory.
    pub(crate) fn empty() -> Self {
        Self {
            directory: tempfile::tempdir().unwrap(),
            user: None,
        }
    }

    /// With configuration, keys and repository, but no users.
    pub(crate) fn new() -> Self {
        Self::configured("")
    }

    pub(crate) fn configured(config: &str) -> Self {
        let scratch = Self::empty();
        let data = DataDirectory::open_or_create(&scratch.data(), config).unwrap();
        let config = data.config().unwrap();
        let keys = data.key_store(&config).unwrap();
        keys.create_if_missing(UnixSeconds(1_767_225_600)).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let repository = data.repository(&config, IfMissing::Create).await.unwrap();
            repository.close().await;
        });
        scratch
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    pub(crate) fn data(&self) -> PathBuf {
        self.path().join("data")
    }

    /// The same, and from now on the program runs as [`NOBODY`]; whoever has no rights to begin with stays who they are.
    ///
    /// What is there belongs to whoever made it until [`Scratch::give`] is called.
    pub(crate) fn without_rights(mut self) -> Self {
        if is_root() {
            fs::set_permissions(self.path(), fs::Permissions::from_mode(0o755)).unwrap();
            // Where it lies nobody else may be able to go.
            let copy = self.path().join("signet");
            if fs::hard_link(PROGRAM, &copy).is_err() {
                fs::copy(PROGRAM, &copy).unwrap();
            }
            chown(self.path(), Some(NOBODY), Some(NOBODY)).unwrap();
            self.user = Some(NOBODY);
        }
        self
    }

    /// Gives all of this to the user as whom the program runs.
    pub(crate) fn give(&self, path: &Path) {
        if let Some(user) = self.user {
            let program = self.path().join("signet");
            for path in below(path).iter().filter(|path| **path != program) {
                lchown(path, Some(user), Some(user)).unwrap();
            }
        }
    }

    /// Runs `signet WORDS…` on the data directory.
    pub(crate) fn run(&self, words: &[&str]) -> Said {
        self.run_with(words, "")
    }

    /// The same with something on standard input.
    pub(crate) fn run_with(&self, words: &[&str], input: &str) -> Said {
        let mut command = self.command();
        command.args(words);
        let mut child = command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        // Who does not read its input has gone already.
        let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
        Said::new(&child.wait_with_output().unwrap())
    }

    /// The program, told by the environment where the data is.
    pub(crate) fn command(&self) -> Command {
        let mut command = match self.user {
            None => Command::new(PROGRAM),
            Some(user) => {
                let mut command = Command::new(self.path().join("signet"));
                command.uid(user).gid(user).env("HOME", self.path());
                command
            }
        };
        command
            .current_dir(self.path())
            .env("SIGNET_DATA", self.data())
            .env_remove("SIGNET_LOG");
        command
    }

    /// Runs what must succeed, and reads its document.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        self.run(&[words, &["--json"]].concat()).done().json()
    }

    /// Writes a file beside the data directory, and returns its path.
    pub(crate) fn file(&self, name: &str, text: &str) -> String {
        let path = self.path().join(name);
        fs::write(&path, text).unwrap();
        // It may be a secret.
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        self.give(&path);
        path.to_str().unwrap().to_owned()
    }

    /// Adds a user with a password.
    pub(crate) fn add(&self, user: &str) {
        self.run_with(&["user", "add", user], "a good password\n")
            .done();
    }

    /// A token of a user.
    pub(crate) fn mint(&self, words: &[&str]) -> String {
        let said = self.run(&[&["token", "mint"], words].concat()).done();
        said.stdout.trim().to_owned()
    }
}

/// Whether the tests run as the super-user, who alone can give files away.
pub(crate) fn is_root() -> bool {
    fs::metadata("/proc/self").unwrap().uid() == 0
}

/// A path and everything below it.
pub(crate) fn below(path: &Path) -> Vec<PathBuf> {
    let mut all = vec![path.to_owned()];
    if fs::symlink_metadata(path).unwrap().is_dir() {
        for entry in fs::read_dir(path).unwrap() {
            all.extend(below(&entry.unwrap().path()));
        }
    }
    all
}

impl Said {
    pub(crate) fn new(output: &Output) -> Self {
        Self {
            status: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8(output.stdout.clone()).unwrap(),
            stderr: String::from_utf8(output.stderr.clone()).unwrap(),
        }
    }

    #[track_caller]
    pub(crate) fn done(self) -> Self {
        assert_eq!(self.status, 0, "{self:#?}");
        self
    }

    /// It failed, with an error that says so, and a hint.
    #[track_caller]
    pub(crate) fn failed(self, words: &str) -> Self {
        assert_eq!(self.status, 1, "{self:#?}");
        assert!(self.stderr.starts_with("error: "), "{self:#?}");
        assert!(self.stderr.contains(words), "{words}: {self:#?}");
        assert!(!self.stderr.contains('\u{1b}'), "{self:#?}");
        self
    }

    #[track_caller]
    pub(crate) fn hints(self, words: &str) -> Self {
        let hint = self.stderr.lines().find(|line| line.starts_with("hint: "));
        assert!(
            hint.is_some_and(|hint| hint.contains(words)),
            "{words}: {self:#?}"
        );
        self
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        match serde_json::from_str(&self.stdout) {
            Ok(document) => document,
            Err(error) => panic!("{error}: {self:#?}"),
        }
    }
}
