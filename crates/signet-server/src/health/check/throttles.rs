//! Who is kept from logging in because too many attempts failed.

use crate::health::{Checked, Finding, Ground, HealthCheck};

/// So many accounts at once are no longer people who forgot their passwords.
const MANY: usize = 5;

pub(super) struct Throttles;

impl HealthCheck for Throttles {
    fn name(&self) -> &'static str {
        "throttles"
    }

    fn tags(&self) -> &'static [&'static str] {
        &["login", "security"]
    }

    fn run<'g>(&'g self, ground: &'g Ground) -> Checked<'g> {
        Box::pin(async move { Ok(vec![look(ground)]) })
    }
}

fn look(ground: &Ground) -> Finding {
    let Some(instance) = ground.instance() else {
        return Finding::good("no instance runs, so nobody is throttled");
    };
    let (accounts, addresses) = instance.site.credentials.throttled();
    judge(accounts, addresses)
}

fn judge(accounts: usize, addresses: usize) -> Finding {
    if accounts == 0 && addresses == 0 {
        return Finding::good("nobody is throttled");
    }
    let cause = format!(
        "{} and {} are throttled after too many failed logins",
        count(accounts, "account", "accounts"),
        count(addresses, "address", "addresses"),
    );
    if accounts < MANY && addresses == 0 {
        return Finding::note("THROTTLED", cause)
            .causes("whoever it is must wait, even with the right password");
    }
    Finding::warn("THROTTLED", cause)
        .causes("somebody guesses passwords, or a program goes on with an old one; the people concerned must wait, even with the right password")
        .mend("the log names the addresses (code LOGIN_THROTTLED); block them before this instance, or correct the program; when all come from one proxy, name it in listen.trusted_proxies")
}

fn count(number: usize, one: &str, many: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { many })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::health::Status;

    #[test]
    fn a_few_people_who_forgot_are_no_attack() {
        assert!(judge(0, 0).is_good());
        let few = judge(1, 0);
        assert_eq!(
            (few.status, few.cause.as_str()),
            (
                Status::Ok,
                "1 account and 0 addresses are throttled after too many failed logins"
            )
        );
        assert_eq!(judge(MANY, 0).status, Status::Warn);
        assert_eq!(judge(0, 1).status, Status::Warn);
    }
}
