//! What running instances say about the keys.

use std::path::Path;
use std::time::Duration;

use anyhow::Context as _;
use serde::Serialize;
use signet_aem::console::{Console, ConsoleError, SameHmac};
use signet_aem::replication::{SameMaster, Source, Target};
use tokio::time::{Instant, sleep};

use super::super::service;
use crate::context::Context;
use crate::failure::Failure;

/// The bundle of the keys, and the one that uses them: the order in which they are refreshed.
const BUNDLES: [&str; 2] = ["com.adobe.granite.crypto.file", "com.adobe.granite.crypto"];
/// The time between two looks whether an instance is up.
const PAUSE: Duration = Duration::from_secs(1);

/// What one instance says.
#[derive(Debug, Serialize)]
pub(super) struct Proof {
    /// Where it is.
    pub(super) url: String,
    /// Whether it seals with the master that was copied.
    pub(super) master: SameMaster,
    /// Whether it takes a token of the first instance, or that takes one of it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) hmac: Option<SameHmac>,
    /// Why it could not be asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) failure: Option<String>,
}

impl Proof {
    /// Whether nothing speaks against the keys being the same. What cannot be told does not.
    pub(super) fn is_fine(&self) -> bool {
        self.failure.is_none() && self.master != SameMaster::No && self.hmac != Some(SameHmac::No)
    }
}

/// Refuses an instance that cannot be the one that runs on the installation.
pub(super) async fn is_instance_of(console: &Console, target: &Target) -> anyhow::Result<()> {
    let bundles = console.bundles().await.context("nothing was changed")?;
    for (name, number) in BUNDLES.iter().zip(target.bundles) {
        let mut there = bundles
            .iter()
            .filter(|bundle| bundle.symbolic_name == *name);
        if there.any(|bundle| bundle.id == number) {
            continue;
        }
        let message = format!(
            "{} does not run on {}: {name} is bundle {number} there, and the instance has no such bundle",
            console.url(),
            target.folder.display()
        );
        return Err(Failure::new(message)
            .hint("nothing was changed; give the URL of the instance that runs on this folder")
            .into());
    }
    if let Some(home) = console.home().await.ok().flatten()
        && !is_same_place(&home, &target.folder)
    {
        let message = format!(
            "{} does not run on {}: it says that its home is {}",
            console.url(),
            target.folder.display(),
            crate::output::visible(&home.display().to_string())
        );
        return Err(Failure::new(message)
            .hint("nothing was changed; name the folder as the instance does, or give the URL of the instance that runs on it")
            .into());
    }
    Ok(())
}

/// Whether the home of Sling is the folder, holds it, or is in it; or is not on this machine, under that name.
fn is_same_place(home: &Path, folder: &Path) -> bool {
    match (home.canonicalize(), folder.canonicalize()) {
        (Ok(home), Ok(folder)) => home.starts_with(&folder) || folder.starts_with(&home),
        _ => true,
    }
}

/// What the new master will not open in the repositories of these instances, as far as one can look.
pub(super) async fn truststores(consoles: impl Iterator<Item = &Console>) -> Vec<String> {
    let mut found = Vec::new();
    for console in consoles {
        let answer = console.get("/etc/truststore.json").await;
        if answer.is_ok_and(|answer| answer.status.is_success()) {
            found.push(format!("/etc/truststore is there on {}", console.url()));
        }
    }
    found
}

/// Lets an instance read its keys again.
pub(super) async fn refresh(
    context: &Context,
    console: &Console,
    patience: Duration,
) -> anyhow::Result<()> {
    let _bar = service::bar(context, "Refreshing the bundles");
    console.renew(&BUNDLES, patience).await.with_context(|| {
        format!(
            "the keys are written, but {} does not use them yet: repeat this command, or restart AEM",
            console.url()
        )
    })
}

/// Asks every instance, the first one for tokens that the others are shown.
pub(super) async fn all(source: &Source, consoles: &[&Console], patience: Duration) -> Vec<Proof> {
    let mut proofs = Vec::new();
    for console in consoles {
        let mut proof = Proof {
            url: console.url().to_string(),
            master: SameMaster::Unknown("the instance was not asked"),
            hmac: None,
            failure: None,
        };
        if let Err(error) = ask(source, console, consoles, patience, &mut proof).await {
            let causes: Vec<_> = error.chain().map(ToString::to_string).collect();
            proof.failure = Some(causes.join(": "));
        }
        proofs.push(proof);
    }
    proofs
}

async fn ask(
    source: &Source,
    console: &Console,
    all: &[&Console],
    patience: Duration,
    proof: &mut Proof,
) -> anyhow::Result<()> {
    // It may have been started just now.
    console.wait_until_active(&BUNDLES, patience, PAUSE).await?;
    let end = Instant::now() + patience;
    proof.master = until_it_is_up(end, PAUSE, || source.is_master_of(console)).await?;
    if let Some(first) = all.first().filter(|first| first.url() != console.url()) {
        proof.hmac = Some(until_it_is_up(end, PAUSE, || first.has_hmac_of(console)).await?);
    }
    Ok(())
}

/// Asks again while the instance says that it is starting: its bundles run before its repository does.
async fn until_it_is_up<T, F: Future<Output = Result<T, ConsoleError>>>(
    end: Instant,
    pause: Duration,
    question: impl Fn() -> F,
) -> Result<T, ConsoleError> {
    loop {
        match question().await {
            Err(error) if error.is_starting() && Instant::now() + pause <= end => {
                sleep(pause).await;
            }
            answer => return answer,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use signet_aem::console::ConsoleFault;

    use super::*;

    #[tokio::test]
    async fn an_instance_that_is_starting_is_asked_again_and_no_other() {
        let now = Instant::now();
        let (later, over) = (now + Duration::from_secs(600), now - Duration::from_secs(1));
        let ask = async |status, end| {
            let asked = Cell::new(0);
            let answer = until_it_is_up(end, Duration::ZERO, || {
                asked.set(asked.get() + 1);
                let answer = match asked.get() {
                    4 => Ok(()),
                    _ => Err(ConsoleError {
                        url: "http://localhost".to_owned(),
                        fault: ConsoleFault::Status(status),
                    }),
                };
                async { answer }
            });
            (answer.await.is_ok(), asked.get())
        };
        assert_eq!(ask(503, later).await, (true, 4));
        assert_eq!(ask(503, over).await, (false, 1));
        assert_eq!(ask(500, later).await, (false, 1));
    }
}
