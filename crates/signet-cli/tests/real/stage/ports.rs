//! The fixed ports of the examples, used by one test at a time.

use std::fs::File;
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::sync::atomic::{AtomicU16, Ordering};

/// Fixed ports that this test may use until the value is dropped.
#[derive(Debug)]
pub(crate) struct Ports {
    _lock: File,
}

impl Ports {
    /// Waits for other tests with the same ports, and makes sure that nothing else has them.
    ///
    /// # Panics
    /// When something that is no test listens there.
    pub(crate) fn hold(example: &str, ports: &[u16]) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("ports-{example}.lock"));
        let lock = File::create(path).unwrap();
        lock.lock().unwrap();
        for port in ports {
            if let Err(error) = TcpListener::bind((Ipv4Addr::LOCALHOST, *port)) {
                panic!(
                    "examples/{example} needs port {port}: {error}; `ss -ltnp 'sport = :{port}'` shows what has it"
                );
            }
        }
        Self { _lock: lock }
    }
}

/// A port that nothing listens on now, below those that outgoing connections take.
pub(crate) fn free() -> u16 {
    free_row(1)
}

/// The first of so many free ports in a row.
pub(crate) fn free_row(count: u16) -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let process = u16::try_from(std::process::id() % 1_000).unwrap() * 10;
    loop {
        let first = 20_000 + (process + NEXT.fetch_add(count, Ordering::Relaxed)) % 10_000;
        let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
        if (first..first + count).all(is_free) {
            return first;
        }
    }
}
