//! How a command tells the running instance that something changed: a connection to a socket in the data directory.
//!
//! The instance looks at everything, then writes `ok`, or what is wrong, a line each. Nothing is sent to it, so whoever can
//! reach the socket, which is the owner of the data directory alone, can do nothing but make it look.

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};

/// How long a command waits for the instance to look; it looks by itself soon anyway.
const PATIENCE: Duration = Duration::from_secs(5);
/// The longest answer that is read, in bytes.
const LONGEST: u64 = 4_096;

/// What came of a poke.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Poked {
    /// No instance runs on this data directory.
    NotRunning,
    /// The instance has looked, and what it found is in force.
    Applied,
    /// The instance has looked, and goes on with what it had; this is why.
    Refused(String),
    /// The instance did not answer in time.
    Silent,
}

pub(crate) async fn poke(socket: &Path) -> Poked {
    let Ok(mut stream) = UnixStream::connect(socket).await else {
        return Poked::NotRunning;
    };
    let mut answer = String::new();
    let mut limited = (&mut stream).take(LONGEST);
    match tokio::time::timeout(PATIENCE, limited.read_to_string(&mut answer)).await {
        Ok(Ok(_)) if answer.trim() == "ok" => Poked::Applied,
        Ok(Ok(_)) if !answer.is_empty() => Poked::Refused(answer.trim().to_owned()),
        _ => Poked::Silent,
    }
}

/// Listens for pokes at `socket`, in the place of what an instance that died left there.
pub(crate) fn listen(socket: &Path) -> io::Result<UnixListener> {
    if let Some(directory) = socket.parent() {
        std::fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(directory)?;
    }
    match std::fs::remove_file(socket) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let listener = UnixListener::bind(socket)?;
    std::fs::set_permissions(socket, std::fs::Permissions::from_mode(0o600))?;
    Ok(listener)
}

/// Answers one poke.
pub(crate) async fn answer(mut stream: UnixStream, outcome: Result<(), String>) {
    let line = match outcome {
        Ok(()) => "ok\n".to_owned(),
        Err(message) => format!("{message}\n"),
    };
    // Whoever asked may be gone already.
    let _ = stream.write_all(line.as_bytes()).await;
    let _ = stream.shutdown().await;
}
