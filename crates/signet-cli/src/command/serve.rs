//! `signet serve`

use std::io::{self, IsTerminal as _};
use std::net::SocketAddr;
use std::path::Path;

use clap::Args;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::json;
use signet_core::Subject;
use signet_keys::atomic;
use signet_server::config::{LogConfig, Role};
use signet_server::{Announcement, DataDirectory, ServeOptions};

use super::Outcome;
use crate::choice::one_of;
use crate::context::Context;
use crate::logging;

/// Where the first administrator's password goes when nobody watches, in the data directory.
const FIRST_PASSWORD: &str = "first-password";

/// Run an instance
///
/// The first start makes the data directory with configuration, keys and repository, and (unless the role is publish) an
/// administrator with a one-time password, which is printed, or without a terminal written to the file first-password.
/// SIGTERM or Ctrl-C ends the instance when the requests under way are answered; SIGHUP makes it look at its files at once.
#[derive(Debug, Args)]
pub(crate) struct Serve {
    /// What the instance is in its farm, in the place of role in signet.toml
    #[arg(long, value_name = "ROLE", value_parser = one_of::<Role>(&["author", "publish", "standalone"]))]
    role: Option<Role>,

    /// Where it listens for browsers and proxies, in the place of listen.public
    #[arg(long, value_name = "ADDRESS:PORT")]
    listen: Option<SocketAddr>,

    /// Where it listens for operators, in the place of listen.admin
    #[arg(long, value_name = "ADDRESS:PORT")]
    admin_listen: Option<SocketAddr>,
}

impl Serve {
    pub(crate) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        logging::serve(&context.output, &log_settings(context.data()));
        let options = ServeOptions {
            data: context.data().to_owned(),
            role: self.role,
            listen: self.listen,
            admin_listen: self.admin_listen,
        };
        signet_server::serve(options, |announcement| announce(context, announcement)).await?;
        tracing::info!("the instance has ended");
        Ok(Outcome::Done)
    }
}

/// What is configured, if anything can be read; the server itself says what is wrong otherwise.
fn log_settings(data: &Path) -> LogConfig {
    DataDirectory::open(data)
        .and_then(|directory| directory.config())
        .map(|config| config.log)
        .unwrap_or_default()
}

fn announce(context: &Context, announcement: Announcement) {
    match announcement {
        Announcement::FirstAdministrator { user, password } => {
            hand_over(context, &user, &password);
        }
        Announcement::Ready {
            instance,
            role,
            public_url,
            public,
            admin,
        } => {
            tracing::info!(
                instance,
                role = role.as_str(),
                url = public_url,
                listen.public = public,
                listen.admin = admin,
                "the instance is ready"
            );
            if context.output.is_json() {
                // Who does not read it has the log.
                let _ = context.output.document(&json!({
                    "event": "ready",
                    "instance": instance,
                    "role": role,
                    "public_url": public_url,
                    "public": public,
                    "admin": admin,
                }));
            }
        }
        Announcement::Draining => tracing::info!("the instance is ending"),
        _ => {}
    }
}

/// The one-time password: to the terminal, or into a file for its owner alone; never into the log.
fn hand_over(context: &Context, user: &Subject, password: &SecretString) {
    if io::stderr().is_terminal() {
        context.output.aside(&format!(
            "\n  First administrator  {user}\n  One-time password    {}\n\n  It is shown this once; the first login asks for another.\n",
            password.expose_secret()
        ));
        return;
    }
    let path = context.data().join(FIRST_PASSWORD);
    let line = zeroize::Zeroizing::new(format!("{}\n", password.expose_secret()));
    match atomic::write(&path, line.as_bytes()) {
        Ok(()) => tracing::warn!(
            user = %user,
            path = %path.display(),
            "the first administrator's one-time password is in this file; log in with it, and remove the file"
        ),
        Err(error) => tracing::error!(
            code = "FIRST_PASSWORD_LOST",
            error = &error as &dyn std::error::Error,
            user = %user,
            "the first administrator's one-time password could not be written; `signet user passwd admin --one-time` makes another"
        ),
    }
}
