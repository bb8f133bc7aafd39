//! `signet lab`

use anyhow::Context as _;
use clap::Args;
use signet_lab::{BalancePolicy, Bar, Event, LabOptions, Ports, ProofOptions, TokenMode, report};
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Outcome;
use crate::choice::one_of;
use crate::context::Context;
use crate::failure::Failure;
use crate::moment;

/// Run a whole farm on this machine, to try it or to prove it
///
/// One author, two publish instances and a balancer, each instance a process of its own with its own data, on loopback
/// only. Ctrl-C ends all of it. The data is temporary unless --data names a directory.
#[derive(Debug, Args)]
pub(crate) struct Lab {
    /// How many publish instances
    #[arg(long, value_name = "N", default_value_t = 2, value_parser = clap::value_parser!(u8).range(1..=32))]
    publish: u8,

    /// The kind of token: verified by every instance, or stored by the one that gave it out
    #[arg(long, value_name = "KIND", default_value = "encapsulated", value_parser = one_of::<TokenMode>(&["encapsulated", "repository"]))]
    token: TokenMode,

    /// How the balancer chooses an instance
    #[arg(long, value_name = "POLICY", default_value = "round-robin", value_parser = one_of::<BalancePolicy>(&["round-robin", "sticky"]))]
    balance: BalancePolicy,

    /// The author's port
    #[arg(long, value_name = "PORT", default_value_t = 4502)]
    author_port: u16,

    /// The first publish instance's port; the others follow
    #[arg(long, value_name = "PORT", default_value_t = 4503)]
    publish_port: u16,

    /// The balancer's port
    #[arg(long, value_name = "PORT", default_value_t = 8080)]
    port: u16,

    /// Play the proof and end: hundreds of users through a kill, a rolling restart and a key rotation
    ///
    /// On free ports, with data of its own. Exit status 1 unless nobody was lost, refused or failed.
    #[arg(long, conflicts_with_all = ["token", "balance", "author_port", "publish_port", "port", "data"])]
    prove: bool,
}

impl Lab {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let stop = Stop::on_signals()?;
        if self.prove {
            self.prove(context, stop).await
        } else {
            self.keep(context, stop).await
        }
    }

    async fn keep(self, context: &Context, stop: Stop) -> anyhow::Result<Outcome> {
        let options = LabOptions {
            publish: self.publish.into(),
            token: self.token,
            balance: self.balance,
            data: context.named_data.clone(),
            ports: Some(Ports {
                author: self.author_port,
                publish: self.publish_port,
                balancer: self.port,
            }),
            ..LabOptions::new(program()?, context.now())
        };
        let output = &context.output;
        let mut shown = Ok(());
        signet_lab::run(options, stop.wait(), |event| match event {
            Event::Ready { name } => output.note(&format!("{name} is ready")),
            Event::Running(overview) => {
                shown = output.answer(overview, &format!("\n{}", report::overview(overview)));
            }
            Event::Ended {
                name,
                status,
                again_in,
            } => {
                let again = moment::span(signet_core::Seconds(again_in.as_secs()));
                output.warning(&format!(
                    "{name} ended ({status}); it is started again in {again}"
                ));
            }
            Event::Ending => output.note("Ending the farm."),
            _ => {}
        })
        .await?;
        shown.map(|()| Outcome::Done)
    }

    async fn prove(self, context: &Context, stop: Stop) -> anyhow::Result<Outcome> {
        let options = ProofOptions {
            publish: self.publish.into(),
            ..ProofOptions::new(program()?, context.now())
        };
        let bar = Bar::new();
        let proof = tokio::select! {
            proof = signet_lab::prove(options, |progress| bar.show(progress)) => proof?,
            () = stop.wait() => {
                drop(bar);
                return Err(Failure::new("the proof was stopped before it was complete").into());
            }
        };
        drop(bar);
        context.output.answer(&proof, &report::proof(&proof))?;
        Ok(match proof.holds() {
            true => Outcome::Done,
            false => Outcome::Denied,
        })
    }
}

fn program() -> anyhow::Result<std::path::PathBuf> {
    std::env::current_exe().context("the path of this program could not be found")
}

/// Ctrl-C or SIGTERM.
struct Stop {
    interrupt: Signal,
    terminate: Signal,
}

impl Stop {
    fn on_signals() -> anyhow::Result<Self> {
        let listen = |kind| signal(kind).context("signals could not be waited for");
        Ok(Self {
            interrupt: listen(SignalKind::interrupt())?,
            terminate: listen(SignalKind::terminate())?,
        })
    }

    async fn wait(mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}
