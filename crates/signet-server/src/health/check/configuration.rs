//! Whether `signet.toml` can be taken, and what of it is dangerous.

use crate::chain;
use crate::config::Config;
use crate::health::{Checked, Finding, Ground, HealthCheck};

pub(super) struct Configuration;

impl HealthCheck for Configuration {
    fn name(&self) -> &'static str {
        "configuration"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["configuration"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(look(ground)) })
    }
}

fn look(ground: &Ground) -> Vec<Finding> {
    let written = ground.written_config();
    let mut findings = Vec::new();
    if let Err(error) = &written {
        let error = chain(error);
        let finding = match ground.instance() {
            Some(_) => Finding::warn("CONFIG_REFUSED", error).causes(
                "the instance goes on with what was in force before, and will not start the next time",
            ),
            None => Finding::critical("CONFIG_REFUSED", error).causes(
                "the instance does not start; what else is said here goes by the defaults",
            ),
        };
        findings.push(
            finding.mend("correct the file; `signet config check` reads it without using it"),
        );
    }
    findings.extend(dangers(&written.unwrap_or_else(|_| ground.config())));
    if findings.is_empty() {
        findings.push(Finding::good("signet.toml is good"));
    }
    findings
}

fn dangers(config: &Config) -> Vec<Finding> {
    let mut findings = Vec::new();
    if config.token.insecure && !config.public_url.is_loopback() {
        findings.push(
            Finding::warn(
                "CONFIG_INSECURE",
                format!("token.insecure lets {} be plain http", config.public_url),
            )
            .causes("everybody on the way can steal sessions and passwords")
            .mend("put a proxy with TLS before it, set public_url to https, and remove token.insecure"),
        );
    }
    if !config.listen.admin.ip().is_loopback() {
        findings.push(
            Finding::warn(
                "ADMIN_OPEN",
                format!(
                    "listen.admin is {}, which other machines reach",
                    config.listen.admin
                ),
            )
            .causes("whoever reaches it can read metrics and health, and there is no login")
            .mend("set listen.admin to a loopback address, such as \"127.0.0.1:9080\""),
        );
    }
    findings
}
