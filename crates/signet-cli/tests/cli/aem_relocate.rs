//! Moving the keys of an installation out of the repository, with keys from files and no instance.

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, fcntl_lock};
use rustix::process::{Pid, Signal, kill_process};

use crate::scratch::{Said, Scratch};
use crate::terminal::Terminal;

const HMAC: [u8; 32] = *b"\x01\xfe0123456789abcdef0123456789abcd";
const MASTER: [u8; 16] = *b"\x01\xfe0123456789abcd";
pub(crate) const FROM_FILES: [&str; 4] = ["--hmac", "hmac", "--master", "master"];

/// An installation that was upgraded: its keys are in the repository, and were downloaded from there.
pub(crate) struct Installation {
    pub(crate) scratch: Scratch,
}

impl Installation {
    fn new() -> Self {
        Self::within(Scratch::empty())
    }

    pub(crate) fn within(scratch: Scratch) -> Self {
        let installation = Self { scratch };
        fs::create_dir_all(installation.felix().join("bundle0")).unwrap();
        installation.bundle(20, "com.adobe.granite.crypto");
        installation.bundle(25, "com.adobe.granite.crypto.file");
        installation.write(
            "crx-quickstart/launchpad/felix/bundle20/data/storage",
            b"JCR",
        );
        installation.write("hmac", &HMAC);
        installation.write("master", &MASTER);
        installation
    }

    pub(crate) fn felix(&self) -> PathBuf {
        self.scratch.path().join("crx-quickstart/launchpad/felix")
    }

    fn backup(&self) -> PathBuf {
        self.scratch.path().join("crx-quickstart/signet-relocation")
    }

    fn bundle(&self, id: u64, name: &str) {
        let directory = format!("crx-quickstart/launchpad/felix/bundle{id}");
        let info = format!("{id}\nlaunchpad:{name}-1.0.jar\n32\n20\n1767225600000\n0\n");
        self.write(&format!("{directory}/bundle.info"), info.as_bytes());
        let manifest = format!(
            "Manifest-Version: 1.0\r\nBundle-SymbolicName: {name}\r\nBundle-Version: 1.0\r\n"
        );
        let path = format!("{directory}/version0.0/bundle.jar");
        self.write(&path, &stored("META-INF/MANIFEST.MF", manifest.as_bytes()));
        fs::create_dir(self.scratch.path().join(directory).join("data")).unwrap();
    }

