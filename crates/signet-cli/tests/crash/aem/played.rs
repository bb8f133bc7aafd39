//! An instance of AEM that runs on an installation: played by the test, so that it outlives the program that is killed.

#[allow(dead_code, reason = "not all of it is needed here")]
#[path = "../../../../signet-aem/src/console/testing/script.rs"]
mod script;

mod host;
mod repository;

use std::fs::File;
use std::io::Write as _;
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::sync::{Arc, Mutex, MutexGuard};

use rustix::process::{Pid, Signal, kill_process};
use signet_core::UnixSeconds;
use signet_keys::granite::GraniteKey;
use signet_secret::GraniteValue;
use zeroize::Zeroizing;

use self::host::{Door, Process};
use self::repository::Repository;
use self::script::{Asked, Reply};
use super::quickstart::{KeyPair, Quickstart};

pub(super) use self::host::Commands;
pub(super) use self::repository::Shape;

/// What it takes for an administrator.
pub(super) const CREDENTIALS: &str = "admin:admin";
const AUTHORIZATION: &str = "Basic YWRtaW46YWRtaW4=";

/// What happens at a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mishap {
    /// The program that sent it is killed before anything comes of it.
    KilledBefore,
    /// The program that sent it is killed when all is done and the answer is on its way.
    KilledAfter,
    /// The instance dies before anything comes of it.
    DiesBefore,
    /// The instance dies when all is done, and gives no answer.
    DiesAfter,
    /// The instance cannot, this once.
    Fails,
    /// The instance cannot do anything any more.
    FailsFromHere,
}

impl Mishap {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::KilledBefore => "killed before",
            Self::KilledAfter => "killed after",
            Self::DiesBefore => "the instance dies before",
            Self::DiesAfter => "the instance dies after",
            Self::Fails => "status 500",
            Self::FailsFromHere => "status 500 from here on",
        }
    }
}

/// An instance on the installation in a folder. What is in its repository stays while it is stopped.
#[derive(Debug)]
pub(super) struct Aem(Arc<Played>);

#[derive(Debug)]
struct Played {
    folder: PathBuf,
    door: Door,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    repository: Repository,
    running: Option<Running>,
    /// The requests since the mishap was arranged, as method and target.
    asked: Vec<String>,
    mishap: Option<(usize, Mishap)>,
    /// The program that is killed.
    victim: Option<Pid>,
    /// Connections that get no answer, and are not closed before the program that waits for one is gone.
    silent: Vec<TcpStream>,
    /// Why it did not start with its keys.
    complaint: Option<String>,
}

/// What is there only while it runs.
#[derive(Debug)]
struct Running {
    /// The keys that it found when it started.
    keys: KeyPair,
    _process: Process,
}

impl Aem {
    /// One that is stopped, with these keys in its repository.
    pub(super) fn new(folder: PathBuf, keys: KeyPair, shape: Shape) -> Self {
        // The framework leaves it behind when it stops.
        File::create(folder.join(host::LOCK)).unwrap();
        Self(Arc::new(Played {
            folder,
            door: Door::new(),
            state: Mutex::new(State {
                repository: Repository::new(keys, shape),
                running: None,
                asked: Vec::new(),
                mishap: None,
                victim: None,
                silent: Vec::new(),
                complaint: None,
            }),
        }))
    }

    /// Where it answers.
    pub(super) fn url(&self) -> String {
        self.0.door.url()
    }

    /// Starts it, if it is stopped. One that does not find its keys complains for ever.
    pub(super) fn start(&self) {
        Played::start(&self.0);
    }

    /// Stops it, if it runs.
    pub(super) fn stop(&self) {
        self.0.stop(&mut self.0.state());
    }

    /// Commands of the shell that do both, by files in this directory.
    pub(super) fn commands(&self, directory: &Path) -> Commands {
        let played = Arc::clone(&self.0);
        Commands::new(directory, move |order| {
            match order {
                "start" => Played::start(&played),
                _ => played.stop(&mut played.state()),
            }
            played.state().complaint.is_none()
        })
    }

    /// From now on requests are counted, and something happens at one of them.
    pub(super) fn arrange(&self, mishap: Option<(usize, Mishap)>) {
        let mut state = self.0.state();
        state.mishap = mishap;
        state.victim = None;
        state.asked.clear();
        state.silent.clear();
    }

    /// Starts the program that is killed, if that is what happens. It gets no answer before it is known here.
    pub(super) fn meet(&self, start: impl FnOnce() -> Child) -> Child {
        let mut state = self.0.state();
        let victim = start();
        state.victim = Pid::from_raw(victim.id().try_into().unwrap());
        victim
    }

    /// What it was asked since the last arrangement.
    pub(super) fn asked(&self) -> Vec<String> {
        self.0.state().asked.clone()
    }

    /// The keys that it would work with if it were started at this moment.
    ///
    /// # Errors
    /// It would make new ones.
    pub(super) fn would_find(&self) -> Result<KeyPair, String> {
        self.0.would_find(&self.0.state())
    }

