//! What an instance is for the machine that it runs on: a process with a lock, a port, and commands that start and stop it.

use std::fmt;
use std::fs;
use std::io::Read as _;
use std::net::{Ipv4Addr, Shutdown, SocketAddr, TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use rustix::fs::{CWD, FileType, mknodat};

/// What a framework locks while it runs.
pub(super) const LOCK: &str = "launchpad/felix/cache.lock";

/// Holds the lock, as Java does it, until its input ends.
const HOLD: &str = "import fcntl, sys\nfile = open(sys.argv[1], 'r+')\nfcntl.lockf(file, fcntl.LOCK_EX)\nprint('held', flush=True)\nsys.stdin.read()";

/// A process of its own: when it was started, and that it holds the lock, is seen by others.
#[derive(Debug)]
pub(super) struct Process(Child);

impl Process {
    pub(super) fn start(folder: &Path) -> Self {
        let mut child = Command::new("/usr/bin/python3")
            .args(["-I", "-S", "-c", HOLD])
            .arg(folder.join(LOCK))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python3 is there; if not: cargo xtask needs");
        let mut held = [0; 4];
        child.stdout.take().unwrap().read_exact(&mut held).unwrap();
        Self(child)
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A port that is the same whenever it is open. While it is closed, connections are refused.
pub(super) struct Door {
    address: SocketAddr,
    listening: Mutex<Option<Listening>>,
}

struct Listening {
    /// The same socket.
    handle: TcpListener,
    thread: JoinHandle<()>,
}

impl Listening {
    /// When this returns, connections are refused: though a program that is being started at this moment may still have a copy
    /// of the socket.
    fn end(self) {
        refuse(self.handle);
        self.thread.join().unwrap();
    }
}

fn refuse(listener: TcpListener) {
    // The standard library offers this for a connection only.
    let socket = TcpStream::from(OwnedFd::from(listener));
    socket.shutdown(Shutdown::Both).unwrap();
}

impl Door {
    /// Closed. Each has an address of its own (all of 127.0.0.0/8 is this machine), so nobody else gets the port meanwhile.
    pub(super) fn new() -> Self {
        static NEXT: AtomicU16 = AtomicU16::new(1);
        let [high, low] = NEXT.fetch_add(1, Ordering::Relaxed).to_be_bytes();
        let process = u8::try_from(std::process::id() % 200).unwrap();
        let listener = TcpListener::bind((Ipv4Addr::new(127, 20 + process, high, low), 0)).unwrap();
        let address = listener.local_addr().unwrap();
        refuse(listener);
        Self {
            address,
            listening: Mutex::default(),
        }
    }

    pub(super) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Lets `serve` have each connection, in a thread of its own.
    pub(super) fn open(&self, serve: impl Fn(TcpStream) + Send + Sync + 'static) {
        let listener = TcpListener::bind(self.address).unwrap();
        let handle = listener.try_clone().unwrap();
        let serve = Arc::new(serve);
        let thread = thread::spawn(move || {
            while let Ok((stream, _)) = listener.accept() {
                let serve = Arc::clone(&serve);
                thread::spawn(move || serve(stream));
            }
        });
        *self.listening.lock().unwrap() = Some(Listening { handle, thread });
    }

    /// When this returns, nothing listens.
    pub(super) fn close(&self) {
        if let Some(listening) = self.listening.lock().unwrap().take() {
            listening.end();
        }
    }
}

impl fmt::Debug for Door {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Door({})", self.address)
    }
}

/// Commands of the shell that give orders, and end when they are carried out.
#[derive(Debug)]
pub(in super::super) struct Commands {
    orders: PathBuf,
    answers: PathBuf,
    thread: Option<JoinHandle<()>>,
}

/// The order to take no more.
const END: &str = "end";

impl Commands {
    /// `obey` carries out an order and says whether that went well.
    pub(super) fn new(directory: &Path, obey: impl Fn(&str) -> bool + Send + 'static) -> Self {
        let [orders, answers] = ["orders", "answers"].map(|name| {
            let pipe = directory.join(name);
            mknodat(CWD, &pipe, FileType::Fifo, 0o600.into(), 0).unwrap();
            pipe
        });
        let (inward, outward) = (orders.clone(), answers.clone());
        let thread = thread::spawn(move || {
            loop {
                let order = fs::read_to_string(&inward).unwrap();
                if order.trim() == END {
                    return;
                }
                let answer = if obey(order.trim()) { "done" } else { "failed" };
                fs::write(&outward, format!("{answer}\n")).unwrap();
            }
        });
        Self {
            orders,
            answers,
            thread: Some(thread),
        }
    }

    pub(in super::super) fn stop(&self) -> String {
        self.command("stop")
    }

    pub(in super::super) fn start(&self) -> String {
        self.command("start")
    }

    fn command(&self, order: &str) -> String {
        let (orders, answers) = (self.orders.display(), self.answers.display());
        format!("echo {order} > '{orders}' && read answer < '{answers}' && test $answer = done")
    }
}

impl Drop for Commands {
    fn drop(&mut self) {
        fs::write(&self.orders, END).unwrap();
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}
