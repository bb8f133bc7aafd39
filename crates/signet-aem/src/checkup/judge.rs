//! What is not in order, and what follows from it.

use super::{Checkup, ProviderKind, SecretState, is_active};
use crate::console::HealthStatus;
use crate::encapsulation::creation::{self, Creator};
use crate::instance::{ENCAPSULATED, Instance, MasterFit, PATH, crypto_at_fault};
use crate::{Finding, Severity};

/// So many names of bundles are listed.
const LISTED: usize = 10;

/// Everything that is found, the worst first.
pub(super) fn findings(
    instance: &Instance,
    checkup: &Checkup,
    creators: Vec<Creator>,
) -> Vec<Finding> {
    let mut findings = Vec::new();
    bundles(instance, checkup, &mut findings);
    handler(instance, &mut findings);
    users(instance, creators, &mut findings);
    keys(checkup, &mut findings);
    secrets(checkup, &mut findings);
    ims(checkup, &mut findings);
    health(checkup, &mut findings);
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings
}

fn bundles(instance: &Instance, checkup: &Checkup, findings: &mut Vec<Finding>) {
    let mut at_fault = Vec::new();
    for (name, state) in crypto_at_fault(&instance.bundles) {
        at_fault.push(name);
        let is = state.map_or("not there", |state| state.as_str());
        findings.push(Finding::new(
            "CRYPTO_NOT_ACTIVE",
            Severity::Critical,
            format!("the bundle {name} is {is}"),
            "without it tokens can be neither made nor verified, and no protected value opens",
            "start it in the web console, under OSGi > Bundles; if it does not start, the error.log says why",
        ));
    }
    let others: Vec<_> = checkup
        .idle
        .iter()
        .filter(|bundle| !at_fault.contains(&bundle.symbolic_name.as_str()))
        .collect();
    if !others.is_empty() {
        let mut names: Vec<_> = others
            .iter()
            .take(LISTED)
            .map(|bundle| format!("{} ({})", bundle.symbolic_name, bundle.state.as_str()))
            .collect();
        if others.len() > LISTED {
            names.push(format!("and {} more", others.len() - LISTED));
        }
        findings.push(Finding::new(
            "BUNDLES_NOT_ACTIVE",
            Severity::Warning,
            format!("bundles do not run: {}", names.join(", ")),
            "what they offer is not there; login handlers and health checks may be among it",
            "look at each in the web console, under OSGi > Bundles: what is missing stands in red",
        ));
    }
}

fn handler(instance: &Instance, findings: &mut Vec<Finding>) {
    let handler = &instance.handler;
    if !handler.is_known() {
        findings.push(Finding::new(
            "TOKEN_HANDLER_MISSING",
            Severity::Critical,
            "there is no token handler",
            "nobody who logged in with a form stays logged in",
            "is it AEM, and are all its bundles active?",
        ));
    } else if handler.text(PATH).is_none() {
        findings.push(Finding::new(
            "TOKEN_HANDLER_OFF",
            Severity::Warning,
            "the token handler has no path, and so is switched off",
            "nobody who logged in with a form stays logged in",
            "set its path (as a rule /) in the web console, under OSGi > Configuration",
        ));
    } else if handler.flag(ENCAPSULATED) == Some(false) {
        findings.push(Finding::new(
            "TOKENS_IN_REPOSITORY",
            Severity::Note,
            "tokens are kept in the repository of this instance",
            "on a farm of several repositories, users need sticky connections, and are logged out when their instance goes",
            "signet aem encapsulate URL…, once all instances have the same keys",
        ));
    }
}

/// Whether connections are sticky cannot be seen from here, so it is no more than a note.
fn users(instance: &Instance, creators: Vec<Creator>, findings: &mut Vec<Finding>) {
    if instance.handler.flag(ENCAPSULATED) != Some(true) {
        return;
    }
    findings.extend(creators.into_iter().map(|creator| {
        Finding::new(
            creation::CODE,
            Severity::Note,
            format!("tokens are encapsulated, and {creator}"),
            creation::EFFECT,
            "have sticky connections; or create users before they log in",
        )
    }));
}

