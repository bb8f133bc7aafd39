//! The program as somebody without rights: an installation of one's own, and what belongs to others or is closed.
//!
//! The super-user runs it as `nobody`; whoever runs the tests without rights runs it as they are.

use std::collections::BTreeMap;
use std::fs;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::net::TcpListener;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _, chown};
use std::path::{Path, PathBuf};

use crate::aem_relocate::{FROM_FILES, Installation, before, moved};
use crate::scratch::{Scratch, below, is_root};
use crate::serving::{Running, SERVE};

/// A raw master.
const OTHER: &str = "\u{1}\u{7f}0123456789abcd";

const PASSPHRASE: &str = "a passphrase that is long enough\n";

/// An installation that belongs to somebody without rights.
fn own() -> Scratch {
    let scratch = Scratch::new().without_rights();
    scratch.give(&scratch.data());
    // From the first change on there is a log of changes.
    scratch.run(&["keys", "rotate"]).done();
    scratch
}

/// Everything below a directory with owner, mode and content, the last as a number.
fn state(directory: &Path) -> BTreeMap<PathBuf, (u32, u32, u64)> {
    let paths = below(directory).into_iter().map(|path| {
        let metadata = fs::symlink_metadata(&path).unwrap();
        let mut hasher = DefaultHasher::new();
        if metadata.is_file() {
            fs::read(&path).unwrap().hash(&mut hasher);
        }
        (path, (metadata.uid(), metadata.mode(), hasher.finish()))
    });
    // What opening it leaves, whatever becomes of it.
    let passing = ["-wal", "-shm", ".lock", "/lock"];
    paths
        .filter(|(path, _)| {
            !passing
                .iter()
                .any(|end| path.to_string_lossy().ends_with(end))
        })
        .collect()
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

fn key_file(scratch: &Scratch) -> PathBuf {
    let entries = fs::read_dir(scratch.data().join("keys/hmac")).unwrap();
    let mut files = entries.map(|entry| entry.unwrap().path());
    files.find(|path| path.extension().is_some()).unwrap()
}

/// All of the data is the user's, and nobody else's.
fn assert_private(scratch: &Scratch) {
    let user = fs::metadata(scratch.path()).unwrap().uid();
    for path in below(&scratch.data()) {
        let metadata = fs::metadata(&path).unwrap();
        assert_eq!(metadata.uid(), user, "{}", path.display());
        assert_eq!(metadata.mode() & 0o077, 0, "{}", path.display());
    }
}

#[test]
fn a_first_start_needs_no_rights() {
    let scratch = Scratch::empty().without_rights();
    let running = Running::start(&scratch);
    assert_eq!(running.admin("/readyz"), (200, "ready\n".to_owned()));
    assert_private(&scratch);
    running.terminate();
}

#[test]
fn nothing_that_an_administrator_does_needs_rights() {
    let scratch = own();
    let running = Running::start(&scratch);
    scratch.add("alice");
    let token = scratch.mint(&["alice"]);
    assert_eq!(scratch.json(&["health"])["overallResult"], "OK");
    for words in [
        &["keys", "rotate"][..],
        &["keys", "relocate", "--to", "repository", "--yes"],
        &["keys", "relocate", "--undo", "--yes"],
    ] {
        let said = scratch.run(words).done();
        let all = format!("{}{}", said.stdout, said.stderr);
        assert!(
            all.contains("In force on the running instance"),
            "{said:#?}"
        );
        assert_eq!(running.whoami(&token), 200, "{words:?}");
    }
    let card = scratch.run(&["node", "show"]).done();
    let card = scratch.file("card", &card.stdout);
    scratch.run(&["backup", "kept", "--for", &card]).done();
    running.terminate();
    assert_private(&scratch);

    fs::rename(scratch.data(), scratch.path().join("lost")).unwrap();
    let identity = ["--identity", "lost/node/age.key", "--from", &card];
    scratch
        .run(&[&["restore", "kept", "--keep-sessions"], &identity[..]].concat())
        .done();
    let running = Running::start(&scratch);
    assert_eq!(running.whoami(&token), 200);
    running.terminate();
    assert_private(&scratch);
}

#[test]
fn the_installation_of_somebody_else_is_left_alone() {
    if !is_root() {
        eprintln!("only the super-user can make an installation for somebody else");
        return;
    }
    let scratch = Scratch::new().without_rights();
    let data = scratch.data();
    let passphrase = scratch.file("passphrase", PASSPHRASE);
    let backup = ["backup", "kept", "--passphrase-file", &passphrase];
    let commands: [&[&str]; 6] = [
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ],
        &["keys", "list"],
        &["keys", "rotate"],
        &["keys", "relocate", "--to", "repository", "--yes"],
        &["user", "add", "alice", "--no-password"],
        &backup,
    ];
    let untouched = state(&data);
    for words in commands {
        scratch
            .run(words)
            .failed("data/format could not be read")
            .hints("run it as the user that the instance runs as");
    }
    // Where it can be looked into, it is as much somebody else's.
    for path in below(&data) {
        set_mode(&path, if path.is_dir() { 0o755 } else { 0o644 });
    }
    for words in commands {
        scratch
            .run(words)
            .failed("data belongs to the user 0, this process runs as 65534")
            .hints("run it as its owner: `sudo -u root signet ");
    }
    for path in below(&data) {
        set_mode(&path, if path.is_dir() { 0o700 } else { 0o600 });
    }
    assert_eq!(state(&data), untouched);
    assert!(!scratch.path().join("kept").exists());
}

