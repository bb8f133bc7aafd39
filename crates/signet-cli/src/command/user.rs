//! `signet user`

mod add;
mod change;
mod group;
mod import;
mod list;
mod person;
mod show;

use clap::{Args, Subcommand};
use signet_core::Subject;

use super::Outcome;
use crate::context::Context;
use crate::password::PasswordSource;

/// Add, change, list and import users
///
/// Until instances synchronise, these act on this instance alone: make the same users on the others, for example with
/// `signet user import`. They work whether or not the instance is running, and a running one is told at once.
#[derive(Debug, Args)]
pub(crate) struct User {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Add(add::Add),
    List(list::List),
    /// Show all that is known of a user
    Show {
        /// The user's id
        user: Subject,
    },
    /// Shut a user out, and end all their sessions
    Disable {
        /// The user's id
        user: Subject,
    },
    /// Let a user log in again; sessions that disabling ended stay ended
    Enable {
        /// The user's id
        user: Subject,
    },
    /// Remove a user and all that is personal about them, and end all their sessions
    Remove {
        /// The user's id
        user: Subject,

        /// Do not ask; without a terminal nothing is asked anyway
        #[arg(long)]
        yes: bool,
    },
    /// Change a user's password, and end all their sessions
    ///
    /// The password is asked for, or without a terminal read from one line of standard input.
    Passwd {
        /// The user's id
        user: Subject,

        #[command(flatten)]
        password: PasswordSource,
    },
    /// Put users into groups and take them out
    Group {
        #[command(subcommand)]
        action: group::Action,
    },
    Import(import::Import),
    /// End all sessions of a user, who may log in again
    EndSessions {
        /// The user's id
        user: Subject,
    },
}

impl User {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        match self.action {
            Action::Add(add) => add.run(context).await,
            Action::List(list) => list.run(context).await,
            Action::Show { user } => show::run(context, &user).await,
            Action::Disable { user } => change::disable(context, &user).await,
            Action::Enable { user } => change::enable(context, &user).await,
            Action::Remove { user, yes } => change::remove(context, &user, yes).await,
            Action::Passwd { user, password } => change::passwd(context, &user, &password).await,
            Action::Group { action } => group::run(context, action).await,
            Action::Import(import) => import.run(context).await,
            Action::EndSessions { user } => change::end_sessions(context, &user).await,
        }
    }
}
