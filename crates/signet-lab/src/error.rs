//! What can go wrong on the way to a running farm.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::process::ExitStatus;

use crate::browser::BrowserError;

/// Why the lab could not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// Something else listens on a port the farm needs.
    #[error("{who} cannot listen on port {port}: it is in use")]
    PortInUse {
        /// The instance or listener that needs it.
        who: String,
        /// The port.
        port: u16,
    },
    /// An address could not be bound for another reason.
    #[error("{who} cannot listen on {address}")]
    Listen {
        /// The instance or listener that needs it.
        who: String,
        /// The address.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// Too few free ports.
    #[error("no {wanted} free ports between 16384 and 32000 on loopback")]
    NoFreePorts {
        /// How many were wanted.
        wanted: usize,
    },
    /// Options that contradict each other.
    #[error("{0}")]
    Options(&'static str),
    /// A directory or file of the farm could not be read or written.
    #[error("cannot {action} {path}", path = path.display())]
    File {
        /// What was tried.
        action: &'static str,
        /// Where.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A directory holds an instance that no lab made.
    #[error("{path} holds an instance that is not a lab's", path = path.display())]
    NotALab {
        /// The instance's data directory.
        path: PathBuf,
    },
    /// A data directory could not be prepared.
    #[error("cannot prepare {who}")]
    Provision {
        /// The instance.
        who: String,
        /// What the keys or the repository said.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A process could not be started or signalled.
    #[error("cannot {action} {who}")]
    Process {
        /// What was tried.
        action: &'static str,
        /// The instance or command.
        who: String,
        /// What the system said.
        source: std::io::Error,
    },
    /// An instance ended before it was ready.
    #[error("{who} ended before it was ready ({status}){said}")]
    Ended {
        /// The instance.
        who: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log, each on a line of its own, or nothing.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// An instance ended while it was needed, and nobody had asked it to.
    #[error("{who} ended unasked ({status}){said}")]
    Died {
        /// The instance.
        who: String,
        /// How it ended.
        status: ExitStatus,
        /// The last lines of its log, each on a line of its own, or nothing.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// An instance runs and is not ready in time.
    #[error("{who} is not ready after {seconds} seconds{said}")]
    NotReady {
        /// The instance.
        who: String,
        /// How long it had.
        seconds: u64,
        /// The last lines of its log, each on a line of its own, or nothing.
        said: String,
        /// Its log.
        log: PathBuf,
    },
    /// A `signet` command that a scene plays failed.
    #[error("`signet {command}` failed ({status}){said}")]
    Command {
        /// The command and its arguments.
        command: String,
        /// How it ended.
        status: ExitStatus,
        /// What it wrote to standard error.
        said: String,
    },
    /// A command succeeded and did not do what it is for.
    #[error("`signet {command}` left {missing}")]
    CommandResult {
        /// The command and its arguments.
        command: String,
        /// What is not there.
        missing: &'static str,
    },
    /// A user of the load could not log in.
    #[error("{user} cannot log in through the balancer")]
    Login {
        /// The user.
        user: String,
        /// What happened.
        source: BrowserError,
    },
    /// The system gives no randomness.
    #[error("no random bytes from the system")]
    Random(#[source] getrandom::Error),
    /// A task of the lab ended by a panic.
    #[error("a task of the lab broke off")]
    Task(#[source] tokio::task::JoinError),
}

impl LabError {
    /// What to do next, where something can be done.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        match self {
            Self::PortInUse { port, .. } => Some(format!(
                "end the program that holds it (`ss -ltnp 'sport = :{port}'` names it), or choose \
                 other ports: `signet lab --author-port 4602 --publish-port 4603 --port 8180`"
            )),
            // A temporary directory is gone by now, and its log with it.
            Self::Ended { log, .. } | Self::Died { log, .. } | Self::NotReady { log, .. }
                if log.exists() =>
            {
                Some(format!("its whole log is in {}", log.display()))
            }
            Self::NotALab { .. } => Some("name another directory with --data, or none".to_owned()),
            Self::NoFreePorts { .. } => Some("end programs that listen on many ports".to_owned()),
            _ => None,
        }
    }
}