// K5: a key that others own is no key of this installation.
#[test]
fn a_key_file_of_somebody_else_is_named() {
    let scratch = own();
    let key = key_file(&scratch);
    if is_root() {
        chown(&key, Some(0), Some(0)).unwrap();
        set_mode(&key, 0o644);
    } else {
        set_mode(&key, 0o000);
    }
    let untouched = fs::metadata(&key).unwrap().mode();
    let list = scratch.json(&["keys", "list"]);
    let problems = list["problems"].to_string();
    assert!(problems.contains(key.to_str().unwrap()), "{list:#}");
    assert_eq!(problems.contains("chown 65534"), is_root(), "{list:#}");
    let said = scratch
        .run(&["keys", "relocate", "--to", "repository", "--yes"])
        .failed("what claims to be a key cannot be read, and would be lost");
    assert!(said.stderr.contains("nothing was changed"), "{said:#?}");
    assert_eq!(fs::metadata(&key).unwrap().mode(), untouched);
    assert_eq!(
        fs::read_to_string(scratch.data().join("keys/storage")).unwrap(),
        "file"
    );
}

#[test]
fn whatever_is_closed_is_named_and_nothing_is_changed() {
    let scratch = own();
    Running::start(&scratch).terminate();
    let data = scratch.data();
    let key = key_file(&scratch);
    let key = key.strip_prefix(&data).unwrap().to_str().unwrap();
    let relocate = ["keys", "relocate", "--to", "repository", "--yes"];
    let closed: [(&str, &[&str], &str, &str); 10] = [
        (
            "format",
            &["keys", "list"],
            "data/format could not be read",
            "run it as the user",
        ),
        (
            "signet.toml",
            &["keys", "list"],
            "data/signet.toml could not be read",
            "run it as the user",
        ),
        (
            "repository.db",
            &["user", "list"],
            "the repository",
            "writable for the instance's user",
        ),
        (
            "audit.log",
            &["keys", "rotate"],
            "nothing was changed, because it could not be recorded",
            "audit.log",
        ),
        (
            "audit.lock",
            &["keys", "rotate"],
            "nothing was changed, because it could not be recorded",
            "audit.lock",
        ),
        (
            "keys",
            &["keys", "list"],
            "data/keys/storage",
            "change its owner or mode",
        ),
        (
            "keys/storage",
            &["keys", "rotate"],
            "data/keys/storage",
            "change its owner or mode",
        ),
        (
            "keys/hmac",
            &["keys", "rotate"],
            "cannot use",
            "change its owner or mode",
        ),
        (
            key,
            &relocate,
            "nothing was changed",
            "change its owner or mode",
        ),
        (
            "run",
            &SERVE,
            "data/run/lock could not be written",
            "writable for this user",
        ),
    ];
    for (path, words, says, hint) in closed {
        let untouched = state(&data);
        let path = data.join(path);
        let mode = fs::metadata(&path).unwrap().mode();
        set_mode(&path, 0o000);
        scratch.run(words).failed(says).hints(hint);
        set_mode(&path, mode);
        assert_eq!(state(&data), untouched, "{}", path.display());
    }
}

