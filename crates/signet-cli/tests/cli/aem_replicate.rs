//! Keys copied between installations of AEM on one machine, and in bundles between machines.

use std::fs;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;
use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use crate::scratch::{Said, Scratch};

/// Bytes that are no text.
fn bits<const N: usize>(seed: u8) -> [u8; N] {
    core::array::from_fn(|place| seed.wrapping_add(u8::try_from(place * 7).unwrap()) | 0x80)
}

/// An installation with keys in files, under numbers of bundles of its own.
struct Installation {
    name: &'static str,
    root: PathBuf,
    number: u8,
}

impl Installation {
    fn new(scratch: &Scratch, name: &'static str, number: u8) -> Self {
        let installation = Self {
            name,
            root: scratch.path().join(name).join("crx-quickstart"),
            number,
        };
        installation.bundle(number, "com.adobe.granite.crypto");
        installation.bundle(number + 1, "com.adobe.granite.crypto.file");
        installation.write(&installation.storage(), b"Bundle");
        installation.write(&installation.key("hmac"), &bits::<32>(number));
        installation.write(&installation.key("master"), &bits::<16>(number));
        installation
    }

    fn felix(&self) -> PathBuf {
        self.root.join("launchpad/felix")
    }

    fn folder(&self) -> &str {
        self.root.to_str().unwrap()
    }

    fn storage(&self) -> PathBuf {
        self.felix()
            .join(format!("bundle{}/data/storage", self.number))
    }

    fn key(&self, name: &str) -> PathBuf {
        self.felix()
            .join(format!("bundle{}/data/{name}", self.number + 1))
    }

    fn bundle(&self, id: u8, name: &str) {
        let info = format!(
            "{id}\nlaunchpad:resources/install/0/{name}-1.0.jar\n32\n20\n1767225600000\n0\n"
        );
        let directory = self.felix().join(format!("bundle{id}"));
        self.write(&directory.join("bundle.info"), info.as_bytes());
        let mut jar = ZipWriter::new(std::io::Cursor::new(Vec::new()));
        jar.start_file("META-INF/MANIFEST.MF", SimpleFileOptions::default())
            .unwrap();
        let manifest = format!("Manifest-Version: 1.0\r\nBundle-SymbolicName: {name}\r\n\r\n");
        jar.write_all(manifest.as_bytes()).unwrap();
        let jar = jar.finish().unwrap().into_inner();
        self.write(&directory.join("version0.0/bundle.jar"), &jar);
    }

    fn write(&self, path: &Path, content: &[u8]) {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, content).unwrap();
        fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    }

    /// A configuration with a value that its own master opens.
    fn configure(&self) -> PathBuf {
        let key = GraniteKey::new(Zeroizing::new(bits::<16>(self.number)), UnixSeconds(0));
        let value = GraniteValue::protect(&key, "a password")
            .unwrap()
            .to_string();
        let escaped = value.replace('{', "\\{").replace('}', "\\}");
        let path = self.felix().join("bundle9/data/config/com/day/mail.config");
        self.write(&path, format!("smtp.password=\"{escaped}\"\r\n").as_bytes());
        path
    }

    fn has_keys_of(&self, other: &Self) -> bool {
        ["hmac", "master"]
            .iter()
            .all(|name| fs::read(self.key(name)).unwrap() == fs::read(other.key(name)).unwrap())
    }

    fn is_as_it_was(&self) -> bool {
        fs::read(self.key("hmac")).unwrap() == bits::<32>(self.number)
            && fs::read(self.key("master")).unwrap() == bits::<16>(self.number)
            && !self.root.join("signet-replication").exists()
    }

    /// A process that holds the lock of the framework, as AEM does, until it is killed.
    fn run(&self) -> Running {
        let lock = self.felix().join("cache.lock");
        self.write(&lock, b"");
        let mut child = Command::new("flock")
            .args(["--no-fork", lock.to_str().unwrap()])
            .args(["sh", "-c", "echo held; exec sleep 600"])
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = [0; 5];
        std::io::Read::read_exact(child.stdout.as_mut().unwrap(), &mut said).unwrap();
        Running(child)
    }
}

