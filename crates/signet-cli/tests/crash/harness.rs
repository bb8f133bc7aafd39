//! The shim itself: it counts everything, tears in the middle, and loses what was not flushed, and only that.

use std::fs;
use std::path::Path;
use std::process::Command;

use tempfile::TempDir;

use crate::shim::Watched;
use crate::step::{How, Step};

/// Writes one file as a careful program does, and then another as a careless one.
const SCRIPT: &str = "
import os
def write(name, data):
    fd = os.open(name, os.O_WRONLY | os.O_CREAT, 0o600)
    os.write(fd, data)
    return fd
fd = write('new', b'careful')
os.fsync(fd)
os.rename('new', 'kept')
os.fsync(os.open('.', os.O_RDONLY))
write('new', b'careless')
os.rename('new', 'kept')
os.unlink('old')
";

fn python(watched: &Watched, script: &str) -> Command {
    let path = Path::new("/usr/bin/python3");
    assert!(path.exists(), "`apt-get install python3`");
    fs::write(watched.root().join("old"), "old").unwrap();
    let mut command = Command::new(path);
    command
        .args(["-I", "-S", "-c", script])
        .current_dir(watched.root());
    command
}

/// What is left when the script is killed at a step.
fn left(at: usize, how: How) -> Vec<(String, String)> {
    let scratch = TempDir::new().unwrap();
    let watched = Watched::new(scratch.path());
    let run = watched.kill(python(&watched, SCRIPT), at, how);
    assert!(run.was_killed(), "{run:?}");
    assert_eq!(run.steps.len(), at);
    let entries = fs::read_dir(watched.root()).unwrap();
    let mut files: Vec<_> = entries
        .map(|entry| entry.unwrap().path())
        .map(|path| {
            let name = path.file_name().unwrap().to_str().unwrap().to_owned();
            (name, fs::read_to_string(&path).unwrap())
        })
        .collect();
    files.sort();
    files
}

fn files(files: &[(&str, &str)]) -> Vec<(String, String)> {
    let owned = |(name, text): &(&str, &str)| ((*name).to_owned(), (*text).to_owned());
    files.iter().map(owned).collect()
}

#[test]
fn every_change_is_counted() {
    let scratch = TempDir::new().unwrap();
    let watched = Watched::new(scratch.path());
    let run = watched.run(python(&watched, SCRIPT));
    assert!(run.output.status.success(), "{run:?}");
    let seen = |step: &Step| {
        (
            step.call.clone(),
            step.bytes,
            step.unflushed,
            step.path.clone(),
        )
    };
    let expected = [
        ("open", 0, 0, "new"),
        ("write", 7, 1, "new"),
        ("fsync", 0, 2, "new"),
        ("rename", 0, 1, "kept"),
        ("fsync", 0, 2, "."),
        ("open", 0, 0, "new"),
        ("write", 8, 1, "new"),
        ("rename", 0, 2, "kept"),
        ("unlink", 0, 3, "old"),
        ("exit", 0, 4, "."),
    ];
    let expected = expected
        .map(|(call, bytes, unflushed, path)| (call.to_owned(), bytes, unflushed, path.to_owned()));
    assert_eq!(run.steps.iter().map(seen).collect::<Vec<_>>(), expected);
}

#[test]
fn it_is_killed_where_it_was_asked() {
    assert_eq!(left(1, How::Before), files(&[("old", "old")]));
    assert_eq!(left(2, How::Torn), files(&[("new", "car"), ("old", "old")]));
    assert_eq!(
        left(4, How::Before),
        files(&[("new", "careful"), ("old", "old")])
    );
    assert_eq!(left(10, How::Before), files(&[("kept", "careless")]));
}

#[test]
fn what_was_not_flushed_is_lost() {
    // The file was flushed, its names were not.
    assert_eq!(left(5, How::Lost), files(&[("old", "old")]));
    assert_eq!(
        left(5, How::Hollow),
        files(&[("kept", "careful"), ("old", "old")])
    );
    // From here on the careful file is safe, and the careless one that follows is not.
    let safe = files(&[("kept", "careful"), ("old", "old")]);
    assert_eq!(left(6, How::Lost), safe);
    assert_eq!(left(10, How::Lost), safe);
    assert_eq!(left(10, How::Hollow), files(&[("kept", "")]));
}

#[test]
fn nothing_goes_past_the_shim() {
    let scratch = TempDir::new().unwrap();
    let watched = Watched::new(scratch.path());
    // `syscall` is a way around every function that the shim replaces.
    let script = "
import ctypes, os, platform
number = {'x86_64': 1, 'aarch64': 64}[platform.machine()]
fd = os.open('new', os.O_WRONLY | os.O_CREAT, 0o600)
ctypes.CDLL(None).syscall(number, fd, b'hidden', 6)
";
    let run = watched.run(python(&watched, script));
    assert!(run.output.status.success(), "{run:?}");
    let calls: Vec<&str> = run.steps.iter().map(|step| step.call.as_str()).collect();
    assert_eq!(calls, ["open", "write", "exit"]);

    // A way that it does not know.
    let script = "import os; os.truncate('old', 1)";
    let run = watched.run(python(&watched, script));
    let said = String::from_utf8_lossy(&run.output.stderr);
    assert!(said.contains("not counted"), "{run:?}");
    assert_eq!(
        fs::read_to_string(watched.root().join("old")).unwrap(),
        "old"
    );
}

#[test]
fn what_another_program_does_is_not_counted() {
    let scratch = TempDir::new().unwrap();
    let watched = Watched::new(scratch.path());
    let script = "
import subprocess
subprocess.run(['/bin/sh', '-c', 'echo yes > made && mv old older'], check=True)
open('new', 'w').close()
";
    let run = watched.run(python(&watched, script));
    assert!(run.output.status.success(), "{run:?}");
    let seen = run.steps.iter();
    let seen: Vec<_> = seen.map(|step| (&*step.call, &*step.path)).collect();
    assert_eq!(seen, [("open", "new"), ("exit", ".")]);
    assert_eq!(
        fs::read_to_string(watched.root().join("made")).unwrap(),
        "yes\n"
    );
    assert!(watched.root().join("older").exists());
}