    pub(crate) fn write(&self, path: &str, content: &[u8]) {
        let path = self.scratch.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// The three files that count.
    pub(crate) fn files(&self) -> [Option<Vec<u8>>; 3] {
        [
            "bundle20/data/storage",
            "bundle25/data/hmac",
            "bundle25/data/master",
        ]
        .map(|path| fs::read(self.felix().join(path)).ok())
    }

    pub(crate) fn run(&self, words: &[&str]) -> Said {
        let words = [&["aem", "relocate", "crx-quickstart"], words].concat();
        self.scratch.run(&words)
    }

    /// What AEM holds while it runs.
    fn start(&self) -> File {
        let file = File::create(self.felix().join("cache.lock")).unwrap();
        fcntl_lock(&file, FlockOperation::NonBlockingLockExclusive).unwrap();
        file
    }

    /// Everything below the folder but the backup.
    fn everything(&self) -> Vec<PathBuf> {
        let mut waiting = vec![self.scratch.path().join("crx-quickstart")];
        let mut found = Vec::new();
        while let Some(directory) = waiting.pop() {
            for entry in fs::read_dir(directory).unwrap() {
                let entry = entry.unwrap();
                if entry.file_type().unwrap().is_dir() && entry.path() != self.backup() {
                    waiting.push(entry.path());
                }
                found.push(entry.path());
            }
        }
        found.sort();
        found
    }
}

/// A jar with one entry, stored as it is.
fn stored(name: &str, content: &[u8]) -> Vec<u8> {
    let mut crc = !0_u32;
    for byte in content {
        crc ^= u32::from(*byte);
        for _ in 0..8 {
            crc = (crc >> 1) ^ (0xedb8_8320 & (crc & 1).wrapping_neg());
        }
    }
    let size = u32::try_from(content.len()).unwrap().to_le_bytes();
    let length = u16::try_from(name.len()).unwrap().to_le_bytes();
    let mut common = vec![20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0x5c];
    common.extend((!crc).to_le_bytes());
    common.extend([size, size].concat());
    common.extend(length);
    common.extend([0, 0]);
    let local = [b"PK\x03\x04", &common[..], name.as_bytes(), content].concat();
    let mut central = [&b"PK\x01\x02\x14\x00"[..], &common].concat();
    central.extend([0; 14]);
    central.extend(name.as_bytes());
    let mut end = b"PK\x05\x06\x00\x00\x00\x00\x01\x00\x01\x00".to_vec();
    end.extend(u32::try_from(central.len()).unwrap().to_le_bytes());
    end.extend(u32::try_from(local.len()).unwrap().to_le_bytes());
    end.extend([0, 0]);
    [local, central, end].concat()
}

pub(crate) fn moved() -> [Option<Vec<u8>>; 3] {
    [
        Some(b"Bundle".to_vec()),
        Some(HMAC.to_vec()),
        Some(MASTER.to_vec()),
    ]
}

pub(crate) fn before() -> [Option<Vec<u8>>; 3] {
    [Some(b"JCR".to_vec()), None, None]
}

#[test]
fn keys_from_files_are_moved_and_come_back() {
    let installation = Installation::new();
    let said = installation.run(&FROM_FILES).done();
    let lines: Vec<_> = said.stdout.lines().collect();
    for number in [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12] {
        let start = format!("{number:>2}  ");
        assert!(
            lines.iter().any(|line| line.starts_with(&start)),
            "{said:#?}"
        );
    }
    // What the article compares, as `md5sum` prints it.
    assert!(said.stdout.contains("MD5 "), "{said:#?}");
    assert!(said.stdout.contains("--finish --url URL"), "{said:#?}");
    assert_eq!(installation.files(), moved());

    let again = installation.run(&[]).done();
    assert!(again.stdout.contains("Start AEM, then run"), "{again:#?}");
    installation
        .run(&["--finish"])
        .failed("the instance is needed")
        .hints("--url");
    let backup = installation.backup();
    let undone = installation
        .run(&["--undo", backup.to_str().unwrap()])
        .done();
    assert!(undone.stdout.contains("as it was before"), "{undone:#?}");
    assert_eq!(installation.files(), before());

    let document = installation
        .scratch
        .json(&[&["aem", "relocate", "crx-quickstart"], &FROM_FILES[..]].concat());
    assert_eq!(document["outcome"], "switched");
    assert_eq!(document["keys"][1]["digests"]["bytes"], 16);
    assert_eq!(document["steps"][0]["number"], 1);
    let text = document.to_string();
    assert!(!text.contains("0123456789abcdef0123456789abcd"), "{text}");
}

#[test]
fn a_dry_run_and_a_rehearsal_change_nothing() {
    let installation = Installation::new();
    let _aem = installation.start();
    let everything = installation.everything();
    let shown = installation
        .run(&[&["--dry-run"], &FROM_FILES[..]].concat())
        .done();
    for number in 1..=15 {
        let start = format!("{number:>2}  ");
        assert!(
            shown.stdout.lines().any(|line| line.starts_with(&start)),
            "{number}: {shown:#?}"
        );
    }
    installation.run(&["--dry-run"]).done();
    let rehearsed = installation
        .run(&[&["--rehearse"], &FROM_FILES[..]].concat())
        .done();
    assert!(rehearsed.stdout.contains("It goes well"), "{rehearsed:#?}");
    assert_eq!(installation.everything(), everything);
    assert_eq!(installation.files(), before());
    installation
        .run(&["--rehearse"])
        .failed("nothing says where the keys come from")
        .hints("--from-url");
}

#[test]
fn a_running_aem_is_asked_to_be_stopped() {
    let installation = Installation::new();
    let aem = installation.start();
    installation
        .run(&FROM_FILES)
        .failed("AEM runs, as process")
        .hints("stop AEM, then run: signet aem relocate '/");
    assert_eq!(installation.files(), before());
    let inspected = installation
        .scratch
        .run(&["aem", "inspect", "crx-quickstart"]);
    assert!(
        inspected.stdout.contains("RELOCATION_UNFINISHED"),
        "{inspected:#?}"
    );

    // A command that fails, and one that does not stop it.
    let failed = installation.run(&["--stop", "echo it cannot >&2; exit 3"]);
    assert!(failed.stderr.contains("it cannot\n"), "{failed:#?}");
    assert!(
        failed.stderr.contains("the command of --stop failed"),
        "{failed:#?}"
    );
    let late = installation.run(&["--stop", "true", "--wait", "1"]);
    assert_eq!(late.status, 1, "{late:#?}");
    assert!(
        late.stderr.contains("AEM still runs, as process"),
        "{late:#?}"
    );
    drop(aem);
    // Goes on without the files that the keys came from.
    fs::remove_file(installation.scratch.path().join("hmac")).unwrap();
    let said = installation.run(&[]).done();
    assert!(
        said.stderr.contains("this one goes on from there"),
        "{said:#?}"
    );
    assert_eq!(installation.files(), moved());
    assert!(installation.run(&[]).done().stdout.contains("--finish"));
}

#[test]
fn what_is_no_key_is_refused_before_anything_is_written() {
    let installation = Installation::new();
    let everything = installation.everything();
    let page = format!("<html>{}", "login ".repeat(30));
    for (name, content, words) in [
        (
            "hmac",
            page.as_bytes(),
            "a web page came in the place of hmac",
        ),
        ("hmac", b"", "in the place of hmac is empty"),
        ("master", b"3e3fcf55e362e5cb\n", "is text of 17 bytes"),
        ("master", &HMAC[..17], "has 17 bytes, which no master has"),
    ] {
        let good = fs::read(installation.scratch.path().join(name)).unwrap();
        installation.write(name, content);
        installation
            .run(&FROM_FILES)
            .failed(&format!("{name} is not the {name} of an installation"))
            .failed(words);
        installation.write(name, &good);
    }
    installation
        .run(&["--hmac", "none", "--master", "master"])
        .failed("it does not exist");
    let link = installation.scratch.path().join("link");
    symlink("hmac", link).unwrap();
    installation
        .run(&["--hmac", "link", "--master", "master"])
        .failed("it cannot be read");
    assert_eq!(installation.run(&["--hmac", "hmac"]).status, 2);
    assert_eq!(installation.everything(), everything);
}

#[test]
fn an_installation_that_is_not_clear_is_refused() {
    let installation = Installation::new();
    installation.bundle(31, "com.adobe.granite.crypto.file");
    installation
        .run(&FROM_FILES)
        .failed("more than once: 25, 31")
        .hints("uninstall the others");
    let installation = Installation::new();
    installation.write(
        "crx-quickstart/conf/sling.properties",
        b"com.adobe.granite.crypto.keys.path=/keys\n",
    );
    installation
        .run(&FROM_FILES)
        .failed("com.adobe.granite.crypto.keys.path")
        .hints("remove the property");
    let scratch = Scratch::empty();
    scratch
        .run(&["aem", "relocate", "."])
        .failed("is no AEM installation");
}

#[test]
fn keys_that_are_in_files_are_left_alone() {
    let installation = Installation::new();
    for (path, content) in [
        ("bundle20/data/storage", &b"Bundle"[..]),
        ("bundle25/data/hmac", &HMAC),
        ("bundle25/data/master", &MASTER),
    ] {
        installation.write(&format!("crx-quickstart/launchpad/felix/{path}"), content);
    }
    let said = installation.run(&FROM_FILES).done();
    assert!(said.stdout.contains("There is nothing to do"), "{said:#?}");
    assert!(!installation.backup().exists());
    // Others are in use.
    installation.write(
        "crx-quickstart/launchpad/felix/bundle20/data/storage",
        b"Bundle\n",
    );
    installation.write("hmac", &[0xa5; 32]);
    installation
        .run(&FROM_FILES)
        .failed("is another hmac")
        .hints("signet aem replicate");
}

#[test]
fn a_backup_of_somebody_else_is_not_believed() {
    let installation = Installation::new();
    let backup = installation.backup();
    fs::create_dir(&backup).unwrap();
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o755)).unwrap();
    installation.run(&FROM_FILES).failed("is not to be trusted");
    fs::set_permissions(&backup, fs::Permissions::from_mode(0o700)).unwrap();
    fs::write(backup.join("letters.txt"), "dear").unwrap();
    installation
        .run(&FROM_FILES)
        .failed("holds something else than a backup");
    let none = installation.scratch.path().join("none");
    installation
        .run(&["--undo", none.to_str().unwrap()])
        .failed("there is no backup in");
    let elsewhere = [&["--backup", "kept"], &FROM_FILES[..]].concat();
    installation.run(&elsewhere).done();
    assert!(installation.scratch.path().join("kept/hmac").is_file());
    assert_eq!(installation.files(), moved());
}

