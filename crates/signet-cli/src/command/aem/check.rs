//! `signet aem check`

use std::path::PathBuf;

use clap::Args;
use signet_aem::checkup::{Checkup, Provider, ProviderKind, SecretState, Setting};
use signet_aem::console::{HealthStatus, InstanceUrl, RunningBundle};
use signet_aem::{MasterFit, checkup};

use super::access::Reach;
use super::{findings, master};
use crate::command::Outcome;
use crate::context::Context;
use crate::table;

/// Bundles, token handler, session settings, providers of identities and how their secrets are kept, health checks, and what the log
/// says of them; changes nothing. Exit status 1 if a warning or worse is found.
#[derive(Debug, Args)]
pub(crate) struct Check {
    /// A running instance, http://localhost:4502 for example
    #[arg(value_name = "URL")]
    url: InstanceUrl,

    /// A raw master (16 bytes): is it that of the instance, and does it open the secrets in its configurations?
    #[arg(long, value_name = "FILE")]
    master: Option<PathBuf>,

    #[command(flatten)]
    reach: Reach,
}

impl Check {
    pub(super) async fn run(&self, context: &Context) -> anyhow::Result<Outcome> {
        let master = self.master.as_deref().map(master::read).transpose()?;
        let console = self.reach.console(&self.url)?;
        let checkup = checkup::check(&console, master.as_ref()).await?;
        context.output.answer(&checkup, &text(context, &checkup))?;
        Ok(findings::outcome(&checkup.findings))
    }
}

fn text(context: &Context, checkup: &Checkup) -> String {
    let running = checkup.bundles - checkup.idle.len();
    let mut facts = vec![
        ("instance", checkup.url.to_string()),
        (
            "bundles",
            format!("{}, of which {running} run", checkup.bundles),
        ),
        ("crypto", bundle(checkup.crypto.as_ref())),
        ("crypto.file", bundle(checkup.crypto_file.as_ref())),
        ("keys in /etc/key", keys(checkup)),
    ];
    if let Some(fit) = checkup.master {
        facts.push(("given master", master_fit(fit).to_owned()));
    }
    let mut text = table::facts(facts);
    for (title, settings) in [
        ("token handler", &checkup.token_handler),
        ("sessions", &checkup.sessions),
    ] {
        if !settings.is_empty() {
            text.push('\n');
            text.push_str(&table::table(
                &[title, "", ""],
                settings.iter().map(setting),
            ));
        }
    }
    if !checkup.providers.is_empty() {
        text.push('\n');
        let header = ["provider", "name", "client", "secret", "configuration"];
        text.push_str(&table::table(
            &header,
            checkup.providers.iter().map(provider),
        ));
    }
    if let Some(checks) = checkup.health.as_ref().filter(|checks| !checks.is_empty()) {
        let well = checks
            .iter()
            .filter(|check| check.status == HealthStatus::Ok);
        let well = well.count();
        text.push_str(&format!(
            "\nhealth checks: {well} of {} are well\n",
            checks.len()
        ));
    }
    for finding in &checkup.findings {
        text.push('\n');
        text.push_str(&findings::paragraph(context.output, finding));
    }
    if checkup.findings.is_empty() {
        text.push_str("\nEverything is in order.\n");
    }
    text
}

fn bundle(bundle: Option<&RunningBundle>) -> String {
    bundle.map_or_else(
        || "not there".to_owned(),
        |bundle| {
            format!(
                "bundle {}, version {}, {}",
                bundle.id,
                bundle.version,
                bundle.state.as_str()
            )
        },
    )
}

fn keys(checkup: &Checkup) -> String {
    match &checkup.repository_keys {
        None => "cannot be seen".to_owned(),
        Some(names) if names.is_empty() => "none".to_owned(),
        Some(names) => {
            let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
            names.join(" and ")
        }
    }
}

const fn master_fit(fit: MasterFit) -> &'static str {
    match fit {
        MasterFit::Fits => "that of this instance",
        MasterFit::Foreign => "not that of this instance",
        _ => "cannot be tried: the console has no page that protects a text",
    }
}

fn setting(setting: &Setting) -> Vec<String> {
    let value = match setting.value.as_deref() {
        None => "(not shown by the console)",
        Some("") => "(empty)",
        Some(value) => value,
    };
    let default = match setting.is_set {
        true => "",
        false => "default",
    };
    vec![setting.name.clone(), value.to_owned(), default.to_owned()]
}

fn provider(provider: &Provider) -> Vec<String> {
    let kind = match provider.kind {
        ProviderKind::Oauth => "OAuth",
        ProviderKind::Ims => "IMS",
        ProviderKind::ImsSecret => "IMS secret",
        ProviderKind::Saml => "SAML",
        _ => "other",
    };
    let secrets = provider.secrets.iter().map(|secret| match secret.state {
        SecretState::Empty => "none",
        SecretState::Clear => "IN THE CLEAR",
        SecretState::Protected => "protected",
        SecretState::Opens => "protected, opens",
        SecretState::DoesNotOpen => "protected, DOES NOT OPEN",
        SecretState::Placeholder => "from elsewhere",
        _ => "not shown by the console",
    });
    let text = |value: &Option<String>| value.clone().unwrap_or_default();
    vec![
        kind.to_owned(),
        text(&provider.name),
        text(&provider.client),
        secrets.collect::<Vec<_>>().join(", "),
        provider.pid.clone(),
    ]
}
