//! `signet health`

mod plugin;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args, ValueEnum};
use signet_server::AdminAddress;
use signet_server::health::{HealthReport, Selection, offline, running_at};
use url::form_urlencoded;

use super::Outcome;
use crate::admin;
use crate::context::Context;
use crate::failure::Failure;
use crate::output::Gone;

/// How much longer than the checks their answer may take.
const MARGIN: Duration = Duration::from_secs(5);

/// What is wrong with the instance, with the exit status that monitoring plugins have
///
/// Asks the running instance; if none runs, looks at its data, and the check `instance` says so. The first line sums it
/// up. Exit status 0: OK, 1: WARN, 2: something is CRITICAL or TEMPORARILY_UNAVAILABLE, 3: nobody knows, for instance
/// because a check failed and nothing else is that bad. The same is answered at /system/health of the admin listener.
/// `signet doctor` looks deeper.
#[derive(Debug, Args)]
pub(crate) struct Health {
    /// Only checks that have one of these tags, such as keys,secrets; -TAG leaves those with that tag out
    #[arg(
        long,
        value_name = "TAGS",
        allow_hyphen_values = true,
        default_value = "",
        hide_default_value = true
    )]
    tags: String,

    /// How it is written: a summary and a line for each finding, or as /system/health writes it
    #[arg(long, value_name = "FORMAT", value_enum, default_value_t = Form::Text)]
    format: Form,

    /// How long checks may take, in seconds; OAuth clients ask their endpoints, which may be far away
    #[arg(long, value_name = "SECONDS", default_value_t = 15, value_parser = clap::value_parser!(u16).range(1..=60))]
    timeout: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Form {
    /// A summary, and a line for each finding
    Text,
    /// The document of Felix health checks
    Json,
    /// One word
    Txt,
    /// A table
    #[value(name = "verbose.txt")]
    VerboseTxt,
}

impl Health {
    pub(crate) async fn run(self, context: &Context) -> anyhow::Result<Outcome> {
        let told = match self.report(context).await {
            Ok(report) => {
                let status = plugin::exit_status(&report);
                self.tell(context, &report).map(|()| status)
            }
            Err(error) => Err(error),
        };
        match told {
            Ok(status) => Ok(Outcome::Status(status)),
            // Whoever watches must not take a failure for a warning.
            Err(error) => {
                if !error.is::<Gone>() {
                    if !context.output.is_json() {
                        let line = plugin::unknown(&error.to_string());
                        let _ = context.output.text(&line);
                    }
                    context.output.error(&error);
                }
                Ok(Outcome::Status(plugin::UNKNOWN))
            }
        }
    }

    async fn report(&self, context: &Context) -> anyhow::Result<HealthReport> {
        let selection = Selection::of_tags(&self.tags)?;
        let data = context.data();
        // One that cannot be reached is not missing.
        if matches!(data.try_exists(), Ok(false)) {
            let message = format!("there is no data directory at {}", data.display());
            return Err(Failure::new(message)
                .hint("name another with --data or $SIGNET_DATA")
                .into());
        }
        let report = match running_at(data) {
            Some(address) => match self.ask(data, address).await {
                Ok(report) => report,
                Err(error) => {
                    self.look(context, &selection, Some(&format!("{error:#}")))
                        .await
                }
            },
            None => self.look(context, &selection, None).await,
        };
        if report.results.is_empty() {
            let message = format!("no check has the tags {}", self.tags);
            return Err(Failure::new(message)
                .hint("`signet health --json` shows the tags of every check")
                .into());
        }
        Ok(report)
    }

    async fn ask(&self, data: &Path, address: AdminAddress) -> anyhow::Result<HealthReport> {
        let patience = self.patience();
        let query = form_urlencoded::Serializer::new(String::new())
            .append_pair("tags", &self.tags)
            .append_pair("timeout", &patience.as_millis().to_string())
            // Whoever mended something wants to see that.
            .append_pair("forceInstantExecution", "true")
            .finish();
        let target = format!("/system/health?{query}");
        let answer = admin::get(data, address, &target, patience + MARGIN).await?;
        serde_json::from_slice(&answer.body).with_context(|| {
            format!(
                "{} answered {}, and nothing that is a report",
                address.socket, answer.status
            )
        })
    }

    async fn look(
        &self,
        context: &Context,
        selection: &Selection,
        silent: Option<&str>,
    ) -> HealthReport {
        let clock = Arc::new(signet_server::system_clock);
        offline(context.data(), clock, selection, self.patience(), silent).await
    }

    fn patience(&self) -> Duration {
        Duration::from_secs(self.timeout.into())
    }

    fn tell(&self, context: &Context, report: &HealthReport) -> anyhow::Result<()> {
        let output = &context.output;
        if output.is_json() {
            return output.document(report);
        }
        match self.format {
            Form::Text => output.text(&plugin::text(report)),
            Form::Json => output.text(&report.to_json()),
            Form::Txt => output.text(&report.to_text()),
            Form::VerboseTxt => output.text(&report.to_verbose_text()),
        }
    }
}
