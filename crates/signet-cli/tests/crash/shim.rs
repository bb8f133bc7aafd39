//! The shim, compiled once, and programs that run with it.

use std::fs;
use std::io::ErrorKind;
use std::os::unix::process::ExitStatusExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use crate::step::{How, Step};

/// A directory whose changes are counted, and beside it what the shim needs.
#[derive(Debug)]
pub(crate) struct Watched {
    directory: PathBuf,
}

/// How a program ended that ran with the shim.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) output: Output,
    pub(crate) steps: Vec<Step>,
}

impl Watched {
    /// Everything in `directory`, which is there and empty.
    pub(crate) fn new(directory: &Path) -> Self {
        let directory = directory.canonicalize().unwrap();
        fs::create_dir(directory.join("root")).unwrap();
        fs::create_dir(directory.join("grave")).unwrap();
        Self { directory }
    }

    /// What is watched.
    pub(crate) fn root(&self) -> PathBuf {
        self.directory.join("root")
    }

    /// Runs to the end.
    pub(crate) fn run(&self, command: Command) -> Run {
        self.kill(command, 0, How::Before)
    }

    /// Kills at the step of this number, if it comes so far.
    pub(crate) fn kill(&self, mut command: Command, at: usize, how: How) -> Run {
        let list = self.directory.join("list");
        self.empty_grave();
        let output = command
            .env("CRASH_ROOT", self.root())
            .env("CRASH_GRAVE", self.directory.join("grave"))
            .env("CRASH_LIST", &list)
            .env("CRASH_AT", at.to_string())
            .env("CRASH_HOW", how.as_str())
            .env("LD_PRELOAD", shim())
            .output()
            .unwrap();
        let steps = fs::read_to_string(&list).unwrap_or_default();
        let _ = fs::remove_file(&list);
        Run {
            output,
            steps: steps.lines().map(Step::parse).collect(),
        }
    }
}

impl Watched {
    /// What an earlier program replaced is of no use to the next.
    fn empty_grave(&self) {
        let grave = self.directory.join("grave");
        fs::remove_dir_all(&grave).unwrap();
        fs::create_dir(&grave).unwrap();
    }
}

impl Run {
    /// Whether the shim killed it.
    pub(crate) fn was_killed(&self) -> bool {
        self.output.status.signal() == Some(SIGKILL)
    }
}

const SIGKILL: i32 = 9;

fn shim() -> &'static Path {
    static SHIM: OnceLock<PathBuf> = OnceLock::new();
    SHIM.get_or_init(compile)
}

fn compile() -> PathBuf {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/crash/shim.c");
    let object = Path::new(env!("CARGO_TARGET_TMPDIR")).join("crash-shim.so");
    // Another run of the tests may be using the old one.
    let fresh = object.with_extension(format!("{}.so", std::process::id()));
    let compiled = Command::new("cc")
        .args(["-shared", "-fPIC", "-O1", "-Wall", "-Wextra", "-Werror"])
        .arg("-pthread")
        .arg("-o")
        .args([&fresh, &source])
        .output();
    let output = match compiled {
        Err(error) if error.kind() == ErrorKind::NotFound => {
            panic!("cc is not installed: `apt-get install gcc libc6-dev`")
        }
        compiled => compiled.unwrap(),
    };
    assert!(output.status.success(), "{output:?}");
    fs::rename(&fresh, &object).unwrap();
    object
}
