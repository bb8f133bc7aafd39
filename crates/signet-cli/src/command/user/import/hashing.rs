//! Hashing the plain passwords of an import, on every core.

use anyhow::Context as _;
use signet_login::password::Passwords;
use signet_repository::{NewUser, Password};
use tokio::task::JoinSet;

use super::people::{Lines, People};
use crate::progress::Bar;

/// The users with every password hashed.
pub(super) async fn hash(people: People) -> anyhow::Result<(Vec<NewUser>, Lines)> {
    let cores = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    let passwords = Passwords::new(cores);
    let mut users = Vec::with_capacity(people.people.len());
    let mut hashing = JoinSet::new();
    for (user, plain) in people.people {
        if let Some(plain) = plain {
            let passwords = passwords.clone();
            let place = users.len();
            hashing.spawn(async move { (place, passwords.hash(plain).await) });
        }
        users.push(user);
    }
    if hashing.is_empty() {
        return Ok((users, people.lines));
    }
    let bar = Bar::new("hashing passwords", hashing.len() as u64);
    while let Some(hashed) = hashing.join_next().await {
        let (place, hash) = hashed.context("a password could not be hashed")?;
        let hash = hash?.parse().context("a hash cannot be stored")?;
        if let Some(user) = users.get_mut(place) {
            user.password = Some(Password::lasting(hash));
        }
        bar.step();
    }
    Ok((users, people.lines))
}