#[test]
fn nothing_is_changed_where_nothing_can_be_written() {
    let scratch = own();
    let data = scratch.data();
    let card = scratch.run(&["node", "show"]).done();
    let card = scratch.file("card", &card.stdout);
    let untouched = state(&data);
    for path in below(&data) {
        set_mode(&path, if path.is_dir() { 0o500 } else { 0o400 });
    }
    let closed = state(&data);
    for words in [
        &["keys", "rotate"][..],
        &["keys", "relocate", "--to", "repository", "--yes"],
        &["user", "add", "alice", "--no-password"],
        &[
            "serve",
            "--listen",
            "127.0.0.1:0",
            "--admin-listen",
            "127.0.0.1:0",
        ],
    ] {
        scratch.run(words).failed("Permission denied").hints("");
        assert_eq!(state(&data), closed, "{words:?}");
    }
    for path in below(&data) {
        set_mode(&path, if path.is_dir() { 0o700 } else { 0o600 });
    }
    assert_eq!(state(&data), untouched);
    let locked = scratch.path().join("locked");
    fs::create_dir(&locked).unwrap();
    scratch.give(&locked);
    set_mode(&locked, 0o500);
    let said = scratch.run(&["backup", "locked/kept", "--for", &card]);
    assert!(
        said.stderr.contains("locked/kept cannot be written"),
        "{said:#?}"
    );
    let said = said.hints("who owns the directory of locked/kept");
    assert_eq!(said.status, 1, "{said:#?}");
    assert_eq!(fs::read_dir(&locked).unwrap().count(), 0);
    set_mode(&locked, 0o700);
}

#[test]
fn a_secret_that_cannot_be_read_is_named() {
    let scratch = own();
    let file = scratch.file("secret", PASSPHRASE);
    set_mode(Path::new(&file), 0o000);
    let endpoint = "https://id.example/token";
    let commands: [&[&str]; 4] = [
        &["user", "add", "alice", "--password-file", &file],
        &["backup", "kept", "--passphrase-file", &file],
        &[
            "client",
            "add",
            "c",
            "--token-endpoint",
            endpoint,
            "--client-id",
            "c",
            "--secret-file",
            &file,
        ],
        &["aem", "check", "http://127.0.0.1:9", "--credentials", &file],
    ];
    let untouched = state(&scratch.data());
    for words in commands {
        let said = scratch
            .run(words)
            .failed("Permission denied")
            .hints("`ls -ld`");
        assert!(said.stderr.contains(&file), "{said:#?}");
    }
    assert_eq!(state(&scratch.data()), untouched);
    assert!(!scratch.path().join("kept").exists());
}

#[test]
fn a_port_that_is_kept_for_the_super_user_is_refused() {
    let scratch = own();
    let start = fs::read_to_string("/proc/sys/net/ipv4/ip_unprivileged_port_start").unwrap();
    let Some(port) = start.trim().parse::<u16>().unwrap().checked_sub(1) else {
        eprintln!("this system keeps no port for the super-user");
        return;
    };
    // Where somebody without rights was given this one, nothing is refused.
    if !is_root() && TcpListener::bind(("127.0.0.1", port)).is_ok() {
        eprintln!("this user may listen on port {port}");
        return;
    }
    let address = format!("127.0.0.1:{port}");
    for (listen, other, key) in [
        ("--listen", "--admin-listen", "listen.public"),
        ("--admin-listen", "--listen", "listen.admin"),
    ] {
        scratch
            .run(&["serve", listen, &address, other, "127.0.0.1:0"])
            .failed(&format!("{address} could not be listened on ({key})"))
            .hints("CAP_NET_BIND_SERVICE");
    }
}

/// A line of configuration that is sealed with the master in the file beside it.
fn sealed(scratch: &Scratch) -> String {
    let protect = ["aem", "protect", "--master", "master"];
    let value = scratch.run_with(&protect, "a password\n").done().stdout;
    format!("password=\"{}\"\n", value.trim())
}