    /// The keys that it works with; `None` if it is stopped.
    ///
    /// # Errors
    /// It once was started, and found none.
    pub(super) fn works_with(&self) -> Result<Option<KeyPair>, String> {
        let state = self.0.state();
        match &state.complaint {
            Some(complaint) => Err(complaint.clone()),
            None => Ok(state.running.as_ref().map(|running| running.keys)),
        }
    }

    /// A key in its repository.
    pub(super) fn property(&self, name: &str) -> Option<Vec<u8>> {
        self.0.state().repository.key(name).cloned()
    }

    /// Whether something lies beside the keys in the repository.
    pub(super) fn has_scratch(&self) -> bool {
        self.0.state().repository.has_scratch()
    }
}

impl Drop for Aem {
    fn drop(&mut self) {
        self.stop();
    }
}

impl Played {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    fn start(this: &Arc<Self>) {
        let mut state = this.state();
        if state.running.is_some() {
            return;
        }
        match this.would_find(&state) {
            Ok(keys) => {
                let process = Process::start(&this.folder);
                let running = Running {
                    keys,
                    _process: process,
                };
                state.running = Some(running);
                let played = Arc::downgrade(this);
                this.door.open(move |stream| {
                    if let Some(played) = played.upgrade() {
                        played.serve(stream);
                    }
                });
            }
            Err(complaint) => state.complaint = Some(complaint),
        }
    }

    fn stop(&self, state: &mut State) {
        self.door.close();
        state.running = None;
    }

    fn would_find(&self, state: &State) -> Result<KeyPair, String> {
        let installation = Quickstart(self.folder.clone());
        let storage = installation.storage();
        let find = |name: &str| match storage.as_str() {
            "JCR" => state.repository.key(name).cloned(),
            "Bundle" => installation.key(name),
            _ => None,
        };
        let none = |name: &str| {
            format!(
                "AEM that starts now makes a new {name}: storage says {storage:?}, and there is {:?}",
                find(name).map(|bytes| bytes.len())
            )
        };
        let bytes = |name: &str| find(name).ok_or_else(|| none(name));
        Ok(KeyPair {
            hmac: bytes("hmac")?.try_into().map_err(|_| none("hmac"))?,
            master: bytes("master")?.try_into().map_err(|_| none("master"))?,
        })
    }

    fn serve(&self, mut stream: TcpStream) {
        let Some(asked) = script::read(&stream) else {
            return;
        };
        let mut state = self.state();
        let Some(keys) = state.running.as_ref().map(|running| running.keys) else {
            return;
        };
        state
            .asked
            .push(format!("{} {}", asked.method, asked.target));
        let reply = match state.mishap_of_this() {
            None => self.answer(&mut state, keys, &asked),
            Some(Mishap::Fails | Mishap::FailsFromHere) => Reply::status(500),
            Some(mishap) => {
                if matches!(mishap, Mishap::KilledAfter | Mishap::DiesAfter) {
                    self.answer(&mut state, keys, &asked);
                }
                match mishap {
                    Mishap::DiesBefore | Mishap::DiesAfter => self.stop(&mut state),
                    _ => {
                        kill_process(state.victim.unwrap(), Signal::KILL).unwrap();
                        state.silent.push(stream);
                    }
                }
                return;
            }
        };
        drop(state);
        // Who was killed does not wait for an answer.
        let _ = stream.write_all(&reply.bytes());
    }

    fn answer(&self, state: &mut State, keys: KeyPair, asked: &Asked) -> Reply {
        if asked.header("authorization") != Some(AUTHORIZATION) {
            return Reply::status(401);
        }
        match (asked.method.as_str(), asked.path()) {
            ("GET", "/system/console/bundles.json") => bundles(),
            ("GET", "/system/console/status-slingsettings.txt") => {
                let home = self.folder.display();
                Reply::ok("text/plain", format!("Sling Home = {home}\n"))
            }
            ("POST", "/system/console/crypto/.json") => {
                let key = GraniteKey::new(Zeroizing::new(keys.master), UnixSeconds(0));
                let text = asked.field("datum").unwrap();
                let value = GraniteValue::protect(&key, &text).unwrap();
                Reply::json(format!("{{\"protected\":\"{value}\"}}"))
            }
            _ => state.repository.answer(asked),
        }
    }
}

impl State {
    /// What happens at the request that came last.
    fn mishap_of_this(&self) -> Option<Mishap> {
        let (number, mishap) = self.mishap?;
        let is_this = match mishap {
            Mishap::FailsFromHere => self.asked.len() >= number,
            _ => self.asked.len() == number,
        };
        is_this.then_some(mishap)
    }
}

fn bundles() -> Reply {
    let rows = [
        (20, "com.adobe.granite.crypto"),
        (25, "com.adobe.granite.crypto.file"),
    ];
    let rows = rows.map(|(id, name)| {
        format!("{{\"id\":{id},\"symbolicName\":\"{name}\",\"version\":\"1.0.0\",\"stateRaw\":32}}")
    });
    Reply::json(format!("{{\"data\":[{}]}}", rows.join(",")))
}
