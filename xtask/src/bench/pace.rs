//! An open-loop load: requests at a constant rate, each counted from the moment at which it was meant to be sent.
//!
//! A closed loop, as most load programs are, waits for a slow answer and so never sends the requests that would have met
//! the same delay (coordinated omission). Here the schedule does not wait: a request that finds no free connection waits
//! for one, and that wait is part of its latency.

mod connection;

use std::collections::VecDeque;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, ensure};
use clap::Args;
use rustix::event::Timespec;
use rustix::event::epoll;
use serde::{Deserialize, Serialize};

use self::connection::Connection;
use super::quiet::waited;

/// What is sent in this time warms up both ends and is not counted.
const WARM_UP: Duration = Duration::from_millis(300);
/// How long to wait for the last answers.
const PATIENCE: Duration = Duration::from_secs(5);

/// The load of one round.
#[derive(Args)]
pub(crate) struct Pace {
    /// Where the server listens.
    #[arg(long)]
    address: SocketAddr,
    /// Requests per second.
    #[arg(long)]
    rate: f64,
    /// For how long.
    #[arg(long)]
    seconds: f64,
    /// So many connections are open all the time.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// The file that holds the request, head and all.
    #[arg(long, value_name = "FILE")]
    request: PathBuf,
}

/// What was found, in milliseconds.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub(super) struct Latencies {
    pub(super) answered: u64,
    pub(super) p50: f64,
    pub(super) p99: f64,
    pub(super) p999: f64,
    pub(super) longest: f64,
    /// How long this program itself was ready to run and did not get a core.
    pub(super) waited: f64,
}

impl Pace {
    /// Sends the load and prints what was found as JSON.
    ///
    /// # Errors
    ///
    /// When a connection breaks, an answer is not a 200, or the server does not keep up.
    pub(crate) fn run(&self) -> Result<()> {
        let request = std::fs::read(&self.request).context("cannot read the request")?;
        ensure!(self.rate > 0.0 && self.connections > 0, "nothing to send");
        let mut load = Load::connect(self.address, self.connections, request)?;
        let mut latencies = load.send(self.rate, Duration::from_secs_f64(self.seconds))?;
        latencies.waited = waited(std::process::id()).as_secs_f64() * 1e3;
        println!("{}", serde_json::to_string(&latencies)?);
        Ok(())
    }
}

struct Load {
    request: Vec<u8>,
    connections: Vec<Connection>,
    idle: Vec<usize>,
    epoll: rustix::fd::OwnedFd,
    ready: Vec<epoll::Event>,
}

impl Load {
    fn connect(address: SocketAddr, count: usize, request: Vec<u8>) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut connections = Vec::with_capacity(count);
        for number in 0..count {
            let connection = Connection::open(address)?;
            epoll::add(
                &epoll,
                connection.stream(),
                epoll::EventData::new_u64(number as u64),
                epoll::EventFlags::IN,
            )?;
            connections.push(connection);
        }
        Ok(Self {
            request,
            idle: (0..count).collect(),
            connections,
            epoll,
            ready: Vec::with_capacity(count),
        })
    }

    fn send(&mut self, rate: f64, length: Duration) -> Result<Latencies> {
        let interval = 1.0 / rate;
        let start = Instant::now();
        let total = (length.as_secs_f64() * rate) as u64;
        let intended = |number: u64| start + Duration::from_secs_f64(number as f64 * interval);
        let mut sent = 0;
        let mut waiting = VecDeque::new();
        let mut found = Found::new(total);
        loop {
            let now = Instant::now();
            while sent < total && intended(sent) <= now {
                waiting.push_back(intended(sent));
                sent += 1;
            }
            while let Some(connection) = self.idle.pop() {
                let Some(meant) = waiting.pop_front() else {
                    self.idle.push(connection);
                    break;
                };
                self.connections[connection].send(&self.request, meant)?;
            }
            self.receive(start, &mut found)?;
            let done =
                sent == total && waiting.is_empty() && self.idle.len() == self.connections.len();
            if done {
                return Ok(found.latencies());
            }
            ensure!(
                now - start < length + PATIENCE,
                "the server does not keep up with {rate:.0} requests per second"
            );
        }
    }

    /// Takes the answers that are there; never waits, because the next request is always about to be due.
    fn receive(&mut self, start: Instant, found: &mut Found) -> Result<()> {
        self.ready.clear();
        let none = Timespec {
            tv_sec: 0,
            tv_nsec: 0,
        };
        epoll::wait(
            &self.epoll,
            rustix::buffer::spare_capacity(&mut self.ready),
            Some(&none),
        )?;
        for event in &self.ready {
            let number = event.data.u64() as usize;
            if let Some(meant) = self.connections[number].receive()? {
                let now = Instant::now();
                found.answer(meant - start, now - meant);
                self.idle.push(number);
            }
        }
        Ok(())
    }
}

struct Found {
    nanoseconds: Vec<u64>,
}

impl Found {
    fn new(total: u64) -> Self {
        Self {
            nanoseconds: Vec::with_capacity(total as usize),
        }
    }

    fn answer(&mut self, meant: Duration, latency: Duration) {
        if meant > WARM_UP {
            self.nanoseconds.push(latency.as_nanos() as u64);
        }
    }

    fn latencies(mut self) -> Latencies {
        self.nanoseconds.sort_unstable();
        // The smallest latency that this part of all requests did not exceed.
        let at = |part: f64| {
            let count = self.nanoseconds.len();
            let place = (part * count as f64).ceil() as usize;
            let nanoseconds = self.nanoseconds.get(place.clamp(1, count.max(1)) - 1);
            nanoseconds.map_or(0.0, |nanoseconds| *nanoseconds as f64 / 1e6)
        };
        Latencies {
            answered: self.nanoseconds.len() as u64,
            p50: at(0.5),
            p99: at(0.99),
            p999: at(0.999),
            longest: at(1.0),
            waited: 0.0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read as _, Write as _};
    use std::net::TcpListener;
    use std::thread;

    /// Answers each request after `delay`, for as long as the client stays.
    fn server(delay: impl Fn(u32) -> Duration + Send + 'static) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 18];
            for number in 0.. {
                if stream.read_exact(&mut request).is_err() {
                    return;
                }
                thread::sleep(delay(number));
                let answer = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok";
                stream.write_all(answer).unwrap();
            }
        });
        address
    }

    fn load(address: SocketAddr) -> Load {
        Load::connect(address, 1, b"GET / HTTP/1.1\r\n\r\n".to_vec()).unwrap()
    }

    #[test]
    fn whoever_waits_behind_a_slow_answer_is_counted_too() {
        // One answer takes 200 ms; at 1,000 a second that delays two hundred requests behind it.
        let slow = |number| Duration::from_millis(if number == 400 { 200 } else { 0 });
        let latencies = load(server(slow))
            .send(1_000.0, Duration::from_secs(1))
            .unwrap();
        assert!(latencies.answered > 600, "{latencies:?}");
        // A closed loop would see one slow answer in seven hundred.
        assert!(latencies.p99 > 150.0, "{latencies:?}");
    }

    #[test]
    fn an_answer_that_is_no_200_is_an_error() {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let answer = b"HTTP/1.1 401 Unauthorized\r\ncontent-length: 0\r\n\r\n";
            stream.write_all(answer).unwrap();
            let _ = stream.read(&mut [0; 100]);
        });
        assert!(
            load(address)
                .send(10.0, Duration::from_millis(200))
                .is_err()
        );
    }
}
