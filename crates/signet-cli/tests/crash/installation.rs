//! An installation with something to lose: keys in every state, and what was made with them.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use signet_core::UnixSeconds;
use signet_repository::IfMissing;
use signet_server::DataDirectory;
use tempfile::TempDir;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_signet");

/// The data directory, seen from the directory in which the commands run.
pub(crate) const DATA: &str = "data";

const PASSWORD: &str = "a good password";

/// How many values are sealed.
pub(crate) const SECRETS: u64 = 5;

/// Prepared once; every trial of a crash gets a copy.
#[derive(Debug)]
pub(crate) struct Installation {
    directory: TempDir,
    /// Made before anything happens: they verify as long as no key is lost.
    tokens: Vec<String>,
    keys: Keys,
}

/// Ring and id of each key, with its state.
pub(crate) type Keys = BTreeMap<(String, String), String>;

impl Installation {
    /// Keys of `hmac` in every state, and tokens of those that verify; two keys of `master`, and values sealed with each,
    /// in the repository and in the configuration.
    pub(crate) fn new() -> Self {
        let mut installation = Self {
            directory: scratch(),
            tokens: Vec::new(),
            keys: Keys::new(),
        };
        let root = installation.root().to_owned();
        first_start(&root.join(DATA));
        let signet = |words: &[&str], input: &str| said(&root, words, input);
        let kid = |words: &[&str]| {
            let made: Value = serde_json::from_str(&signet(words, "")).unwrap();
            made["kid"].as_str().unwrap().to_owned()
        };
        signet(&["user", "add", "alice"], &format!("{PASSWORD}\n"));
        let stolen = kid(&["keys", "rotate", "--json"]);
        for _ in 0..2 {
            kid(&["keys", "rotate", "--json"]);
            let token = signet(&["token", "mint", "alice"], "");
            installation.tokens.push(token.trim().to_owned());
        }
        kid(&["keys", "rotate", "--pending", "--json"]);
        for name in ["one", "two", "three"] {
            let place = format!("client/{name}/secret");
            signet(&["secret", "protect", &place, "--store"], "a secret");
        }
        let sealed = signet(&["secret", "protect", "client/four/secret"], "a secret");
        configure(&root, sealed.trim());
        kid(&["keys", "rotate", "--ring", "master", "--json"]);
        signet(
            &["secret", "protect", "client/five/secret", "--store"],
            "a secret",
        );
        signet(&["keys", "revoke", &stolen, "--yes"], "");
        installation.keys = keys(&root);
        installation
    }

    /// The directory that is copied. The data directory is in it.
    pub(crate) fn root(&self) -> &Path {
        self.directory.path()
    }

    /// A key of `ring` in this state.
    pub(crate) fn key(&self, ring: &str, state: &str) -> &str {
        let mut keys = self.keys.iter();
        let found = keys.find(|((of, _), is)| of == ring && *is == state);
        &found.unwrap().0.1
    }

    /// Whether nothing is lost in the copy at `root`, and it can be used.
    ///
    /// `gone` are the keys that were to be removed.
    ///
    /// # Errors
    /// What is lost.
    pub(crate) fn is_whole_in(&self, root: &Path, gone: &[&str]) -> Result<(), String> {
        let after = keys_of(root)?;
        for ((ring, id), state) in &self.keys {
            match after.get(&(ring.clone(), id.clone())) {
                None if gone.contains(&id.as_str()) => {}
                None => return Err(format!("the {state} key {id} of ring {ring} is lost")),
                Some(now) if rank(now) < rank(state) => {
                    return Err(format!("key {id} was {state} and is {now} again"));
                }
                Some(_) => {}
            }
        }
        for token in &self.tokens {
            run(root, &["token", "verify"], token)?;
        }
        // Each of these fails when a sealed value does not open, or a line of the log is lost or altered.
        let checked = document(root, &["secret", "check"])?;
        let sealed = checked["total"].as_u64().unwrap_or_default();
        if sealed != SECRETS {
            return Err(format!("there are {sealed} sealed values, not {SECRETS}"));
        }
        run(root, &["audit", "verify"], "").map(drop)
    }