fn keys(checkup: &Checkup, findings: &mut Vec<Finding>) {
    if checkup.master == Some(MasterFit::Foreign) {
        findings.push(Finding::new(
            "MASTER_FOREIGN",
            Severity::Warning,
            "the given master is not the one that this instance protects secrets with",
            "values that were protected with it do not open here",
            "replicate the keys (signet aem replicate), or seal the values anew (signet aem rekey)",
        ));
    }
    let Some(names) = checkup.repository_keys.as_deref().filter(|n| !n.is_empty()) else {
        return;
    };
    let names: Vec<_> = names.iter().map(|name| name.as_str()).collect();
    let names = names.join(" and ");
    if is_active(checkup.crypto_file.as_ref()) {
        findings.push(Finding::new(
            "KEYS_IN_REPOSITORY",
            Severity::Warning,
            format!("/etc/key holds {names}, though this version of AEM keeps keys in files (com.adobe.granite.crypto.file is there)"),
            "an installation that was upgraded from 6.2 or older can lose sight of them at a restart; then secrets no longer open, and an IMS configuration says invalid_client",
            "signet aem inspect DIR shows which of the two is used; signet aem relocate DIR --from-url URL moves them",
        ));
    }
}

fn secrets(checkup: &Checkup, findings: &mut Vec<Finding>) {
    for provider in &checkup.providers {
        for secret in &provider.secrets {
            let place = format!("{} of {}", secret.name, provider.pid);
            match secret.state {
                SecretState::Clear => findings.push(Finding::new(
                    "SECRET_IN_CLEAR",
                    Severity::Warning,
                    format!("{place} is not protected"),
                    "everybody who sees the configuration, a package or a backup of it has the secret",
                    "protect it in the web console under Main > Crypto Support, or with signet aem protect, and put the protected text in its place",
                )),
                SecretState::DoesNotOpen => findings.push(Finding::new(
                    "SECRET_DOES_NOT_OPEN",
                    Severity::Critical,
                    format!("the given master does not open {place}"),
                    "if it is the master of this instance, whoever needs the secret goes without",
                    "it was protected with another master: signet aem rekey --old FILE --new FILE, or type the secret again",
                )),
                SecretState::Empty if provider.kind == ProviderKind::ImsSecret => {
                    findings.push(Finding::new(
                        "SECRET_EMPTY",
                        Severity::Warning,
                        format!("{place} is empty"),
                        "Adobe's identity service answers invalid_client",
                        "type the client secret again under Tools > Security > Adobe IMS Configurations",
                    ));
                }
                _ => {}
            }
        }
    }
}

/// What Adobe's article KA-23909 is about.
fn ims(checkup: &Checkup, findings: &mut Vec<Finding>) {
    let checks = checkup.health.iter().flatten();
    let check = checks
        .filter(|check| check.messages.iter().any(|m| m.contains("invalid_client")))
        .map(|check| format!("the health check {}", check.name))
        .next();
    let log = checkup.invalid_client.as_ref();
    let Some(who) = check.or_else(|| log.map(|line| format!("the log ({line})"))) else {
        return;
    };
    let in_repository = checkup.repository_keys.iter().flatten().next().is_some();
    let (why, remedy) = match (in_repository, is_active(checkup.crypto_file.as_ref())) {
        (true, true) => (
            "; keys are in /etc/key, though this version keeps them in files, so after a restart the secret was most likely opened with another key",
            "move the keys into files (signet aem relocate DIR --from-url URL), restart, and type the client secret again if it still fails",
        ),
        _ => (
            "; either the secret is wrong or it has run out there, or it was protected with another master than this instance has",
            "compare the keys with those the value was protected with (signet aem inspect DIR; signet aem check URL --master FILE), else make a new client secret and type it in under Tools > Security > Adobe IMS Configurations",
        ),
    };
    findings.push(Finding::new(
        "IMS_INVALID_CLIENT",
        Severity::Critical,
        format!("{who} says invalid_client: the identity service does not accept the client secret{why}"),
        "what needs the identity service does not work: login with Adobe accounts, connections to Adobe's cloud",
        remedy,
    ));
}

fn health(checkup: &Checkup, findings: &mut Vec<Finding>) {
    let Some(checks) = &checkup.health else {
        findings.push(Finding::new(
            "HEALTH_NOT_AVAILABLE",
            Severity::Note,
            "the health checks cannot be asked for",
            "what they would say is not known",
            "configure the servlet (org.apache.felix.hc.core.impl.servlet.HealthCheckExecutorServlet), or look under Tools > Operations > Health Reports",
        ));
        return;
    };
    for check in checks
        .iter()
        .filter(|check| check.status != HealthStatus::Ok)
    {
        let severity = match check.status {
            HealthStatus::Critical | HealthStatus::Error => Severity::Critical,
            _ => Severity::Warning,
        };
        let words = match check.messages.is_empty() {
            true => String::new(),
            false => format!(": {}", check.messages.join("; ")),
        };
        findings.push(Finding::new(
            "HEALTH_CHECK",
            severity,
            format!(
                "the health check {} says {}{words}",
                check.name,
                check.status.as_str()
            ),
            "it depends on the check",
            "the check and its hints stand under Tools > Operations > Health Reports",
        ));
    }
}
