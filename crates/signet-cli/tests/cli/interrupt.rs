//! Commands that are stopped in the middle of their work.

use std::fs::{self, File};
use std::io::Write as _;
use std::path::Path;
use std::process::{Child, Stdio};
use std::thread;

use rustix::process::Signal;
use serde_json::Value;

use crate::scratch::{Said, Scratch};
use crate::terminal::{interruptible, signal};

/// Starts `signet WORDS…`, with what it says going to `stdout`, and waits until it would say something if it were stopped.
fn begun(scratch: &Scratch, words: &[&str], stdout: Stdio) -> Child {
    let mut command = scratch.command();
    let mut command = interruptible(command.args(words));
    command.stdin(Stdio::null()).stdout(stdout);
    let mut child = command.stderr(Stdio::piped()).spawn().unwrap();
    while !catches(&child, Signal::TERM) {
        assert!(child.try_wait().unwrap().is_none(), "it has ended");
        thread::yield_now();
    }
    child
}

/// Whether the signal would be noticed, as the kernel says.
fn catches(child: &Child, wanted: Signal) -> bool {
    let status = fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigCgt:"));
    let mask = u64::from_str_radix(mask.unwrap().trim(), 16).unwrap();
    mask & (1 << (wanted.as_raw() - 1)) != 0
}

#[track_caller]
fn stopped(child: Child, by: Signal) -> Said {
    signal(&child, by);
    Said::new(&child.wait_with_output().unwrap())
}

fn held(scratch: &Scratch, name: &str) -> File {
    let mut options = File::options();
    let options = options.create(true).truncate(false).write(true);
    let lock = options.open(scratch.data().join(name)).unwrap();
    lock.lock().unwrap();
    lock
}

const RELOCATE: [&str; 5] = ["keys", "relocate", "--to", "repository", "--yes"];

#[test]
fn who_stops_a_move_of_the_keys_is_told_how_to_go_on() {
    let scratch = Scratch::new();
    for (by, status, name) in [
        (Signal::INT, 130, "Ctrl-C"),
        (Signal::TERM, 143, "SIGTERM"),
        (Signal::HUP, 129, "SIGHUP"),
    ] {
        let lock = held(&scratch, "keys/.lock");
        let said = stopped(begun(&scratch, &RELOCATE, Stdio::piped()), by);
        drop(lock);
        assert_eq!(said.status, status, "{said:?}");
        let expected = format!(
            "error: stopped by {name}: no key is lost, and the instance starts with all of them\n\
             hint: `signet keys relocate --to repository` goes on from here\n"
        );
        assert!(said.stderr.ends_with(&expected), "{said:?}");
    }
    // The log tells of each, and the command goes on.
    scratch.run(&RELOCATE).done();
    let told = scratch.json(&["audit", "show", "--action", "change.interrupted"]);
    assert_eq!(told.as_array().unwrap().len(), 3);
}

#[test]
fn who_stops_sealing_anew_is_told_how_to_go_on() {
    let scratch = Scratch::new();
    let lock = held(&scratch, ".reseal.lock");
    let words = ["secret", "reseal", "--json"];
    let said = stopped(begun(&scratch, &words, Stdio::piped()), Signal::TERM);
    drop(lock);
    assert_eq!(said.status, 143, "{said:?}");
    let document: Value = serde_json::from_str(&said.stderr).unwrap();
    let error = document["error"].as_str().unwrap();
    assert!(error.starts_with("stopped by SIGTERM: every sealed value opens"));
    let hint = document["hint"].as_str().unwrap();
    assert!(hint.contains("`signet secret reseal`"), "{hint}");
    scratch.run(&["secret", "reseal"]).done();
}

/// A pipe that takes nothing more, and the end at which it would be read.
fn full() -> (std::io::PipeReader, Stdio) {
    let (reader, writer) = std::io::pipe().unwrap();
    let flags = rustix::fs::fcntl_getfl(&writer).unwrap();
    rustix::fs::fcntl_setfl(&writer, flags | rustix::fs::OFlags::NONBLOCK).unwrap();
    while (&writer).write(&[b' '; 4_096]).is_ok() {}
    while (&writer).write(b" ").is_ok() {}
    rustix::fs::fcntl_setfl(&writer, flags).unwrap();
    (reader, writer.into())
}

// The copy holds keys.
#[test]
fn a_rehearsal_that_is_stopped_leaves_no_copy() {
    let scratch = Scratch::new();
    let copy = scratch.path().join("data.rehearsal");
    let words = ["keys", "relocate", "--to", "repository", "--rehearse"];
    for by in [Signal::INT, Signal::TERM] {
        // Nobody reads its first step, so it waits in the middle of it.
        let (_reader, output) = full();
        let child = begun(&scratch, &words, output);
        let is_copied = |copy: &Path| copy.join("repository.db").exists();
        while !is_copied(&copy) {
            thread::yield_now();
        }
        let said = stopped(child, by);
        assert!(
            said.stderr
                .ends_with(": nothing was changed, and the copy is removed\n"),
            "{said:?}"
        );
        assert!(!copy.exists());
    }
    assert!(!scratch.data().join("audit.pending").exists());
}

// `nohup` and shells that put a command into the background say so by ignoring signals.
#[test]
fn a_signal_that_is_ignored_stays_ignored() {
    let scratch = Scratch::new();
    let lock = held(&scratch, "keys/.lock");
    let mut command = std::process::Command::new("sh");
    let script = "trap '' HUP; exec \"$0\" keys relocate --to repository --yes";
    command
        .args(["-c", script, crate::scratch::PROGRAM])
        .env("SIGNET_DATA", scratch.data());
    let child = interruptible(&command)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    while !catches(&child, Signal::TERM) {
        thread::yield_now();
    }
    signal(&child, Signal::HUP);
    drop(lock);
    Said::new(&child.wait_with_output().unwrap()).done();
}