struct Running(std::process::Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn replicate(scratch: &Scratch, from: &str, to: &[&Installation], more: &[&str]) -> Said {
    let folders: Vec<_> = to.iter().map(|target| target.folder()).collect();
    let words = [
        &["aem", "replicate", "--from", from, "--to"],
        folders.as_slice(),
        more,
    ];
    scratch.run(&words.concat())
}

fn farm(scratch: &Scratch) -> [Installation; 3] {
    [
        Installation::new(scratch, "author", 20),
        Installation::new(scratch, "publish1", 30),
        Installation::new(scratch, "publish2", 40),
    ]
}

#[test]
fn a_farm_gets_the_keys_of_its_author() {
    let scratch = Scratch::empty();
    let [author, one, two] = farm(&scratch);
    let config = one.configure();

    // What it breaks is said first, and nothing is changed without a word of the administrator.
    let planned = replicate(&scratch, author.folder(), &[&one, &two], &["--dry-run"]);
    assert_eq!(planned.status, 1, "{planned:?}");
    assert!(
        planned.stdout.contains("replaces hmac, replaces master"),
        "{planned:?}"
    );
    let refused = replicate(&scratch, author.folder(), &[&one, &two], &[])
        .failed("nothing was changed")
        .hints("--only hmac");
    for words in [
        &*format!("{}: line 1", config.canonicalize().unwrap().display()),
        "1 sealed value will not open",
        "signet aem rekey --old",
        "truststore",
        "publish2/crx-quickstart gets another master",
    ] {
        assert!(refused.stderr.contains(words), "{words}: {refused:?}");
    }
    assert!(one.is_as_it_was() && two.is_as_it_was());

    let done = replicate(
        &scratch,
        author.folder(),
        &[&one, &two],
        &["--accept", "--json"],
    )
    .done()
    .json();
    assert_eq!(done["equal"], true);
    assert_eq!(done["targets"][0]["damage"]["values"], 1);
    assert_eq!(done["targets"][1]["state"], "changed");
    assert!(one.has_keys_of(&author) && two.has_keys_of(&author));
    let compared = scratch.run(&[
        "aem",
        "compare",
        author.folder(),
        one.folder(),
        two.folder(),
    ]);
    compared.done();

    // The remedy that was printed mends it.
    let backup = one.root.join("signet-replication/master");
    let rekey = ["aem", "rekey", "--old", backup.to_str().unwrap(), "--new"];
    let key = one.key("master");
    let paths = [key.to_str().unwrap(), config.to_str().unwrap()];
    let rekeyed = scratch.json(&[&rekey[..], &paths].concat());
    assert_eq!(rekeyed["values"], 1);

    // Once more there is nothing to do, and nothing to accept.
    let again = replicate(&scratch, author.folder(), &[&one, &two], &[]).done();
    assert!(again.stdout.contains("nothing to do"), "{again:?}");
    let only = fs::read_dir(&one.root).unwrap().count();
    assert_eq!(only, 2, "launchpad and one backup");
}

#[test]
fn hmac_alone_needs_no_word() {
    let scratch = Scratch::empty();
    let [author, one, _] = farm(&scratch);
    one.configure();
    let only = ["--only", "hmac"];
    let done = replicate(&scratch, author.folder(), &[&one], &only).done();
    assert!(
        done.stdout.contains("All of them have the keys"),
        "{done:?}"
    );
    assert!(done.stdout.contains("start AEM"), "{done:?}");
    assert_eq!(fs::read(one.key("hmac")).unwrap(), bits::<32>(20));
    assert_eq!(fs::read(one.key("master")).unwrap(), bits::<16>(30));
    let undone = scratch
        .run(&["aem", "replicate", "--undo", one.folder()])
        .done();
    assert!(undone.stdout.contains("hmac as before"), "{undone:?}");
    assert_eq!(fs::read(one.key("hmac")).unwrap(), bits::<32>(30));
    let word = scratch.run(&[
        "aem",
        "replicate",
        "--from",
        "x",
        "--to",
        "y",
        "--only",
        "both",
    ]);
    assert_eq!(word.status, 2);
}

#[test]
fn one_that_cannot_be_used_stops_all() {
    let scratch = Scratch::empty();
    let [author, one, two] = farm(&scratch);
    two.write(&two.storage(), b"JCR");
    replicate(&scratch, author.folder(), &[&one, &two], &["--accept"])
        .failed("keeps its keys in the repository")
        .hints("signet aem relocate");
    replicate(&scratch, two.folder(), &[&one], &["--accept"])
        .failed("keeps its keys in the repository")
        .hints("signet aem relocate");
    two.write(&two.storage(), b"Bundle\n");
    replicate(&scratch, author.folder(), &[&one, &two], &["--accept"])
        .failed("storage file is not in order")
        .hints("signet aem inspect");
    two.write(&two.storage(), b"Bundle");
    author.write(&author.key("master"), b"<html>login</html>");
    replicate(&scratch, author.folder(), &[&one, &two], &["--accept"])
        .failed("is not a key that could be copied");
    replicate(&scratch, one.folder(), &[&two, &two], &["--accept"]).failed("named twice");
    replicate(&scratch, "nowhere", &[&two], &[]).failed("cannot be used");
    assert!(one.is_as_it_was());
}

#[test]
fn aem_is_stopped_and_started_by_the_commands_that_are_given() {
    let scratch = Scratch::empty();
    let [author, one, two] = farm(&scratch);
    let aem = one.run();
    let process = aem.0.id();
    replicate(&scratch, author.folder(), &[&two, &one], &["--accept"])
        .failed(&format!(
            "AEM runs on {}, as process {process}",
            one.folder()
        ))
        .hints("--stop");
    assert!(one.is_as_it_was() && two.is_as_it_was());

    for (stop, words) in [
        ("exit 3", "the command of --stop failed"),
        ("sleep 3", "did not end within 0 seconds"),
        ("true", "AEM still runs on"),
    ] {
        let patience = if stop == "sleep 3" { "0" } else { "1" };
        let words_of_it = ["--accept", "--stop", stop, "--wait", patience];
        let said = replicate(&scratch, author.folder(), &[&one], &words_of_it);
        assert_eq!(said.status, 1, "{said:?}");
        assert!(said.stderr.contains(words), "{words}: {said:?}");
        assert!(said.stderr.contains("gets another master"), "{said:?}");
        assert!(one.is_as_it_was());
    }

    // The farm is one machine: what runs is stopped, what does not is not, and all are started.
    let stop = format!("echo stopping $SIGNET_AEM_DIR; kill {process}");
    let note = scratch.path().join("started");
    let start = format!("echo \"$SIGNET_AEM_DIR\" >> {}", note.display());
    let words = ["--accept", "--json", "--stop", &stop, "--start", &start];
    let said = replicate(&scratch, author.folder(), &[&two, &one], &words).done();
    assert!(
        said.stderr.contains(&format!("stopping {}", one.folder())),
        "{said:?}"
    );
    assert!(
        !said.stderr.contains(&format!("stopping {}", two.folder())),
        "{said:?}"
    );
    assert_eq!(said.json()["equal"], true);
    let started = fs::read_to_string(&note).unwrap();
    assert_eq!(started, format!("{}\n{}\n", two.folder(), one.folder()));
    assert!(one.has_keys_of(&author) && two.has_keys_of(&author));
}

/// Two machines: each has an identity of its own.
fn machine(name: &str) -> [&str; 2] {
    ["--identity", name]
}

fn card(scratch: &Scratch, name: &str) -> String {
    let words = [&["aem", "card", "--name", name], &machine(name)[..]].concat();
    let said = scratch.run(&words).done();
    scratch.file(&format!("{name}.card"), &said.stdout)
}

#[test]
fn other_machines_get_the_keys_in_a_bundle() {
    let scratch = Scratch::empty();
    let [author, one, two] = farm(&scratch);
    let [sender, receiver, stranger] =
        ["author-host", "publish-host", "stranger-host"].map(|name| card(&scratch, name));
    let exported = scratch.json(
        &[
            &[
                "aem",
                "export",
                author.folder(),
                "--for",
                &receiver,
                "--out",
                "keys.bundle",
            ],
            &machine("author-host")[..],
        ]
        .concat(),
    );
    assert_eq!(exported["for"][0]["name"], "publish-host");
    assert_eq!(exported["keys"][0]["name"], "hmac");
    let path = scratch.path().join("keys.bundle");
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let bundle = fs::read(&path).unwrap();
    assert!(!bundle.windows(16).any(|part| part == bits::<16>(20)));

    let import = |file: &str, host: &str, more: &[&str]| {
        let words: [&[&str]; 4] = [
            &["aem", "import", file, "--accept", "--to", one.folder()],
            &[],
            &machine(host),
            more,
        ];
        scratch.run(&words.concat())
    };
    // Nobody knows the sender, and nobody can be asked.
    import("keys.bundle", "publish-host", &[])
        .failed("which this machine does not know")
        .hints("--sender");
    import("keys.bundle", "publish-host", &["--sender", &stranger])
        .failed("not by the machine of the card");
    import("keys.bundle", "stranger-host", &["--sender", &sender])
        .failed("is for another instance: publish-host")
        .hints("signet aem card");
    import("keys.bundle", "nobody-host", &["--sender", &sender])
        .failed("has no identity")
        .hints("signet aem card");
    for at in [3, 120, bundle.len() / 2, bundle.len() - 1] {
        let mut altered = bundle.clone();
        altered[at] ^= 1;
        fs::write(scratch.path().join("altered"), altered).unwrap();
        let said = import("altered", "publish-host", &["--sender", &sender]).failed("");
        assert!(
            said.stderr
                .contains("was not imported, and nothing was changed"),
            "{said:?}"
        );
    }
    fs::write(scratch.path().join("cut"), &bundle[..bundle.len() - 9]).unwrap();
    import("cut", "publish-host", &["--sender", &sender]).failed("");
    assert!(one.is_as_it_was());

    let done = import(
        "keys.bundle",
        "publish-host",
        &["--sender", &sender, "--json"],
    );
    let document = done.done().json();
    assert_eq!(document["equal"], true);
    assert_eq!(document["source"]["sender"]["id"], exported["sender"]);
    assert!(one.has_keys_of(&author));
    // From then on that machine is known; and replicate does the same.
    replicate(
        &scratch,
        "keys.bundle",
        &[&two],
        &[&["--accept"], &machine("publish-host")[..]].concat(),
    )
    .done();
    assert!(two.has_keys_of(&author));
}

#[test]
fn bundles_of_signet_and_of_aem_are_told_apart() {
    let scratch = Scratch::new();
    let [author, one, _] = farm(&scratch);
    let own = scratch.run(&["node", "show"]).done();
    let own = scratch.file("own.card", &own.stdout);
    let node = scratch.data().join("node");
    // The identity of a Signet instance will do.
    let identity = ["--identity", node.to_str().unwrap()];
    scratch
        .run(
            &[
                &[
                    "aem",
                    "export",
                    author.folder(),
                    "--for",
                    &own,
                    "--out",
                    "aem",
                ],
                &identity[..],
            ]
            .concat(),
        )
        .done();
    scratch
        .run(&["keys", "import", "aem"])
        .failed("holds keys of AEM, not of Signet")
        .hints("signet aem import");
    scratch
        .run(&["keys", "export", "--for", &own, "--out", "signet"])
        .done();
    let import = ["aem", "import", "signet", "--to", one.folder()];
    scratch
        .run(&[&import, &identity[..]].concat())
        .failed("holds keys of Signet, not of AEM")
        .hints("signet keys import");
    // Its own bundle needs nobody to vouch for it.
    let import = ["aem", "import", "aem", "--accept", "--to", one.folder()];
    scratch.run(&[&import, &identity[..]].concat()).done();
    assert!(one.has_keys_of(&author));
}

#[test]
fn what_was_cut_short_is_told_and_completed() {
    let scratch = Scratch::empty();
    let [author, one, _] = farm(&scratch);
    replicate(&scratch, author.folder(), &[&one], &["--accept"]).done();
    // As a crash between the two keys leaves it.
    let backup = one.root.join("signet-replication");
    let journal = backup.join("journal.json");
    let mut document: Value = serde_json::from_slice(&fs::read(&journal).unwrap()).unwrap();
    document["stage"] = "replacing".into();
    fs::write(&journal, document.to_string()).unwrap();
    let fresh = document["changes"][1]["fresh"].as_str().unwrap();
    fs::rename(one.key("master"), one.key(fresh)).unwrap();
    fs::copy(backup.join("master"), one.key("master")).unwrap();

    let said = scratch.run(&["aem", "inspect", one.folder()]);
    assert!(said.stdout.contains("REPLICATION_UNFINISHED"), "{said:?}");
    assert_eq!(said.status, 1);
    // Another source does not complete it.
    let other = Installation::new(&scratch, "other", 50);
    replicate(&scratch, other.folder(), &[&one], &["--accept"])
        .failed("was cut short")
        .hints("--undo");
    let done = replicate(&scratch, author.folder(), &[&one], &["--accept"]).done();
    assert!(
        done.stdout.contains("All of them have the keys"),
        "{done:?}"
    );
    assert!(one.has_keys_of(&author), "{}", one.name);
    scratch
        .run(&["aem", "replicate", "--undo", one.folder()])
        .done();
    assert_eq!(fs::read(one.key("master")).unwrap(), bits::<16>(30));
    assert_eq!(fs::read(one.key("hmac")).unwrap(), bits::<32>(30));
}

/// Stops the program with SIGTERM when it has made `begun`.
fn stop(scratch: &Scratch, words: &[&str], begun: &Path) -> Said {
    let mut command = scratch.command();
    command
        .args(["aem", "replicate"])
        .args(words)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    let child = command.spawn().unwrap();
    while !begun.exists() {
        std::thread::yield_now();
    }
    let process = Pid::from_raw(i32::try_from(child.id()).unwrap()).unwrap();
    kill_process(process, Signal::TERM).unwrap();
    Said::new(&child.wait_with_output().unwrap())
}

#[test]
fn whoever_stops_it_is_told_which_installations_have_the_keys() {
    let scratch = Scratch::empty();
    let author = Installation::new(&scratch, "author", 20);
    let (first, second) = (
        Installation::new(&scratch, "publish1", 30),
        Installation::new(&scratch, "publish2", 40),
    );
    let begun = scratch.path().join("begun");
    // Only the second one runs, so the first has the keys when this is asked to stop AEM.
    let stuck = format!(
        "echo > '{}'; exec tail --pid=$PPID -f /dev/null 2> /dev/null >&2",
        begun.display()
    );
    let running = second.run();
    let words = [
        "--from",
        author.folder(),
        "--to",
        second.folder(),
        first.folder(),
        "--only",
        "hmac",
        "--stop",
        &stuck,
    ];
    let said = stop(&scratch, &words, &begun);
    assert_eq!(said.status, 143, "{said:#?}");
    assert_eq!(
        said.stderr,
        "error: stopped by SIGTERM: nothing was changed\n"
    );
    assert!(first.is_as_it_was() && second.is_as_it_was());

    fs::remove_file(&begun).unwrap();
    let words = [
        "--from",
        author.folder(),
        "--to",
        first.folder(),
        second.folder(),
        "--only",
        "hmac",
        "--stop",
        &stuck,
    ];
    let said = stop(&scratch, &words, &begun);
    assert_eq!(said.status, 143, "{said:#?}");
    let backup = first.root.join("signet-replication");
    for words in [
        format!(
            "stopped by SIGTERM: {} has the keys that it had",
            second.folder()
        ),
        format!(
            "{} has the new keys; as they were they are in {}",
            first.folder(),
            backup.display()
        ),
        "the same command goes on from there".to_owned(),
    ] {
        assert!(said.stderr.contains(&words), "{words}: {said:#?}");
    }
    assert!(second.is_as_it_was());
    drop(running);

    fs::remove_file(&begun).unwrap();
    let _running = first.run();
    let said = stop(
        &scratch,
        &["--undo", first.folder(), "--stop", &stuck],
        &begun,
    );
    assert_eq!(said.status, 143, "{said:#?}");
    assert!(
        said.stderr.contains(&format!(
            "complete it with: signet aem replicate --undo '{}'",
            first.folder()
        )),
        "{said:#?}"
    );
}

// K2
#[test]
fn no_backup_is_made_inside_a_git_work_tree() {
    let scratch = Scratch::empty();
    let author = Installation::new(&scratch, "author", 20);
    let publish = Installation::new(&scratch, "publish", 30);
    fs::create_dir(scratch.path().join("publish/.git")).unwrap();
    let words = [
        "aem",
        "replicate",
        "--from",
        author.folder(),
        "--to",
        publish.folder(),
        "--only",
        "hmac",
    ];
    scratch
        .run(&words)
        .failed("is inside the git work tree")
        .hints("keep it outside of");
    assert!(publish.is_as_it_was());
    fs::remove_dir(scratch.path().join("publish/.git")).unwrap();
    scratch.run(&words).done();
}
