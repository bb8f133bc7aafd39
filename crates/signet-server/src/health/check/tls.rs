//! Whether the certificate of the listeners is good, for how long, and for whom.

use signet_core::UnixSeconds;

use super::age;
use crate::chain;
use crate::config::Config;
use crate::health::{CheckError, Checked, Finding, Ground, HealthCheck};
use crate::tls::{Age, Certificate, Tls, moment};

const RENEW: &str = "renew it, and put certificate and key in the place of the old ones; a running instance takes them within 2 seconds";

pub(super) struct TlsCertificate;

impl HealthCheck for TlsCertificate {
    fn name(&self) -> &'static str {
        "tls"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["tls", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(look(ground))
    }
}

async fn look(ground: &Ground) -> Result<Vec<Finding>, CheckError> {
    if let (None, Some(error)) = (ground.instance(), ground.config_fault()) {
        return Ok(vec![unknown(&chain(error))]);
    }
    let config = ground.config();
    match ground.instance() {
        Some(instance) => Ok(match &instance.tls {
            Some(tls) => running(tls, &config, ground.now()),
            None => plain(&config),
        }),
        None => {
            let directory = ground.path().to_owned();
            let now = ground.now();
            let look = move || written(&config, &directory, now);
            // The files may be on a slow disk, so not on a thread that answers requests.
            tokio::task::spawn_blocking(look)
                .await
                .map_err(|error| CheckError::from(&error))
        }
    }
}

fn unknown(why: &str) -> Finding {
    Finding::warn(
        "TLS_UNKNOWN",
        format!("nobody knows which certificate the listeners are to show: {why}"),
    )
    .causes("one that ends or does not fit is not told")
    .mend("the check `configuration` says what is wrong there")
}

/// An instance that speaks TLS.
fn running(tls: &Tls, config: &Config, now: UnixSeconds) -> Vec<Finding> {
    let certificate = tls.certificate();
    let mut findings = Vec::new();
    if let Some(refused) = tls.fault() {
        findings.push(
            Finding::critical("TLS_REFUSED", refused.message)
                .causes(format!(
                    "the instance goes on with the certificate that it had before, which ends on {}, and will not start the next time",
                    certificate.end()
                ))
                .mend(refused.hint),
        );
    }
    if config.tls.certificate.is_none() {
        findings.push(
            Finding::warn(
                "TLS_RESTART",
                "signet.toml names no certificate, and the instance still speaks TLS",
            )
            .causes("after the next start the listeners speak plain HTTP")
            .mend("if that is meant, restart the instance; else name tls.certificate and tls.key_file again"),
        );
    }
    findings.extend(other_listeners(tls, config));
    findings.extend(judge(&certificate, config, tls.is_public(), now));
    findings
}

/// Which listeners speak TLS is settled at the start.
fn other_listeners(tls: &Tls, config: &Config) -> Option<Finding> {
    let differs = [
        ("public", tls.is_public(), config.tls.public),
        ("admin", tls.is_admin(), config.tls.admin),
    ];
    let told: Vec<String> = differs
        .iter()
        .filter(|(_, speaks, is_to)| speaks != is_to)
        .map(|(name, _, is_to)| format!("tls.{name} = {is_to}"))
        .collect();
    if config.tls.certificate.is_none() || told.is_empty() {
        return None;
    }
    let told = told.join(" and ");
    Some(
        Finding::warn(
            "TLS_RESTART",
            format!("signet.toml has {told}, and the instance was started otherwise"),
        )
        .causes("that counts from the next start on")
        .mend("restart the instance"),
    )
}

/// An instance that speaks plain HTTP.
fn plain(config: &Config) -> Vec<Finding> {
    match config.tls.certificate.is_some() && (config.tls.public || config.tls.admin) {
        true => vec![
            Finding::warn(
                "TLS_RESTART",
                "signet.toml names a certificate, and the instance speaks plain HTTP",
            )
            .causes("the listeners speak TLS from the next start on")
            .mend("restart the instance"),
        ],
        false => vec![Finding::good("the listeners speak plain HTTP")],
    }
}

/// What the next start would find.
fn written(config: &Config, directory: &std::path::Path, now: UnixSeconds) -> Vec<Finding> {
    match config.certificate(directory) {
        Ok(Some(certificate)) => judge(&certificate, config, config.is_public_tls(), now),
        Ok(None) => vec![Finding::good("the listeners speak plain HTTP")],
        Err(error) => vec![
            Finding::critical("TLS_REFUSED", chain(&error))
                .causes("the instance does not start")
                .mend(error.hint()),
        ],
    }
}

fn judge(
    certificate: &Certificate,
    config: &Config,
    is_public: bool,
    now: UnixSeconds,
) -> Vec<Finding> {
    let mut findings: Vec<Finding> = certificate_age(certificate, now).into_iter().collect();
    if is_public {
        findings.extend(wrong_name(certificate, config));
    }
    if findings.is_empty() {
        findings.push(Finding::good(format!(
            "the certificate for {} ends on {} (SHA-256 {})",
            certificate.holders(),
            certificate.end(),
            certificate.fingerprint
        )));
    }
    findings
}