    /// A copy of all of it in `root`, which is there and empty.
    pub(crate) fn copy_to(&self, root: &Path) {
        copy(self.root(), root);
    }
}

/// The keys of the installation at `root`, whether they are in one place or another.
pub(crate) fn keys(root: &Path) -> Keys {
    keys_of(root).unwrap()
}

/// What a command answers that must succeed.
///
/// # Errors
/// It did not, or answers with something else than a document.
pub(crate) fn document(root: &Path, words: &[&str]) -> Result<Value, String> {
    let said = run(root, &[words, &["--json"]].concat(), "")?;
    serde_json::from_str(&said).map_err(|error| format!("{error}: {said}"))
}

fn keys_of(root: &Path) -> Result<Keys, String> {
    let list = document(root, &["keys", "list"])?;
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let entries = list["keys"].as_array().into_iter().flatten();
    Ok(entries
        .map(|key| ((text(&key["ring"]), text(&key["kid"])), text(&key["state"])))
        .collect())
}

fn rank(state: &str) -> usize {
    let states = ["pending", "active", "verify-only", "revoked"];
    states.iter().position(|known| *known == state).unwrap()
}

/// `signet WORDS…` on the data directory in `root`.
pub(crate) fn signet(root: &Path, words: &[&str]) -> Command {
    let mut command = Command::new(PROGRAM);
    command
        .args(words)
        .current_dir(root)
        .env("SIGNET_DATA", DATA)
        .env_remove("SIGNET_LOG");
    command
}

/// Runs what must succeed; what it printed.
///
/// # Errors
/// It did not succeed.
pub(crate) fn run(root: &Path, words: &[&str], input: &str) -> Result<String, String> {
    let mut child = signet(root, words)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // Who does not read its input has gone already.
    let _ = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (text(&output.stdout), text(&output.stderr));
    match output.status.success() {
        true => Ok(stdout),
        false => Err(format!(
            "signet {}: {}\n{stdout}{stderr}",
            words.join(" "),
            output.status
        )),
    }
}

#[track_caller]
fn said(root: &Path, words: &[&str], input: &str) -> String {
    run(root, words, input).unwrap_or_else(|error| panic!("{error}"))
}

/// What a first start leaves behind, without the administrator.
fn first_start(data: &Path) {
    let directory = DataDirectory::open_or_create(data, "").unwrap();
    let config = directory.config().unwrap();
    let keys = directory.key_store(&config).unwrap();
    keys.create_if_missing(UnixSeconds(1_767_225_600)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let repository = directory.repository(&config, IfMissing::Create).await;
        repository.unwrap().close().await;
    });
}

/// A client whose secret stands in the configuration.
fn configure(root: &Path, sealed: &str) {
    let path = root.join(DATA).join("signet.toml");
    let mut text = fs::read_to_string(&path).unwrap();
    write!(
        text,
        "\n[client.four]\ntoken_endpoint = \"https://login.example.com/token\"\nclient_id = \"four\"\n\
         secret = \"{sealed}\"\n"
    )
    .unwrap();
    fs::write(&path, text).unwrap();
}

/// A directory in memory where there is one: nothing here waits for a disk, and nothing has to survive.
pub(crate) fn scratch() -> TempDir {
    let memory = PathBuf::from("/dev/shm");
    TempDir::new_in(&memory).unwrap_or_else(|_| TempDir::new().unwrap())
}

fn copy(from: &Path, to: &Path) {
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (from, to) = (entry.path(), to.join(entry.file_name()));
        let kind = entry.file_type().unwrap();
        if kind.is_dir() {
            fs::create_dir(&to).unwrap();
            fs::set_permissions(&to, entry.metadata().unwrap().permissions()).unwrap();
            copy(&from, &to);
        } else if kind.is_file() {
            fs::copy(&from, &to).unwrap();
        }
    }
}
