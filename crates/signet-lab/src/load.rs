//! Users at work: many browsers that keep asking for their page.

mod histogram;
mod tally;

#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{Semaphore, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

pub use self::histogram::Histogram;
pub use self::tally::Tally;
use self::tally::judge;
use crate::browser::Browser;
use crate::error::LabError;
use crate::password::Password;

/// How eagerly users work.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Time from one request of a user to the next.
    pub think: Duration,
    /// Requests of all users under way at a time.
    pub in_flight: usize,
}

impl Default for Pace {
    /// With 300 users, some 1,800 requests a second.
    fn default() -> Self {
        Self {
            think: Duration::from_millis(165),
            in_flight: 48,
        }
    }
}

/// A user who is logged in.
#[derive(Debug)]
pub struct User {
    name: String,
    browser: Browser,
}

impl User {
    /// Logs `name` in through the balancer at `address`.
    ///
    /// # Errors
    /// [`LabError::Login`].
    pub async fn log_in(
        address: SocketAddr,
        name: &str,
        password: &Password,
    ) -> Result<Self, LabError> {
        let mut browser = Browser::new(address);
        browser
            .log_in(name, password.reveal())
            .await
            .map_err(|source| LabError::Login {
                user: name.to_owned(),
                source,
            })?;
        Ok(Self {
            name: name.to_owned(),
            browser,
        })
    }

    /// The session token this user's browser holds.
    #[must_use]
    pub fn session(&self) -> Option<&str> {
        self.browser.session()
    }
}

/// Logs all of `names` in, a few at a time: each costs an instance a password hash.
/// `on_login` hears how many are done.
///
/// # Errors
/// The first [`LabError::Login`]; nothing of the farm works without logins.
pub async fn log_in_all(
    address: SocketAddr,
    names: &[String],
    password: &Password,
    mut on_login: impl FnMut(usize),
) -> Result<Vec<User>, LabError> {
    const AT_A_TIME: usize = 4;
    let mut users = Vec::with_capacity(names.len());
    let mut waiting = names.iter();
    let mut running = JoinSet::new();
    loop {
        while running.len() < AT_A_TIME
            && let Some(name) = waiting.next()
        {
            let (name, password) = (name.clone(), password.clone());
            running.spawn(async move { User::log_in(address, &name, &password).await });
        }
        let Some(done) = running.join_next().await else {
            return Ok(users);
        };
        users.push(done.map_err(LabError::Task)??);
        on_login(users.len());
    }
}

/// A load under way.
#[derive(Debug)]
pub struct Load {
    tasks: JoinSet<(User, Tally)>,
    stop: watch::Sender<bool>,
    requests: Arc<AtomicU64>,
}

impl Load {
    /// Sets `users` to work, spread evenly over the time between two requests.
    #[must_use]
    pub fn start(users: Vec<User>, pace: Pace) -> Self {
        let (stop, stopping) = watch::channel(false);
        let room = Arc::new(Semaphore::new(pace.in_flight));
        let requests = Arc::new(AtomicU64::new(0));
        let count = u32::try_from(users.len()).unwrap_or(u32::MAX).max(1);
        let mut first = Instant::now();
        let mut tasks = JoinSet::new();
        for user in users {
            let worker = Worker {
                user,
                think: pace.think,
                room: Arc::clone(&room),
                requests: Arc::clone(&requests),
                tally: Tally::default(),
            };
            tasks.spawn(worker.run(first, stopping.clone()));
            first += pace.think / count;
        }
        Self {
            tasks,
            stop,
            requests,
        }
    }

    /// Requests made so far.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.requests.load(Ordering::Relaxed)
    }

    /// Waits until `more` further requests were made, or no user is left to make them.
    pub async fn flow(&self, more: u64) {
        let goal = self.requests() + more;
        // A user who is out of work lets go of the receiver.
        while self.requests() < goal && self.stop.receiver_count() > 0 {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }

    /// Lets requests under way finish, and returns the users and what they met.
    ///
    /// # Errors
    /// [`LabError::Task`] where a user's task broke off.
    pub async fn stop(mut self) -> Result<(Vec<User>, Tally), LabError> {
        self.stop.send_replace(true);
        let mut users = Vec::new();
        let mut sum = Tally::default();
        while let Some(done) = self.tasks.join_next().await {
            let (user, tally) = done.map_err(LabError::Task)?;
            users.push(user);
            sum.merge(&tally);
        }
        Ok((users, sum))
    }
}

/// One user's task.
struct Worker {
    user: User,
    think: Duration,
    room: Arc<Semaphore>,
    requests: Arc<AtomicU64>,
    tally: Tally,
}

impl Worker {
    /// Works until told to stop, or until the answers have taken the session cookie away: then
    /// this user sits before the login page.
    async fn run(
        mut self,
        mut next: Instant,
        mut stopping: watch::Receiver<bool>,
    ) -> (User, Tally) {
        while self.user.session().is_some() {
            let stopped = async { drop(stopping.wait_for(|stop| *stop).await) };
            tokio::select! {
                biased;
                () = stopped => break,
                () = sleep_until(next) => {}
            }
            self.ask().await;
            // Where the farm is slower than the pace, the pace gives way: no flood follows.
            next = (next + self.think).max(Instant::now());
        }
        (self.user, self.tally)
    }

    async fn ask(&mut self) {
        // The semaphore is never closed.
        let Ok(_permit) = self.room.acquire().await else {
            return;
        };
        let asked = Instant::now();
        let answered = self.user.browser.page().await;
        if answered.is_ok() {
            self.tally.latency.record(asked.elapsed());
        }
        self.tally.count(judge(&self.user.name, &answered));
        self.requests.fetch_add(1, Ordering::Relaxed);
    }
}
