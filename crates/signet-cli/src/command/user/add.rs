//! `signet user add`

use clap::Args;
use secrecy::ExposeSecret as _;
use serde_json::json;
use signet_core::{GroupName, Subject};
use signet_repository::{NewUser, UserError, UserProfile};

use super::person::{Person, names};
use crate::command::Outcome;
use crate::context::Context;
use crate::password::{Given, PasswordSource};

/// Add a user
///
/// The password is asked for, or without a terminal read from one line of standard input.
#[derive(Debug, Args)]
pub(crate) struct Add {
    /// The user's id: it never changes; a local one has no ":"
    user: Subject,

    /// What the user is called
    #[arg(long, value_name = "TEXT")]
    name: Option<String>,

    /// The user's mail address
    #[arg(long, value_name = "ADDRESS")]
    mail: Option<String>,

    /// A group, which is made if it does not exist yet; can be given several times
    #[arg(long, value_name = "GROUP")]
    group: Vec<GroupName>,

    #[command(flatten)]
    password: PasswordSource,
}

impl Add {
    pub(super) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let place = context.place()?;
        place.ready_to_record()?;
        let least = place.config().login.password_least;
        let account = place
            .with_repository(async |repository| {
                // Nobody likes to type a password for a user who cannot be added.
                let present = repository.find_for_login(&self.user).await?;
                if present.is_some() {
                    return Err(UserError::Exists(self.user.clone()).into());
                }
                let given = self.password.take(&self.user, least)?;
                let user = NewUser {
                    profile: UserProfile {
                        name: self.name.clone(),
                        mail: self.mail.clone(),
                    },
                    password: given.stored.clone(),
                    groups: self.group.iter().cloned().collect(),
                    ..NewUser::new(self.user.clone())
                };
                place.begin_change()?;
                let account = repository.add_user(&user, context.now()).await?;
                Ok((account, given))
            })
            .await;
        let (account, given) = account?;
        let detail = json!({
            "groups": names(&account.record.groups),
            "password": kind(&given),
        });
        place.record(context, "user.add", self.user.as_str(), &detail)?;
        let says = place.poke().await;
        let document = json!({
            "user": Person::from(&account),
            "one_time_password": one_time(&given),
            "instance": says,
        });
        let text = format!("Added {}.", self.user);
        context
            .output
            .answer(&document, &with_password(text, &given))?;
        says.tell(&context.output);
        Ok(Outcome::Done)
    }
}

/// What the audit log says of a password.
pub(super) fn kind(given: &Given) -> &'static str {
    match (&given.stored, &given.one_time) {
        (None, _) => "none",
        (Some(_), Some(_)) => "one-time",
        (Some(_), None) => "lasting",
    }
}

/// The one password that is shown, this once.
pub(super) fn one_time(given: &Given) -> Option<&str> {
    given.one_time.as_ref().map(|secret| secret.expose_secret())
}

pub(super) fn with_password(text: String, given: &Given) -> String {
    match one_time(given) {
        Some(password) => format!(
            "{text}\nOne-time password: {password}\nIt is shown this once; the first login asks for another."
        ),
        None => text,
    }
}