/// What the time says against a certificate.
pub(crate) fn certificate_age(certificate: &Certificate, now: UnixSeconds) -> Option<Finding> {
    let names = certificate.holders();
    Some(match certificate.age(now) {
        Age::Good => return None,
        Age::Ending(left) => Finding::warn(
            "TLS_ENDING",
            format!(
                "the certificate for {names} ends in {}, on {} (SHA-256 {})",
                age(left),
                certificate.end(),
                certificate.fingerprint
            ),
        )
        .causes("from then on browsers and proxies refuse the connection")
        .mend(RENEW),
        Age::Over(since) => Finding::critical(
            "TLS_EXPIRED",
            format!(
                "the certificate for {names} ended {} ago, on {} (SHA-256 {})",
                age(since),
                certificate.end(),
                certificate.fingerprint
            ),
        )
        .causes("browsers and proxies refuse the connection")
        .mend(RENEW),
        Age::NotYet(until) => Finding::critical(
            "TLS_NOT_YET_VALID",
            format!(
                "the certificate for {names} is valid only in {}, from {} on (SHA-256 {})",
                age(until),
                moment(certificate.not_before),
                certificate.fingerprint
            ),
        )
        .causes("browsers and proxies refuse the connection until then")
        .mend("is the clock of this machine behind? `timedatectl`, `chronyc tracking`; else put the former certificate back until then"),
    })
}

/// Browsers that come themselves want the public name. A proxy may come under another one, which only it knows.
fn wrong_name(certificate: &Certificate, config: &Config) -> Option<Finding> {
    let host = config.public_url.0.host_str().unwrap_or_default();
    if certificate.is_for(host) {
        return None;
    }
    let cause = format!(
        "the certificate is for {}, and not for {host}, the host of public_url (SHA-256 {})",
        certificate.holders(),
        certificate.fingerprint
    );
    Some(match config.listen.trusted_proxies.is_empty() {
        true => Finding::critical("TLS_WRONG_NAME", cause)
            .causes("browsers refuse the connection")
            .mend(format!(
                "have a certificate for {host} made, or name the proxies before this instance in listen.trusted_proxies"
            )),
        false => Finding::note("TLS_OTHER_NAME", cause).causes(
            "proxies must expect one of these names; browsers that come past them refuse the connection",
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;
    use crate::tls::testing::{Files, Made};

    const NOW: UnixSeconds = UnixSeconds(1_767_225_600);

    fn codes(findings: &[Finding]) -> Vec<(Status, &'static str)> {
        findings
            .iter()
            .map(|finding| (finding.status, finding.code))
            .collect()
    }

    fn offline(made: &Made, more: &str) -> Vec<(Status, &'static str)> {
        let files = Files::new(made);
        codes(&written(&Files::config(more), files.path(), NOW))
    }

    #[test]
    fn time_and_names_are_judged() {
        let good = Made::new(&["localhost"]);
        assert_eq!(offline(&good, ""), [(Status::Ok, "")]);
        // NOW is the first of January 2026.
        let over = Made::between(&["localhost"], 2020, 2025);
        assert_eq!(offline(&over, ""), [(Status::Critical, "TLS_EXPIRED")]);
        let ending = Made::between(&["localhost"], 2020, 2026);
        assert_eq!(offline(&ending, ""), [(Status::Warn, "TLS_ENDING")]);
        let early = Made::between(&["localhost"], 2027, 2028);
        assert_eq!(
            offline(&early, ""),
            [(Status::Critical, "TLS_NOT_YET_VALID")]
        );
        let other = Made::new(&["signet.internal"]);
        assert_eq!(offline(&other, ""), [(Status::Critical, "TLS_WRONG_NAME")]);
        let behind = "listen.trusted_proxies = [\"10.0.0.1\"]";
        assert_eq!(offline(&other, behind), [(Status::Ok, "TLS_OTHER_NAME")]);
        let both = Made::between(&["signet.internal"], 2020, 2025);
        assert_eq!(
            offline(&both, ""),
            [
                (Status::Critical, "TLS_EXPIRED"),
                (Status::Critical, "TLS_WRONG_NAME")
            ]
        );
    }

    #[test]
    fn files_that_cannot_be_used_are_told_while_the_former_ones_serve() {
        let files = Files::new(&Made::new(&["localhost"]));
        let tls = files.open();
        files.put_key(b"");
        assert!(tls.look().is_err());
        let findings = running(&tls, &Files::config(""), NOW);
        assert_eq!(
            codes(&findings),
            [(Status::Critical, "TLS_REFUSED"), (Status::Ok, "")]
        );
        assert!(findings[0].effect.contains("2090-01-01"), "{findings:?}");
        let findings = written(&Files::config(""), files.path(), NOW);
        assert_eq!(codes(&findings), [(Status::Critical, "TLS_REFUSED")]);
    }

    #[test]
    fn what_counts_from_the_next_start_on_is_told() {
        let files = Files::new(&Made::new(&["localhost"]));
        assert_eq!(
            codes(&plain(&Files::config(""))),
            [(Status::Warn, "TLS_RESTART")]
        );
        assert_eq!(codes(&plain(&Config::default())), [(Status::Ok, "")]);
        let findings = running(&files.open(), &Config::default(), NOW);
        assert_eq!(codes(&findings)[0], (Status::Warn, "TLS_RESTART"));
        // Which of the listeners speak it counts from the next start on, too.
        let mut config = Files::config("");
        (config.tls.public, config.tls.admin) = (false, false);
        let findings = running(&files.open(), &config, NOW);
        assert_eq!(codes(&findings)[0], (Status::Warn, "TLS_RESTART"));
        assert!(
            findings[0]
                .cause
                .contains("tls.public = false and tls.admin = false"),
            "{findings:?}"
        );
    }
}
