//! An installation with something to lose: keys in every state, and what was made with them.

use std::fmt::Write as _;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;
use signet_audit::{AuditLog, Entry};
use signet_core::{KeyId, KeyState, RingName, UnixSeconds};
use signet_repository::IfMissing;
use signet_server::DataDirectory;
use tempfile::TempDir;

use crate::holdings::Holdings;
use crate::trial::Stake;

/// The program under test.
pub(crate) const PROGRAM: &str = env!("CARGO_BIN_EXE_signet");

/// The data directory, seen from the directory in which the commands run.
pub(crate) const DATA: &str = "data";

const PASSWORD: &str = "a good password";

/// How many values are sealed.
pub(crate) const SECRETS: u64 = 5;

/// What a command is there to take away, and no loss.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Given<'g> {
    /// A key that it removes.
    pub(crate) removed: Option<KeyId>,
    /// A key that it revokes, and with it the tokens that the key made.
    pub(crate) revoked: Option<KeyId>,
    /// The place whose secret it seals, whatever was there before.
    pub(crate) sealed: Option<&'g str>,
}

/// Prepared once; every crash gets a copy.
#[derive(Debug)]
pub(crate) struct Installation {
    directory: TempDir,
    /// Made before anything happens: they verify as long as no key is lost.
    tokens: Vec<String>,
    holdings: Holdings,
}

impl Installation {
    /// Keys of `hmac` in every state, and tokens of those that verify; two keys of `master`, and values sealed with each,
    /// in the repository and in the configuration.
    pub(crate) fn new() -> Self {
        let directory = scratch();
        let root = directory.path();
        first_start(&root.join(DATA));
        let signet = |words: &[&str], input: &str| said(root, words, input);
        let rotate = |options: &[&str]| {
            let made = signet(&[&["keys", "rotate", "--json"], options].concat(), "");
            let made: Value = serde_json::from_str(&made).unwrap();
            made["kid"].as_str().unwrap().to_owned()
        };
        signet(&["user", "add", "alice"], &format!("{PASSWORD}\n"));
        let stolen = rotate(&[]);
        let mut tokens = Vec::new();
        for _ in 0..2 {
            rotate(&[]);
            let token = signet(&["token", "mint", "alice"], "");
            tokens.push(token.trim().to_owned());
        }
        rotate(&["--pending"]);
        signet(&["keys", "revoke", &stolen, "--yes"], "");

        for name in ["one", "two", "three"] {
            let place = format!("client/{name}/secret");
            signet(&["secret", "protect", &place, "--store"], "a secret");
        }
        let sealed = signet(&["secret", "protect", "client/four/secret"], "a secret");
        configure(root, sealed.trim());
        rotate(&["--ring", "master"]);
        let last = ["secret", "protect", "client/five/secret", "--store"];
        signet(&last, "a secret");

        let holdings = Holdings::of(&root.join(DATA), &tokens).unwrap();
        assert_eq!(holdings.sealed.total, SECRETS);
        Self {
            directory,
            tokens,
            holdings,
        }
    }

    /// The same with the keys in the repository, as in former times.
    pub(crate) fn with_keys_in_the_repository() -> Self {
        let mut installation = Self::new();
        installation.does(&["keys", "relocate", "--to", "repository"]);
        installation
    }

    /// What it holds now.
    pub(crate) fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// A key of `ring` in this state.
    pub(crate) fn key(&self, ring: RingName, state: KeyState) -> KeyId {
        self.holdings.key(ring, state)
    }

    /// Runs what must succeed, and changes what there is to lose; what it printed.
    pub(crate) fn does(&mut self, words: &[&str]) -> String {
        let said = said(self.root(), words, "");
        self.holdings = Holdings::of(&self.root().join(DATA), &self.tokens).unwrap();
        said
    }

    fn secrets_are_in(&self, after: &Holdings, given: Given<'_>) -> Result<(), String> {
        let is_given = |place: &String| given.sealed == Some(place.as_str());
        let mut before = self.holdings.secrets.iter();
        let lost = before
            .find(|(place, secret)| !is_given(place) && after.secrets.get(*place) != Some(*secret));
        if let Some((place, _)) = lost {
            return Err(format!("the secret of {place} is lost"));
        }
        // With those of the configuration.
        let expected = self.holdings.sealed.total;
        let has = |holdings: &Holdings| holdings.secrets.keys().any(is_given);
        let more = u64::from(has(after) && !has(&self.holdings));
        match (after.sealed.total, after.sealed.closed) {
            (total, 0) if total == expected + more => Ok(()),
            (total, closed) => Err(format!(
                "of {} secrets there are {total}, and {closed} do not open",
                expected + more
            )),
        }
    }

    /// A copy of all of it in `root`, which is there and empty.
    pub(crate) fn copy_to(&self, root: &Path) {
        copy(self.root(), root);
    }
}

impl Stake for Installation {
    type Holdings = Holdings;

    /// The data directory is in it.
    fn root(&self) -> &Path {
        self.directory.path()
    }

    fn unharmed_in(&self, root: &Path, given: Given<'_>) -> Result<Holdings, String> {
        let after = Holdings::of(&root.join(DATA), &self.tokens)?;
        for ((ring, id), (state, _)) in &self.holdings.keys {
            match after.state(*ring, *id) {
                None if given.removed == Some(*id) => {}
                None => return Err(format!("the {state} key {id} of ring {ring} is lost")),
                Some(now) if now < *state => {
                    return Err(format!("key {id} was {state} and is {now} again"));
                }
                Some(_) => {}
            }
        }
        let refused = |key: &KeyId| given.revoked != Some(*key);
        if after.refused.iter().any(|(key, _)| refused(key)) {
            return Err(format!("tokens are refused: {:?}", after.refused));
        }
        if let Some(user) =
            (self.holdings.users.keys()).find(|user| !after.users.contains_key(*user))
        {
            return Err(format!("the user {user} is lost"));
        }
        self.secrets_are_in(&after, given)?;
        Ok(after)
    }

    fn has_log(&self) -> bool {
        true
    }

    /// As the next command finds it, whatever that is.
    fn tells(&self, root: &Path, words: &[&str]) -> Result<(), String> {
        let option = words.iter().position(|word| *word == "--data");
        let data = option.map_or(DATA, |place| words[place + 1]);
        let log = log_in(&root.join(data));
        log.settle("trial", UnixSeconds(1_767_225_600))
            .map_err(|error| error.to_string())?;
        let before = entries(&log_in(&self.root().join(DATA)));
        let mut new = entries(&log);
        new.retain(|entry| before.iter().all(|known| known.hash != entry.hash));
        let typed = words.join(" ");
        let tells = |entry: &Entry| match entry.action.as_str() {
            "change.interrupted" => typed.starts_with(&entry.object),
            action => action != "log.mend",
        };
        if !new.iter().any(tells) {
            return Err(format!("the audit log does not tell of it: {new:?}"));
        }
        let verified = log.verify(&[], &[]).map_err(|error| error.to_string())?;
        match verified.holds() {
            true => Ok(()),
            false => Err(format!("the audit log is broken: {verified:?}")),
        }
    }
}

fn log_in(data: &Path) -> AuditLog {
    AuditLog::at(&data.join("audit.log"))
}

fn entries(log: &AuditLog) -> Vec<Entry> {
    log.entries().unwrap().flatten().collect()
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

/// Everything below `from`, into a directory that is there.
pub(crate) fn copy(from: &Path, to: &Path) {
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