#[test]
fn at_a_terminal_it_waits_until_aem_is_stopped() {
    let installation = Installation::new();
    let aem = installation.start();
    let mut command = installation.scratch.command();
    command
        .args(["aem", "relocate", "crx-quickstart"])
        .args(FROM_FILES);
    let mut terminal = Terminal::start(command);
    terminal.until("Move the keys of crx-quickstart into files?");
    terminal.press("y");
    terminal.until("Stop AEM now: AEM runs, as process");
    assert_eq!(installation.files(), before());
    drop(aem);
    let (status, shown) = terminal.end();
    assert_eq!(status, 0, "{shown}");
    assert!(shown.contains("it is stopped"), "{shown}");
    assert_eq!(installation.files(), moved());
}

/// A command that says that it was begun, and ends when the program does.
fn stuck(begun: &Path) -> String {
    format!(
        "echo > '{}'; exec tail --pid=$PPID -f /dev/null 2> /dev/null >&2",
        begun.display()
    )
}

impl Installation {
    /// Stops the program with `signal` when it has made `begun`.
    fn stop(&self, words: &[&str], signal: Signal, begun: &Path) -> Said {
        let mut command = self.scratch.command();
        command
            .args(["aem", "relocate", "crx-quickstart"])
            .args(words);
        let mut command = crate::terminal::interruptible(&command);
        command
            .stdin(std::process::Stdio::null())
            .stdout(std::process::Stdio::piped())
            .stderr(std::process::Stdio::piped());
        let child = command.spawn().unwrap();
        until(begun);
        let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
        kill_process(process, signal).unwrap();
        Said::new(&child.wait_with_output().unwrap())
    }
}