#[test]
fn keys_of_ones_own_aem_are_moved() {
    let installation = Installation::within(Scratch::empty().without_rights());
    let scratch = &installation.scratch;
    for path in ["crx-quickstart", "hmac", "master"] {
        scratch.give(&scratch.path().join(path));
    }
    let inspected = scratch.run(&["aem", "inspect", "crx-quickstart", "--json"]);
    assert_eq!(inspected.json()["storage"]["says"], "jcr", "{inspected:#?}");
    installation.run(&FROM_FILES).done();
    assert_eq!(installation.files(), moved());
    let user = fs::metadata(scratch.path()).unwrap().uid();
    for path in below(&scratch.path().join("crx-quickstart")) {
        assert_eq!(
            fs::metadata(&path).unwrap().uid(),
            user,
            "{}",
            path.display()
        );
    }

    // On to another, whose keys are others, and what they seal.
    let target = Installation::within(Scratch::empty().without_rights());
    let to = target.scratch.path().join("crx-quickstart");
    let bundle = to.join("launchpad/felix/bundle25/data");
    fs::write(to.join("launchpad/felix/bundle20/data/storage"), "Bundle").unwrap();
    fs::write(bundle.join("hmac"), [0xa5; 32]).unwrap();
    fs::write(bundle.join("master"), OTHER).unwrap();
    target.scratch.give(target.scratch.path());
    let replicate = [
        "aem",
        "replicate",
        "--from",
        "crx-quickstart",
        "--to",
        to.to_str().unwrap(),
    ];
    scratch
        .run(&[&replicate[..], &["--accept"]].concat())
        .done();
    assert_eq!(target.files(), moved());
    let other = scratch.file("other", OTHER);
    let before_it = sealed(scratch);
    let content = scratch.file("mail.config", &before_it);
    let rekey = ["aem", "rekey", "--old", "master", "--new", &other, &content];
    scratch.run(&rekey).done();
    let value = fs::read_to_string(&content).unwrap();
    assert!(
        value.starts_with("password=\"{") && value != before_it,
        "{value}"
    );

    let kept = scratch.path().join("crx-quickstart/signet-relocation");
    installation.run(&["--undo", kept.to_str().unwrap()]).done();
    assert_eq!(installation.files(), before());
}

#[test]
fn the_aem_of_somebody_else_is_left_alone() {
    if !is_root() {
        eprintln!("only the super-user can make an installation for somebody else");
        return;
    }
    let installation = Installation::within(Scratch::empty().without_rights());
    let scratch = &installation.scratch;
    for path in ["hmac", "master"] {
        scratch.give(&scratch.path().join(path));
    }
    let rekey = [
        "aem",
        "rekey",
        "--old",
        "master",
        "--new",
        "other",
        "crx-quickstart/conf",
    ];
    scratch.file("other", OTHER);
    let value = sealed(scratch);
    installation.write("crx-quickstart/conf/mail.config", value.as_bytes());
    // Its keys are in files, and go to the other's.
    let source = Installation::within(Scratch::empty().without_rights());
    source.scratch.give(source.scratch.path());
    source.run(&FROM_FILES).done();
    let from = source.scratch.path().join("crx-quickstart");
    let to = ["--to", "crx-quickstart", "--accept"];
    let replicate = [
        &["aem", "replicate", "--from", from.to_str().unwrap()],
        &to[..],
    ]
    .concat();
    let relocate = [&["aem", "relocate", "crx-quickstart"], &FROM_FILES[..]].concat();
    left_alone(scratch, &[&relocate, &rekey]);
    installation.write(
        "crx-quickstart/launchpad/felix/bundle20/data/storage",
        b"Bundle",
    );
    for key in ["hmac", "master"] {
        let content = fs::read(scratch.path().join(key)).unwrap();
        let path = format!("crx-quickstart/launchpad/felix/bundle25/data/{key}");
        installation.write(&path, &[&content[1..], b"\x02"].concat());
    }
    left_alone(scratch, &[&replicate, &rekey]);
    // Whoever may only look may look.
    let said = scratch.run(&["aem", "inspect", "crx-quickstart"]);
    assert!(said.stdout.contains("crypto.file  bundle 25"), "{said:#?}");
}

/// Neither where all of it is closed nor where it can be read, and not be written, does any of these change a thing.
fn left_alone(scratch: &Scratch, commands: &[&[&str]]) {
    let folder = scratch.path().join("crx-quickstart");
    for (directory, file) in [(0o700, 0o600), (0o755, 0o644)] {
        for path in below(&folder) {
            set_mode(&path, if path.is_dir() { directory } else { file });
        }
        let untouched = state(&folder);
        for words in commands {
            scratch.run(words).failed("").hints("run this as");
            assert_eq!(state(&folder), untouched, "{words:?}");
        }
    }
}