#[test]
fn whoever_stops_it_is_told_how_things_stand() {
    let installation = Installation::new();
    let scratch = installation.scratch.path().to_owned();
    let backup = installation.backup();
    let said = |said: Said, status, words: [&str; 2]| {
        assert_eq!(said.status, status, "{said:#?}");
        for words in words {
            assert!(said.stderr.contains(words), "{words}: {said:#?}");
        }
    };

    // While it waits for AEM to stop, only the backup is there.
    let aem = installation.start();
    for (signal, status, name) in [
        (Signal::INT, 130, "Ctrl-C"),
        (Signal::TERM, 143, "SIGTERM"),
        (Signal::HUP, 129, "SIGHUP"),
    ] {
        let begun = scratch.join(name);
        let stop = stuck(&begun);
        let words = [&["--stop", &stop], &FROM_FILES[..]].concat();
        let stopped = installation.stop(&words, signal, &begun);
        let told = format!("error: stopped by {name}: nothing was changed but the backup\n");
        said(
            stopped,
            status,
            [&told, "go on with: signet aem relocate '/"],
        );
        assert_eq!(installation.files(), before());
    }
    drop(aem);

    // When the keys are written, both ways are named.
    let begun = scratch.join("starting");
    let start = stuck(&begun);
    let stopped = installation.stop(&["--start", &start], Signal::TERM, &begun);
    let back = format!("--undo '{}'", backup.display());
    let told = "the keys are in files, and those in the repository are still there";
    said(stopped, 143, [told, &back]);
    assert_eq!(installation.files(), moved());

    // On the way back.
    let _aem = installation.start();
    let begun = scratch.join("back");
    let stop = stuck(&begun);
    let words = ["--undo", backup.to_str().unwrap(), "--stop", &stop];
    let stopped = installation.stop(&words, Signal::INT, &begun);
    said(stopped, 130, ["the way back may not be complete", &back]);
    assert_eq!(installation.files(), moved());
}

#[test]
fn whoever_stops_it_while_an_instance_is_asked_hears_that_nothing_was_changed() {
    let installation = Installation::new();
    let everything = installation.everything();
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    installation.write("credentials", b"admin:admin");
    let asked = installation.scratch.path().join("asked");
    let instance = {
        let asked = asked.clone();
        std::thread::spawn(move || {
            // Asks, and gets no answer.
            let connection = listener.accept().unwrap();
            fs::write(asked, "").unwrap();
            connection
        })
    };
    let words = ["--from-url", &url, "--credentials", "credentials"];
    let said = installation.stop(&words, Signal::TERM, &asked);
    assert_eq!(said.status, 143, "{said:#?}");
    assert_eq!(
        said.stderr,
        "error: stopped by SIGTERM: nothing was changed\n"
    );
    drop(instance.join().unwrap());
    assert_eq!(installation.everything(), everything);
}

#[test]
fn credentials_that_others_can_read_are_warned_of() {
    let installation = Installation::new();
    installation.write("credentials", b"admin:admin");
    let run = || {
        installation.run(&[
            "--from-url",
            "http://127.0.0.1:1",
            "--credentials",
            "credentials",
        ])
    };
    let path = installation.scratch.path().join("credentials");
    assert!(!run().stderr.contains("warning: "));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
    let said = run();
    assert!(
        said.stderr
            .contains("reach credentials (mode 0640): chmod 600 "),
        "{said:#?}"
    );
    // As Kubernetes mounts secrets.
    fs::rename(&path, installation.scratch.path().join("mounted")).unwrap();
    symlink("mounted", &path).unwrap();
    assert!(!run().stderr.contains("warning: "));
}

/// Waits for a file that another process makes.
fn until(path: &Path) {
    while !path.exists() {
        std::thread::yield_now();
    }
}
